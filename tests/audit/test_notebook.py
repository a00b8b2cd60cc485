"""A report in a notebook."""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest

from audit.rows import COLUMNS, rows
from lowkey_core.errors import PluginError
from tests.audit.samples import sample

pandas = pytest.importorskip("pandas", reason="NOT CHECKED: pandas is not installed")


def test_rows_have_every_column() -> None:
    for row in rows(sample()):
        assert tuple(row) == COLUMNS


def test_a_frame_has_a_row_for_each_outcome_and_numbers_in_columns_of_numbers() -> None:
    report = sample()
    frame = report.to_frame()
    assert len(frame) == sum(len(c.outcomes) for c in report.cells)
    first = frame[(frame.outcome == "rank-1") & ~frame.is_control & (frame["transform"] == "none")]
    means = first.groupby(["adversary", "recogniser"]).protection.mean()
    assert means["oblivious", "old"] == 1.0
    assert means["oblivious", "new"] == 0.5
    assert means["adaptive", "old"] == 0.0
    assert pandas.api.types.is_numeric_dtype(frame.protection)
    assert pandas.api.types.is_numeric_dtype(frame.clean_hits)


def test_without_pandas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PluginError, match=r"pip install 'lowkey-audit\[pandas\]'"):
        sample().to_frame()


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts = list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_cell_shows_the_answers_and_takes_no_name_for_markup() -> None:
    plain = Tags(sample()._repr_html_())
    assert "0.50 [0.34, 0.66]" in plain.texts
    assert "10 of 10 people detected" in plain.texts
    assert "measured" in plain.texts
    nasty = Tags(sample(called="<script>alert(1)</script>")._repr_html_())
    assert nasty.tags == plain.tags
    assert "oblivious <script>alert(1)</script>" in nasty.texts


def test_what_blocks_a_conclusion_is_said_first() -> None:
    shown = Tags(sample(control=2)._repr_html_())
    assert shown.tags[0] == "p"
    assert "inconclusive" in shown.texts
