"""Every error this project raises on purpose, and the checks that stand at the border.

One form for all: what came, what was expected, what to do. Inside the border nothing is
checked again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:  # torch takes seconds to import, and an error message needs none of it
    pass


def one_line(text: str) -> str:
    """`text` with whatever cannot be printed escaped: newlines, control characters, stray bytes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class AuditError(Exception):
    """A problem the user can act on. `str()` is one line; the command line exits with 2."""

    def __init__(self, got: str, *, expected: str, remedy: str) -> None:
        self.got, self.expected, self.remedy = got, expected, remedy
        super().__init__(one_line(f"{got}; expected {expected}; {remedy}"))


class ImageShapeError(AuditError):
    """Pictures that are not (n, 3, h, w)."""


class ImageRangeError(AuditError):
    """Pixels outside [0, 1], not finite, or not float32."""


Reason = Literal["not a picture", "damaged", "too large", "unreadable"]
"""Why a file gave no pixels; `unreadable` says that it could not even be opened."""
REASONS: tuple[Reason, ...] = get_args(Reason)


class UnreadableImageError(AuditError):
    """A file that is not a picture we accept."""

    def __init__(self, got: str, *, expected: str, remedy: str, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(got, expected=expected, remedy=remedy)


class MissingWeightsError(AuditError):
    """A weight file, or its digest, that is nowhere to be found. We never use random weights."""


class TamperedWeightsError(AuditError):
    """A weight file whose SHA-256 is not its card's, or that is not what its card says."""


class LocalNetworkError(AuditError):
    """A user's own network file without a proper card, or that does not do what its card says."""


class DownloadError(AuditError):
    """A weight file that could not be fetched."""


class UnknownNameError(AuditError):
    """A cloak, recogniser, adversary, dataset, transform or report that does not exist."""


def unknown_name(kind: str, name: str, names: Iterable[str]) -> UnknownNameError:
    """The error for a name that is none of `names`, with the nearest that is."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return UnknownNameError(
        f"no {kind} is called {name!r}",
        expected=f"one of: {', '.join(known)}",
        remedy=f"did you mean {close[0]!r}?" if close else "check the spelling",
    )


class OptionError(AuditError):
    """An option that the named thing does not have, or cannot take."""


class PlanError(AuditError):
    """An audit that cannot be run as asked."""


class NotPossibleError(AuditError):
    """A part of an audit that this cloak does not allow; the rest goes on."""


class DatasetError(AuditError):
    """A data set that is absent, too small for the plan, or changed under way."""


class CheckpointError(AuditError):
    """A checkpoint that does not fit the training run it is meant for."""


class StorageError(AuditError):
    """A file or folder that cannot be read or written: no room, no permission, not there."""


class PluginError(AuditError):
    """A user's own plugin that raises, or does not return what its contract says."""
