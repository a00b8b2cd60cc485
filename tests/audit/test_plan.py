"""A plan is the same wherever it comes from, and every audit measures the controls."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import plan
from lowkey_core.errors import PlanError, UnknownNameError


@pytest.mark.parametrize("preset", plan.PRESETS)
def test_every_preset_is_a_plan_and_states_its_cost(preset: str) -> None:
    made = plan.make(preset)
    assert "oblivious" in made.adversaries
    assert set(plan.BASE_TRANSFORMS) <= set(made.transforms)
    assert plan.COSTS[preset]
    assert f"{made.protected} people x {made.probes} probes" in plan.power(made)


def test_flags_override_the_file_which_overrides_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('protected = 7\nprobes = 3\nadversaries = ["detection"]')
    made = plan.make("quick", file, {"probes": 2, "seed": None})
    assert (made.protected, made.probes, made.background) == (7, 2, 24)
    assert made.adversaries == ("oblivious", "detection")


def test_distractor_data_sets_come_from_flag_or_file(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('distractor_datasets = ["a", "b, c", "a"]')
    assert plan.make(file=tmp_path / "plan.toml").distractor_datasets == ("a", "b, c")
    assert plan.make(flags={"distractor_datasets": ("d",)}).distractor_datasets == ("d",)
    assert plan.make().distractor_datasets == ()


def test_the_default_is_of_people_who_do_not_exist_and_needs_no_assets() -> None:
    made = plan.make()
    assert made.dataset == "synthetic"
    assert made.surrogates == ("zoo:ir-arcface", "zoo:resnet-cosface")
    assert made.recognisers == ("dlib", "zoo:mobile", "zoo:vit")


def test_on_lfw_the_networks_are_those_that_did_not_learn_from_it(tmp_path: Path) -> None:
    """Wherever it is asked for; and whatever else is asked for holds."""
    (tmp_path / "plan.toml").write_text('dataset = "lfw"')
    for made in (plan.make(file=tmp_path / "plan.toml"), plan.make(flags={"dataset": "lfw"})):
        assert made.surrogates == ("dlib", "mobilefacenet:casia")
        assert made.recognisers == ("mobilefacenet:ms1m", "edgeface:xxs")
    made = plan.make(flags={"dataset": "lfw", "surrogates": ("zoo:mobile",)})
    assert made.surrogates == ("zoo:mobile",)
    assert made.recognisers == ("mobilefacenet:ms1m", "edgeface:xxs")


def test_one_plan_has_one_name() -> None:
    assert plan.make("quick").digest == plan.make("quick").digest
    assert plan.make("quick").digest != plan.make("quick", flags={"seed": 1}).digest


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"protected": 0}, "protected"),
        ({"matchers": ("knn",)}, "matchers"),
        ({"ranks": ("0",)}, "ranks"),
        ({"cloaked_share": 1.5}, "cloaked_share"),
        ({"nonsense": 1}, "nonsense"),
        ({"attack_options": {"steps": "many"}}, "attack_options"),
    ],
)
def test_a_wrong_value_is_named(flags: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan.make(flags=flags)


@pytest.mark.parametrize("content", ["protected = ", "\x00", 'protected = "six"'])
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "plan.toml").write_text(content)
    with pytest.raises(PlanError, match="expected"):
        plan.make(file=tmp_path / "plan.toml")


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UnknownNameError, match="offline, quick, standard, thorough"):
        plan.make("fast")


def test_the_zoo_has_a_price_of_its_own() -> None:
    """It is for the default surrogates, and gives way to what is asked."""
    zoo = plan.AGAINST_THE_ZOO
    assert plan.make().attack_options == zoo
    assert plan.make(flags={"attack": "lowkey:published"}).attack_options == zoo
    asked = plan.make(flags={"attack_options": {"steps": 3}}).attack_options
    assert asked == {**zoo, "steps": 3}
    own = {"attack_options": {"ssim_price": 5.0}}
    assert plan.make(flags=own).attack_options == own["attack_options"]
    for flags in ({"surrogates": ("dlib",)}, {"dataset": "lfw"}, {"attack": "noise"}):
        assert plan.make(flags=flags).attack_options == {}
