"""The gate's truth table: pass, fail, inconclusive, and what is an error and never a pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from audit import gate, policy
from audit.outcomes import FLAGGED, Outcome
from audit.report import AuditReport
from lowkey_core.errors import AuditError, GateError, UnlikeRunsError
from reports.console import process
from tests.audit.plans import changed
from tests.audit.samples import ADVERSARIES, ATTACK, CLOAK, PEOPLE, cell, rate, sample

ROOT = Path(__file__).parents[2]
AS_PUBLISHED = 'adversary = "oblivious"\nrecogniser = "old"\ntransform = "none"\n'
NEWER = 'adversary = "oblivious"\nnewer = true\n'


def written(folder: Path, *conditions: str) -> Path:
    text = "\n".join(f'[[gate]]\nname = "{i}"\n{c}' for i, c in enumerate(conditions))
    (folder / "gates.toml").write_text(text)
    return folder / "gates.toml"


def judged(
    folder: Path, condition: str, report: AuditReport, baseline: AuditReport | None = None
) -> gate.Verdict:
    return gate.judge(policy.read(written(folder, condition)), report, baseline)


def exits(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The code that the command line ends with."""
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["lowkey-audit", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    code = left.value.code
    assert isinstance(code, int)
    return code


TABLE = {
    "the worse end satisfies it": (AS_PUBLISHED + "at_least = 0.6", {}, 0),
    "the better end violates it": (NEWER + "at_least = 0.9", {}, 1),
    "the interval straddles": (NEWER + "at_least = 0.5", {}, 3),
    "at most, satisfied": ('adversary = "adaptive"\nat_most = 0.5', {}, 0),
    "at most, violated": (AS_PUBLISHED + "at_most = 0.5", {}, 1),
    "the control is broken": (AS_PUBLISHED + "at_least = 0.1", {"control": 2}, 3),
    "the control is judged": (
        'judge = "control"\nadversary = "oblivious"\nrecogniser = "old"\nat_least = 0.9',
        {"control": 2},
        1,
    ),
    "nothing is selected": ('transform = "blur:2"\nat_least = 0.1', {}, 2),
    "one of two names selects nothing": ('recogniser = ["old", "odl"]\nat_least = 0.1', {}, 2),
    "an unknown key": ("at_leest = 0.1", {}, 2),
    "a baseline is needed": (AS_PUBLISHED + "no_worse_by = 0.1", {}, 2),
    "DSSIM is low enough": ('judge = "dssim"\nat_most = 0.03', {}, 0),
    "DSSIM is too high": ('judge = "dssim_max"\nat_most = 0.02', {}, 1),
    "a detector flags it": ('judge = "tpr"\nat_most = 0.5', {}, 1),
    "a detector flags nothing clean": ('judge = "fpr"\nat_most = 0.4', {}, 0),
}


@pytest.mark.parametrize(("condition", "changes", "code"), TABLE.values(), ids=TABLE)
def test_exit_codes(
    condition: str,
    changes: dict[str, int],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sample(**changes).save(tmp_path / "report.json")  # type: ignore[arg-type]
    file = written(tmp_path, condition)
    assert exits(monkeypatch, "gate", tmp_path, "--policy", file) == code
    shown = capsys.readouterr()
    if code == 2:
        assert shown.err.startswith("error: ")
        assert shown.out == ""
    else:
        assert "judged: lowkey; 10 people of lfw, 40 probes" in shown.out
        assert "people, " in shown.out.splitlines()[2]


def test_an_unknown_key_is_named_with_its_line_and_the_one_that_was_meant(tmp_path: Path) -> None:
    file = written(
        tmp_path, "at_least = 0.5", '\n# a comment\ntransform = [\n "none"]\nat_leest = 1'
    )
    with pytest.raises(GateError, match=r"line 10, gate 2, at_leest: .*did you mean at_least"):
        policy.read(file)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("at_least = 1.5", "line 3, gate 1, at_least: Input should be less than or equal to 1"),
        ('at_least = "x"', "line 3, gate 1, at_least: Input should be a valid number"),
        ("at_least = nan", "line 3, gate 1, at_least: "),
        ('judge = "beauty"\nat_least = 0.1', "line 3, gate 1, judge: Input should be "),
        ("newer = true", "line 1, gate 1: give one of"),
        ("at_least = 0.1\nat_most = 0.5", "line 1, gate 1: give one of"),
        ("at_least = 0.0", "no report could fail"),
        ('judge = "dssim"\ntransform = "none"\nat_most = 0.1', "transform has no effect"),
        ('judge = "fpr"\nno_worse_by = 0.1', "neither better nor worse"),
        ('recogniser = ""\nat_least = 0.1', "a name is empty"),
        ("at_least = ]\nat_most = 1", "at line 3"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_with_its_line(
    condition: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(GateError) as error:
        policy.read(written(tmp_path, condition))
    assert said in error.value.got


def test_no_condition_is_no_policy(tmp_path: Path) -> None:
    (tmp_path / "gates.toml").write_text("")
    with pytest.raises(GateError, match="gate: Field required"):
        policy.read(tmp_path / "gates.toml")
    (tmp_path / "gates.toml").write_text('[[gate]]\nname="a"\nat_least=0.1\n' * 2)
    with pytest.raises(GateError, match="two conditions are called 'a'"):
        policy.read(tmp_path / "gates.toml")


def test_what_could_not_be_measured_is_an_error_that_says_why(tmp_path: Path) -> None:
    adaptive = ADVERSARIES[1].model_copy(update={"impossible": {ATTACK: "it is a black box"}})
    report = sample()
    without = report.model_copy(
        update={
            "cells": tuple(c for c in report.cells if c.adversary != "adaptive"),
            "adversaries": (ADVERSARIES[0], adaptive),
        }
    )
    with pytest.raises(GateError, match=r"selects nothing for adversary 'adaptive' .*black box"):
        judged(tmp_path, 'adversary = "adaptive"\nat_least = 0.1', without)


def test_a_cloak_of_which_nothing_is_selected_is_an_error(tmp_path: Path) -> None:
    report = sample()
    cloaks = (CLOAK, CLOAK.model_copy(update={"attack": "other"}))
    with pytest.raises(GateError, match="selects nothing for cloak 'other'"):
        judged(
            tmp_path, AS_PUBLISHED + "at_least = 0.5", report.model_copy(update={"cloaks": cloaks})
        )


def test_the_controls_of_cloaks_are_never_judged(tmp_path: Path) -> None:
    (only,) = judged(tmp_path, AS_PUBLISHED + "at_least = 0.5", sample()).judgements
    assert [c.cloak for c in only.compared] == [ATTACK]
    with pytest.raises(GateError, match="selects nothing for cloak"):
        judged(tmp_path, 'cloak = "noise*"\nat_least = 0.5', sample())


def test_all_selected_cells_must_pass_and_one_that_fails_is_enough(tmp_path: Path) -> None:
    both = 'adversary = "oblivious"\ntransform = "none"\nat_least = '
    (mixed,) = judged(tmp_path, both + "0.6", sample()).judgements
    assert [c.result for c in mixed.compared] == ["pass", "inconclusive"]
    assert mixed.result == "inconclusive"
    assert judged(tmp_path, both + "0.95", sample()).result == "fail"


def test_a_blocking_doubt_leaves_every_condition_open(tmp_path: Path) -> None:
    report = sample()
    doubt = report.caveats[0].model_copy(update={"blocking": True, "code": "some", "text": "why"})
    blocked = report.model_copy(update={"caveats": (doubt,)})
    for condition in (AS_PUBLISHED + "at_least = 0.1", 'judge = "dssim"\nat_most = 0.01'):
        verdict = judged(tmp_path, condition, blocked)
        assert verdict.result == "inconclusive"
        assert verdict.judgements[0].compared[0].why == "some: why"


def test_who_is_all_detected_is_neither_protected_nor_not(tmp_path: Path) -> None:
    (spotted,) = judged(tmp_path, 'adversary = "detection"\nat_least = 0.1', sample()).judgements
    assert spotted.result == "inconclusive"
    assert "everybody was detected" in spotted.compared[0].why


def test_a_number_that_is_none_decides_nothing(tmp_path: Path) -> None:
    quality = CLOAK.quality[0].model_copy(update={"dssim": float("nan")})
    report = sample().model_copy(
        update={"cloaks": (CLOAK.model_copy(update={"quality": (quality,)}),)}
    )
    assert judged(tmp_path, 'judge = "dssim"\nat_most = 0.5', report).result == "inconclusive"


def with_newer(*hits: int, **changes: object) -> AuditReport:
    return sample(newer=rate(*hits), **changes)  # type: ignore[arg-type]


def test_an_identical_rerun_is_no_worse_by_the_margin_of_its_size(tmp_path: Path) -> None:
    from audit.statistics import margin

    enough = margin(PEOPLE) + 0.005
    again = NEWER + f"no_worse_by = {enough:.3f}"
    verdict = judged(tmp_path, again, sample(), sample())
    assert verdict.result == "pass"
    assert verdict.judgements[0].compared[0].figure == 0
    less = NEWER + f"no_worse_by = {margin(PEOPLE) - 0.01:.3f}"
    assert judged(tmp_path, less, sample(), sample()).result == "inconclusive"


def test_a_release_that_protects_much_less_fails_and_a_better_one_passes(tmp_path: Path) -> None:
    condition = NEWER + "no_worse_by = 0.05"
    good, bad = with_newer(0), with_newer(4)
    assert judged(tmp_path, condition, bad, good).result == "fail"
    assert judged(tmp_path, condition, good, bad).result == "pass"
    found = judged(tmp_path, condition, bad, good).judgements[0].compared[0]
    assert (found.figure, found.before, found.people) == (-1, 1, PEOPLE)


def test_a_newer_release_of_another_name_is_compared_with_the_old_one(tmp_path: Path) -> None:
    old = sample()
    renamed = json.loads(old.model_dump_json().replace(f'"{ATTACK}"', '"lowkey:steps=9"'))
    new = AuditReport.model_validate_json(json.dumps(renamed))
    assert judged(tmp_path, NEWER + "no_worse_by = 0.5", new, old).result == "pass"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "seed is 0 and 1"),
        ({"dataset": "other"}, "dataset is lfw and other"),
        ({"protected": 9}, "protected is 24 and 9"),
        ({"detect": "as found"}, "detect is again and as found"),
        ({"epochs": 3}, "epochs is 12 and 3"),
    ],
)
def test_a_baseline_of_another_plan_is_an_error(
    change: dict[str, object], said: str, tmp_path: Path
) -> None:
    report = sample()
    other = report.model_copy(update={"plan": changed(report.plan, **change)})
    with pytest.raises(UnlikeRunsError, match=said):
        judged(tmp_path, NEWER + "no_worse_by = 0.5", report, other)


def test_a_baseline_of_other_people_probes_or_networks_is_an_error(tmp_path: Path) -> None:
    report, condition = sample(), NEWER + "no_worse_by = 0.5"
    strangers = sample(people=tuple(f"stranger {i}" for i in range(PEOPLE)))
    with pytest.raises(UnlikeRunsError, match="the people are others"):
        judged(tmp_path, condition, report, strangers)
    fewer = tuple(
        c if c.recogniser != "new" else cell(rate(2, of=3), rate(3, of=3), recogniser="new")
        for c in report.cells
    )
    with pytest.raises(UnlikeRunsError, match="the probes of new are others"):
        judged(tmp_path, condition, report, report.model_copy(update={"cells": fewer}))
    card = report.cards[0].model_copy(update={"name": "new"})
    one, two = (
        report.model_copy(update={"cards": (card.model_copy(update={"sha256": d * 64}),)})
        for d in "01"
    )
    with pytest.raises(UnlikeRunsError, match="another network, by its digest"):
        judged(tmp_path, condition, one, two)


def test_a_baseline_that_lacks_the_cell_or_that_nobody_needs_is_an_error(tmp_path: Path) -> None:
    report = sample()
    less = report.model_copy(
        update={"cells": tuple(c for c in report.cells if c.recogniser != "new")}
    )
    with pytest.raises(GateError, match="a cell that the baseline lacks"):
        judged(tmp_path, NEWER + "no_worse_by = 0.5", report, less)
    with pytest.raises(GateError, match="no condition compares with it"):
        judged(tmp_path, NEWER + "at_least = 0.5", report, report)


def test_a_baseline_whose_control_is_broken_decides_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, AS_PUBLISHED + "no_worse_by = 0.5", sample(), sample(control=2))
    assert found.result == "inconclusive"
    assert found.judgements[0].compared[0].why.startswith("baseline: the control is broken")


