"""A plan is the same wherever it comes from, and every audit measures the controls."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import choices, presets
from audit.choices import make
from audit.plan import BASE_TRANSFORMS, AuditPlan
from audit.statistics import power
from lowkey_core import weights
from lowkey_core.errors import OptionError, PlanError, UnknownNameError
from lowkey_core.weights.packaged import FACEPLUGIN


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_every_preset_is_a_plan_and_states_its_cost(preset: str) -> None:
    made = make(preset)
    assert "oblivious" in made.adversaries.names
    assert set(BASE_TRANSFORMS) <= set(made.publish.transforms)
    assert "rank-k" in made.measure.measures
    assert presets.cost(preset, 1) == presets.COSTS[preset]
    assert presets.cost(preset, 3).endswith(", 3 times")


def test_the_power_of_an_audit_is_said_of_its_size() -> None:
    assert power(24, 4).startswith("24 people x 4 probes: a rate of 0.5 is known to +-0.2")
    assert power(6, 4) == "6 people x 4 probes: a rate of 0.5 is known to +-0.38 or better"
    assert power(6, 4, 3) == (
        "6 people x 4 probes x 3 splits: a rate of 0.5 is known to +-0.38 or better, "
        "+-0.24 if nobody is in two"
    )


def test_flags_override_the_file_which_overrides_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("[people]\nprotected = 7\nprobes = 3\n[adversaries]\nnames = ['detection']")
    made = make("quick", file, {"probes": "2", "seed": None})
    people = made.people
    assert (people.protected, people.probes, people.background) == (7, 2, 24)
    assert made.adversaries.names == ("oblivious", "detection")
    assert make("quick", file, {"adversary": "adaptive"}).adversaries.names[1:] == ("adaptive",)


def test_distractor_data_sets_come_from_flag_or_file(tmp_path: Path) -> None:
    """They are paths: nothing in them is cut or read as an option."""
    (tmp_path / "plan.toml").write_text('[people]\ndistractor_datasets = ["a", "b, c:d", "a"]')
    assert make(file=tmp_path / "plan.toml").people.distractor_datasets == ("a", "b, c:d")
    assert make(given={"distractor_dataset": ["d"]}).people.distractor_datasets == ("d",)
    assert make().people.distractor_datasets == ()


def test_the_default_is_of_people_who_do_not_exist_and_needs_no_assets() -> None:
    made = make()
    assert made.people.dataset == "synthetic"
    assert made.publish.surrogates == ("zoo:ir-arcface", "zoo:resnet-cosface")
    assert made.adversaries.recognisers == ("dlib", "zoo:mobile", "zoo:vit")


def test_on_lfw_the_networks_are_those_that_did_not_learn_from_it(tmp_path: Path) -> None:
    """Wherever it is asked for; and whatever else is asked for holds."""
    (tmp_path / "plan.toml").write_text('[people]\ndataset = "lfw"')
    for made in (make(file=tmp_path / "plan.toml"), make(given={"dataset": "lfw"})):
        assert made.publish.surrogates == ("dlib", "mobilefacenet:casia")
        assert made.adversaries.recognisers == ("mobilefacenet:ms1m", "edgeface:xxs")
    made = make(given={"dataset": "lfw", "surrogate": "zoo:mobile"})
    assert made.publish.surrogates == ("zoo:mobile",)
    assert made.adversaries.recognisers == ("mobilefacenet:ms1m", "edgeface:xxs")


@pytest.mark.parametrize("dataset", ["synthetic", "lfw"])
def test_a_fetched_newer_network_takes_part_where_none_is_named(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    monkeypatch.setattr(presets, "WHERE_PRESENT", (FACEPLUGIN,))
    usual = make(given={"dataset": dataset}).adversaries.recognisers
    assert FACEPLUGIN.name not in usual
    weights.home(FACEPLUGIN).parent.mkdir()
    weights.home(FACEPLUGIN).write_bytes(b"")
    now = make(given={"dataset": dataset}).adversaries.recognisers
    assert now == (*usual, FACEPLUGIN.name)
    (tmp_path / "plan.toml").write_text('[adversaries]\nrecognisers = ["dlib"]')
    for named in (
        make(given={"dataset": dataset, "recogniser": "dlib"}),
        make(file=tmp_path / "plan.toml", given={"dataset": dataset}),
    ):
        assert named.adversaries.recognisers == ("dlib",)


def test_one_plan_has_one_name() -> None:
    assert make("quick").digest == make("quick").digest
    assert make("quick").digest != make("quick", given={"seed": 1}).digest
    one, other = ("lowkey:steps=8:step_size=0.01", "lowkey:step_size=0.010:steps=8")
    assert make(given={"attack": one}).digest == make(given={"attack": other}).digest


def test_names_are_kept_in_canonical_form_and_once() -> None:
    made = make(given={"attack": "lowkey:steps=8:step_size=0.01,none,lowkey:step_size=.01:steps=8"})
    assert made.publish.attacks == ("lowkey:step_size=0.01:steps=8", "none")
    made = make(given={"transform": "resize:0.5+jpeg:75"})
    assert made.publish.transforms == (*BASE_TRANSFORMS, "resize:0.5+jpeg:75")


def test_a_folder_of_copies_is_short_for_a_cloak() -> None:
    made = make(given={"cloaked": "my, copies"})
    assert made.publish.attacks == ('folder:"my, copies"',)
    assert make(given={"attack": "folder", "cloaked": "c"}).publish.attacks == ("folder:c",)
    with pytest.raises(PlanError, match="cloaked was given with attack"):
        make(given={"attack": "lowkey", "cloaked": "c"})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"protected": 0}, "people.protected is 0.*change protected"),
        ({"seeds": 0}, "people.seeds is 0.*change seeds"),
        ({"ranks": ("0",)}, "ranks"),
        ({"ranks": "1,many"}, "ranks"),
        ({"flagged": "burn"}, "flagged is 'burn'"),
        ({"adversary": []}, None),
        ({"recogniser": []}, "recogniser"),
        ({"nonsense": 1}, "no choice is called 'nonsense'"),
    ],
)
def test_a_wrong_value_is_named(given: dict[str, object], message: str | None) -> None:
    if message is None:
        assert make(given=given).adversaries.names == ("oblivious",)
        return
    with pytest.raises((PlanError, UnknownNameError), match=message):
        make(given=given)


@pytest.mark.parametrize("name", ["", "lowkey:steps=", 'lowkey:"', ":steps=3", "a:b:c"])
def test_a_name_that_is_no_spec_is_said_so(name: str) -> None:
    if name == "lowkey:steps=":
        assert make(given={"attack": [name]}).publish.attacks == ("lowkey:steps=",)
        return
    with pytest.raises(OptionError, match="quote what holds"):
        make(given={"attack": [name]})


@pytest.mark.parametrize("content", ["protected = ", "\x00", '[people]\nprotected = "six"'])
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.toml").write_text(content)
    with pytest.raises(PlanError, match="expected"):
        make(file=tmp_path / "plan.toml")


@pytest.mark.parametrize(
    ("line", "now"),
    [
        ('attack = "lowkey"', r'write attacks = \["NAME"\] in \[publish\]'),
        ("protected = 3", r"write protected = ... in \[people\]"),
        ("cloaked_share = 0.5", r'scenarios = \["mixed:SHARE"\]'),
        ('conditions = ["one"]', r"scenarios = ... in \[publish\]"),
        ('adversaries = ["adaptive"]', r"names = ... in \[adversaries\]"),
        ("[attack_options]\nsteps = 3", r'attacks = \["NAME:KEY=VALUE"\]'),
        ("nonsense = 3", "see docs/plan.md"),
    ],
)
def test_the_flat_form_is_refused_with_the_new_one(line: str, now: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(line)
    with pytest.raises(PlanError, match=now):
        make(file=tmp_path / "plan.toml")


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UnknownNameError, match="offline, quick, standard, thorough"):
        make("fast")


def test_every_choice_has_a_name_of_its_own_and_a_help() -> None:
    found = list(choices.choices())
    assert len({choice.name for choice in found}) == len(found)
    assert all(choice.help.endswith(".") for choice in found)
    assert 5 <= sum(choice.common for choice in found) <= 10


def test_a_plan_survives_json() -> None:
    made = make("thorough", given={"attack": 'command:"tool {in} {out}"', "ranks": "3,1"})
    assert AuditPlan.model_validate_json(made.model_dump_json()) == made
