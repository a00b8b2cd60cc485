"""Photos that a report shows: which, and whose."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from audit.plan import AuditPlan
from audit.publishing import Publication, publish
from audit.report import read
from audit.scene import Scene, assemble
from audit.session import Session
from audit.showing import shown
from audit.shown import ENLARGED, MOST, Shown
from audit.visible import Ruler, quality
from lowkey_core.work.work import Work
from tests.audit.plans import changed

PLAIN = Ruler(None, None)


@pytest.fixture
def nobody(nobody_real: None, plan: AuditPlan) -> Scene:
    """The small audit of people who do not exist, cloaked with noise."""
    return assemble(changed(plan, dataset="synthetic", attack="noise"), Work())


def pixels(one: str) -> npt.NDArray[np.int16]:
    picture = Image.open(io.BytesIO(base64.b64decode(one)))
    assert picture.format == "JPEG"
    assert picture.size == (112, 112)
    return np.asarray(picture.convert("RGB")).astype(np.int16)


def of(scene: Scene, *, faces: bool = False) -> tuple[list[Publication], tuple[Shown, ...]]:
    published = publish(scene)
    return published, shown(scene, published, PLAIN, faces=faces)


def test_people_who_do_not_exist_are_shown_least_median_and_most_visible(nobody: Scene) -> None:
    published, found = of(nobody)
    clean, own = nobody.photos.gallery, published[0].gallery
    known = quality("noise", clean, own, PLAIN, Work())
    dssim = [one.dssim for one in found]
    assert len(found) == 3
    assert dssim == sorted(dssim)
    assert dssim[-1] == pytest.approx(known.dssim_max)
    assert max(one.linf for one in found) <= known.linf
    assert all(one.invented and one.photo in clean.names for one in found)


def test_a_strip_is_the_face_its_copy_and_what_differs(nobody: Scene) -> None:
    published, (one, *_) = of(nobody)
    row = nobody.photos.gallery.names.index(one.photo)
    clean, cloaked = (
        p.items[row].face().permute(1, 2, 0).numpy().astype(np.int16)
        for p in (nobody.photos.gallery, published[0].gallery)
    )
    assert np.abs(pixels(one.clean) - clean).mean() < 4, "compressed"
    assert np.abs(pixels(one.cloaked) - cloaked).mean() < 4
    expected = (128 + ENLARGED * (cloaked - clean)).clip(0, 255)
    assert np.corrcoef(pixels(one.difference).ravel(), expected.ravel())[0, 1] > 0.5
    assert one.linf == pytest.approx(np.abs(cloaked - clean).max() / 255)


def test_of_real_photos_nothing_is_kept_unless_it_was_asked_for(plan: AuditPlan) -> None:
    scene = assemble(changed(plan, attack="noise"), Work())
    assert of(scene)[1] == ()
    asked = of(scene, faces=True)[1]
    assert len(asked) == 3
    assert not any(one.invented for one in asked)


def test_a_copy_from_elsewhere_may_show_anybody(
    nobody: Scene, plan: AuditPlan, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    for photo in nobody.photos.gallery.items:
        file = copies / photo.name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - photo.pixels()).save(file)
    scene = assemble(changed(plan, dataset="synthetic", attack=f"folder:{copies}"), Work())
    assert of(scene)[1] == ()


def test_many_cloaks_have_one_photo_each(plan: AuditPlan, nobody_real: None) -> None:
    many = tuple(f"noise:energy={i}" for i in range(1, 10))
    scene = assemble(changed(plan, dataset="synthetic", attack=many), Work())
    found = of(scene)[1]
    assert [one.attack for one in found] == [tool.name for tool in scene.tools]
    assert len(found) == 9 <= MOST


def test_the_run_keeps_them_where_its_report_is(plan: AuditPlan, tmp_path: Path) -> None:
    small = changed(plan, attack="noise", adversary="oblivious")
    session = Session(small, tmp_path / "run", tmp_path / "cache")
    (tmp_path / "run").mkdir()
    assert session.run().shown == ()
    assert "/9j/" not in (tmp_path / "run" / "report.json").read_text()
    assert len(session.run(faces=True).shown) == 3
    assert len(read(tmp_path / "run").shown) == 3
