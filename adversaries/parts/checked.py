"""Anybody's adversary passes here, so here its answers are checked."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from adversaries import Adversary, AdversaryAbout, Prepared, System, ThreatModel
from lowkey_core.errors import NotPossibleError, PluginError
from lowkey_core.types import Candidates, Gallery, Pictures, Recognition


@dataclass(frozen=True)
class Checked:
    """An adversary that raises PluginError where `adversary` breaks its contract."""

    adversary: Adversary
    name: str
    """For messages: as in the plan."""

    @property
    def about(self) -> AdversaryAbout:
        """The adversary's own; without one, what is true of any."""
        stated = getattr(self.adversary, "about", None)
        plain = AdversaryAbout(f"Does it survive {self.name}?")
        about = stated if isinstance(stated, AdversaryAbout) else plain
        rank: object = about.scored_at
        fits = isinstance(rank, int) and 1 <= rank < 2**31
        self.demand(fits, "about.scored_at", rank, "a rank, 1 or higher")
        return about

    def prepare(self, threat: ThreatModel, rng: Generator, /) -> Prepared:
        """As the adversary's own."""
        prepared = self.adversary.prepare(threat, rng)
        self.demand(callable(prepared), "prepare()", prepared, "a function of scraped Pictures")
        checked = CheckedPrepared(self, prepared, getattr(threat.recognition, "strangers", None))
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
class CheckedPrepared:
    """What a checked adversary learned."""

    checked: Checked
    prepared: Prepared
    strangers: object = None
    """Who stands in every gallery of what it started from."""

    @property
    def learned(self) -> dict[str, float]:
        """What it reports of its learning, if anything."""
        learned: Any = getattr(self.prepared, "learned", {})
        try:
            kept = {str(name): float(value) for name, value in dict(learned).items()}
            finite = all(map(math.isfinite, kept.values()))
        except (TypeError, ValueError):
            kept, finite = {}, False
        self.checked.demand(finite, "learned", learned, "finite numbers by name")
        return kept

    def __call__(self, scraped: Pictures, /) -> System:
        """As the adversary's own."""
        made, demand, n = self.prepared(scraped), self.checked.demand, len(scraped)
        demand(isinstance(made, System), "enrolling", made, "a System")
        demand(hasattr(made.gallery, "search"), "gallery", made.gallery, "a Gallery")
        if getattr(made.gallery, "strangers", None) is not self.strangers:
            raise NotPossibleError(
                f"{self.checked.name} searches a gallery of its own making",
                expected="the recogniser's, in which strangers stand by their embeddings",
                remedy="use strangers of whom there are pictures",
            )
        demand(isinstance(made.kept, Pictures), "kept", made.kept, "Pictures")
        flags, suspicion = made.flagged, made.suspicion
        demand(_is(flags, torch.bool, n), "flagged", flags, f"torch.bool of shape ({n},)")
        if suspicion is not None:
            finite = _is(suspicion, torch.float32, n) and bool(suspicion.isfinite().all())
            demand(finite, "suspicion", suspicion, f"finite torch.float32 of shape ({n},)")
        stated = made.recognition
        known = stated is None or isinstance(stated, Recognition)
        demand(known, "recognition", stated, "the Recognition that it enrolled with, or None")
        return dataclasses.replace(made, gallery=CheckedGallery(self.checked, made.gallery))


@dataclass(frozen=True)
class CheckedGallery:
    """A gallery whose answers have the promised shape."""

    checked: Checked
    gallery: Gallery

    @property
    def indexed(self) -> Tensor | None:
        """Of a service, which of the pictures sent it indexed, (n,) bool; None of a network."""
        found = getattr(self.gallery, "indexed", None)
        return found if isinstance(found, Tensor) else None

    def search(self, probes: Pictures, k: int, /) -> Candidates:
        """As the gallery's own."""
        found, n = self.gallery.search(probes, k), len(probes)
        demand = self.checked.demand
        demand(isinstance(found, Candidates), "search()", found, "Candidates")
        for where, tensor, kind in (
            ("identities", found.identities, torch.int64),
            ("scores", found.scores, None),
        ):
            fits = isinstance(tensor, Tensor) and tensor.ndim == 2 and len(tensor) == n
            fits = fits and (tensor.dtype == kind if kind else tensor.is_floating_point())
            expected = f"{kind or 'floats'} of shape ({n}, candidates), best first"
            demand(fits, f"search().{where}", tensor, expected)
        fits = found.scores.shape == found.identities.shape and not found.scores.isnan().any()
        demand(fits, "search().scores", found.scores, "a number for each candidate, never NaN")
        return found

    def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
        """As the gallery's own."""
        scores, n = self.gallery.likeness(probes, claimed), len(probes)
        fits = isinstance(scores, Tensor) and scores.shape == (n,) and not scores.isnan().any()
        self.checked.demand(fits, "likeness()", scores, f"numbers of shape ({n},)")
        return scores


def _is(tensor: object, kind: torch.dtype, length: int) -> bool:
    return isinstance(tensor, Tensor) and tensor.dtype == kind and tensor.shape == (length,)
