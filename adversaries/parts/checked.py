"""Anybody's adversary passes here, so here its answers are checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from adversaries import Adversary, Enrol, Recogniser, ThreatModel
from lowkey_core.errors import PluginError
from lowkey_core.types import Faces, Images


@dataclass(frozen=True)
class Checked:
    """An adversary that raises PluginError where `adversary` breaks its contract."""

    adversary: Adversary
    name: str
    """For messages: as in the plan."""

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Enrol:
        """As the adversary's own."""
        enrol = self.adversary.prepare(threat, rng)
        self.demand(callable(enrol), "prepare()", enrol, "a function of scraped Faces")
        checked = CheckedEnrol(self, enrol)
        _ = checked.learned  # better now than after the last probe
        return checked

    def demand(self, kept: bool, where: str, got: object, expected: str) -> None:
        """Raises PluginError unless `kept`."""
        if kept:
            return
        size = f"{got.dtype} of shape {tuple(got.shape)}" if isinstance(got, Tensor) else repr(got)
        raise PluginError(
            f"{where} of the adversary {self.name} returned {size[:200]}",
            expected=expected,
            remedy="see adversaries/__init__.py for what it promises",
        )


@dataclass(frozen=True)
class CheckedEnrol:
    """What a checked adversary learned."""

    checked: Checked
    enrol: Enrol

    @property
    def learned(self) -> dict[str, float]:
        """What it reports of its learning, if anything."""
        learned: Any = getattr(self.enrol, "learned", {})
        try:
            kept = {str(name): float(value) for name, value in dict(learned).items()}
            finite = all(map(math.isfinite, kept.values()))
        except (TypeError, ValueError):
            kept, finite = {}, False
        self.checked.demand(finite, "learned", learned, "finite numbers by name")
        return kept

    def __call__(self, scraped: Faces, /) -> Recogniser:
        """As the adversary's own."""
        made, demand, n = self.enrol(scraped), self.checked.demand, len(scraped)
        demand(isinstance(made, Recogniser), "enrolling", made, "a Recogniser")
        demand(isinstance(made.gallery, Faces), "gallery", made.gallery, "Faces")
        flags, suspicion = made.flagged, made.suspicion
        demand(_is(flags, torch.bool, n), "flagged", flags, f"torch.bool of shape ({n},)")
        if suspicion is not None:
            finite = _is(suspicion, torch.float32, n) and bool(suspicion.isfinite().all())
            demand(finite, "suspicion", suspicion, f"finite torch.float32 of shape ({n},)")
        return dataclasses.replace(made, identify=self._identifier(made.identify))

    def _identifier(self, identify: Callable[[Images], Tensor]) -> Callable[[Images], Tensor]:
        def checked(probes: Images) -> Tensor:
            found, n = identify(probes), len(probes)
            fits = isinstance(found, Tensor) and found.dtype == torch.int64 and found.ndim == 2
            expected = f"torch.int64 of shape ({n}, identities), best first"
            self.checked.demand(fits and len(found) == n, "identify()", found, expected)
            return found

        return checked


def _is(tensor: object, kind: torch.dtype, length: int) -> bool:
    return isinstance(tensor, Tensor) and tensor.dtype == kind and tensor.shape == (length,)
