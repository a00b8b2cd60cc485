"""Programs that a plan names: they run with all the rights of whoever audits.

Who names one by a flag means it. One in a plan or a run, which somebody else may have written, is
shown, and runs only if the user agrees. Never imports torch.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from audit.choices import make
from audit.plan import AuditPlan
from lowkey_core.errors import OptionError, setting
from lowkey_core.spec import Spec, parse, split

SUFFIXES = (".py", ".pt", ".onnx")
"""Of files that are run, or hold a network that is."""
COMMAND = "command"
"""The cloak that is somebody's program."""


def programs(plan: AuditPlan) -> tuple[str, ...]:
    """What in a plan names a program, each once, in the plan's order."""
    texts = (text for _, part in plan for _, value in part for text in _texts(value))
    return tuple(dict.fromkeys(text for text in texts if _names_program(text)))


def confirm(
    plan: AuditPlan,
    given: Mapping[str, Any],
    source: Path,
    say: Callable[[str], None],
    agrees: Callable[[], bool | None],
) -> None:
    """Asks about the programs that `plan` names and `given` does not.

    given: as for `choices.make`. source: where the plan is from. say: told the programs. agrees:
    asked then; None where nobody can be asked. Raises: OptionError unless the user agrees.
    """
    meant = programs(make(given=given))
    found = [name for name in programs(plan) if name not in meant]
    if not found:
        return
    say(f"{source} names programs, which run with all your rights:")
    for name in found:
        say(f"  {name}")
    if not agrees():
        raise OptionError(
            f"{source} names programs that were not trusted: {', '.join(found)}",
            expected=f"a yes on a terminal, or {setting('trust')}",
            remedy=f"read them; if you trust whoever wrote them, give {setting('trust')}",
        )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from (text for text in value if isinstance(text, str))


def _names_program(text: str) -> bool:
    """A path of pictures need not be a spec. A name in quotes may hold specs itself. What cannot be
    parsed is cut at everything that specs give a meaning to: better to ask once too often."""
    if _runs(text) or any(map(_runs, _MARKS.split(text))):
        return True
    names = [spec.name for link in _links(text) for spec in _chain(link)]
    return any(_runs(n) or (n != text and _names_program(n)) for n in names)


_MARKS = re.compile(r"[\s\"\\:,=@+]+")


def _links(text: str) -> Iterator[Spec]:
    """The parts of a chain that are specs."""
    try:
        parts = split(text, "+")
    except OptionError:
        return
    for part in parts:
        with contextlib.suppress(OptionError):
            yield parse(part)


def _chain(spec: Spec | None) -> Iterator[Spec]:
    """A spec, and what it is built from."""
    while spec is not None:
        yield spec
        spec = spec.of


def _runs(name: str) -> bool:
    return name == COMMAND or name.endswith(SUFFIXES) or Path(name).suffix in SUFFIXES
