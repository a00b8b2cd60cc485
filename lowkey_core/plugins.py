"""From a name to an object, for every kind of plugin: one way in.

A plugin is one file that exports `build(...)`. It is found as a file of our own package, as the
path of a `.py` file, or as an entry point of an installed distribution (group `lowkey_audit.cloaks`
and so on). A family lists its `MEMBERS`, named after a colon (`lowkey:published`), and takes
`member` in `build`; the family's name alone means the first.

`build` asks by parameter name for what the audit grants (surrogates, work, ...), and its other
parameters are the plugin's options, with limits in their annotations: `Annotated[float, Ge(0)]`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import inspect
import logging
import pkgutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Generic, TypeVar, get_type_hints

from lowkey_core.errors import (
    AuditError,
    OptionError,
    PluginError,
    UnknownNameError,
    one_line,
    setting,
    unknown_name,
)
from lowkey_core.spec import Plain, Spec, parse

log = logging.getLogger(__name__)

T = TypeVar("T")
_OWN = "plugin "
"""How the module name of a user's file starts."""
_INSTALLED: set[str] = set()
"""Top-level packages of the entry points that were loaded."""
PATIENCE = 120
"""Seconds that importing a user's file may take."""


@dataclass(frozen=True)
class Plugin:
    """Something that can be built, found but not built yet."""

    build: Callable[..., Any]
    members: tuple[str, ...] = ()

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Of `build`, by name."""
        return inspect.signature(self.build).parameters

    def asks_for(self, name: str) -> bool:
        """Whether `build` has a parameter of that name."""
        return name in self.parameters


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A kind of plugin."""

    what: str
    """In messages: `cloak`."""
    package: str
    """Where ours are: `lowkey_core.cloaks`; its last part also names the entry points."""
    promises: tuple[str, ...] = ("__call__",)
    """What `build` returns must have one of these attributes."""
    files: tuple[str, ...] = ("PATH.py",)
    """In messages: what else a name may be."""

    def available(self) -> tuple[str, ...]:
        """Every name that `load` takes, families with their members, and installed ones."""
        names = []
        for family in self._families():
            members = self._module(family).members or ("",)
            names += [f"{family}:{m}" if m else family for m in members]
        return tuple(sorted({*names, *self._entry_points()}))

    def find(self, spec: Spec, content: bytes | None = None) -> Plugin:
        """The plugin that a spec names; nothing of ours is built.

        content: of a user's own file, where it was read before to be verified; that is what runs.
        Raises: UnknownNameError with the nearest name, PluginError.
        """
        if is_file(spec.name):
            found = _plugin(_load_file(Path(spec.name), content), spec.name)
        elif (family := spec.name.replace("_", "-")) in self._families():
            found = self._module(family)
        elif spec.name in self._entry_points():
            found = self._installed(spec.name)
        else:
            raise unknown_name(self.what, str(spec), (*self.available(), *self.files))
        if found.members and spec.value and spec.value not in found.members:
            names = [f"{spec.name}:{m}" if m else spec.name for m in found.members]
            raise unknown_name(self.what, str(spec), names)
        return found

    def load(
        self,
        spec: Spec | str,
        *,
        granted: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Plain] | None = None,
        content: bytes | None = None,
    ) -> T:
        """What `build` of the plugin returns.

        granted: what `build` receives if it asks for it by name. defaults: options of the audit
        that hold where the spec has none of that name and the plugin asks.
        Raises: UnknownNameError, OptionError, PluginError.
        """
        spec = parse(spec) if isinstance(spec, str) else spec
        plugin = self.find(spec, content)
        offered = dict(granted or {})
        options = _options(spec, plugin, offered, defaults or {})
        if plugin.asks_for("member"):
            offered["member"] = spec.value or (plugin.members or ("",))[0]
        if plugin.asks_for("of"):
            offered.setdefault("of", spec.of)
        elif spec.of is not None:
            raise OptionError(
                f"{spec} is built from {str(spec.of)!r}",
                expected=f"{spec.name} alone",
                remedy="leave out what follows the @",
            )
        given = {k: v for k, v in offered.items() if plugin.asks_for(k)}
        built: Any = plugin.build(**given, **options)
        if not any(hasattr(built, promise) for promise in self.promises):
            raise PluginError(
                f"build() of {spec.name} returned a {type(built).__name__}",
                expected=f"an object with {' or '.join(self.promises)}",
                remedy="see CONTRIBUTING.md for the one-file recipes",
            )
        return built  # type: ignore[no-any-return]

    def _families(self) -> tuple[str, ...]:
        """Our files: `rank_k.py` is called `rank-k`."""
        path = importlib.import_module(self.package).__path__
        files = (module.name for module in pkgutil.iter_modules(path) if not module.ispkg)
        return tuple(name.replace("_", "-") for name in files)

    def _module(self, family: str) -> Plugin:
        name = f"{self.package}.{family.replace('-', '_')}"
        return _plugin(importlib.import_module(name), name)

    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        group = f"lowkey_audit.{self.package.rpartition('.')[2]}"
        return {point.name: point for point in importlib.metadata.entry_points(group=group)}

    def _installed(self, name: str) -> Plugin:
        point = self._entry_points()[name]
        _INSTALLED.add(point.module.partition(".")[0])
        with _patience(point.value):
            try:
                loaded = point.load()
            except (Exception, SystemExit) as error:
                if isinstance(error, (AuditError, Interrupted)):
                    raise
                raise PluginError(
                    f"the installed {self.what} {name} ({point.value}) does not load: "
                    f"{type(error).__name__}: {error}",
                    expected="an entry point that names a module with build(), or build() itself",
                    remedy="repair the distribution, or uninstall it",
                ) from error
        if callable(loaded) and not isinstance(loaded, ModuleType):
            return Plugin(loaded)
        return _plugin(loaded, point.value)


