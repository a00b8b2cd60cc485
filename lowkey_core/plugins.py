"""One file to add a cloak, a recogniser, an adversary, a data set or a report format.

Each such file exports `build(...)`; the file name is the name on the command line. A family
lists its `MEMBERS`, named after a colon (`lowkey:published`), and takes `member` in `build`; the
family's name alone means the first.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import logging
import pkgutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lowkey_core.errors import AuditError, OptionError, PluginError, UnknownNameError, unknown_name

log = logging.getLogger(__name__)

_PROMISES = {"adversaries": "prepare", "lowkey_core.datasets": "photos"}
"""What an object must have to be one of a package; else it must be callable."""
_OWN = "plugin "
"""How the module name of a user's file starts."""


def available(package: str) -> tuple[str, ...]:
    """Every name that `load(package, name)` takes, families with their members."""
    names: list[str] = []
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.ispkg:
            loaded = importlib.import_module(f"{package}.{module.name}")
            members = getattr(loaded, "MEMBERS", ("",))
            names += [f"{module.name}:{m}" if m else module.name for m in members]
    return tuple(sorted(names))


def load(
    package: str,
    name: str,
    *,
    offered: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    content: bytes | None = None,
) -> Any:
    """What `build` of the file called `name` returns.

    name: a name of `available(package)`, or the path of a user's own `.py` file.
    offered: what `build` receives if it asks for it by parameter name.
    options: what the user asked for; each must be a parameter of `build`.
    content: of the user's own file, where it was read before to be verified; that is what runs.
    Raises: UnknownNameError (with the nearest name), OptionError, PluginError.
    """
    module, member = _find(package, name, content)
    parameters = inspect.signature(module.build).parameters
    settable = [p for p in parameters if p not in (offered or {}) and p != "member"]
    for option in options or {}:
        if option not in settable:
            raise OptionError(
                f"{name} has no option {option!r}",
                expected=f"one of: {', '.join(settable) or 'none at all'}",
                remedy="see the docstring of its build()",
            )
    given = {k: v for k, v in {**(offered or {}), "member": member}.items() if k in parameters}
    needed = [p for p in settable if parameters[p].default is inspect.Parameter.empty]
    if missing := [p for p in needed if p not in (options or {})]:
        raise OptionError(
            f"{name} was not told its {missing[0]!r}",
            expected=f"options for: {', '.join(needed)}",
            remedy="give it a default in build(), or set it, for a cloak with --attack-option",
        )
    built, promise = module.build(**given, **(options or {})), _PROMISES.get(package, "__call__")
    if not hasattr(built, promise):
        raise PluginError(
            f"build() of {name} returned a {type(built).__name__}",
            expected=f"an object with {promise}",
            remedy="see CONTRIBUTING.md for the one-file recipes",
        )
    return built


def is_file(name: str) -> bool:
    """Whether `name` is the path of a user's own plugin rather than one of ours."""
    return name.endswith(".py")


def _find(package: str, name: str, content: bytes | None) -> tuple[ModuleType, str]:
    if is_file(name):
        return _load_file(Path(name), content), ""
    family, _, member = name.partition(":")
    names = available(package)
    members = [n.partition(":")[2] for n in names if n.partition(":")[0] == family]
    if not members or (member and member not in members):
        kind = package.rpartition(".")[2].removesuffix("s")
        files = ("PATH.py", "PATH.pt", "PATH.onnx") if kind == "embedder" else ("PATH.py",)
        raise unknown_name(kind, name, (*names, *files))
    module = importlib.import_module(f"{package}.{family}")
    return module, member or getattr(module, "MEMBERS", ("",))[0]


def _load_file(path: Path, content: bytes | None) -> ModuleType:
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
        exec(compile(content, str(path), "exec", dont_inherit=True), module.__dict__)
    except Interrupted:
        raise
    except (Exception, SystemExit) as error:
        raise UnknownNameError(
            f"{path} does not run: {type(error).__name__}: {error}",
            expected="a Python file that exports build()",
            remedy="run it by itself with python to see where it fails",
        ) from error
    if not callable(getattr(module, "build", None)):
        raise UnknownNameError(
            f"{path} has no build()",
            expected="a Python file that exports build()",
            remedy="see CONTRIBUTING.md for the one-file recipes",
        )
    log.info("plugin %s, SHA-256 %s", path, hashlib.sha256(content).hexdigest())
    return module


class Interrupted(SystemExit):
    """We leave because the user said so: no fault of the plugin that is at work."""


@contextlib.contextmanager
def blame() -> Iterator[None]:
    """What a user's own plugin raises inside becomes a PluginError with its file and line, also
    when it leaves by itself.

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
        own = [(name.removeprefix(_OWN), line) for name, line in stack if name.startswith(_OWN)]
        if not own:
            raise
        (file, line), what = own[-1], str(error).strip().partition("\n")[0]
        raise PluginError(
            f"{file} raised {type(error).__name__} in line {line}" + (f": {what}" if what else ""),
            expected="a plugin that can do with what it is given",
            remedy="mend it; --verbose shows the traceback",
        ) from error
