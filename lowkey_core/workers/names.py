"""What workers are called: how many to start, or where a cluster is."""

from __future__ import annotations

import re

from lowkey_core.errors import OptionError, setting

MOST = 256
"""Workers that are started on one machine."""
_ADDRESS = re.compile(r"(tcp|tls)://([^\s/\[\]:@]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})")


def parsed(text: str) -> int | str:
    """`4`, or the address of a cluster's scheduler as Dask writes it. Raises: OptionError."""
    text = text.strip()
    if re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= MOST:
        return int(text)
    if (found := _ADDRESS.fullmatch(text)) and 1 <= int(found[3]) < 2**16:
        return text
    raise OptionError(
        f"{setting('workers')} is {text!r}",
        expected=f"how many to start here, 1 to {MOST}, or tcp://HOST:PORT of a Dask scheduler",
        remedy=f"write {setting('workers', 4)}, or leave it out to work in one process",
    )
