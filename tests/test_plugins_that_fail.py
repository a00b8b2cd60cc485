"""A user's own file that fails, or breaks its contract: one line that names it and why."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

import cli
from adversaries import ADVERSARIES
from audit import choices
from audit.run import run_audit
from lowkey_core import datasets
from lowkey_core.errors import AuditError, PluginError
from lowkey_core.plugins import Kind
from lowkey_core.plugins.code import blame
from lowkey_core.recognisers import RECOGNISERS
from lowkey_core.work import logs
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from reports import REPORTS
from reports.console import process
from tests.audit.samples import sample

CLOAK = """
import torch
class Mine:
    def __call__(self, faces, rng):
        images = faces.images
        {body}
def build(): return Mine()
"""
RECOGNISER = """
import torch
class Mine:
    def __call__(self, images):
        vectors = torch.nn.functional.normalize(images.flatten(1)[:, ::300])
        {body}
def build(): return Mine()
"""
ADVERSARY = """
import dataclasses, torch
from adversaries.oblivious import Oblivious
class Mine(Oblivious):
    def prepare(self, threat, rng):
        enrol = super().prepare(threat, rng)
        def mine(scraped):
            made, n = enrol(scraped), len(scraped)
            {body}
        return mine
class Gallery:
    def __init__(self, gallery, search): self.gallery, self.answer = gallery, search
    def search(self, probes, k): return self.answer(self.gallery.search(probes, k), len(probes))
