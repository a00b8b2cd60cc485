"""Detectors that an adversary may have in place of MTCNN, each with an alignment of its own.

Cloaks are made on faces as MTCNN finds and aligns them. An adversary with another detector cuts
faces elsewhere, which is reported to undo cloaks in part.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lowkey_core import weights
from lowkey_core.errors import OptionError, setting
from lowkey_core.faces.alignment import TEMPLATE
from lowkey_core.faces.chips import DLIB
from lowkey_core.faces.detection import searched
from lowkey_core.faces.found import frames_in, holds_frames, kept
from lowkey_core.faces.frames import Frame
from lowkey_core.faces.pictures import PhotoPicture
from lowkey_core.types import Pictures, Pixels
from lowkey_core.work.provenance import fingerprint
from lowkey_core.work.records import Record
from lowkey_core.work.work import Work

LANDMARKS = weights.Card(
    name="dlib:landmarks",
    file="face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    source="https://pypi.org/project/face_recognition_models/",
    licence="CC0-1.0",
    released=None,
    trained_on="not stated",
    distribution="face_recognition_models",
    size=9_150_489,
)
ENLARGED = 1
"""How often dlib doubles a photo before it looks: as `benchmarks/chain.py` does."""
CASCADE = "haarcascade_frontalface_default.xml"
"""OpenCV's usual one, in its package."""
HAAR = ((0.330, 0.409), (0.694, 0.399), (0.516, 0.617), (0.360, 0.812), (0.681, 0.805))
"""Ours: where MTCNN's five landmarks are in a Haar box, as shares of its side, on average over 59
photos of LFW. A cascade gives no landmarks of its own, so faces that are held obliquely stay so."""


@dataclass(frozen=True)
class Detector:
    """Finds faces in one upright photo."""

    name: str
    find: Callable[[Pixels], list[Frame]]
    """The main face first: large and central, as `detection.detect` has it."""
    version: str
    """Of its package, on which what it finds depends."""
    cards: tuple[weights.Card, ...] = ()


def load(name: str) -> Detector:
    """`dlib` or `opencv`. Raises: OptionError if its package is not installed,
    MissingWeightsError, TamperedWeightsError."""
    return {"dlib": _dlib_detector, "opencv": _opencv_detector}[name]()


def _package(module: str, detector: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise OptionError(
            f"{setting('detector', detector)} was asked for, and {module} is not installed",
            expected=f"the package {module}",
            remedy=f"pip install 'lowkey-audit[{extra}]'",
        ) from None


def _dlib_detector() -> Detector:
    dlib = _package("dlib", "dlib", "dlib")
    weights.read(LANDMARKS)  # dlib reads the file itself: it was checked just before
    return Detector("dlib", dlib_faces, str(dlib.__version__), (LANDMARKS,))


@functools.cache
def _dlib() -> tuple[Any, Any, Any]:
    dlib: Any = importlib.import_module("dlib")
    predictor = dlib.shape_predictor(str(weights.locate(LANDMARKS)))
    return dlib, dlib.get_frontal_face_detector(), predictor


def dlib_faces(pixels: Pixels) -> list[Frame]:
    """dlib's gradient histograms, its five landmarks, and its chip: a frame's five points are where
    that chip has the ArcFace template's."""
    dlib, detector, predictor = _dlib()
    copy = np.asarray(searched(pixels))
    found = []
    for box in detector(copy, ENLARGED):
        details = dlib.get_face_chip_details(predictor(copy, box), DLIB.size, 0.25)
        edges = torch.tensor([box.left(), box.top(), box.right() + 1, box.bottom() + 1]).float()
        found.append((_through(details), edges))
    return _frames(found, copy.shape[:2], pixels.shape[:2])


def _through(details: Any) -> Tensor:
    """(5, 2): the template's points, in the photo, by way of a chip. details: dlib's, of a box that
    is turned about its centre."""
    last = DLIB.size - 1
    rect, angle = details.rect, torch.tensor(float(details.angle))
    chip = torch.tensor(DLIB.chip, dtype=torch.float32)
    on_chip = torch.tensor(TEMPLATE) @ chip[:, :2].T + chip[:, 2]
    low = torch.tensor([rect.left(), rect.top()]).float()
    high = torch.tensor([rect.right(), rect.bottom()]).float()
    flat = low + on_chip / last * (high - low) - (low + high) / 2
    turn = torch.stack(
        [torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])]
    )
    return flat @ turn.T + (low + high) / 2


