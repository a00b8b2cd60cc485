"""How visible a cloak is: what is measured, and that it is measured once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit.plan import AuditPlan
from audit.records import Quality
from audit.run import run_audit
from audit.visible import Ruler, quality
from lowkey_core.content import quantise
from lowkey_core.faces import st_lpips, visibility
from lowkey_core.faces.pictures import PhotoPicture, crops
from lowkey_core.types import ARCFACE, Pictures, Template
from lowkey_core.weights import ASSETS_VARIABLE
from lowkey_core.work.cache import Cache
from lowkey_core.work.work import Work
from tests.lowkey_core.faces.learned import seeded

PLAIN = Ruler(None, None)


def cloaked(pictures: Pictures) -> Pictures:
    """Each of them with noise of its own strength."""
    images = pictures.faces()
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    strength = torch.linspace(0.01, 0.05, len(images)).view(-1, 1, 1, 1)
    noisy = quantise(images + strength * noise)
    return crops(noisy, pictures.identities, pictures.names)


def measured(pictures: Pictures, ruler: Ruler = PLAIN, work: Work | None = None) -> Quality:
    return quality("mine", pictures, cloaked(pictures), ruler, work or Work())


def test_means_are_over_pictures_and_extremes_of_all(pictures: Pictures) -> None:
    a, b = pictures.faces(), cloaked(pictures).faces()
    found = measured(pictures)
    assert (found.attack, found.pictures) == ("mine", len(pictures))
    for name in ("dssim", "psnr", "l2"):
        mean = getattr(visibility, name)(a, b).mean().item()
        assert getattr(found, name) == pytest.approx(mean, rel=1e-5)
    assert found.dssim_max == pytest.approx(visibility.dssim(a, b).max().item(), rel=1e-5)
    assert found.linf == visibility.linf(a, b).max().item()


def test_a_learned_metric_is_measured_where_its_weights_are(pictures: Pictures) -> None:
    metric = seeded()
    found = measured(pictures, Ruler(None, metric))
    assert found.lpips is None
    expected = metric(pictures.faces(), cloaked(pictures).faces()).mean().item()
    assert found.st_lpips == pytest.approx(expected, rel=1e-4)
    assert Ruler(None, metric).cards == (st_lpips.ST_LPIPS,)
    assert measured(pictures).st_lpips is None


def test_without_weights_there_is_no_learned_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASSETS_VARIABLE, str(tmp_path))
    assert Ruler.present() == PLAIN
    assert not Ruler.present().cards


def test_a_cloak_that_covers_no_picture_shows_as_little_as_none(pictures: Pictures) -> None:
    found = measured(pictures.select([]), Ruler(None, seeded()))
    assert (found.pictures, found.dssim, found.linf, found.st_lpips) == (0, 0, 0, 0)
    assert found.psnr == math.inf
    assert Quality.model_validate_json(found.model_dump_json()) == found


@dataclass(frozen=True)
class Unreadable:
    """A picture whose content is known, and whose photo is gone."""

    digest: str


def test_what_is_kept_is_not_read_again(pictures: Pictures, tmp_path: Path) -> None:
    first = measured(pictures, work=Work(Cache(tmp_path)))
    a, b = (
        Pictures(tuple(Unreadable(d) for d in p.digests))  # type: ignore[arg-type]
        for p in (pictures, cloaked(pictures))
    )
    assert quality("mine", a, b, PLAIN, Work(Cache(tmp_path))) == first
    with pytest.raises(AttributeError):
        quality("mine", a, b, PLAIN, Work())


def test_another_metric_is_measured_when_it_comes(pictures: Pictures, tmp_path: Path) -> None:
    first = measured(pictures, work=Work(Cache(tmp_path)))
    then = measured(pictures, Ruler(None, seeded()), Work(Cache(tmp_path)))
    assert then.st_lpips is not None
    assert then.model_copy(update={"st_lpips": None}) == first


def test_a_finished_audit_cuts_no_face_out_of_a_cloaked_photo(
    plan: AuditPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_audit(plan, Work(Cache(tmp_path)))
    whole = PhotoPicture.face

    def face(self: PhotoPicture, template: Template = ARCFACE, /) -> Tensor:
        assert self.change is None
        return whole(self, template)

    monkeypatch.setattr(PhotoPicture, "face", face)
    assert run_audit(plan, Work(Cache(tmp_path))).cloaks == first.cloaks
    with pytest.raises(AssertionError):
        run_audit(plan, Work(Cache(tmp_path / "another")))
