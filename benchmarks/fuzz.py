"""Do damaged picture files end `protect`, or make it slow or large?

`python -m benchmarks.fuzz [COUNT]`: COUNT files, 1,000 without, of one face as JPEG, PNG, WebP, GIF
and TIFF of several kinds, each damaged in one to four ways from a fixed seed, in one folder that
`protect` is given, with noise for a cloak. It exits with 1 if anything but an outcome per file
comes out, or if it is slow or large.
"""

from __future__ import annotations

import io
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image
from skimage import data

from audit import choices, session
from benchmarks import record
from lowkey_core.publish.settings import Settings

COUNT, SIDE, SLOW, LARGE = 1000, 200, 10.0, 1.5e9
Damage = Callable[[bytearray, Generator], None]


def kinds() -> dict[str, bytes]:
    """Whole files, by suffix and kind."""
    face = Image.fromarray(data.astronaut()[0:SIDE, 130 : 130 + SIDE])
    clear, deep = (
        face.copy(),
        Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257),
    )
    clear.putalpha(200)
    more = {"save_all": True, "append_images": [face.rotate(9), face.rotate(18)]}
    return {
        "jpg baseline": _saved(face, "JPEG", quality=90),
        "jpg progressive": _saved(face, "JPEG", progressive=True, exif=_turned()),
        "jpg grey": _saved(face.convert("L"), "JPEG"),
        "jpg cmyk": _saved(face.convert("CMYK"), "JPEG"),
        "png": _saved(face, "PNG"),
        "png palette": _saved(face.quantize(), "PNG"),
        "png 16 bits": _saved(deep, "PNG"),
        "png animated": _saved(clear, "PNG", **more),
        "webp": _saved(face, "WEBP"),
        "webp lossless": _saved(clear, "WEBP", lossless=True),
        "webp animated": _saved(face, "WEBP", **more),
        "gif": _saved(face, "GIF"),
        "gif animated": _saved(face, "GIF", **more),
        "tif": _saved(face, "TIFF"),
        "tif lzw": _saved(clear, "TIFF", compression="tiff_lzw"),
        "tif deflate 16 bits": _saved(deep, "TIFF", compression="tiff_adobe_deflate"),
        "tif jpeg": _saved(face, "TIFF", compression="jpeg"),
        "tif pages": _saved(face, "TIFF", **more),
    }


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def _turned() -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = 6
    return tags


def _place(file: bytearray, rng: Generator) -> int:
    """Half of the time among the first 400 bytes, where headers are."""
    return int(rng.integers(min(len(file), 400) if rng.random() < 0.5 else len(file)))


def flip(file: bytearray, rng: Generator) -> None:
    """One to twenty bits."""
    for _ in range(rng.integers(1, 21)):
        file[_place(file, rng)] ^= 1 << int(rng.integers(8))


def extremes(file: bytearray, rng: Generator) -> None:
    """Two or four bytes become as small or as large as can be: sizes, counts, offsets."""
    start, size = _place(file, rng), int(rng.choice([2, 4]))
    values = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff")
    file[start : start + size] = values[rng.integers(4)][:size]


def cut(file: bytearray, rng: Generator) -> None:
    """The end is missing."""
    del file[max(1, int(rng.integers(len(file)))) :]


def lose(file: bytearray, rng: Generator) -> None:
    """Up to 200 bytes are missing."""
    start = _place(file, rng)
    del file[start : start + int(rng.integers(1, 200))]
    file += b"\0" * (not file)


def repeat(file: bytearray, rng: Generator) -> None:
    """Up to 2,000 bytes stand there up to twenty times."""
    start = _place(file, rng)
    part = bytes(file[start : start + int(rng.integers(1, 2000))])
    file[start:start] = part * int(rng.integers(1, 20))


def fill(file: bytearray, rng: Generator) -> None:
    """Up to 5,000 bytes become one value, or noise."""
    start, size = _place(file, rng), int(rng.integers(1, 5000))
    one = bytes([int(rng.choice([0, 255]))]) * size
    file[start : start + size] = one if rng.random() < 0.5 else rng.bytes(size)


DAMAGES: tuple[Damage, ...] = (flip, extremes, cut, lose, repeat, fill)


def damaged(folder: Path, count: int) -> None:
    """Writes the files."""
    rng, whole = np.random.default_rng(0), [*kinds().items()]
    for number in range(count):
        kind, content = whole[number % len(whole)]
        file = bytearray(content)
        for _ in range(rng.integers(1, 5)):
            DAMAGES[rng.integers(len(DAMAGES))](file, rng)
        (folder / f"{number:04}.{kind.split()[0]}").write_bytes(file)


def main() -> None:
    """Prints what became of the files. Exits with 1 if a bound does not hold."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    folder = record.fresh("fuzz")
    (folder / "photos").mkdir()
    damaged(folder / "photos", count)
    plan = choices.make(given={"attack": "noise"})
    outcomes, longest = [], 0.0
    for frames in (False, True):
        settings, out = Settings(frames=frames), folder / f"copies {frames}"
        before = time.process_time()
        for outcome in session.protect([folder / "photos"], out, plan, settings, folder / "cache"):
            now = time.process_time()
            longest, before = max(longest, now - before), now
            outcomes.append(outcome)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    odd = [o for o in outcomes if o.status == "not written" or o.detail == "not searched"]
    print(f"{count} files, once without and once with frames: {time.process_time():.0f} s of CPU")
    print("became:", ", ".join(f"{n} {s}" for s, n in Counter(o.status for o in outcomes).items()))
    print(f"longest for a group of 16 files: {longest:.1f} s; peak memory: {peak / 1e9:.2f} GB")
    for outcome in odd:
        print(f"an error that was not foreseen: {outcome.name}: {outcome.detail}")
    raise SystemExit(len(outcomes) != 2 * count or longest > SLOW or peak > LARGE or bool(odd))


if __name__ == "__main__":
    main()
