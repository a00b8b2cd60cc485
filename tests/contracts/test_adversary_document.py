"""What docs/adversaries.md says of options is so."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from adversaries import adaptive, adversarial_training, detection, oblivious
from adversaries.parts import end_to_end

PAGE = (Path(__file__).parents[2] / "docs" / "adversaries.md").read_text()
GRANTED = {"member", "work", "device", "stated"}


def options(section: str) -> dict[str, str]:
    """Options of a section, and their defaults."""
    text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.M)
    assert text, section
    table = re.search(r"^\| option \|.*?\n\|[ -|]*\n((?:\|.*\n)+)", text[1], re.M)
    assert table, section
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {name.strip("`"): default for name, default, _ in rows}


@pytest.mark.parametrize(
    ("module", "sections"),
    [
        (adaptive, ("Adaptive", "Adaptive, end to end")),
        (oblivious, ("Oblivious, end to end",)),
        (adversarial_training, ("Adversarial training",)),
        (detection, ("Detection",)),
    ],
)
def test_the_options_are_those_of_the_document(module: object, sections: tuple[str, ...]) -> None:
    build = module.build  # type: ignore[attr-defined]
    own = {k: p.default for k, p in inspect.signature(build).parameters.items() if k not in GRANTED}
    said = {k: v for section in sections for k, v in options(section).items()}
    assert set(said) == set(own)
    assert all(said[k] == str(v).lower() for k, v in own.items() if v is not None)


def test_what_a_member_takes_unless_told_is_that_of_the_document() -> None:
    said = options("Adaptive, end to end")
    assert (int(said["rounds"]), float(said["share"])) == (end_to_end.ROUNDS, end_to_end.SHARE)
    assert int(options("Oblivious, end to end")["rounds"]) == end_to_end.ROUNDS
