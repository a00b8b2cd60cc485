"""A folder of copies is made once, and is the same whatever happened on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import StorageError
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.photos.folders import PREVIEWS
from lowkey_core.photos.protected import NAME
from lowkey_core.publish import ledger
from tests.lowkey_core.publish.copying import full, pretend, run, tree

pytestmark = pytest.mark.usefixtures("somebody")


def test_a_second_run_does_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    before = tree(out)
    times = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    outcomes = run(folder, out)
    assert outcomes["a.png"].status == outcomes["sub/b.jpg"].status == "already protected"
    assert tree(out) == before
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.png")} == {
        p: t for p, t in times.items() if p.suffix == ".png"
    }


def test_other_settings_or_another_photo_are_another_copy(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    assert run(folder, out, strength=0.5)["a.png"].status == "protected"
    (folder / "a.png").write_bytes((folder / "sub" / "b.jpg").read_bytes())
    assert run(folder, out, strength=0.5)["a.png"].status == "protected"


def test_a_lost_copy_is_made_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    whole = tree(out)
    (out / "a.png").unlink()
    assert run(folder, out)["a.png"].status == "protected"
    assert tree(out) == whole


def test_a_copy_that_somebody_edited_is_left_alone(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    (out / "a.png").write_bytes(b"edited")
    outcome = run(folder, out)["a.png"]
    assert (outcome.status, (out / "a.png").read_bytes()) == ("not written", b"edited")
    assert "was changed since" in outcome.detail


@pytest.mark.parametrize("preview", [False, True])
def test_somebody_elses_file_is_left_alone(folder: Path, tmp_path: Path, preview: bool) -> None:
    out = tmp_path / "out"
    path = out / PREVIEWS / "a.png.png" if preview else out / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"precious")
    outcome = run(folder, out, preview=preview)["a.png"]
    assert (outcome.status, path.read_bytes()) == ("not written", b"precious")
    assert path.name in outcome.detail


def test_another_photo_of_the_same_name_is_not_written_over(folder: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    run(folder, out)
    before = (out / "a.png").read_bytes()
    other.mkdir()
    (other / "a.png").write_bytes((folder / "sub" / "b.jpg").read_bytes())
    outcome = run(other, out)["a.png"]
    assert (outcome.status, (out / "a.png").read_bytes()) == ("not written", before)
    assert "another photo" in outcome.detail


def test_a_photo_that_was_moved_keeps_its_copy(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    folder.rename(tmp_path / "moved")
    assert run(tmp_path / "moved", out)["a.png"].status == "protected"


def test_what_went_wrong_for_a_while_is_put_right(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that cannot be read, a disk that is full: then the same command again."""
    out, photo = tmp_path / "out", folder / "a.png"
    run(folder, out)
    whole, content = tree(out), photo.read_bytes()
    photo.write_bytes(content[:100])
    assert run(folder, out)["a.png"].status == "unreadable"
    photo.write_bytes(content)
    assert run(folder, out)["a.png"].status == "already protected"
    monkeypatch.setattr("lowkey_core.publish.protect.write_atomically", full)
    assert run(folder, out, strength=0.5)["a.png"].status == "not written"
    monkeypatch.undo()
    pretend(monkeypatch)
    assert run(folder, out, strength=0.5)["a.png"].status == "protected"
    (out / "a.png").unlink()
    run(folder, out)
    assert {n: c for n, c in tree(out).items() if n != NAME} == {
        n: c for n, c in whole.items() if n != NAME
    }


def test_names_that_are_too_long_stop_nobody_else(folder: Path, tmp_path: Path) -> None:
    for suffix in (".jpg", ".png"):
        (folder / ("x" * 250 + suffix)).write_bytes((folder / "a.png").read_bytes())
    outcomes = run(folder, tmp_path / "out")
    assert outcomes["a.png"].status == "protected"
    assert [o.status for n, o in outcomes.items() if n[0] == "x"] == ["not written"] * 2


@pytest.mark.parametrize("link", [False, True])
def test_a_ledger_that_is_not_ours_is_left_alone(folder: Path, tmp_path: Path, link: bool) -> None:
    out, notes = tmp_path / "out", tmp_path / "notes"
    out.mkdir()
    notes.write_text("" if link else "my own notes\n")
    (out / NAME).symlink_to(notes) if link else notes.rename(out / NAME)
    with pytest.raises(StorageError, match="not written by `protect`"):
        run(folder, out)
    assert (out / NAME).read_text() == ("" if link else "my own notes\n")


def test_one_process_at_a_time(folder: Path, tmp_path: Path) -> None:
    with (
        ledger.Ledger(folder),
        pytest.raises(StorageError, match="at work"),
        ledger.Ledger(folder),
    ):
        pass


def test_a_run_cut_anywhere_ends_as_an_uncut_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before and after every write of a copy or of the ledger."""
    run(folder, tmp_path / "whole", preview=True)
    expected = tree(tmp_path / "whole")
    writes = Writes(monkeypatch)
    run(folder, tmp_path / "counted", preview=True)
    moments = 2 * writes.done
    assert moments >= 12
    for moment in range(moments):
        out = tmp_path / f"cut{moment}"
        writes.stop_at(moment)
        with pytest.raises(KeyboardInterrupt):
            run(folder, out, preview=True)
        writes.stop_at(-1)
        for path in out.rglob("*.png"):
            decode_pixels(path.read_bytes())
        run(folder, out, preview=True)
        assert tree(out) == expected


class Writes:
    """Every write of `protect`, counted, and cut at a moment: 2k before the k-th, 2k+1 after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from lowkey_core.publish import protect

        self.stop_at(-1)
        monkeypatch.setattr(protect, "write_atomically", self._cut(protect.write_atomically))
        monkeypatch.setattr(ledger, "write_atomically", self._cut(ledger.write_atomically))
        monkeypatch.setattr(ledger.Ledger, "record", self._cut(ledger.Ledger.record))

    def stop_at(self, moment: int) -> None:
        self.done, self.moment = 0, moment

    def _cut(self, write):  # type: ignore[no-untyped-def]
        def cut(*arguments: object) -> None:
            if self.moment == 2 * self.done:
                raise KeyboardInterrupt
            write(*arguments)
            if self.moment == 2 * self.done + 1:
                raise KeyboardInterrupt
            self.done += 1

        return cut


def test_a_line_cut_short_is_passed_over(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(folder, out)
    whole = tree(out)
    with (out / NAME).open("ab") as file:
        file.write(b'{"copy": "a.p')
    assert run(folder, out)["a.png"].status == "already protected"
    assert tree(out) == whole


def test_a_link_in_the_output_folder_leads_nowhere(folder: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    out.mkdir()
    elsewhere.mkdir()
    (out / "sub").symlink_to(elsewhere)
    assert run(folder, out)["sub/b.jpg"].status == "not written"
    assert not list(elsewhere.iterdir())
