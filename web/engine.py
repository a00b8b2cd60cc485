"""Cloaks and recognisers by name, loaded once for all sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Generator

from audit import choices, models
from audit.plan import AuditPlan
from audit.protection import publishing
from lowkey_core import recognisers
from lowkey_core.faces.detection import SMALLEST, detect
from lowkey_core.faces.found import look_at, look_twice
from lowkey_core.publish.published import Published
from lowkey_core.types import Network
from lowkey_core.work import runtime
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.work import Expect, Show, Work
from web.private import PrivateCache


@dataclass
class Engine:
    """What computes, and with what."""

    attacks: tuple[str, ...]
    """Cloaks to choose from, the usual one first."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """As for `choices.make`: surrogates, the seed."""
    recognisers: tuple[str, ...] | None = None
    """Who says how like a copy is to its photo, and who searches in a check; None: all at hand."""
    checking: Mapping[str, Any] = field(default_factory=dict)
    """What a check is given beside that, as for `audit.check.planned`."""
    shared: Path | None = None
    """This machine's folder of finished work, which is only read."""
    _networks: dict[str, Network] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def plan(self, attack: str) -> AuditPlan:
        """With one of the cloaks. Raises: PlanError, UnknownNameError, OptionError."""
        return choices.make(given={**self.given, "attack": [attack]})

    def work(self, folder: Path, show: Show, expect: Expect | None = None) -> Work:
        """Whose results are kept in `folder`."""
        return Work(PrivateCache(folder, self.shared), show, expect)

    def published(self, attack: str, work: Work) -> tuple[Published, Generator]:
        """A cloak as `protect` runs it. Raises: any AuditError."""
        plan = self.plan(attack)
        return publishing(plan, lambda name: self.network(name, plan), work)

    def network(self, name: str, plan: AuditPlan) -> Network:
        """Loaded once. Raises: as `recognisers.network`."""
        with self._lock:
            if name not in self._networks:
                device = runtime.chosen(plan.run.device)
                self._networks[name] = recognisers.network(name, device)
            return self._networks[name]

    @property
    def named(self) -> tuple[str, ...]:
        """The recognisers that tell likeness, the oldest first."""
        with self._lock:
            if self.recognisers is None:
                self.recognisers = models.at_hand()
            return self.recognisers

    def prepare(self, say: Callable[[str], None]) -> None:
        """Loads what every photo needs: nobody waits for it, and what cannot be done is said before
        the start. Raises: any AuditError.
        """
        for attack in self.attacks:
            published, _ = self.published(attack, Work())
            fingerprint(published, look_at, look_twice)  # reads the source of what they use
        for name in self.named:
            self.network(name, self.plan(self.attacks[0]))
        detect(np.zeros((SMALLEST, SMALLEST, 3), np.uint8))
        say(f"cloaks: {', '.join(self.attacks)}; recognisers: {', '.join(self.named)}")
