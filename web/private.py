"""Finished work on people's photos stays in their session's folder."""

from __future__ import annotations

from pathlib import Path

from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record


class PrivateCache(Cache):
    """Writes into a session's folder alone, so that all of it goes with the session. Reads there
    first, then in this machine's own folder of finished work, which has what audits left: nothing
    of these photos, but drawn people and what recognisers make of them."""

    def __init__(self, own: Path, shared: Path | None) -> None:
        """own: made when first needed. shared: only read."""
        super().__init__(own)
        self._shared = Cache(shared if shared is not None and shared.is_dir() else None)

    def get(self, key: str) -> Record | None:
        """As `Cache.get`."""
        found = super().get(key)
        return self._shared.get(key) if found is None else found
