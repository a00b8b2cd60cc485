"""docs/notebook.py runs, and docs/notebook.md is what it is."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from audit.plan import AuditPlan
from audit.report import read
from tests.audit.small import small_plan

pytest.importorskip("pandas", reason="NOT CHECKED: pandas is not installed")
DOCS = Path(__file__).parents[2] / "docs"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rendered", DOCS / "rendered.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["rendered"] = module
    spec.loader.exec_module(module)
    return module


rendered = loaded()
CELLS = list(rendered.cells((DOCS / "notebook.py").read_text()))


def smaller(plan: AuditPlan, folder: Path) -> dict[str, Any]:
    """Choices of the small audit, by the names of flags; two cloaks."""
    people = plan.people
    return {
        "attack": [str(folder / "invert.py"), plan.publish.attacks[0]],
        "surrogate": list(plan.publish.surrogates),
        "recogniser": list(plan.adversaries.recognisers),
        "adversary": ["oblivious"],
        "dataset": people.dataset,
        "protected": people.protected,
        "probes": people.probes,
        "gallery": people.gallery,
        "background": people.background,
        "background_pictures": people.background_pictures,
        "others": people.others,
        "distractors": 0,
        "ranks": [1, 3],
        "cache": folder / "cache",
    }


def test_the_notebook_runs_on_a_small_plan(
    tmp_path: Path, nobody_real: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    choices = smaller(small_plan(tmp_path), tmp_path)
    names: dict[str, Any] = {}
    outputs: list[tuple[str, Any]] = []
    for cell in (c for c in CELLS if c.code):
        first = "choices" not in names
        text = cell.text.replace('"lowkey:small"', repr(choices["attack"][0]))
        outputs.append(rendered.run(rendered.Cell(True, text), names))
        if first:
            assert set(names["choices"]) <= set(choices), "each is made smaller"
            names["choices"] = choices
    report = read(tmp_path / "runs" / "notebook")
    assert report == names["report"]
    _, (_, table), (_, pivot), (_, figures), (_, paired), (_, seen), (gate, _), (_, end) = outputs
    assert f"<caption>{report.verdict}</caption>" in rendered.shown(table)
    attacks = [cloak.attack for cloak in report.cloaks]
    cells = [c for c in report.cells if c.attack in attacks]
    for cell in (c for c in cells if c.transform == "none"):
        assert pivot.loc[(cell.attack, cell.recogniser), "none"] == pytest.approx(
            cell.protection.value, abs=0.005
        )
    assert len(figures) == len([c for c in cells if c.transform == "none"]) == 4
    assert len(paired) == len([c for c in report.comparisons if c.what == "cloaks"]) > 0
    assert set(paired["less"]) == {attacks[0]}
    assert set(attacks) <= set(seen.attack)
    assert "survives JPEG 75: protection at least 0.5" in gate
    assert gate.splitlines()[-1].startswith(f"gate: {end[1]} (")
    assert "report.html" in end[2]


def test_the_page_is_the_script() -> None:
    page = (DOCS / "notebook.md").read_text()
    place = 0
    for cell in CELLS:
        said = f"```python\n{cell.text}\n```\n" if cell.code else cell.text
        place = page.find(said, place)
        assert place >= 0, f"not in docs/notebook.md, or not in this order: {cell.text[:60]}"
        place += len(said)
    results = re.findall(r"^```text|<table>", page, re.M)
    assert len(results) == sum(c.code for c in CELLS) - 1, (
        "every cell but the first shows something"
    )
