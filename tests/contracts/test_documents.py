"""What documents say of cloaks is so: their examples run, and their tables are the code's."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from torch import Generator

from lowkey_core.checks import check_images
from lowkey_core.cloaks import CLOAKS, Cloak, PhotoCloak, load
from lowkey_core.cloaks.fawkes import MODES
from lowkey_core.cloaks.lowkey import SCHEDULES
from lowkey_core.cloaks.noise import Noise
from lowkey_core.content import quantise
from lowkey_core.errors import OptionError
from lowkey_core.plugins import Kind
from lowkey_core.recognisers import RECOGNISERS
from lowkey_core.spec import parse
from lowkey_core.types import Faces, Pictures, faces_of
from tests.conftest import TinyNetwork

ROOT = Path(__file__).parents[2]
CLOAKS_PAGE = (ROOT / "docs" / "cloaks.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
SURROGATES = (TinyNetwork(1), TinyNetwork(2))
GRANTED = {"member", "surrogates", "others"}


def examples(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def section(name: str) -> str:
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", CLOAKS_PAGE, re.DOTALL | re.M)
    assert found, f"docs/cloaks.md has no section {name}"
    return found[1]


def rows(text: str, head: str) -> dict[str, list[str]]:
    """The other cells of each row of the table whose first column is headed so."""
    table = re.search(rf"^\| {head} \|.*?\n\|[ -|]*\n((?:\|.*\n)+)", text, re.M)
    assert table, f"no table of {head}"
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {first.strip("`"): others for first, *others in cells}


def shown(default: object) -> set[str]:
    """How a document may say a default."""
    if isinstance(default, bool):
        return {"on" if default else "off"}
    if isinstance(default, float):
        part = Fraction(default * 255).limit_denominator(1000)
        return {str(default), f"{part}/255"}
    return {str(default), f"`{default}`"}


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("lowkey", "LowKey"),
        ("fawkes:v1.0", "Fawkes"),
        ("opom", "OPOM"),
        ("tipim", "TIP-IM"),
        ("protego", "Protego"),
        ("veil", "Veil"),
    ],
)
def test_the_options_of_a_cloak_are_those_of_the_document(name: str, head: str) -> None:
    module = __import__(f"lowkey_core.cloaks.{name.partition(':')[0]}", fromlist=["build"])
    options = {
        option: parameter.default
        for option, parameter in inspect.signature(module.build).parameters.items()
        if option not in GRANTED
    }
    said = rows(section(head), "option")
    assert set(said) == set(options)
    for option, default in options.items():
        if default is not None:  # else the member's or the mode's, in words
            assert said[option][0] in shown(default), option


def test_the_table_of_all_names_every_budget_and_need() -> None:
    said = rows(CLOAKS_PAGE, "cloak")
    for name, (bound, person, aims) in said.items():
        cloak = load(name, lambda: SURROGATES)
        assert not isinstance(cloak, PhotoCloak)
        about = cloak.about
        assert bound.startswith("no") == (about.budget.linf is None), name
        assert ("DSSIM" in bound) == (about.budget.dssim is not None), name
        assert person.startswith("yes") == (about.unit == "identity"), name
        assert aims.startswith("yes") == about.aims, name


def test_schedules_and_modes_are_those_of_the_document() -> None:
    said = rows(section("LowKey"), "member")
    for member, schedule in SCHEDULES.items():
        steps, size, *_ = said[":".join(["lowkey", *member.split()])]
        assert (int(steps), float(size)) == (schedule.steps, schedule.step_size)
    modes = rows(section("Fawkes"), "mode")
    for column, version in enumerate(("v0.3", "v1.0")):
        for mode, cells in modes.items():
            s = MODES[version].get(mode)
            numbers = cells[column].partition(";")[0]
            assert numbers == (f"{s.threshold:g}, {s.steps}, {s.rate:g}" if s else "")
            assert ("first surrogate" in cells[column]) == bool(s and s.extractors == 1)


@pytest.fixture
def faces(pictures: Pictures) -> Faces:
    return faces_of(pictures)


@pytest.fixture
def away(tmp_path: Path) -> str:
    """The document's own cloak, as somebody copies it."""
    (example,) = examples(CLOAKS_PAGE)
    (tmp_path / "away.py").write_text(example)
    return str(tmp_path / "away.py")


def made(name: str) -> Cloak:
    cloak = load(name, lambda: SURROGATES)
    assert not isinstance(cloak, PhotoCloak)
    return cloak


def test_the_example_of_a_cloak_is_one(away: str, faces: Faces) -> None:
    cloak = made(f"{away}:eps=0.04")
    assert cloak.about.against == SURROGATES
    assert cloak.about.budget.linf == 10 / 255
    before = faces.images.clone()
    images, noisy = (c(faces, Generator().manual_seed(0)) for c in (cloak, Noise(cloak, 0)))
    check_images(images)
    assert torch.equal(faces.images, before)
    assert (quantise(images) - faces.images).abs().max() <= 10 / 255 + 1e-6
    for f in SURROGATES:
        moved, by_noise = ((f(x) - f(before)).norm(dim=1).mean() for x in (images, noisy))
        assert moved > 3 * by_noise
    alone = cloak(faces.select(torch.tensor([5])), Generator().manual_seed(0))
    assert (alone[0] - images[5]).abs().mean() < 0.01


def test_the_example_of_a_cloak_has_limits(away: str) -> None:
    for option in ("eps=0.001", "steps=0"):
        with pytest.raises(OptionError, match="greater than or equal"):
            made(f"{away}:{option}")
    with pytest.raises(OptionError, match="away has no surrogates"):
        load(away, lambda: ())


def test_the_examples_of_contributing_build(faces: Faces, tmp_path: Path) -> None:
    cloak, recogniser, adversary = examples(CONTRIBUTING)
    kinds: list[tuple[str, Kind, str]] = [
        ("cloak", CLOAKS, cloak),
        ("net", RECOGNISERS, recogniser),
    ]
    for name, kind, text in kinds:
        (tmp_path / f"{name}.py").write_text(text)
        thing = kind.load(parse(str(tmp_path / f"{name}.py")), granted={})
        given = (faces, Generator()) if kind is CLOAKS else (faces.images,)
        assert len(thing(*given)) == len(faces)
    space: dict[str, object] = {}
    exec(adversary, space)
    assert callable(space["build"])
    assert callable(space["build"]().prepare)


def test_cloaks_are_found_from_the_other_documents() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        assert "(docs/cloaks.md" in (ROOT / name).read_text()
