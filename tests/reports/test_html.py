"""The HTML report is one file that loads nothing, and can be read in any way."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from audit.pooling import pooled
from audit.report import AuditReport
from audit.shown import Shown
from reports import render
from reports.parts.page import page
from reports.parts.plots import Plot
from tests.audit.plans import changed
from tests.audit.samples import CLOAK, PEOPLE, QUALITY, cell, sample
from tests.reports import hostile
from tests.reports.full import full, jpeg, pictured

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Elements in their order, each with its attributes, and the texts inside by element."""

    def __init__(self, report: AuditReport) -> None:
        super().__init__()
        made = render("html", report)
        assert isinstance(made, str)
        self.source, self.open = made, list[str]()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(made)
        assert not self.open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def two_cloaks() -> AuditReport:
    """lowkey, and another that is more visible and protects nobody."""
    report = sample()
    other = CLOAK.model_copy(
        update={
            "attack": "other",
            "control": None,
            "quality": (QUALITY.model_copy(update={"attack": "other", "dssim": 0.05}),),
        }
    )
    cells = (*report.cells, cell(4, attack="other"), cell(4, attack="other", recogniser="new"))
    recognisers = tuple(
        r.model_copy(update={"relations": {**r.relations, "other": r.relations["lowkey"]}})
        for r in report.recognisers
    )
    changes = {"cloaks": (*report.cloaks, other), "cells": cells, "recognisers": recognisers}
    return AuditReport.model_validate({**dict(report), **changes})


def splits() -> AuditReport:
    reports = [sample(seed=seed, newer=hits) for seed, hits in ((0, 1), (1, 4))]
    return pooled(changed(sample().plan, seeds=2), reports)


every = pytest.mark.parametrize(
    "report",
    [
        sample(),
        sample(control=2),
        full(),
        two_cloaks(),
        splits(),
        *map(hostile.report, hostile.NAMES.values()),
    ],
    ids=["measured", "inconclusive", "full", "two cloaks", "splits", *hostile.NAMES],
)


@every
def test_it_loads_nothing_and_runs_nothing(report: AuditReport) -> None:
    shown = Page(report)
    loading = {"srcset", "data", "action", "formaction", "poster", "background", "style"}
    for tag, attributes in shown.elements:
        assert tag not in {"script", "link", "base", "iframe", "object", "embed", "form"}
        assert attributes.get("src", "data:image/jpeg;base64,").startswith(
            "data:image/jpeg;base64,"
        )
        assert ("src" in attributes) == (tag == "img")
        assert not loading & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("href", "#").startswith("#"), "links stay on the page"
        assert "xlink:href" not in attributes
    (style,) = shown.said("style")
    assert not re.search(r"url\(|@import|expression", style)


