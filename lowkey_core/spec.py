"""One string names a thing and its options: on a command line, in a plan, and in a report.

    NAME[:VALUE][:KEY=VALUE ...][@SPEC]

`lowkey`, `lowkey:published:steps=50`, `jpeg:75`, `mine.py:strength=2`, `noise@lowkey`. VALUE is a
member of a family, or the first option. What follows `@` is a thing that this one is built from.
Commas separate specs. A part in double quotes may hold any of `: , @ =`, and is text however it
looks; inside quotes a backslash escapes a quote or a backslash. A path may begin with a drive
letter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lowkey_core.errors import OptionError

Plain = bool | int | float | str
"""What an option may be."""

_PART = re.compile(r'"((?:[^"\\]|\\.)*)"')
_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_DEEPEST = 8
"""Specs that one spec names, each built from the next."""
_SPECIAL = re.compile(r'[:,@+"]')


@dataclass(frozen=True)
class Spec:
    """A parsed spec. `str()` is its canonical form: options sorted, quotes where needed."""

    name: str
    value: str = ""
    options: Mapping[str, Plain] = field(default_factory=dict)
    of: Spec | None = None

    def __str__(self) -> str:
        drive = self.name[:2] if _DRIVE.match(self.name) else ""
        rest = self.name[len(drive) :]
        parts = [self.name if _quoted(rest) == rest else _quoted(self.name)]
        if self.value:
            drive_like = len(self.name) == 1 and _DRIVE.match(f"{self.name}:{self.value}")
            parts.append(_quoted(self.value, shield=bool(_KEY.match(self.value) or drive_like)))
        parts += [f"{key}={_written(self.options[key])}" for key in sorted(self.options)]
        return ":".join(parts) + (f"@{self.of}" if self.of else "")

    def __hash__(self) -> int:
        return hash(str(self))

    def given(self, **options: Plain) -> Spec:
        """The same with these options where it has none of that name."""
        return Spec(self.name, self.value, {**options, **self.options}, self.of)


def parse(text: str) -> Spec:
    """The spec that `text` says. Raises: OptionError."""
    heads = _cut(text, "@")
    if len(heads) > _DEEPEST:
        raise _wrong(text, f"{len(heads) - 1} times an @", f"at most {_DEEPEST - 1}")
    found = _parsed(text, heads[-1], None)
    for head in reversed(heads[:-1]):
        found = _parsed(text, head, found)
    return found


def _parsed(text: str, head: str, of: Spec | None) -> Spec:
    """One of the specs in `text`, built from `of`."""
    name, *parts = _cut(head, ":", drive=True)
    value, options = "", dict[str, Plain]()
    for position, part in enumerate(parts):
        if key := _KEY.match(part):
            if key[1] in options:
                raise _wrong(text, f"{key[1]} twice", "each option once")
            options[key[1]] = _read(part[key.end() :])
        elif position == 0 and part:
            value = _unquoted(part)
        else:
            raise _wrong(text, f"the part {part!r}", "KEY=VALUE behind the name and its value")
    if not _unquoted(name):
        raise _wrong(text, "no name", "NAME[:VALUE][:KEY=VALUE ...]")
    return Spec(_unquoted(name), value, options, of)


def split(text: str, mark: str = ",") -> list[str]:
    """The specs of a list, stripped; those of a chain are separated by `+`."""
    return [part.strip() for part in _cut(text, mark)]


def canonical(text: str) -> str:
    """The canonical form of a spec."""
    return str(parse(text))


def _cut(text: str, mark: str, *, drive: bool = False) -> list[str]:
    """`text` cut at `mark` outside quotes. Raises: OptionError."""
    parts, start, at = list[str](), 0, 2 if drive and _DRIVE.match(text) else 0
    while at < len(text):
        if text[at] == '"' and (at == start or text[at - 1] in "=,:@+ "):
            quoted = _PART.match(text, at)
            if quoted is None:
                raise _wrong(text, "a quote that is not closed", 'a part in "double quotes"')
            at = quoted.end()
        elif text[at] == mark:
            parts.append(text[start:at])
            at = start = at + 1
        else:
            at += 1
    return [*parts, text[start:]]


def _unquoted(part: str) -> str:
    quoted = _PART.fullmatch(part)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else part


def _read(part: str) -> Plain:
    """The option that is written so: true, false, a number, or else text."""
    if _PART.fullmatch(part):
        return _unquoted(part)
    if part in ("true", "false"):
        return part == "true"
    for kind in (int, float):
        try:
            number = kind(part)
        except ValueError:
            continue
        return number if number - number == 0 and "_" not in part else part  # inf and nan are text
    return part


def _written(value: Plain) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, float)):
        return repr(value)
    return _quoted(value, shield=not isinstance(_read(value), str))


def _quoted(text: str, *, shield: bool = False) -> str:
    """In quotes where it must be. shield: in any case."""
    if not (shield or _SPECIAL.search(text) or text != text.strip()):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _wrong(text: str, got: str, expected: str) -> OptionError:
    return OptionError(
        f"{text[:200]!r} has {got}", expected=expected, remedy='quote what holds : , @ or ="'
    )
