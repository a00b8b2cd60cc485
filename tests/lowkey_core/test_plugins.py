"""From a name to an object: files, families, installed distributions, and their options."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lowkey_core import plugins
from lowkey_core.cloaks import CLOAKS
from lowkey_core.errors import OptionError, PluginError, UnknownNameError
from lowkey_core.plugins import Kind, code
from lowkey_core.recognisers import RECOGNISERS
from lowkey_core.spec import Spec
from lowkey_core.transforms import TRANSFORMS

THINGS: Kind[dict[str, object]] = Kind("thing", "lowkey_core.cloaks", promises=("keys",))
"""A kind whose plugins return what they were given."""

GIVEN = """
from typing import Annotated, Literal
from annotated_types import Ge, Le

def build({parameters}):
    return dict({given})
"""


def written(folder: Path, parameters: str = "", *names: str, more: str = "") -> str:
    """A plugin's file, whose `build` has these parameters and returns those called so."""
    given = ", ".join(name if name.startswith("**") else f"{name}={name}" for name in names)
    file = folder / "mine.py"
    file.write_text(GIVEN.format(parameters=parameters, given=given) + more)
    return str(file)


@pytest.fixture
def limited(tmp_path: Path) -> str:
    return written(
        tmp_path,
        "share: Annotated[float, Ge(0), Le(1)] = 0.5, count: int = 3, "
        "how: Literal['fast', 'slow'] = 'fast', deep: bool = False",
        *("share", "count", "how", "deep"),
    )


def test_options_are_parameters_of_build(limited: str) -> None:
    assert THINGS.load(limited) == {"share": 0.5, "count": 3, "how": "fast", "deep": False}
    made = THINGS.load(f"{limited}:count=7:share=1:how=slow:deep=true")
    assert made == {"share": 1.0, "count": 7, "how": "slow", "deep": True}
    assert isinstance(made["share"], float), "as it is annotated"


def test_a_value_is_the_first_option(limited: str) -> None:
    assert THINGS.load(f"{limited}:0.25")["share"] == 0.25
    with pytest.raises(OptionError, match="share once"):
        THINGS.load(f"{limited}:0.25:share=0.5")


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("share", "2", "less than or equal to 1"),
        ("share", "-1", "greater than or equal to 0"),
        ("share", "much", "a valid number"),
        ("count", "2.5", "a valid integer"),
        ("count", "many", "a valid integer"),
        ("how", "somehow", "'fast' or 'slow'"),
        ("deep", "perhaps", "a valid boolean"),
    ],
)
def test_limits_are_in_the_annotations_and_have_one_form_of_error(
    option: str, value: str, expected: str, limited: str
) -> None:
    with pytest.raises(OptionError) as raised:
        THINGS.load(f"{limited}:{option}={value}")
    error = raised.value
    assert error.got.startswith(f"{option} of '{limited}:{option}={value}' is ")
    assert expected in error.expected
    assert error.remedy == f"correct it, as in {limited}:{option}=VALUE"


def test_an_unknown_option_is_said_so_with_those_there_are(limited: str) -> None:
    with pytest.raises(OptionError, match=r"no option 'depth'.*share, count, how, deep"):
        THINGS.load(f"{limited}:depth=3")


def test_without_options_none_is_taken(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="none at all"):
        THINGS.load(f"{written(tmp_path)}:depth=3")
    with pytest.raises(OptionError, match=r"carries the value '3'.* alone"):
        THINGS.load(f"{written(tmp_path)}:3")


def test_a_build_of_any_options_takes_any(tmp_path: Path) -> None:
    mine = written(tmp_path, "first=1, **options", "first", "**options")
    assert THINGS.load(f"{mine}:depth=3:x=a") == {"first": 1, "depth": 3, "x": "a"}
    assert THINGS.load(f"{mine}:5") == {"first": "5"}


def test_what_has_no_default_must_be_told(tmp_path: Path) -> None:
    mine = written(tmp_path, "share: float, count: int, deep=False", "share", "count")
    assert THINGS.load(f"{mine}:0.5:count=2") == {"share": 0.5, "count": 2}
    with pytest.raises(OptionError, match=r"not told its 'count'.*options for: share, count"):
        THINGS.load(f"{mine}:0.5")


def test_an_annotation_for_type_checkers_only_sets_no_limit(tmp_path: Path) -> None:
    mine = written(tmp_path, "share: 'Unheard' = 1", "share")
    assert THINGS.load(f"{mine}:share=all")["share"] == "all"


def test_is_granted_what_it_asks_for_by_name(tmp_path: Path) -> None:
    mine = written(tmp_path, "work, deep=False", "work", "deep")
    granted = {"work": "the work", "surrogates": "not asked for"}
    assert THINGS.load(mine, granted=granted) == {"work": "the work", "deep": False}
    with pytest.raises(OptionError, match="no option 'work'"):
        THINGS.load(f"{mine}:work=3", granted=granted)


def test_a_default_of_the_audit_holds_where_the_spec_says_nothing(tmp_path: Path) -> None:
    mine = written(tmp_path, "epochs: int = 5, deep=False", "epochs", "deep")
    defaults = {"epochs": 20, "flagged": "drop"}
    assert THINGS.load(mine, defaults=defaults)["epochs"] == 20
    assert THINGS.load(f"{mine}:epochs=3", defaults=defaults)["epochs"] == 3
    assert THINGS.load(f"{mine}:3", defaults=defaults)["epochs"] == 3