@every
def test_its_policy_allows_its_own_style_sheet_and_pictures_inside_it(report: AuditReport) -> None:
    shown = Page(report)
    (policy,) = [
        m["content"] for m in shown.of("meta") if m.get("http-equiv") == "Content-Security-Policy"
    ]
    style = re.search(r"<style>(.*?)</style>", shown.source, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    pictures = {"img-src": "data:"} if shown.of("img") else {}
    assert rules == pictures | {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    names = [tag for tag, _ in shown.elements]
    assert names.index("meta") < names.index("style"), "the policy comes first"


@every
def test_ids_are_unique_and_every_link_leads_to_one(report: AuditReport) -> None:
    shown = Page(report)
    ids = [a["id"] for _, a in shown.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"].removeprefix("#") for a in shown.of("a")]
    assert links[0] == "main", "the first is to skip to the figures"
    assert set(links) <= set(ids)
    labelled = [a["aria-labelledby"] for _, a in shown.elements if "aria-labelledby" in a]
    assert set(labelled) <= set(ids)


@every
def test_headings_are_in_order_and_tables_have_captions(report: AuditReport) -> None:
    shown = Page(report)
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert len(shown.of("caption")) == len(shown.of("table")) > 5
    assert all(head == {"scope": "col"} for head in shown.of("th"))
    regions = [a["aria-label"] for a in shown.of("div") if a.get("role") == "region"]
    assert len(regions) == len(set(regions)) == len(shown.of("table"))
    assert shown.of("html") == [{"lang": "en-GB"}]
    assert len(shown.of("main")) == 1


@every
def test_it_is_under_3_mb(report: AuditReport) -> None:
    assert len(Page(report).source.encode()) < 3_000_000


def test_it_adapts_to_dark_pages_paper_and_phones() -> None:
    shown = Page(sample())
    (style,) = shown.said("style")
    assert "@media (prefers-color-scheme: dark)" in style
    assert "@media print" in style
    assert {"name": "color-scheme", "content": "light dark"} in shown.of("meta")
    assert any(m.get("name") == "viewport" for m in shown.of("meta"))


def test_its_first_screen_is_the_verdict_and_three_figures() -> None:
    (name, figures), *others = page(sample()).figures
    assert (name, others) == ("lowkey", [])
    assert [f.question for f in figures] == [
        "Does it survive JPEG?",
        "Does it survive newer models?",
        "Does it survive robust retraining?",
    ]
    jpeg, newer, retrained = figures
    assert jpeg.value.startswith("1.00 [")
    assert newer.value.startswith("0.50 [")
    assert newer.text.startswith("new (2023-07); control 1.00 [")
    assert retrained.value.startswith("0.00 [")
    (sentence,) = page(sample()).said
    assert sentence.startswith("Of lowkey as published, 0.00 [")
    assert "adaptive with old; detection detects 10 of 10 people" in sentence


def test_where_nothing_can_be_concluded_no_sentence_gives_a_figure() -> None:
    failing = tuple(cell(control=2, adversary=a) for a in ("oblivious", "adaptive"))
    report = sample(control=2).model_copy(update={"cells": failing})
    assert page(report).said == ()
    source = Page(report).source
    first = source[: source.index("<main")]
    assert "INCONCLUSIVE" in first
    assert "Blocks a conclusion" in first
    assert not re.search(r"\d\.\d\d \[", first)


def test_where_one_control_failed_the_first_screen_says_what_is_proven_all_the_same() -> None:
    report = sample(control=2)
    assert page(report).said == ()
    source = Page(report).source
    first = source[: source.index("<main")]
    assert "INCONCLUSIVE" in first
    assert re.findall(r"\d\.\d\d \[", first) == ["0.00 ["]
    assert "lowkey is undone all the same: adaptive (old)" in first


@every
def test_every_figure_has_its_table_beside_it(report: AuditReport) -> None:
    shown = Page(report)
    tags = [tag for tag, _ in shown.elements if tag in ("figure", "table")]
    places = [i for i, tag in enumerate(tags) if tag == "figure"]
    assert places
    assert all(tags[i + 1] == "table" for i in places)


def test_the_plot_of_jpeg_has_a_point_for_each_figure_of_its_table() -> None:
    plots = {plot.title: plot for part in page(sample()).parts for plot in part.plots}
    jpeg = plots["Protection against JPEG quality"]
    assert jpeg.table.columns == ("adversary", "as published", "JPEG 75", "JPEG 30")
    figures = [cell for row in jpeg.table.rows for cell in row[1:] if cell != "-"]
    assert len(jpeg.marks) == len(figures) == 4, "three of the baseline, one after retraining"
    baseline = [m for m in jpeg.marks if m.series == 0]
    assert baseline[0].x < baseline[1].x < baseline[2].x
    assert {m.y for m in baseline} == {jpeg.rates[-1][0]}, "at 1.00"
    assert all(m.low > m.y == m.high for m in baseline), "an interval hangs below"
    retrained = next(m for m in jpeg.marks if m.series == 1)
    assert retrained.y == jpeg.rates[0][0], "at 0.00"


def test_the_timeline_numbers_points_as_its_table_does() -> None:
    plots = {plot.title: plot for part in page(sample()).parts for plot in part.plots}
    dated = plots["Do newer recognisers undo lowkey?"]
    assert [row[:2] for row in dated.table.rows] == [("1", "old"), ("2", "new")]
    assert [m.label for m in dated.marks] == ["1", "2"]
    assert dated.rule is not None
    assert dated.marks[0].x < dated.rule[0] < dated.marks[1].x, "the cloak is of 2021"


def plots_of(report: AuditReport) -> dict[str, Plot]:
    return {plot.title: plot for part in page(report).parts for plot in part.plots}


def test_the_mixing_curve_has_a_point_for_each_share_and_adversary() -> None:
    mixed = plots_of(full())["Protection against the share that is cloaked"]
    assert mixed.table.columns == ("adversary", "0% cloaked", "50% cloaked", "100% cloaked")
    assert [row[0] for row in mixed.table.rows] == ["oblivious", "adaptive"]
    assert [cell[:4] for cell in mixed.table.rows[0][1:]] == ["0.00", "0.25", "1.00"]
    assert mixed.table.rows[1][1:3] == ("-", "-"), "it was measured with all of them cloaked"
    baseline = [m for m in mixed.marks if m.series == 0]
    assert [m.x for m in baseline] == sorted(m.x for m in baseline)
    assert [m.y for m in baseline] == sorted((m.y for m in baseline), reverse=True)
    assert not [t for t in plots_of(sample()) if "share" in t], "of a single share there is none"


def test_the_roc_of_a_detector_stands_beside_its_figures() -> None:
    spotted = plots_of(full())["How well are cloaks spotted?"]
    assert spotted.table.columns[2:5] == ("at 0% FPR", "at 1% FPR", "at 5% FPR")
    (row,) = spotted.table.rows
    assert row == ("detection", "none", "0.20", "0.50", "0.50", "0.50", "0.50", "0.90", "0.9990")
    ((series, points),) = spotted.lines
    assert series == 0
    assert len(points.split()) == len(full().cells[-1].outcomes["flagged"].curve)
    assert spotted.keys == ("detection",)
    assert "How well are cloaks spotted?" not in plots_of(sample()), "an older report has none"


def test_a_strip_shows_people_who_do_not_exist_with_their_figures() -> None:
    shown = Page(full())
    first, *_ = shown.of("img")
    assert first == {
        "src": f"data:image/jpeg;base64,{jpeg(0)}",
        "alt": "Photo 1: as it was",
        "width": "112",
        "height": "112",
    }
    assert len(shown.of("img")) == 3
    strip = next(s for part in page(full()).parts for s in part.strips)
    assert strip.table.rows == (("1", "Ann", "Ann_1.png", "0.0200", "0.130"),)


def test_real_faces_are_shown_only_where_that_is_asked_for() -> None:
    real = pictured(full(), invented=False)
    made, asked = (str(render(name, real)) for name in ("html", "html:faces=true"))
    assert "data:" not in made
    assert "this page leaves them out: `report RUN --format html --include-faces`" in made
    assert asked.count(f"data:image/jpeg;base64,{jpeg(0)}") == 1
    assert "leaves them out" not in asked


def test_a_report_without_pictures_says_why() -> None:
    said = " ".join(Page(sample()).said("p"))
    assert "of real ones only if the audit was run with --include-faces" in said


def test_a_picture_is_nothing_but_a_picture() -> None:
    (one,) = full().shown
    for planted in ('" onload="x', "data:text/html,x", jpeg(0) + '"', "PHN2Zz4="):
        with pytest.raises(ValueError, match="clean"):
            Shown.model_validate({**dict(one), "clean": planted})


def test_several_cloaks_are_placed_by_visibility_and_protection() -> None:
    plots = {plot.title: plot for part in page(two_cloaks()).parts for plot in part.plots}
    lowkey, other = plots["Visibility against protection"].marks
    assert lowkey.x < other.x
    assert "Visibility against protection" not in {
        plot.title for part in page(sample()).parts for plot in part.plots
    }


def test_it_names_who_is_protected_best_and_worst() -> None:
    one_each = tuple(range(5)) * 2
    hits = tuple(min(h, 4) for h in one_each)
    counted = cell().outcomes["rank-1"].cloaked
    assert counted is not None
    report = sample()
    new = cell(counted.model_copy(update={"hits": hits}), recogniser="new")
    cells = tuple(c for c in report.cells if c.adversary == "oblivious" and c.recogniser == "old")
    (table,) = next(
        part
        for part in page(report.model_copy(update={"cells": (*cells, new)})).parts
        if part.title == "People"
    ).tables
    assert len(table.rows) == PEOPLE
    assert table.rows[0] == ("Ann", "1.00 (8 of 8)", "nobody")
    assert table.rows[-1] == ("Jim", "0.50 (4 of 8)", "nobody")


def test_it_says_how_to_repeat_it_and_of_what_it_was_made() -> None:
    shown = Page(sample())
    (command,) = shown.said("pre")
    assert command == page(sample()).command
    assert "0" * 64 in shown.said("td"), "the whole digest"
    assert "people.protected" in shown.said("td")


def test_templates_are_packed() -> None:
    root = Path(__file__).parents[2]
    packed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    folder = root / "reports"
    files = {f for p in packed["package-data"]["reports"] for f in folder.glob(p)}
    assert files == {*(folder / "templates").iterdir()}
    assert len(files) == 6
