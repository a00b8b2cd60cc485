"""How work is done for a command: kept in a folder, shown, and by other processes if wanted.

Imports torch only when it is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from lowkey_core.work.forecast import Forecast
    from lowkey_core.work.work import Work

Show = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much is done, how much there is."""
Expect = Callable[["Forecast"], None]
"""Told once how long it will take."""
Workers = int | str | None
"""How many processes help, or where a cluster is; None: nobody. As `workers.names.parsed`."""


def alone(cache: Path, show: Show | None, expect: Expect | None = None) -> Work:
    """Work that is done in this process."""
    from lowkey_core.work import runtime
    from lowkey_core.work.cache import Cache
    from lowkey_core.work.work import Work, silent

    runtime.tune()
    return Work(Cache(cache), show or silent, expect)


@contextlib.contextmanager
def helped(
    workers: Workers, cache: Path, show: Show | None, expect: Expect | None = None
) -> Iterator[Work]:
    """Work that these workers help with, for as long as the block lasts. Raises: OptionError,
    WorkersError."""
    work = alone(cache, show, expect)
    if workers is None:
        yield work
        return
    from dataclasses import replace

    from lowkey_core.workers.starting import joined

    with joined(workers) as pool:
        yield replace(work, pool=pool)
