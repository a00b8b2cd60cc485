"""The paragraph on what cloaks do not protect against states what was measured."""

from __future__ import annotations

import json
from importlib import resources

from benchmarks import audits, documents
from web.measured import NAME, measured


def test_its_figures_are_those_of_the_results() -> None:
    text = resources.files("web").joinpath("templates", NAME).read_text()
    results = json.loads((documents.ROOT / "benchmarks" / "results" / "audits.json").read_text())
    assert documents.markers(text) == ["audits standard setting", "audits standard"]
    assert documents.rendered(text, audits.tables(results)) == text, "copy the new tables there"


def test_every_figure_is_found() -> None:
    found = measured()
    assert found.setting.endswith(".")
    assert "people" in found.setting
    assert "people detected" in found.detected
    for rate in (found.published, found.newer, found.retrained):
        assert 0 <= float(rate[:4]) <= 1
    assert float(found.retrained[:4]) < float(found.published[:4])
