"""The recipes: teachers, unknown names, the weight file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load as parse_tensors

from lowkey_core import recognisers
from lowkey_core.errors import UnknownNameError
from lowkey_core.recognisers import zoo
from lowkey_core.training import recipes
from lowkey_core.types import FACE_SIZE
from lowkey_core.work.work import Work
from tests.lowkey_core.training.examples import Student


def test_there_is_a_recipe_for_every_member() -> None:
    assert set(recipes.RECIPES) == set(zoo.MEMBERS)


def test_teachers_are_licensed_and_the_unseen_have_another_one() -> None:
    teachers = {member: teacher for member, (teacher, _) in recipes.RECIPES.items()}
    assert teachers == {
        "ir-arcface": "mobilefacenet:ms1m",
        "resnet-cosface": "mobilefacenet:ms1m",
        "mobile": "dlib",
        "vit": "dlib",
    }


@pytest.mark.parametrize("member", zoo.MEMBERS)
def test_a_card_names_the_teacher_of_its_recipe(member: str) -> None:
    (teacher, config), card = recipes.RECIPES[member], zoo.CARDS[member]
    assert f"distilled from {teacher}" in card.trained_on
    assert recognisers.cards()[teacher].lineage < card.lineage
    assert config.margin == member.partition("-")[2]


@pytest.mark.parametrize("name", ["zoo:mobil", "mobil", "zoo:"])
def test_an_unknown_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="zoo:mobile"):
        recipes.train(name, tmp_path, Work())
    assert not [*tmp_path.iterdir()]


def test_an_unknown_name_gets_the_nearest_as_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'zoo:mobile'"):
        recipes.train("zoo:mobil", tmp_path, Work())


def test_a_weight_file_can_be_read_again(tmp_path: Path) -> None:
    network = Student()
    network(torch.rand(4, 3, FACE_SIZE, FACE_SIZE))
    path = recipes._written(tmp_path / "new" / "x.safetensors", network.state_dict())
    state = parse_tensors(path.read_bytes())
    assert set(state) == set(network.state_dict())
    assert state["fc.weight"].dtype == torch.float16
    assert torch.allclose(state["fc.weight"].float(), network.fc.weight, atol=1e-3)
    assert state["norm.num_batches_tracked"] == 1
