"""The paragraph on what cloaks do not protect against states what was measured."""

from __future__ import annotations

from benchmarks import documents
from web.measured import NAME, measured


def test_its_figures_are_those_of_the_results() -> None:
    place = documents.ROOT / "web" / "templates" / NAME
    assert place in documents.documents(), "it is rendered with the others"
    assert documents.markers(place.read_text()) == ["audits standard setting", "audits standard"]


def test_every_figure_is_found() -> None:
    found = measured()
    assert found.setting.endswith(".")
    assert "people" in found.setting
    assert "people detected" in found.detected
    for rate in (found.published, found.newer, found.retrained):
        assert 0 <= float(rate[:4]) <= 1
    assert float(found.retrained[:4]) < float(found.published[:4])
