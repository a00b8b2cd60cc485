"""Folders of sessions, while several threads make and remove them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.web.conftest import LIMITS
from web import sessions
from web.sessions import Sessions, key_of, new_token


def test_a_session_that_begins_anew_outlives_the_clearing_up_after_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first photo comes while what is left of a forgotten job is being removed."""
    kept, token, usual = Sessions(tmp_path, LIMITS, gone=len), new_token(), sessions._remove
    new = threading.Thread(target=kept.make, args=(token,))

    def meanwhile(folder: Path) -> None:
        if not new.ident:
            new.start()
            new.join(0.3)
        usual(folder)

    monkeypatch.setattr(sessions, "_remove", meanwhile)
    kept.removed_again(key_of(token))
    new.join()
    assert kept.find(token)
