"""Calls keep to a rate, and are made again a bounded number of times."""

from __future__ import annotations

import pytest

from lowkey_core.errors import ServiceError
from lowkey_core.services import patience
from lowkey_core.services.patience import LONGEST, TRIES, Pace, TryAgain


class Clock:
    """Stands still but while somebody waits."""

    def __init__(self) -> None:
        self.time, self.waits = 100.0, list[float]()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(patience, "now", found.now)
    monkeypatch.setattr(patience, "sleep", found.sleep)
    return found


def test_calls_are_no_faster_than_the_rate(clock: Clock) -> None:
    pace = Pace("it", 4.0)
    for _ in range(3):
        assert pace.call(lambda: "answer") == "answer"
    assert clock.waits == [0.25, 0.25]
    clock.time += 10
    pace.call(lambda: "answer")
    assert clock.waits == [0.25, 0.25], "who was slow anyhow does not wait"


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 1.0), (7.0, 7.0), (1e9, LONGEST)])
def test_it_waits_as_long_as_it_is_asked_to_within_a_bound(
    clock: Clock, asked: float, waited: float
) -> None:
    answers = iter([TryAgain("busy", asked)])

    def once() -> str:
        for error in answers:
            raise error
        return "answer"

    assert Pace("it", 1e9).call(once) == "answer"
    assert clock.waits[0] == waited


def test_after_the_last_try_it_says_what_the_service_says(clock: Clock) -> None:
    def never() -> None:
        raise TryAgain("Rate exceeded")

    with pytest.raises(ServiceError, match="Rate exceeded.*no more than 2 calls"):  # noqa: RUF043
        Pace("it", 2.0).call(never)
    assert [w for w in clock.waits if w >= 1] == [2.0**i for i in range(TRIES - 1)]