def _opencv_detector() -> Detector:
    cv2 = _package("cv2", "opencv", "opencv")
    _cascade()
    return Detector("opencv", opencv_faces, str(cv2.__version__))


@functools.cache
def _cascade() -> Any:
    cv2: Any = importlib.import_module("cv2")
    cv2.setNumThreads(1)
    return cv2.CascadeClassifier(cv2.data.haarcascades + CASCADE)


def opencv_faces(pixels: Pixels) -> list[Frame]:
    """OpenCV's cascade of Haar features, and where landmarks are in its boxes on average."""
    cv2: Any = importlib.import_module("cv2")
    copy = np.asarray(searched(pixels))
    grey = cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY)
    found = []
    for left, top, width, height in _cascade().detectMultiScale(grey, 1.1, 5, minSize=(30, 30)):
        corner, side = torch.tensor([left, top]).float(), torch.tensor([width, height]).float()
        points = corner + torch.tensor(HAAR) * side - 0.5
        found.append((points, torch.cat([corner, corner + side])))
    return _frames(found, copy.shape[:2], pixels.shape[:2])


def _frames(
    found: Sequence[tuple[Tensor, Tensor]], copy: tuple[int, ...], photo: tuple[int, ...]
) -> list[Frame]:
    """The main face first. found: points and edges of each, in the copy. copy, photo: height and
    width."""
    scale = torch.tensor([photo[1] / copy[1], photo[0] / copy[0]])
    middle = torch.tensor([photo[1], photo[0]]) / 2
    frames = []
    for points, edges in found:
        box = (edges.view(2, 2) * scale).flatten()
        frames.append(Frame.at((photo[0], photo[1]), (points + 0.5) * scale - 0.5, box))

    def main(frame: Frame) -> float:
        low, high = frame.box[:2], frame.box[2:]
        away = (low + high) / 2 - middle
        return float((high - low).prod() - 2 * away.pow(2).sum())

    return sorted(frames, key=main, reverse=True)


@dataclass(frozen=True)
class Sighted:
    """A picture as it is served, for one detector."""

    picture: PhotoPicture
    detector: Detector

    @property
    def fingerprint(self) -> str:
        """Of its pixels, and of what looks at them."""
        own = self.detector
        digests = [card.sha256 for card in own.cards]
        return fingerprint(self.picture.served_as, own.name, own.version, digests)


def look(sighted: Sequence[Sighted]) -> list[Record]:
    """Where the main face of each is, as tensors to keep."""
    return [_looked(each) for each in sighted]


def _looked(each: Sighted) -> Record:
    pixels = each.picture.pixels()
    return kept(each.detector.find(pixels)[:1], pixels)


def seen_by(pictures: Pictures, detector: Detector, work: Work) -> Pictures:
    """The same pictures, each with the main face that the detector finds in what is served; a
    picture that is no photo stays as it is."""
    items = list(pictures.items)
    rows = [(i, p) for i, p in enumerate(items) if isinstance(p, PhotoPicture)]
    asked = [Sighted(picture, detector) for _, picture in rows]
    records: Iterator[Record] = work.map(
        f"finding faces with {detector.name}", look, asked, fits=holds_frames
    )
    for (row, picture), record in zip(rows, records, strict=True):
        items[row] = picture.seen_at(next(iter(frames_in(record)), None))
    return Pictures(tuple(items))
