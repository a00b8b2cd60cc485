"""How much the web tool accepts, keeps and does at once. The numbers are ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What is refused is refused before it is decoded, or before it is stored."""

    file_bytes: int = 30_000_000
    """Of one photo's file."""
    pixels: int = 40_000_000
    """Of one photo: decoding takes up to 20 bytes of each."""
    photos: int = 40
    """Of one session."""
    request_bytes: int = 200_000_000
    """Of one upload, all its files together."""
    session_bytes: int = 400_000_000
    """Of the files that one session sent."""
    total_bytes: int = 8_000_000_000
    """Of everything that is stored, of all sessions."""
    spare_bytes: int = 300_000_000
    """Of the disk, which stay free."""
    sessions: int = 100
    """With photos, at once."""
    waiting: int = 400
    """Photos and checks in the queue, of all sessions."""
    seconds: float = 3600.0
    """After which a session that nobody opened or used is deleted."""
    check_seconds: float = 3600.0
    """That a check of photos may take."""
    posts: int = 120
    """Requests a minute and address that change something."""
    tries: int = 10
    """Wrong access tokens a minute and address."""


EIGHTHS = 8
"""Strengths that are shown: so many eighths of the cloak's change."""
DISPLAY = 1200
"""Longer side of a preview, in pixels, at most."""
PIECE = 250_000
"""Bytes of an archive that are sent at once."""
