"""A folder of finished work, by key."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from lowkey_core.work import documents
from lowkey_core.work.files import explained, write_atomically
from lowkey_core.work.records import Fits, Record, anything, seal, unseal
from lowkey_core.work.storage import make_private, tolerated

log = logging.getLogger(__name__)

LARGEST = 2**31
"""Bytes of a record; a larger file is none."""


class Cache:
    """A folder of tensors by key. Writes are atomic: a half-written file is never seen.

    A folder that may not be used is no reason to stop: work goes on, and is not kept.
    """

    def __init__(self, root: Path | None) -> None:
        """root: the folder, made when first needed, for its owner alone; None keeps nothing."""
        self.root = root

    def get(self, key: str) -> Record | None:
        """The record under `key`, or None. A damaged file counts as absent, and is removed.

        Raises: StorageError.
        """
        if self.root is None:
            return None
        path, record = self._path(key), None
        with tolerated(self.root), explained(path):
            try:
                record = unseal(key, documents.content(path, LARGEST))
            except FileNotFoundError:
                return None
            except ValueError:
                pass
            if record is None:
                log.info("%s is damaged, and counts as absent", path)
                self.forget(key)
        return record

    def all(self, keys: Sequence[str], fits: Fits = anything) -> list[Record] | None:
        """The records under these keys; None if one is absent, or does not fit. Raises:
        StorageError."""
        found = [record for key in keys if (record := self.get(key)) is not None and fits(record)]
        return found if len(found) == len(keys) else None

    def put(self, key: str, record: Record) -> None:
        """File `record` under `key`, whole or not at all. Raises: StorageError."""
        if self.root is not None:
            with tolerated(self.root):
                make_private(self.root)
                write_atomically(self._path(key), seal(key, record))

    def forget(self, key: str) -> None:
        """Remove what is under `key`, if anything. Raises: StorageError."""
        if self.root is not None:
            with tolerated(self.root), explained(self._path(key)):
                self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        assert self.root is not None
        return self.root / key[:2] / f"{key[2:]}.safetensors"
