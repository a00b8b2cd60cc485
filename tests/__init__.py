import lowkey_core  # noqa: F401  before torch: it sets how threads wait
