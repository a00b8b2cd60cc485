"""From a name to an object, for every kind of plugin: one way in.

A plugin is one file that exports `build(...)`. It is found as a file of our own package, as the
path of a `.py` file, or as an entry point of an installed distribution (group `lowkey_audit.cloaks`
and so on). A family lists its `MEMBERS`, named after a colon (`lowkey:published`), and takes
`member` in `build`; the family's name alone means the first.

`build` asks by parameter name for what the audit grants (surrogates, work, ...), for `stated`, the
names of the options that its spec has (others may have come from the plan), and its other
parameters are the plugin's options, with limits in their annotations: `Annotated[float, Ge(0)]`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

from lowkey_core.errors import AuditError, OptionError, PluginError, UnknownNameError, unknown_name
from lowkey_core.plugins.code import INSTALLED, Interrupted, is_file, load_file, patience
from lowkey_core.plugins.options import options_of
from lowkey_core.spec import Plain, Spec, parse

T = TypeVar("T")


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
            found = _plugin(load_file(Path(spec.name), content), spec.name)
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
        options = options_of(spec, plugin, offered, defaults or {})
        if plugin.asks_for("member"):
            offered["member"] = spec.value or (plugin.members or ("",))[0]
        if plugin.asks_for("stated"):
            offered["stated"] = frozenset(spec.options)
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
        INSTALLED.add(point.module.partition(".")[0])
        with patience(point.value):
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


def _plugin(module: ModuleType, name: str) -> Plugin:
    """What a module exports. Raises: UnknownNameError."""
    if not callable(getattr(module, "build", None)):
        raise UnknownNameError(
            f"{name} has no build()",
            expected="a Python file that exports build()",
            remedy="see CONTRIBUTING.md for the one-file recipes",
        )
    return Plugin(module.build, tuple(getattr(module, "MEMBERS", ())))
