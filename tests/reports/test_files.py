"""Several formats at once, each in a file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowkey_core.errors import OptionError, PluginError, UnknownNameError
from reports import REPORTS, render
from reports.parts.files import names, write
from tests.audit.samples import sample
from tests.commands import fails, finish, start

FORMAT = """
class Mine:
    suffix = {suffix!r}
    def __call__(self, report): return b"\\x00mine"
def build(): return Mine()
"""


def mine(folder: Path, suffix: str) -> str:
    file = folder / "mine.py"
    file.write_text(FORMAT.format(suffix=suffix))
    return str(file)


def test_every_format_is_written_under_its_suffix(tmp_path: Path) -> None:
    report, own = sample(), mine(tmp_path, ".mine")
    files = write(names([*REPORTS.available(), own]), report, tmp_path / "new")
    assert {f.name for f in files} >= {"report.html", "report.junit.xml", "report.sarif"}
    assert (tmp_path / "new" / "report.mine").read_bytes() == b"\x00mine"
    assert (tmp_path / "new" / "report.csv").read_text() == render("csv", report)
    assert len(files) == len({*files}) == len(REPORTS.available()) + 1


def test_a_format_that_is_named_twice_is_written_once() -> None:
    assert names(["html", "html"]) == {"html": "report.html"}


@pytest.mark.parametrize("suffix", [".json", "md", "/../x.md", ".", ".a/b", ".\n"])
def test_a_suffix_that_leads_elsewhere_or_to_the_report_is_refused(
    suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(PluginError, match=r"has the suffix"):
        names([mine(tmp_path, suffix)])


def test_two_formats_of_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"would both be written to report.html"):
        names(["html", mine(tmp_path, ".html")])


def test_an_unknown_format_is_named_before_anything_is_written() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'html'"):
        names(["csv", "htm"])


def test_the_command_shows_one_format_and_writes_several(tmp_path: Path) -> None:
    sample().save(tmp_path / "report.json")
    out, _ = finish(start("report", tmp_path, "--format", "csv"), 0)
    assert out == render("csv", sample())
    assert [f.name for f in tmp_path.iterdir()] == ["report.json"]
    out, _ = finish(
        start("report", tmp_path / "report.json", "--format", "html", "--format", "junit"), 0
    )
    wanted = [tmp_path / "report.html", tmp_path / "report.junit.xml"]
    assert out.splitlines() == list(map(str, wanted))
    assert all(f.is_file() for f in wanted)
    finish(start("report", tmp_path, "--format", "sarif", "--out", tmp_path / "there"), 0)
    assert (tmp_path / "there" / "report.sarif").is_file()


def test_an_audit_with_an_unknown_format_is_not_begun(tmp_path: Path) -> None:
    said = fails("audit", "--format", "pdf", "--out", tmp_path / "run", "--cache", tmp_path / "c")
    assert "no report is called 'pdf'" in said
    assert not (tmp_path / "run").exists()
