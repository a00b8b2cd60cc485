"""The judge of interruptions sees half-written files, left-overs and other results."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.interrupted import Trial, damage, different, tree
from lowkey_core.photos.images import encode
from lowkey_core.work.files import PART
from lowkey_core.work.records import seal

START = """
import json, sys, time, random
from pathlib import Path
out = Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
content = json.dumps({"figure": 1, "timings": time.perf_counter()}).encode()
"""
CAREFUL = (
    START
    + f"""
for left in out.glob("{PART}*"): left.unlink()
part = out / "{PART}x"
with part.open("wb") as file:
    for byte in content: file.write(bytes([byte])); file.flush(); time.sleep(0.005)
part.rename(out / "report.json")
"""
)
CARELESS = (
    START
    + """
with (out / "report.json").open("wb") as file:
    for byte in content: file.write(bytes([byte])); file.flush(); time.sleep(0.005)
"""
)
FORGETFUL = CAREFUL.replace("left.unlink()", "left.rename(f'{left}left')")
FICKLE = CAREFUL.replace('"figure": 1', '"figure": random.random()')


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (CAREFUL, None),
        (CARELESS, "report.json: JSONDecodeError"),
        (FORGETFUL, "left over"),
        (FICKLE, "not what the undisturbed command wrote"),
    ],
    ids=["careful", "careless", "forgetful", "fickle"],
)
def test_tells_the_careful_from_the_others(
    command: str, complaint: str | None, tmp_path: Path
) -> None:
    trial = Trial([sys.executable, "-Sc", command, "{out}"], tmp_path, random.Random(0))
    trial.run(8)
    assert trial.kills == 8
    assert trial.lives >= 1
    if complaint is None:
        assert trial.violations == []
    else:
        assert any(complaint in violation for violation in trial.violations)


def test_a_command_that_fails_undisturbed_proves_nothing(tmp_path: Path) -> None:
    failing = "import sys; print('no', file=sys.stderr); sys.exit(2)"
    with pytest.raises(SystemExit, match="exits with 2: no"):
        Trial([sys.executable, "-c", failing], tmp_path, random.Random(0)).run(1)


def test_every_kind_of_file_is_looked_into(tmp_path: Path) -> None:
    picture = torch.rand(1, 3, 40, 40)
    whole = {
        "ab/12.safetensors": seal("ab12", {"x": torch.ones(9)}),
        "a.png": encode(picture, "PNG"),
        "a.jpg": encode(picture, "JPEG"),
        "report.json": json.dumps({"a": [1, 2]}).encode(),
        "report.md": b"# done\n",
        "else": b"x",
    }
    (tmp_path / "ab").mkdir()
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
        assert damage(tmp_path / name) == ""
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        assert damage(tmp_path / name), name


def test_trees_are_compared_without_what_may_differ(tmp_path: Path) -> None:
    for name, timing in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "r.json").write_text(json.dumps({"x": 1, "timings": timing}))
    assert [*different(tree(tmp_path / "a"), tree(tmp_path / "b"))] == []
    (tmp_path / "b" / "more").touch()
    (tmp_path / "b" / "r.json").write_text(json.dumps({"x": 2}))
    assert [*different(tree(tmp_path / "a"), tree(tmp_path / "b"))] == [
        "more is left over",
        "r.json is not what the undisturbed command wrote",
    ]
    missing, _ = different(tree(tmp_path / "b"), tree(tmp_path / "a"))
    assert missing == "more is missing"
