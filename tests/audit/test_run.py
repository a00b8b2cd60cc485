"""The whole audit, small: a folder of pictures, tiny networks from files, every part real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from audit import choices, photographs
from audit.plan import AuditPlan
from audit.protocol import split
from audit.records import Cell, Outcome
from audit.report import AuditReport
from audit.run import run_audit
from audit.scene import assemble
from lowkey_core import cloaks, datasets
from lowkey_core.cloaks.noise import Noise
from lowkey_core.errors import DatasetError, PlanError
from lowkey_core.faces import detection
from lowkey_core.faces.detection import aligned
from lowkey_core.faces.paste import retouched
from lowkey_core.photos.images import encode, to_pixels
from lowkey_core.publish.protect import Protector, Settings
from lowkey_core.publish.published import Published
from lowkey_core.types import quantise
from lowkey_core.work.cache import Cache
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work
from reports import REPORTS
from tests.audit.plans import changed
from tests.conftest import NO_FACE, people, taken_as_found

ROOT = Path(__file__).parents[2]

UPRIGHT = torch.eye(3)[None, :2]
"""Where faces are in photos that are `taken_as_found`."""
RECOGNISER = """
import torch
from tests.conftest import TinyNetwork
def build(): return TinyNetwork({seed})
"""
CLOAK = """
import torch
class Invert:
    def __call__(self, faces, rng): return 1 - faces.images
def build(): return Invert()
"""
ADVERSARY = """
from adversaries import AdversaryAbout
from adversaries.oblivious import Oblivious
from adversaries.parts.enrolment import EnrolAll
class Curious(Oblivious):
    about = AdversaryAbout("Is it curious?")
    def prepare(self, threat, rng):
        background = threat.background.images
        copies = threat.tool(threat.background, rng).images
        inverted = (copies - (1 - background)).abs().max() < 4 / 255
        return EnrolAll(threat.recognition, {"cloaked_seen": float(inverted)})
def build(): return Curious()
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditPlan:
    """Ten people of six pictures; faces are taken as found, since nobody real is in them."""
    monkeypatch.setattr(detection, "look", taken_as_found)
    pictures = people(10, 6)
    for name, image in zip(pictures.names, pictures.images, strict=True):
        file = tmp_path / "photos" / f"person{name.replace('/', '/p')}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode(image[None], "PNG"))
    for seed in (1, 2, 3):
        (tmp_path / f"net{seed}.py").write_text(RECOGNISER.format(seed=seed))
    (tmp_path / "invert.py").write_text(CLOAK)
    (tmp_path / "curious.py").write_text(ADVERSARY)
    return changed(
        AuditPlan(),
        dataset=str(tmp_path / "photos"),
        attack="lowkey:steps=6:step_size=0.02",
        surrogate=str(tmp_path / "net1.py"),
        recogniser=(str(tmp_path / "net2.py"), str(tmp_path / "net3.py")),
        adversary=("adaptive", "detection"),
        protected=3,
        probes=2,
        gallery=4,
        background=4,
        background_pictures=4,
        others=3,
        distractors=0,
        ranks=(1, 3),
        epochs=2,
        batch=5,
    )


def without_timings(report: AuditReport) -> str:
    return report.model_copy(update={"timings": {}}).model_dump_json()


def test_measures_the_whole_grid(plan: AuditPlan) -> None:
    report = run_audit(plan, Work())
    measured = {
        (c.attack, c.adversary, c.recogniser, c.transform, c.scenario) for c in report.cells
    }
    assert len(measured) == len(report.cells)
    transforms, scenarios = 3, 2
    assert len(report.cells) == (2 * 2 + 1 + 1) * transforms * scenarios
    assert {c.control.trials for c in report.cells} == {(2, 2, 2)}
    (learned,) = report.adversary("adaptive").learned.values()
    assert learned["cloaked_seen"] == 1.0


def test_two_runs_of_one_plan_give_one_report(plan: AuditPlan) -> None:
    assert without_timings(run_audit(plan, Work())) == without_timings(run_audit(plan, Work()))