def is_file(name: str) -> bool:
    """Whether `name` is the path of a user's own plugin rather than one of ours."""
    return name.endswith(".py")


def _options(
    spec: Spec, plugin: Plugin, granted: Mapping[str, Any], defaults: Mapping[str, Plain]
) -> dict[str, Any]:
    """Values for the parameters of `build` that users may set, within their limits."""
    kinds = inspect.Parameter
    reserved = {*granted, "member", "of"}
    named = {k: p for k, p in plugin.parameters.items() if k not in reserved}
    takes_all = any(p.kind is kinds.VAR_KEYWORD for p in named.values())
    named = {
        k: p for k, p in named.items() if p.kind not in (kinds.VAR_KEYWORD, kinds.VAR_POSITIONAL)
    }
    options = {k: v for k, v in defaults.items() if k in named} | dict(spec.options)
    if spec.value and not plugin.asks_for("member"):
        first = next(iter(named), None)
        if first is None or first in spec.options:
            raise OptionError(
                f"{str(spec)!r} carries the value {spec.value!r}",
                expected=f"{spec.name!r} alone" if first is None else f"{first} once",
                remedy="leave out the value",
            )
        options[first] = spec.value
    if unknown := [k for k in options if k not in named and not (takes_all and k not in reserved)]:
        raise OptionError(
            f"{spec.name} has no option {unknown[0]!r}",
            expected=f"one of: {', '.join(named) or 'none at all'}",
            remedy="see the docstring of its build()",
        )
    required = [k for k, p in named.items() if p.default is kinds.empty]
    if needed := [k for k in required if k not in options]:
        raise OptionError(
            f"{spec.name} was not told its {needed[0]!r}",
            expected=f"options for: {', '.join(required)}",
            remedy=f"write {spec.name}:{needed[0]}=VALUE, or give it a default in build()",
        )
    return {k: _checked(spec, plugin, k, v) for k, v in options.items()}


def _checked(spec: Spec, plugin: Plugin, option: str, value: Plain) -> Any:
    """The value as the annotation of `build` has it. Raises: OptionError."""
    from pydantic import TypeAdapter, ValidationError

    try:
        annotation = get_type_hints(plugin.build, include_extras=True).get(option, Any)
    except Exception:  # a name that exists for type checkers only: nothing is declared then
        return value
    try:
        return TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        raise OptionError(
            f"{option} of {str(spec)!r} is {value!r}",
            expected=error.errors()[0]["msg"].removeprefix("Input should be ").lower(),
            remedy=f"correct it, as in {spec.name}:{option}=VALUE",
        ) from None


def _plugin(module: ModuleType, name: str) -> Plugin:
    """What a module exports. Raises: UnknownNameError."""
    if not callable(getattr(module, "build", None)):
        raise UnknownNameError(
            f"{name} has no build()",
            expected="a Python file that exports build()",
            remedy="see CONTRIBUTING.md for the one-file recipes",
        )
    return Plugin(module.build, tuple(getattr(module, "MEMBERS", ())))


def _load_file(path: Path, content: bytes | None) -> ModuleType:
    import hashlib

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
        with _patience(str(path)):
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


@contextlib.contextmanager
def _patience(name: str) -> Iterator[None]:
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
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
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
            if name.startswith(_OWN) or name.partition(".")[0] in _INSTALLED
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
