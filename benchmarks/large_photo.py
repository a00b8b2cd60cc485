"""A photo of 24 megapixels with five faces beside five small photos with one face each."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from torch import Generator

from benchmarks import record
from benchmarks.record import Measured
from lowkey_core import cloaks, datasets, recognisers
from lowkey_core.cloaks import PhotoCloak
from lowkey_core.errors import AuditError
from lowkey_core.faces.found import find
from lowkey_core.photos.decoding import decode_pixels, encoded
from lowkey_core.photos.photo import Photo
from lowkey_core.publish.cut_out import cut_out
from lowkey_core.publish.protect import Protector
from lowkey_core.publish.published import Published
from lowkey_core.publish.settings import Settings
from lowkey_core.types import Faces
from lowkey_core.work.work import Work

SIZE, FACES, SIDE = (6000, 4000), 5, 1200
ROUNDS = 5
SURROGATES = ("dlib", "mobilefacenet:casia")
QUALITY = 95


def measure() -> Measured:
    """Seconds of cloaking with `lowkey`: of `protect` for the photo, writing the file not counted,
    and of its aligned faces alone, medians of rounds in which both run once, after one that does
    not count; `cost` is of the ratios. And bytes in use at most, of `protect` for either."""
    folder = record.fresh("large-photo")
    large, small = folder / "large", folder / "small"
    photo = _compose(large, small)
    networks = [recognisers.network(name) for name in SURROGATES]
    cloak = cloaks.load("lowkey", lambda: networks, Work())
    assert not isinstance(cloak, PhotoCloak)
    published = partial(Published, cloak, Work(), name="lowkey", batch=16)
    crops = cut_out(photo, *find([photo], Work())).faces
    faces = Faces(crops, torch.arange(len(crops)), (photo.name,) * len(crops))
    aligned, whole = [], []
    for _ in range(1 + ROUNDS):
        began = time.perf_counter()
        published()(faces, Generator().manual_seed(0))
        aligned.append(time.perf_counter() - began)
        whole.append(_protected(photo, published(), len(crops)))
    return {
        "faces": len(crops),
        "aligned": median(aligned[1:]),
        "photo": median(whole[1:]),
        "cost": median(b / a for a, b in zip(aligned[1:], whole[1:], strict=True)),
        "memory": _memory(large, folder / "from-large"),
        "memory of five": _memory(small, folder / "from-small"),
    }


def _protected(photo: Photo, cloak: Published, faces: int) -> float:
    """Seconds that the photo's copy takes, encoding it not counted. faces: in it."""
    out = record.fresh("large-photo/copies")
    settings = Settings(file_format="jpeg", quality=QUALITY)
    protector = Protector(out, cloak, settings, Work(), Generator().manual_seed(0))
    began = time.perf_counter()
    (outcome,) = protector.protect([(photo, "copy.jpg")])
    whole = time.perf_counter() - began
    assert outcome.faces == faces
    image = Image.fromarray(decode_pixels((out / "copy.jpg").read_bytes()))
    began = time.perf_counter()
    encoded(image, "JPEG", quality=QUALITY, subsampling="4:4:4")
    return whole - (time.perf_counter() - began)


def _compose(large: Path, small: Path) -> Photo:
    """Five people side by side on grey; and each by itself, as LFW has them."""
    several = [p for p in datasets.load("lfw").by_identity.values() if len(p) >= 10][:FACES]
    canvas = Image.new("RGB", SIZE, (128, 128, 128))
    small.mkdir()
    large.mkdir()
    for i, photos in enumerate(several):
        one = Image.fromarray(decode_pixels(photos[0].read()))
        one.save(small / f"{i}.png")
        canvas.paste(one.resize((SIDE, SIDE), Image.Resampling.BICUBIC), (i * SIDE, 1400))
    path = large / "five.jpg"
    canvas.save(path, quality=QUALITY)
    return Photo("", path.name, path)


_ALONE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command from a small process: a child begins with what its parent had in use."""


def _memory(folder: Path, out: Path) -> int:
    """Bytes that `protect` uses at most. Raises: AuditError."""
    words = ["protect", str(folder), "--out", str(out), "--surrogate", ",".join(SURROGATES)]
    cache = ["--cache", f"{out}-cache", "--format", "jpeg"]
    command = [sys.executable, "-c", _ALONE, *record.cli(*words, *cache)]
    said = subprocess.run(command, cwd=record.ROOT, stdout=subprocess.PIPE, check=True, text=True)
    code, kilobytes = map(int, said.stdout.split())
    if code:
        raise AuditError(
            f"`protect` of {folder} exits with {code}",
            expected="every photo protected",
            remedy="read above what it says",
        )
    return 1024 * kilobytes


def sentence(measured: Measured) -> str:
    """For the documents."""
    more = (measured["memory"] - measured["memory of five"]) / 1e9
    return (
        f"`protect` takes {measured['cost']:.2f} times as long for a photo "
        f"of 24 megapixels with {measured['faces']} faces, writing the file not counted, as the "
        f"cloak for the aligned faces alone, and {more:.2f} GB more memory than for five photos of "
        "250x250 pixels."
    )
