"""Every error: one form, one line, exit code 2; a class without a way to provoke it fails here."""

from __future__ import annotations

import ast
import datetime
import importlib
import os
import pickle
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import cli
from adversaries import ADVERSARIES
from audit import across, choices, policy, report, runs
from audit.plan import AuditPlan
from lowkey_core import checks, errors, recognisers, transforms, weights
from lowkey_core.cloaks.folder import FoundCopies
from lowkey_core.datasets import folder as folders
from lowkey_core.errors import AuditError, as_flag, by_name, setting
from lowkey_core.photos import images
from lowkey_core.publish.tool import CloakTool
from lowkey_core.services import patience, web
from lowkey_core.weights import download
from lowkey_core.work import files
from lowkey_core.work.learning import FileKeep
from lowkey_core.work.work import Work
from lowkey_core.workers import sending
from reports.console import process
from tests.conftest import people

ROOT = Path(__file__).parents[2]
PACKAGES = ("lowkey_core", "adversaries", "audit", "reports")
NASTY = os.fsdecode(b"two\nlines\x1b[31m \xff [bold red]\xe2\x80\xae.py")
"""A file name: a newline, a colour, no UTF-8, rich markup, text turned right to left."""
GROUPS = ("AuditError", "PictureError", "WeightsError", "RequestError")
"""Those that are only caught."""


def classes() -> Iterator[type[AuditError]]:
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    pending = [AuditError]
    for kind in pending:
        pending += kind.__subclasses__()
    yield from (k for k in pending if k.__module__.partition(".")[0] in PACKAGES)


RAISED = [kind for kind in classes() if kind.__name__ not in GROUPS]


def card(name: str) -> weights.Card:
    return weights.Card(name, name, "0" * 64, "here", "none", datetime.date.min, "nothing")


def planted(folder: Path, content: str) -> str:
    (folder / NASTY).write_text(content)
    return str(folder / NASTY)


def tampered(folder: Path) -> object:
    (folder / "weights").mkdir()
    planted(folder / "weights", "random weights")
    return weights.read(card(NASTY))


def unanswered() -> object:
    def busy() -> None:
        raise patience.TryAgain(NASTY)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patience, "sleep", lambda _: None)
        return patience.Pace("facepp", 1.0).call(busy)


def unknown_network(folder: Path) -> object:
    (folder / f"{NASTY}.pt").write_bytes(b"a network without a card")
    return recognisers.load(str(folder / f"{NASTY}.pt"))


def too_few_copies(folder: Path) -> object:
    cloak = FoundCopies(str(folder), Work())
    return CloakTool("folder", cloak, Work()).for_adversary(people(1, 1), torch.Generator())


HOW: dict[str, Callable[[Path], object]] = {
    "ImageShapeError": lambda _: checks.check_images(torch.zeros(3, 4, 4), NASTY),
    "ImageRangeError": lambda _: checks.check_images(torch.full((1, 3, 4, 4), 2.0), NASTY),
    "UnreadableImageError": lambda _: images.decode(b"no picture", NASTY),
    "MissingWeightsError": lambda _: weights.read(card(NASTY)),
    "TamperedWeightsError": tampered,
    "LocalNetworkError": unknown_network,
    "DownloadError": lambda _: download.fetch(card(NASTY), print),
    "NotPossibleError": too_few_copies,
    "ServiceError": lambda _: web.key("facepp", NASTY, ""),
    "NoAnswerError": lambda _: unanswered(),
    "UnknownNameError": lambda folder: ADVERSARIES.load(str(folder / NASTY)),
    "OptionError": lambda _: transforms.load(f"jpeg:{NASTY}"),
    "PlanError": lambda folder: choices.make(file=folder / NASTY),
    "GateError": lambda folder: policy.read(folder / NASTY),
    "UnlikeRunsError": lambda _: across.must_agree(
        AuditPlan(), AuditPlan.model_validate({"people": {"dataset": NASTY}})
    ),
    "DatasetError": lambda folder: folders.build(str((folder / NASTY).mkdir() or folder / NASTY)),
    "CheckpointError": lambda folder: FileKeep(Path(planted(folder, "no checkpoint"))).resume(len),
    "StorageError": lambda folder: files.write_atomically(Path(planted(folder, "")) / "x", b""),
    "PluginError": lambda folder: ADVERSARIES.load(planted(folder, "def build(): return 3")),
    "ReportError": lambda folder: report.read(folder / NASTY),
    "RunError": lambda folder: runs.resumed(folder / NASTY, []),
    "WorkersError": lambda _: sending.demand_same({}, NASTY),
}
"""How to provoke each class, in an empty folder that is also CLOAK_ASSETS."""
NAMELESS = ("NotPossibleError",)
"""Those that repeat no name of a user's; all others are given NASTY."""


