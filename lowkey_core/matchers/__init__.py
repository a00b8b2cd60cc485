"""Matchers: how embeddings are compared. Each file exports `build(...) -> Fit`."""

from __future__ import annotations

from lowkey_core.plugins import Kind
from lowkey_core.recognition.matching import Fit

MATCHERS: Kind[Fit] = Kind("matcher", "lowkey_core.matchers")