def test_a_detector_that_spots_more_is_worse(tmp_path: Path) -> None:
    seldom = sample()
    spotted = {FLAGGED: Outcome(cloaked=rate(0), control=rate(0), value=0.5)}
    cells = tuple(
        c if c.adversary != "detection" else cell(adversary="detection", more=spotted)
        for c in seldom.cells
    )
    seldom = seldom.model_copy(update={"cells": cells})
    condition = 'judge = "tpr"\nno_worse_by = 0.1'
    assert judged(tmp_path, condition, sample(), seldom).result == "fail"
    assert judged(tmp_path, condition, seldom, sample()).result == "pass"
    assert judged(tmp_path, 'judge = "dssim"\nno_worse_by = 0.1', seldom, sample()).result == "pass"


def test_a_report_of_a_newer_version_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = {**json.loads(sample().model_dump_json()), "version": 3}
    (tmp_path / "report.json").write_text(json.dumps(newer))
    file = written(tmp_path, "at_least = 0.1")
    assert exits(monkeypatch, "gate", tmp_path, "--policy", file) == 2
    assert (
        "is not a report of version 2 but of 3; expected version 2, the newest"
        in capsys.readouterr().err
    )


def test_json_holds_what_was_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sample().save(tmp_path / "report.json")
    file = written(tmp_path, NEWER + "at_least = 0.5")
    assert exits(monkeypatch, "gate", tmp_path, "--policy", file, "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["result"], said["code"]) == ("inconclusive", 3)
    ((compared,),) = [c["compared"] for c in said["conditions"]]
    assert (compared["recogniser"], compared["figure"]) == ("new", 0.5)


@pytest.mark.parametrize("file", sorted((ROOT / "docs/gates").glob("*.toml")), ids=lambda f: f.stem)
def test_the_example_policies_judge_a_report(file: Path) -> None:
    """That of newer models has a recogniser, that of JPEG its transform, and so on."""
    found = policy.read(file)
    baseline = sample() if found.against_baseline else None
    assert gate.judge(found, sample(), baseline).result in gate.CODES


def test_the_margins_of_the_example_policies_let_an_identical_rerun_pass() -> None:
    """Each says in its first line for how many people it is."""
    from audit.statistics import margin

    seen = 0
    for file in (ROOT / "docs/gates").glob("*.toml"):
        for condition in policy.read(file).gate:
            if condition.no_worse_by is not None and condition.judge == "protection":
                people = int(file.read_text().partition(" people")[0].split()[-1])
                assert margin(people) <= condition.no_worse_by < margin(people) + 0.02
                seen += 1
    assert seen


def test_a_gate_is_judged_without_torch(tmp_path: Path) -> None:
    sample().save(tmp_path / "report.json")
    file = written(tmp_path, AS_PUBLISHED + "at_least = 0.6")
    code = (
        "import sys, cli; sys.argv = ['x', *sys.argv[1:]]\n"
        "try: cli.main()\n"
        "except SystemExit as left: sys.exit('torch' if 'torch' in sys.modules else left.code)"
    )
    for words in (
        ["gate", tmp_path, "--policy", file],
        ["compare", tmp_path, tmp_path],
        ["badge", tmp_path, "--policy", file],
    ):
        done = subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=ROOT, check=False)
        assert done.returncode == 0, words


@pytest.mark.parametrize("baseline", ["", "given"])
def test_what_is_wrong_with_a_policy_is_found_before_an_audit_begins(
    baseline: str, tmp_path: Path
) -> None:
    from reports.console.gate import begun

    file = written(tmp_path, NEWER + "no_worse_by = 0.5")
    sample().save(tmp_path / "report.json")
    plan = changed(sample().plan, seed=7) if baseline else sample().plan
    with pytest.raises(AuditError, match="seed is 7 and 0" if baseline else "compares with a base"):
        begun(file, tmp_path if baseline else None, plan)
