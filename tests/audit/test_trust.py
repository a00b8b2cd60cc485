"""Programs in somebody else's plan run only if the user agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit import choices
from audit.plan import AuditPlan
from audit.trust import SUFFIXES, confirm, programs
from lowkey_core.errors import OptionError
from lowkey_core.networks import local
from tests.audit.plans import changed
from tests.commands import fails


@pytest.mark.parametrize(
    "given",
    [
        {"attack": "mine.py:strength=2"},
        {"attack": 'command:"tool {in} {out}"'},
        {"attack": "noise@mine.py"},
        {"attack": 'noise@"command":"tool {in} {out}"'},
        {"surrogate": ("dlib", "a/mine.pt")},
        {"surrogate": "mine.pt/."},
        {"recogniser": "mine.onnx"},
        {"adversary": "mine.py"},
        {"adversary": 'adaptive@"mine.py+lowkey"'},
        {"adversary": 'adaptive@"lowkey:steps=3+mine.py:strength=2"'},
        {"adversary": 'adaptive@"mine.py+"'},
        {"adversary": 'adaptive@"+mine.py:strength=2+lowkey"'},
        {"adversary": 'ensemble:top2@adaptive@"a b/mine.py+"'},
        {"dataset": "mine.py:a=1+"},
        {"dataset": 'mine.py:a="1'},
        {"distractor_dataset": ("mine.py:a=1+",)},
        {"adversary": r'adaptive@"command:\"tool {in} {out}\"+lowkey"'},
        {"matcher": "mine.py"},
        {"measure": "mine.py"},
        {"scenario": "mine.py:0.5"},
        {"transform": "jpeg:75+mine.py"},
        {"dataset": "mine.py"},
        {"dataset": "mine.py:seed=3"},
        {"dataset": "a:b:c@x.py"},
        {"distractor_dataset": ("mine.py",)},
    ],
    ids=str,
)
def test_a_program_is_found_wherever_a_plan_names_one(given: dict[str, Any]) -> None:
    assert len(programs(changed(AuditPlan(), **given))) == 1


def test_names_of_ours_and_folders_are_no_programs() -> None:
    assert programs(choices.make("thorough", given={"dataset": "lfw"})) == ()
    mixed = 'adaptive@"lowkey:steps=3+tipim"'
    assert programs(changed(AuditPlan(), adversary=mixed)) == ()
    assert programs(changed(AuditPlan(), dataset="my, photos: 2+2", attack="folder:copies")) == ()


def test_every_file_that_is_run_is_known_by_its_suffix() -> None:
    assert set(local.SUFFIXES) | {".py"} == set(SUFFIXES)


PLAN = changed(AuditPlan(), attack=("mine.py", "lowkey"), recogniser="a.pt")


def asked(given: dict[str, Any], answer: bool | None) -> list[str]:
    said: list[str] = []
    confirm(PLAN, given, Path("plan.toml"), said.append, lambda: answer)
    return said


def test_programs_are_shown_before_they_are_agreed_to() -> None:
    head, *shown = asked({}, True)
    assert head == "plan.toml names programs, which run with all your rights:"
    assert shown == ["  mine.py", "  a.pt"]


@pytest.mark.parametrize("answer", [False, None])
def test_nothing_runs_that_nobody_agreed_to(answer: bool | None) -> None:
    with pytest.raises(OptionError, match=r"mine.py, a.pt; expected a yes .* give trust"):
        asked({}, answer)


def test_what_a_flag_names_is_meant() -> None:
    assert asked({"attack": "mine.py"}, True)[1:] == ["  a.pt"]
    assert asked({"attack": "mine.py", "recogniser": ["a.pt"]}, None) == []


@pytest.mark.parametrize("way", ["--plan", "--resume"])
def test_without_a_terminal_a_strangers_program_is_not_run(way: str, tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    attack = tmp_path / "evil.py"
    (tmp_path / "plan.toml").write_text(f'[publish]\nattacks = ["{attack}"]')
    source = tmp_path / "plan.toml"
    if way == "--resume":
        source = tmp_path / "run"
        from audit import runs

        runs.begin(source, choices.make(file=tmp_path / "plan.toml"))
    for more in ((), ("--dry-run",)):
        said = fails("audit", way, source, "--cache", tmp_path / "cache", *more)
        assert f"names programs that were not trusted: {attack}" in said
        assert "give --trust" in said
    assert not (tmp_path / "ran").exists()
    assert "has no build()" in fails("audit", way, source, "--cache", tmp_path / "cache", "--trust")
    assert (tmp_path / "ran").exists()