def test_a_family_lists_its_members_and_is_called_for_the_first(tmp_path: Path) -> None:
    mine = written(tmp_path, "member, deep=False", "member", "deep", more="MEMBERS = 'a', 'b'")
    assert THINGS.load(mine)["member"] == "a"
    assert THINGS.load(f"{mine}:b:deep=true") == {"member": "b", "deep": True}
    with pytest.raises(UnknownNameError, match=r"one of: .*mine\.py:a, .*mine\.py:b"):
        THINGS.load(f"{mine}:c")
    with pytest.raises(OptionError, match="no option 'member'"):
        THINGS.load(f"{mine}:member=b")


def test_is_given_what_it_is_built_from(tmp_path: Path) -> None:
    mine = written(tmp_path, "of", "of")
    assert THINGS.load(f"{mine}@lowkey:steps=3") == {"of": Spec("lowkey", options={"steps": 3})}
    assert THINGS.load(f"{mine}@lowkey", granted={"of": "made already"}) == {"of": "made already"}
    assert THINGS.load(mine) == {"of": None}
    with pytest.raises(OptionError, match="built from 'lowkey'"):
        THINGS.load(f"{written(tmp_path)}@lowkey")


def test_ours_are_found_by_their_files_with_their_members() -> None:
    assert {"lowkey", "lowkey:published", "noise", "none", "folder"} <= set(CLOAKS.available())
    assert "face-evolve:ir152-arcface" in RECOGNISERS.available()
    for name in ("face-evolve:ir152-arcface", "face_evolve:ir152-arcface"):
        assert RECOGNISERS.find(plugins.parse(name)).asks_for("member")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lowky", "did you mean 'lowkey'"),
        ("lowkey:publishd", "did you mean 'lowkey:published'"),
        ("nowhere.py", "nowhere.py is not a file"),
        ("zzzzzz", "check the spelling"),
    ],
)
def test_an_unknown_name_is_said_so_with_the_nearest(name: str, told: str) -> None:
    with pytest.raises(UnknownNameError, match=told):
        CLOAKS.load(name)


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        ("x = 1", UnknownNameError, "has no build"),
        ("1 / 0", UnknownNameError, "does not run: ZeroDivisionError"),
        ("import sys; sys.exit(3)", UnknownNameError, "does not run: SystemExit"),
        ("def build(): return 3", PluginError, "returned a int.*__call__"),
    ],
)
def test_a_file_that_is_no_plugin_is_said_so(
    content: str, kind: type[Exception], told: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(content)
    with pytest.raises(kind, match=told):
        CLOAKS.load(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("hangs", ["import time; time.sleep(60)", "while True: pass"])
def test_an_import_that_hangs_is_ended(
    hangs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "PATIENCE", 1)
    (tmp_path / "mine.py").write_text(hangs)
    with pytest.raises(PluginError, match=r"mine\.py took more than 1 seconds"):
        CLOAKS.load(str(tmp_path / "mine.py"))


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, points: str, content: str) -> None:
    """A distribution with these entry points and one module, `somebodys_transforms`."""
    about = folder / "somebodys-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: somebodys\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[lowkey_audit.transforms]\n{points}\n")
    (folder / "somebodys_transforms.py").write_text(content)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "somebodys_transforms", raising=False)


SHIFT = """
import numpy as np
MEMBERS = "down", "up"
def build(member, by: int = 1):
    return lambda pixels: np.roll(pixels, by if member == "down" else -by, 0)
def left(by: int = 1):
    return lambda pixels: np.roll(pixels, -by, 1)
"""


def test_an_installed_distribution_offers_modules_and_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "shift = somebodys_transforms\nleft = somebodys_transforms:left"
    installed(tmp_path, monkeypatch, points, SHIFT)
    assert {"shift", "left", "jpeg"} <= set(TRANSFORMS.available())
    assert {"shift", "left"}.isdisjoint(CLOAKS.available()), "it is of another kind"
    import numpy as np

    pixels = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    assert np.array_equal(TRANSFORMS.load("shift")(pixels), np.roll(pixels, 1, 0))
    assert np.array_equal(TRANSFORMS.load("shift:up:by=2")(pixels), np.roll(pixels, -2, 0))
    assert np.array_equal(TRANSFORMS.load("left:2")(pixels), np.roll(pixels, -2, 1))
    with pytest.raises(UnknownNameError, match="shift:down, shift:up"):
        TRANSFORMS.load("shift:sideways")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("1 / 0", "does not load: ZeroDivisionError"),
        ("import sys; sys.exit(3)", "does not load: SystemExit"),
        ("import nowhere_to_be_found", "does not load: ModuleNotFoundError"),
        ("import time; time.sleep(60)", "took more than 1 seconds"),
    ],
)
def test_an_installed_plugin_that_does_not_load_is_said_so(
    content: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code, "PATIENCE", 1)
    installed(tmp_path, monkeypatch, "broken = somebodys_transforms", content)
    assert "broken" in TRANSFORMS.available(), "listing loads nothing of anybody's"
    with pytest.raises(PluginError, match=told):
        TRANSFORMS.load("broken")


def test_ours_cannot_be_replaced_by_installing_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(tmp_path, monkeypatch, "none = somebodys_transforms", "1 / 0")
    assert TRANSFORMS.load("none").__module__ == "lowkey_core.transforms.none"
