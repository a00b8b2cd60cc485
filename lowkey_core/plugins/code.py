"""Running somebody else's Python: loaded once, ended if it hangs, blamed for what it raises."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType

from lowkey_core.errors import AuditError, PluginError, UnknownNameError, one_line, setting

log = logging.getLogger(__name__)

_OWN = "plugin "
"""How the module name of a user's file starts."""
INSTALLED: set[str] = set()
"""Top-level packages of the entry points that were loaded."""
PATIENCE = 120
"""Seconds that importing a user's file may take."""


def is_file(name: str) -> bool:
    """Whether `name` is the path of a user's own plugin rather than one of ours."""
    return name.endswith(".py")


def load_file(path: Path, content: bytes | None) -> ModuleType:
    name = f"{_OWN}{path.resolve()}"  # its own, whatever the file is called
    if not path.is_file():
        raise UnknownNameError(
            f"{path} is not a file",
            expected="a Python file that exports build()",
            remedy="check the path",
        )
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module  # so that a class of it can be traced to its file
    try:
        # Read once; and never from __pycache__, which nobody has hashed.
        content = path.read_bytes() if content is None else content
        with patience(str(path)):
            exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Interrupted, PluginError):
        raise
    except (Exception, SystemExit) as error:
        raise UnknownNameError(
            f"{path} does not run: {type(error).__name__}: {error}",
            expected="a Python file that exports build()",
            remedy="run it by itself with python to see where it fails",
        ) from error
    log.info("plugin %s, SHA-256 %s", path, hashlib.sha256(content).hexdigest())
    return module


def loaded() -> list[ModuleType]:
    """The modules of the user's files so far."""
    return [module for name, module in [*sys.modules.items()] if name.startswith(_OWN)]


@contextlib.contextmanager
def patience(name: str) -> Iterator[None]:
    """Ends an import that hangs; only where there are alarms, and in the main thread."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise PluginError(
            f"importing {name} took more than {PATIENCE} seconds",
            expected="a file that defines things and returns",
            remedy="move the work into build(), or into what it returns",
        )

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 1)  # and again: it may be caught
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Interrupted(SystemExit):
    """We leave because the user said so: no fault of the plugin that is at work."""


@contextlib.contextmanager
def blame() -> Iterator[None]:
    """What a plugin of somebody else's raises inside becomes a PluginError with its file and line,
    also when it leaves by itself.

    An AuditError passes, as it says already what to do, and so does Interrupted.
    """
    try:
        yield
    except (AuditError, Interrupted):
        raise
    except (Exception, SystemExit) as error:
        stack = [
            (str(frame.f_globals.get("__name__")), line)
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        theirs = [
            (name.removeprefix(_OWN), line)
            for name, line in stack
            if name.startswith(_OWN) or name.partition(".")[0] in INSTALLED
        ]
        if not theirs:
            raise
        (file, line), what = theirs[-1], str(error).strip().partition("\n")[0]
        raise PluginError(
            f"{one_line(file)} raised {type(error).__name__} in line {line}"
            + (f": {what}" if what else ""),
            expected="a plugin that can do with what it is given",
            remedy=f"mend it; {setting('verbose')} shows the traceback",
        ) from error
