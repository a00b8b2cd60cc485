"""One adversary fails, and the others go on: what is measured of them is not lost."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from audit.plan import BASELINE
from lowkey_core.errors import (
    AuditError,
    NotPossibleError,
    ServiceError,
    StorageError,
    by_name,
    one_line,
)
from lowkey_core.plugins.code import blame

log = logging.getLogger(__name__)

FAILED = "it failed: "
"""Before the reason, where an adversary raised what it should not."""


@contextlib.contextmanager
def surviving(
    name: str, everybody: Sequence[str], give_up: Callable[[str], None]
) -> Iterator[None]:
    """Gives an adversary up with its reason, if it is one of several.

    name: the adversary. everybody: the adversaries of the audit. give_up: told why.
    What it says is not possible never ends a run. Anything else does where it is the baseline or
    the only one beside the baseline: then nothing would be left of what was asked. So do a file
    that cannot be written and a service that refuses: they concern all.
    """
    try:
        with blame():
            yield
    except NotPossibleError as error:
        give_up(str(error))
    except (StorageError, ServiceError, OSError):
        raise
    except Exception as error:
        if name == BASELINE or len({*everybody} - {BASELINE}) < 2:
            raise
        log.info("%s is given up", name, exc_info=error)
        told = error.worded(by_name) if isinstance(error, AuditError) else _told(error)
        give_up(FAILED + told)


def _told(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}".partition("\n")[0])
