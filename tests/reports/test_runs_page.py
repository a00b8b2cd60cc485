"""`runs html`: one page for many runs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import cli
from audit.runs import COLUMNS, begin
from tests.audit.samples import sample
from tests.reports import browser as real
from tests.reports.hostile import NAMES, report

TAG = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


def made(root: Path) -> Path:
    """A page of two runs and one that was begun; the first has a page of its own."""
    for name, hits in (("a #1?", 2), ("beta", 0)):
        sample(newer=hits).save(root / "runs" / name / "report.json")
    begin(root / "runs" / "c begun", sample().plan)
    (root / "runs" / "a #1?" / "report.html").write_text("<title>one</title>")
    return page(root)


def page(root: Path) -> Path:
    file = root / "pages" / "runs.html"
    asked = ["runs", "html", str(root / "runs"), "--out", str(file)]
    result = CliRunner().invoke(cli.app, asked)
    assert result.exit_code == 0, result.output
    return file


def test_it_has_a_row_for_each_run_and_a_link_where_there_is_a_page(tmp_path: Path) -> None:
    text = made(tmp_path).read_text()
    assert re.findall(r'<th scope="col">(.*?)</th>', text) == [*COLUMNS]
    assert text.count("<tr>") == 4
    (link,) = re.findall(r'<td><a href="(.*?)">a #1\?</a></td>', text)
    assert link == "./../runs/a%20%231%3F/report.html"


def test_its_policy_allows_its_own_style_and_script_alone(tmp_path: Path) -> None:
    text = made(tmp_path).read_text()
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy
    digests = {
        tag: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        for tag, content in TAG.findall(text)
    }
    assert dict(rule.strip().split(" ", 1) for rule in policy[1].split(";")) == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digests['style']}'",
        "script-src": f"'sha256-{digests['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_names_are_text(tmp_path: Path) -> None:
    for i, name in enumerate(NAMES.values()):
        report(name).save(tmp_path / "runs" / f"{i}" / "report.json")
    (tmp_path / "runs" / "<b onclick=x>&\x1b[2J").mkdir()
    sample().save(tmp_path / "runs" / "<b onclick=x>&\x1b[2J" / "report.json")
    text = page(tmp_path).read_text()
    assert all(line.isprintable() for line in text.split("\n"))
    assert "<td>&lt;b onclick=x&gt;&amp;\\x1b[2J</td>" in text
    known = {"html", "head", "meta", "title", "style", "body", "a", "main", "h1", "p", "div"}
    known |= {"label", "input", "select", "option", "table", "caption", "thead", "tr", "th"}
    outside = TAG.sub(r"<\1></\1>", text)
    assert set(re.findall(r"<([a-z0-9]+)", outside)) == known | {"tbody", "td", "script"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with real.browsers() as found:
        yield found


@pytest.mark.parametrize("width", real.WIDTHS)
def test_it_opens_in_silence_and_axe_finds_nothing(
    browser: Any, tmp_path: Path, width: int
) -> None:
    file = made(tmp_path)
    with real.opened(browser, file, width) as seen:
        assert [real.too_wide(seen) for _ in real.looked_at(seen)] == [0, 0, 0]
    assert seen.messages == []
    assert seen.requests == [file.as_uri()]
    assert [*real.violations(browser, file, width)] == []


def test_it_sorts_and_filters(browser: Any, tmp_path: Path) -> None:
    with real.opened(browser, made(tmp_path)) as seen:
        names = lambda: seen.page.locator("tbody tr:visible td:first-child").all_inner_texts()  # noqa: E731
        seen.page.get_by_role("button", name="run").click()
        assert names() == ["a #1?", "beta", "c begun"]
        seen.page.get_by_role("button", name="run").click()
        assert names() == ["c begun", "beta", "a #1?"]
        assert seen.page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
        seen.page.get_by_label("Verdict").select_option("unfinished")
        assert names() == ["c begun"]
        seen.page.get_by_label("Verdict").select_option("any")
        seen.page.get_by_label("Show rows").fill("BETA measured")
        assert names() == ["beta"]
        assert seen.page.get_by_role("status").inner_text() == "1 of 3 runs shown"
        seen.page.get_by_label("Show rows").fill("")
        seen.page.get_by_role("link", name="a #1?").click()
        assert seen.page.title() == "one"


def test_without_a_script_it_is_a_table(browser: Any, tmp_path: Path) -> None:
    with real.opened(browser, made(tmp_path), java_script_enabled=False) as seen:
        assert seen.page.locator("tbody tr").count() == 3
        assert seen.page.locator("input, select, button").locator("visible=true").count() == 0