class StopHereError(Exception):
    """Stands for a kill at this moment."""


class Counting(Cache):
    """Counts what is computed, and can stop after so many pieces."""

    def __init__(self, root: Path, stop_after: int | None = None) -> None:
        super().__init__(root)
        self.made, self.stop_after = 0, stop_after

    def put(self, key: str, record: Record) -> None:
        super().put(key, record)
        self.made += 1
        if self.made == self.stop_after:
            raise StopHereError


def test_an_interrupted_audit_resumes_and_ends_the_same(plan: AuditPlan, tmp_path: Path) -> None:
    whole = Counting(tmp_path / "whole")
    expected = without_timings(run_audit(plan, Work(whole)))
    for stop_after in range(1, whole.made, whole.made // 3):
        root = tmp_path / f"cut{stop_after}"
        with pytest.raises(StopHereError):
            run_audit(plan, Work(Counting(root, stop_after)))
        resumed = Counting(root)
        assert without_timings(run_audit(plan, Work(resumed))) == expected
        assert resumed.made == whole.made - stop_after, "nothing finished is computed again"


def test_a_rerun_computes_nothing(plan: AuditPlan, tmp_path: Path) -> None:
    run_audit(plan, Work(Cache(tmp_path / "cache")))
    again = Counting(tmp_path / "cache")
    run_audit(plan, Work(again))
    assert again.made == 0


def test_one_file_adds_a_cloak_a_recogniser_an_adversary(plan: AuditPlan, tmp_path: Path) -> None:
    invert, curious = str(tmp_path / "invert.py"), str(tmp_path / "curious.py")
    report = run_audit(changed(plan, attack=invert, adversary=curious), Work())
    assert {c.recogniser for c in report.cells} == {"tiny2", "tiny3"}
    found = [c for c in report.cells if c.adversary == curious]
    assert found
    assert report.adversary(curious).learned == {invert: {"cloaked_seen": 1.0}}
    assert report.adversary(curious).question == "Is it curious?"
    assert report.cloaks[0].quality[0].linf > 0.5, "the inverted pictures were published"
    assert report.relation(found[0]).held_out is True


def test_a_file_that_is_no_picture_is_counted(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = detection.look

    def sometimes(content: bytes, name: str) -> Record:
        return {"damaged": torch.ones(1)} if "/p1" in name else found(content, name)

    monkeypatch.setattr(detection, "look", sometimes)
    report = run_audit(plan, Work())
    assert {name[-7:] for name in report.counts.unreadable} == {"/p1.png"}
    assert report.counts.unreadable_reasons == {"damaged": len(report.counts.unreadable)}
    assert "unreadable" in {c.code for c in report.caveats}


def test_strangers_from_a_flat_folder_are_enrolled(plan: AuditPlan, tmp_path: Path) -> None:
    strangers = people(5, 1, seed=7)
    (tmp_path / "loose").mkdir()
    for i, image in enumerate(strangers.images):
        (tmp_path / "loose" / f"{i}.png").write_bytes(encode(image[None], "PNG"))
    loose = changed(plan, distractor_dataset=str(tmp_path / "loose"), distractors=4)
    before = photographs.photographs(plan, Work()).counts
    after = photographs.photographs(loose, Work()).counts
    assert (after.enrolled, after.gallery) == (before.enrolled + 4, before.gallery + 4)


def test_a_probe_among_the_strangers_or_the_gallery_is_left_out(
    plan: AuditPlan, tmp_path: Path
) -> None:
    """Files are copied under other names: their content tells."""
    parts = split(datasets.load(plan.people.dataset), plan)
    probe, enrolled = parts.probes[0], parts.gallery[0]
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "copy.png").write_bytes(probe.read())
    enrolled.path.write_bytes(probe.read())
    loose = str(tmp_path / "loose")
    photos = photographs.photographs(changed(plan, distractor_dataset=loose, distractors=1), Work())
    assert photos.counts.duplicates == (enrolled.name, f"{loose}: copy.png")
    assert photos.counts.probes == len(photos.probes) == len(parts.probes)
    assert photos.counts.gallery == len(parts.gallery) - 1 + len(parts.bystanders)


def test_a_table_gives_the_parts_of_its_folder(plan: AuditPlan, tmp_path: Path) -> None:
    photos = datasets.load(plan.people.dataset).photos
    rows = [f"photos/{p.name},{p.identity}" for p in photos]
    (tmp_path / "photos.csv").write_text("\n".join(["path,identity", *rows]))
    tabled = changed(plan, dataset=str(tmp_path / "photos.csv"))
    one, other = (photographs.photographs(p, Work()) for p in (tabled, plan))
    for part in ("gallery", "probes", "bystanders", "background"):
        assert getattr(one, part).digests == getattr(other, part).digests


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attack", "lowky"], "did you mean 'lowkey'"),
        (["--adversary", "adaptve"], "did you mean 'adaptive'"),
        (["--transform", "jpg:75"], "did you mean 'jpeg'"),
        (
            ["--transform", "jpeg:500"],
            "quality of 'jpeg:500' is '500'; expected less than or equal to 100",
        ),
        (["--recogniser", "dlib2"], "did you mean 'dlib'"),
        (["--recogniser", "nowhere.py"], "nowhere.py is not a file"),
        (["--dataset", "nowhere"], "no data set is called 'nowhere'"),
        (["--dataset", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--attack", "lowkey:stepz=4"], "no option 'stepz'"),
        (["--attack", "lowkey:steps=-1"], "expected greater than or equal to 0"),
        (["--measure", "rank"], "did you mean 'rank-k'"),
        (["--scenario", "mixed:2"], "expected less than or equal to 1"),
        (["--matcher", "knn"], "did you mean 'nn'"),
        (["--protected", "0"], "protected is '0'"),
        (["--plan", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--preset", "fast"], "no preset is called 'fast'"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    run = cli("audit", "--surrogate", "dlib", "--recogniser", "dlib", *arguments)
    assert run.returncode == 2, run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_without_faces_real_ones_are_said_to_be_missing(tmp_path: Path) -> None:
    kept = ["--out", f"{tmp_path}/run", "--cache", f"{tmp_path}/cache"]
    run = cli("audit", "--dataset", "lfw", *kept, CLOAK_ASSETS=str(tmp_path))
    assert run.returncode == 2
    assert "CLOAK_ASSETS" in run.stderr


def test_the_default_needs_nothing_that_is_not_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scene of the smallest default: every network, and people who do not exist."""
    monkeypatch.setenv("CLOAK_ASSETS", str(tmp_path))
    small = {"protected": 2, "probes": 2, "gallery": 2, "background": 2, "others": 2}
    plan = choices.make(given={**small, "background_pictures": 2, "distractors": 3, "ranks": "1"})
    scene = assemble(plan, Work(Cache(tmp_path)))
    assert plan.people.dataset == "synthetic"
    assert [n.card.name for n in scene.surrogates] == [*plan.publish.surrogates]
    recognisers = [group[0].card.name for group in scene.recognitions]
    assert recognisers == [*plan.adversaries.recognisers]
    assert scene.photos.counts.dataset == "synthetic"
    assert scene.photos.counts.protected == 2
    assert not scene.photos.counts.unreadable


@pytest.mark.faces
def test_a_whole_audit_from_the_command_line(tmp_path: Path) -> None:
    """Real faces, the real dlib, a few steps: every exit but the figures."""
    arguments = (
        "--preset quick --surrogate dlib --recogniser dlib,edgeface:xxs --adversary oblivious "
        "--attack lowkey:steps=2 --protected 2 --probes 2 --gallery 2 --background 1 --others 4 "
        f"--distractors 4 --ranks 1,5 --json --out {tmp_path}/run --cache {tmp_path}/cache"
    )
    run = cli("audit", *arguments.split())
    assert run.returncode in (0, 3), run.stderr
    assert json.loads(run.stdout) == json.loads((tmp_path / "run" / "report.json").read_text())
    shown = cli("report", f"{tmp_path}/run", "--format", "markdown")
    assert shown.stdout == (tmp_path / "run" / "report.md").read_text()
    assert "not held out" in shown.stdout


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_interrupting_says_how_to_go_on(tmp_path: Path) -> None:
    """SIGINT as soon as the command has said what it will do."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "audit", "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert " people x " in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command resumes" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"scenario": "mixed:0.01"}, "cloak none"), ({"background": 1}, "background has 1 identity")],
)
def test_a_plan_that_cannot_be_run_is_said_so(
    plan: AuditPlan, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(PlanError, match=message):
        run_audit(changed(plan, **changes), Work())


def test_pictures_without_faces_are_said_so(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detection, "look", lambda content, name: NO_FACE)
    with pytest.raises(DatasetError, match="faces were found in 0 pictures of the gallery"):
        run_audit(plan, Work())


def copies(plan: AuditPlan, root: Path, skip: tuple[str, ...] = ()) -> AuditPlan:
    """The plan with inverted copies of all pictures in `root` but those of some people."""
    cloak = cloaks.load(str(root.parent / "invert.py"), list)
    photos = [
        (photo, f"{photo.identity}/{Path(photo.name).stem}_cloaked.png")
        for photo in datasets.load(plan.people.dataset).photos
        if photo.identity not in skip
    ]
    root.mkdir()
    published = Published(cloak, Work(), name="", batch=plan.publish.batch)
    made = Protector(root, published, Settings(), Work(), torch.Generator()).protect(photos)
    assert {outcome.status for outcome in made} == {"protected"}
    return changed(plan, attack=f"folder:{root}", background=10, surrogate=())


def test_copies_that_protect_wrote_count_as_if_cloaked_here(
    plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cell for cell: what is enrolled, what adversaries learned from, and the noise's energy."""
    monkeypatch.setattr("lowkey_core.publish.tool.ENOUGH", 3)
    found = changed(copies(plan, tmp_path / "copies"), background=4)
    made = changed(found, attack=str(tmp_path / "invert.py"))
    theirs, ours = run_audit(found, Work()), run_audit(made, Work())
    copied = theirs.cloaks[0].copies
    assert copied is not None
    assert (copied.matched, copied.background) == (3 * 4, 4 * 4)
    assert not copied.missing
    assert not any(adversary.impossible for adversary in theirs.adversaries)
    strip = {"attack": "", "adversary": ""}
    assert [c.model_copy(update=strip) for c in theirs.cells] == [
        c.model_copy(update=strip) for c in ours.cells
    ]


def test_the_cloak_that_adversaries_learn_from_and_noise_is_like_is_carried(
    plan: AuditPlan, tmp_path: Path
) -> None:
    scene = assemble(changed(plan, attack=str(tmp_path / "invert.py")), Work())
    cloak, noise = scene.pair(scene.tools[0])
    assert isinstance(noise.cloak, Noise)
    for pictures in (scene.photos.gallery, scene.photos.background):
        clean = pictures.images
        files = [retouched(to_pixels(x[None]), UPRIGHT, 1 - 2 * x[None]) for x in clean]
        held = torch.cat([aligned(file, UPRIGHT[0]) for file in files])
        assert torch.equal(cloak.for_adversary(pictures, torch.Generator()).images, held)
        assert torch.equal(cloak(pictures, torch.Generator()).images, held)
        assert not torch.equal(held, quantise(1 - clean)), "photos do not take all of it"
    assert noise.cloak.of == cloak.apply


def test_audited_noise_is_carried_and_its_own_control(plan: AuditPlan) -> None:
    scene = assemble(changed(plan, attack="noise"), Work())
    assert scene.pair(scene.tools[0]) == [scene.tools[0]]


def test_without_copies_of_the_background_nobody_learns(plan: AuditPlan, tmp_path: Path) -> None:
    """People with copies are the protected ones; the rest of the audit goes on."""
    everybody = sorted({p.identity for p in datasets.load(plan.people.dataset).photos})
    found = copies(plan, tmp_path / "copies", skip=tuple(everybody[4:]))
    report = run_audit(changed(found, background=4), Work())
    impossible = {a.name for a in report.adversaries if a.impossible}
    assert impossible == {"adaptive", "detection"}
    assert {c.adversary for c in report.cells} == {"oblivious"}
    copied = report.cloaks[0].copies
    assert copied is not None
    assert not copied.missing, "whoever has no copies is not protected"
    text = str(REPORTS.load("markdown")(report))
    assert "not possible" in text
    assert "1 background people have cloaked copies" in text


def test_a_picture_without_a_copy_counts_as_uncloaked(plan: AuditPlan, tmp_path: Path) -> None:
    found = copies(plan, tmp_path / "copies")
    for file in sorted((tmp_path / "copies").rglob("*.png"))[::2]:
        file.unlink()
    report = run_audit(changed(found, background=4, adversary="oblivious"), Work())
    (cloak,) = report.cloaks
    assert cloak.copies is not None
    published = cloak.copies.matched + len(cloak.copies.missing)
    assert (cloak.quality[0].pictures, published) == (cloak.copies.matched, 3 * 4)
    share = cloak.copies.matched / published
    assert [c.cloaked_share for c in report.cells] == pytest.approx([share] * len(report.cells))
    assert "copies-missing" in {c.code for c in report.caveats}


def test_too_few_people_with_copies_are_said_so(plan: AuditPlan, tmp_path: Path) -> None:
    everybody = sorted({p.identity for p in datasets.load(plan.people.dataset).photos})
    found = copies(plan, tmp_path / "copies", skip=tuple(everybody[2:]))
    with pytest.raises(DatasetError, match=r"for 2 people.*use protected=2"):
        run_audit(found, Work())


@pytest.mark.parametrize(
    "arguments",
    [["--attack", "folder"], ["--cloaked", "."], ["--attack", "folder", "--cloaked", "x"]],
)
def test_a_folder_of_copies_is_asked_for_by_name(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "1.png").touch()
    given = ["--dataset", str(tmp_path), "--recogniser", "dlib", "--out", str(tmp_path / "run")]
    run = cli("audit", *given, *arguments)
    assert run.returncode == 2, run.stderr
    assert "--cloaked" in run.stderr or "--attack folder" in run.stderr


def ranks_of(cell: Cell) -> list[Outcome]:
    return [outcome for name, outcome in cell.outcomes.items() if name.startswith("rank-")]


def test_no_cloak_changes_no_rank(plan: AuditPlan) -> None:
    report = run_audit(changed(plan, attack="none", adversary="detection"), Work())
    undisturbed = [c for c in report.cells if (c.attack, c.adversary) == ("none", "oblivious")]
    assert len(undisturbed) == 2 * 3 * 2
    assert all(o.cloaked == o.control for c in undisturbed for o in ranks_of(c))
    assert "no-cloaks-seen" in {c.code for c in report.caveats if c.blocking}


def test_people_without_faces_are_left_out_and_counted(
    plan: AuditPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One protected person has no gallery, another no probes; nobody else has strangers about."""
    parts = split(datasets.load(plan.people.dataset), plan)
    first, second, *_ = dict.fromkeys(p.identity for p in parts.gallery)
    lost = {p.name for p in parts.gallery if p.identity == first}
    lost |= {p.name for p in parts.probes if p.identity == second}
    found = detection.look

    def sometimes(content: bytes, name: str) -> Record:
        return NO_FACE if name in lost else found(content, name)

    monkeypatch.setattr(detection, "look", sometimes)
    report = run_audit(changed(plan, others=0, ranks=(1,)), Work())
    assert (report.counts.protected, report.counts.without_pictures) == (1, 2)
    assert set(report.counts.no_face) == lost
    assert {c.control.trials for c in report.cells} == {(2,)}
    assert "people-lost" in {c.code for c in report.caveats}
