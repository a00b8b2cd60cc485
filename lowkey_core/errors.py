"""Every error that this project raises on purpose: what came, what was expected, what to do.

    AuditError
    +-- PictureError
    |   +-- ImageShapeError, ImageRangeError     tensors that are not pictures
    |   +-- UnreadableImageError                 a file that is not a picture we accept
    +-- WeightsError
    |   +-- MissingWeightsError, TamperedWeightsError, DownloadError
    |   +-- LocalNetworkError                    a user's own network file
    |   +-- CheckpointError                      of an interrupted training
    +-- RequestError
    |   +-- UnknownNameError, OptionError        a name or an option that does not exist
    |   +-- PlanError                            an audit that cannot be run as asked
    |   +-- GateError                            a condition that cannot be judged as asked
    |   +-- UnlikeRunsError                      reports that cannot be compared
    +-- DatasetError                             absent, too small, or changed under way
    +-- StorageError                             a file or folder that cannot be read or written
    |   +-- ReportError, RunError                of a finished audit
    +-- PluginError                              a plugin that raises, or breaks its contract
    +-- ServiceError                             a service that refuses, or cannot be understood
    |   +-- NoAnswerError                        as often as it is asked
    +-- WorkersError                             processes that should help
    +-- NotPossibleError                         one part of an audit; the rest goes on

Input is checked at the border, and not again inside. A message names a setting with `setting`: the
command line shows it as a flag, everything else as `name=value`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

Wording = Callable[[str, str], str]
"""From a setting's name, and its value or "", to what a front end calls it."""

_SETTING = re.compile("\ue000([a-z_]+)\ue001(.*?)\ue002", re.DOTALL)  # private-use characters


def setting(name: str, value: object = "") -> str:
    """A setting inside a message, with a value to give it if there is one to suggest."""
    return f"\ue000{name}\ue001{value}\ue002"


def by_name(name: str, value: str) -> str:
    """The wording of plans and of Python: `protected=3`."""
    return f"{name}={value}" if value else name


def as_flag(name: str, value: str) -> str:
    """The wording of the command line: `--protected 3`."""
    return f"--{name.replace('_', '-')} {value}".rstrip()


def one_line(text: str) -> str:
    """`text` with whatever cannot be printed escaped: newlines, control characters, marks that turn
    the direction of text, stray bytes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


LONGEST = 1000
"""Characters of each part of a message: what it repeats may be somebody's, and endless."""


def brief(text: str) -> str:
    """`text`, or its beginning and its end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 200]} ... {text[-200:]}"


def some(names: Sequence[str], most: int = 10) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


class AuditError(Exception):
    """A problem that the user can act on. `str()` is one line."""

    def __init__(self, got: str, *, expected: str, remedy: str) -> None:
        self._parts = (got, expected, remedy)
        self.got, self.expected, self.remedy = (_worded(part, by_name) for part in self._parts)
        super().__init__(self.worded(by_name))

    def __reduce__(self) -> tuple[Any, ...]:
        """It may be raised in another process, whatever its class is built from."""
        return _again, (type(self), self.args), self.__dict__

    def worded(self, wording: Wording) -> str:
        """The one line, settings named as a front end names them."""
        got, expected, remedy = (_worded(part, wording) for part in self._parts)
        return one_line(f"{got}; expected {expected}; {remedy}")


def _again(kind: type[AuditError], args: tuple[object, ...]) -> AuditError:
    return kind.__new__(kind, *args)


def _worded(text: str, wording: Wording) -> str:
    return brief(_SETTING.sub(lambda found: wording(found[1], found[2]), text))


class PictureError(AuditError):
    """Pixels that cannot be used."""


class ImageShapeError(PictureError):
    """Pictures that are not (n, 3, h, w)."""


class ImageRangeError(PictureError):
    """Pixels outside [0, 1], not finite, or not float32."""


Reason = Literal[
    "not a picture", "unsupported", "damaged", "too large", "unreadable", "not searched"
]
"""Why a file gave no pixels; `unreadable` says that it could not even be opened, `not searched`
that the detector failed on it."""
REASONS: tuple[Reason, ...] = get_args(Reason)


class UnreadableImageError(PictureError):
    """A file that is not a picture we accept."""

    def __init__(self, got: str, *, expected: str, remedy: str, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(got, expected=expected, remedy=remedy)


class WeightsError(AuditError):
    """A network's file that cannot be used. Random weights are never used instead."""


class MissingWeightsError(WeightsError):
    """A weight file, or its digest, that is nowhere to be found."""


class TamperedWeightsError(WeightsError):
    """A weight file whose SHA-256 is not its card's, or that is not what its card says."""


class DownloadError(WeightsError):
    """A weight file that could not be fetched."""


class LocalNetworkError(WeightsError):
    """A user's own network file without a proper card, or that does not do what its card says."""


class CheckpointError(WeightsError):
    """A checkpoint that does not fit the training run it is meant for."""


class RequestError(AuditError):
    """Something that cannot be done as it was asked for."""


class UnknownNameError(RequestError):
    """A cloak, recogniser, adversary, data set, ... that does not exist."""


def unknown_name(kind: str, name: str, names: Iterable[str]) -> UnknownNameError:
    """The error for a name that is none of `names`, with the nearest that is."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return UnknownNameError(
        f"no {kind} is called {name!r}",
        expected=f"one of: {', '.join(known)}",
        remedy=f"did you mean {close[0]!r}?" if close else "check the spelling",
    )


class OptionError(RequestError):
    """An option that the named thing does not have, or cannot take."""


class PlanError(RequestError):
    """An audit that cannot be run as asked."""


class GateError(RequestError):
    """A gate's conditions that cannot be read, or cannot be judged by a report."""


class UnlikeRunsError(RequestError):
    """Reports whose figures cannot be paired: other people, other data, other settings."""


class DatasetError(AuditError):
    """A data set that is absent, too small for the plan, or changed under way."""


class StorageError(AuditError):
    """A file or folder that cannot be read or written: no room, no permission, not there."""


class ReportError(StorageError):
    """A stored report that cannot be read."""


class RunError(StorageError):
    """A folder that holds no run, or one whose plan cannot be read."""


class PluginError(AuditError):
    """A plugin that raises, or does not return what its contract says."""


class ServiceError(AuditError):
    """A commercial service that refuses, is out of quota, or gives an answer that is none."""


class NoAnswerError(ServiceError):
    """A commercial service that is busy, or not there, as often as it is asked: it may answer
    later, and then nothing is asked twice."""


class WorkersError(AuditError):
    """Workers that cannot be reached, differ from the main process, or end at their work."""


class NotPossibleError(AuditError):
    """A part of an audit that this cloak or recogniser does not allow; the rest goes on."""