def build(): return Mine()
"""
CHANGED = "return dataclasses.replace(made, {})"
SEARCHED = CHANGED.format("gallery=Gallery(made.gallery, lambda c, n: {})")
KINDS = {"attack": CLOAK, "recogniser": RECOGNISER, "adversary": ADVERSARY}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """Faces are found once for all of them."""
    return Cache(tmp_path_factory.mktemp("cache"))


def run(field: str, source: str, portraits: Path, folder: Path, cache: Cache) -> str:
    """The line that an audit with this plugin ends with."""
    file = folder / "mine.py"
    file.write_text(source)
    (folder / "sound.py").write_text(RECOGNISER.format(body="return vectors"))
    sound = dict.fromkeys(("surrogate", "recogniser"), str(folder / "sound.py"))
    asked = choices.make(file=portraits / "plan.toml", given={**sound, field: str(file)})
    with pytest.raises(AuditError) as raised, blame():
        run_audit(asked, Work(cache))
    said = str(raised.value)
    assert "mine.py" in said
    assert said.isprintable()
    return said


@pytest.mark.parametrize("field", KINDS)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('a\\nb')", r"mine.py raised KeyError in line \d+: 'a"),
        ("1 / 0", r"mine.py raised ZeroDivisionError in line \d+: division by zero"),
        ("torch.ones(2) @ torch.ones(3)", r"mine.py raised RuntimeError in line \d+"),
        ("open('/nowhere/x')", r"mine.py raised FileNotFoundError in line \d+"),
        ("quit()", r"mine.py raised SystemExit in line \d+"),
    ],
)
def test_one_that_raises_is_named_with_its_line(
    field: str, body: str, message: str, portraits: Path, tmp_path: Path, cache: Cache
) -> None:
    said = run(field, KINDS[field].format(body=body), portraits, tmp_path, cache)
    assert re.search(message, said), said
    assert "verbose shows the traceback" in said


@pytest.mark.parametrize(
    ("field", "body", "message"),
    [
        ("attack", "return None", "returned a NoneType; expected a tensor"),
        ("attack", "return images.numpy()", "returned a ndarray; expected a tensor"),
        ("attack", "return images[:1]", "returned shape (1, 3, 112, 112)"),
        ("attack", "return images.double()", "are torch.float64; expected float32"),
        ("attack", "return images.masked_fill(images > 0.5, float('nan'))", "expected finite"),
        ("attack", "return images * 255", "expected finite values in [0, 1]"),
        ("recogniser", "return None", "returned a NoneType"),
        ("recogniser", "return vectors.numpy()", "returned a ndarray"),
        ("recogniser", "return vectors[0]", "of shape (126,)"),
        ("recogniser", "return vectors[:1]", "of shape (1, 126)"),
        ("recogniser", "return vectors.double()", "returned torch.float64"),
        ("recogniser", "return vectors / 0", "not finite"),
        ("recogniser", "return vectors * 2", "a vector of length 2;"),
        ("adversary", "return None", "enrolling of the adversary"),
        ("adversary", CHANGED.format("gallery=None"), "gallery of the adversary"),
        ("adversary", CHANGED.format("flagged=torch.zeros(n)"), "flagged of the adversary"),
        ("adversary", CHANGED.format("suspicion=torch.zeros(n) / 0"), "suspicion of the adv"),
        ("adversary", SEARCHED.format("None"), "search() of the adversary"),
        (
            "adversary",
            SEARCHED.format("dataclasses.replace(c, identities=c.identities[:1])"),
            "expected torch.int64 of shape (4, candidates)",
        ),
        (
            "adversary",
            SEARCHED.format("dataclasses.replace(c, scores=c.scores / 0 * 0)"),
            "never NaN",
        ),
    ],
)
def test_one_that_breaks_its_contract_is_told_what_it_promised(
    field: str, body: str, message: str, portraits: Path, tmp_path: Path, cache: Cache
) -> None:
    assert message in run(field, KINDS[field].format(body=body), portraits, tmp_path, cache)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def build(): pass", "build() of "),
        ("def build(): return [].pop()", "raised IndexError in line 1: pop from empty list"),
        ("build = 3", "has no build()"),
        ("def build(", "does not run: SyntaxError"),
        ("import nothing_of_this_name", "does not run: ModuleNotFoundError"),
        ("raise SystemExit(0)", "does not run: SystemExit"),
        ("quit()", "does not run: SystemExit"),
        ("def build(): raise SystemExit(0)", "raised SystemExit in line 1: 0"),
        ("def build(): quit()", "raised SystemExit in line 1"),
        (
            "import argparse\ndef build(): argparse.ArgumentParser().parse_args(['--help'])",
            "raised SystemExit in line 2: 0",
        ),
    ],
)
@pytest.mark.parametrize("kind", [RECOGNISERS, ADVERSARIES], ids=lambda kind: kind.what)
def test_one_that_cannot_be_built_is_named(
    kind: Kind[Any], source: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(AuditError) as raised, blame():
        kind.load(str(tmp_path / "mine.py"))
    assert "mine.py" in str(raised.value)
    assert message in str(raised.value)


def test_a_report_format_returns_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def build(): return lambda report: None")
    sample().save(tmp_path / "report.json")
    format_of = ["--format", str(tmp_path / "mine.py")]
    monkeypatch.setattr("sys.argv", ["", "report", str(tmp_path), *format_of])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert "mine.py returned a NoneType; expected a string, or bytes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "made", ["type('Mine', (), {'photos': ()})()", "Dataset('mine', ('a.png',))"]
)
def test_a_data_set_is_one_of_photos(made: str, tmp_path: Path) -> None:
    source = f"from lowkey_core.datasets import Dataset\ndef build(): return {made}"
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(PluginError, match=r"mine\.py returned .*; expected .* of Photos"):
        datasets.load(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("learned", ["{'a': float('nan')}", "3", "{'a': 'many'}"])
def test_what_an_adversary_says_of_its_learning_is_numbers(
    learned: str, portraits: Path, tmp_path: Path, cache: Cache
) -> None:
    source = ADVERSARY.format(body="return made").replace(
        "return mine", f"mine.learned = {learned}; return mine"
    )
    assert "learned of the adversary" in run("adversary", source, portraits, tmp_path, cache)


def test_our_own_mistakes_are_not_blamed_on_a_plugin() -> None:
    with pytest.raises(ZeroDivisionError), blame():
        1 / 0  # noqa: B018


@pytest.mark.parametrize(
    "source",
    ["def build(stop): return stop()", "import reports.console.process as p; p.interrupted()"],
)
def test_an_interruption_while_a_plugin_is_at_work_is_no_fault_of_it(
    source: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(SystemExit) as left, blame():
        REPORTS.load(str(tmp_path / "mine.py"), granted={"stop": process.interrupted})
    assert left.value.code == 130


def test_verbose_shows_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in logs._OURS:  # which it sets, and which are put back
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    (tmp_path / "mine.py").write_text("def build():\n    raise KeyError('mine')\n")
    kept = ["--out", str(tmp_path), "--cache", str(tmp_path), "--verbose"]
    monkeypatch.setattr("sys.argv", ["", "audit", "--surrogate", str(tmp_path / "mine.py"), *kept])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert "Traceback" in said
    assert "    raise KeyError('mine')" in said
    assert "mine.py raised KeyError in line 2: 'mine'" in said.splitlines()[-1]