@pytest.mark.parametrize("kind", RAISED, ids=lambda kind: kind.__name__)
def test_is_one_line_that_says_got_expected_remedy_and_exits_with_2(
    kind: type[AuditError],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kind.__name__ in HOW, f"say in HOW how to provoke {kind.__name__}"
    monkeypatch.setenv(weights.ASSETS_VARIABLE, str(tmp_path))
    raised: list[AuditError] = []

    def app() -> None:
        try:
            HOW[kind.__name__](tmp_path)
        except kind as error:
            raised.append(error)
            raise

    monkeypatch.setattr(cli, "app", app)
    monkeypatch.setattr(process.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as left:
        cli.main()
    (error,), printed = raised, capsys.readouterr()
    assert left.value.code == 2
    assert printed.err == f"error: {error.worded(as_flag)}\n"
    assert printed.out == ""
    assert type(error) is kind
    assert str(error) == error.worded(by_name)
    for line in (str(error), error.worded(as_flag)):
        assert line.isprintable(), "no private-use character of a setting is left either"
    assert f"; expected {errors.one_line(error.expected)}; " in str(error)
    assert str(error).startswith(errors.one_line(error.got))
    assert str(error).endswith(errors.one_line(error.remedy))
    assert all((error.got, error.expected, error.remedy))
    again = pickle.loads(pickle.dumps(error))  # it may be raised in another process
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
    escaped = str(error).replace("\\\\", "\\")
    named = "two\\nlines\\x1b[31m \\udcff [bold red]\\u202e" in escaped
    assert named != (kind.__name__ in NAMELESS)


def test_no_row_is_left_over() -> None:
    assert set(HOW) == {kind.__name__ for kind in RAISED}


def test_a_setting_is_called_as_the_front_end_calls_it() -> None:
    error = AuditError(
        f"{setting('file_format', 'tiff')} was given",
        expected=f"{setting('quality', 3)} with it",
        remedy=f"correct {setting('file_format')}",
    )
    assert str(error) == (
        "file_format=tiff was given; expected quality=3 with it; correct file_format"
    )
    assert error.worded(as_flag) == (
        "--file-format tiff was given; expected --quality 3 with it; correct --file-format"
    )
    assert (error.got, error.remedy) == ("file_format=tiff was given", "correct file_format")


SOURCES = {
    path: ast.parse(path.read_text()) for top in PACKAGES for path in (ROOT / top).rglob("*.py")
}


def test_a_group_is_caught_and_never_raised() -> None:
    """Every error says what is the matter; a group of them cannot."""
    kinds = {kind.__name__: kind for kind in classes()}
    assert all(kinds[name].__subclasses__() for name in GROUPS)
    for path, tree in SOURCES.items():
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not {f.id for f in calls if isinstance(f, ast.Name)} & set(GROUPS), path


@pytest.mark.parametrize("top", ["lowkey_core", "adversaries", "audit"])
def test_no_message_names_a_flag(top: str) -> None:
    """Whoever calls these from Python has no flags: `setting` is worded by the front end.

    A text that is nothing but a flag is an argument for another program.
    """
    for path, tree in SOURCES.items():
        if path.is_relative_to(ROOT / top):
            said = [
                text
                for text in texts(tree)
                if re.search(r"(?<![\w-])--[a-z]", text) and not re.fullmatch(r"--\S+", text)
            ]
            assert not said, path


def texts(tree: ast.Module) -> Iterator[str]:
    """String literals, docstrings left out."""
    documented = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    yield from (c.value for c in constants if isinstance(c.value, str) and id(c) not in documented)
