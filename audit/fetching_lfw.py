"""Getting Labeled Faces in the Wild with scikit-learn's fetcher, on a machine with a network."""

from __future__ import annotations

import tarfile
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from audit.fetching import Agrees, Say, agreed
from lowkey_core.datasets import lfw
from lowkey_core.errors import DownloadError, unknown_name
from lowkey_core.weights import assets
from lowkey_core.work.files import explained, replacing

NAMES = ("lfw",)
_MANY = 500
"""scikit-learn decodes the people with so many pictures once it has fetched all: one has."""


def fetch(name: str, say: Say, agrees: Agrees | None = None) -> bool:
    """Puts LFW where the data set `lfw` finds it. say: told the terms, and what is done. agrees:
    asked then; without it, the user has accepted the terms.

    Returns: whether it is there. Raises: UnknownNameError, OptionError, DownloadError,
    StorageError.
    """
    if name not in NAMES:
        raise unknown_name("data set to fetch", name, NAMES)
    if found := lfw.tars():
        say(f"{name} is here already: {', '.join(map(str, found))}")
        return True
    target = assets() / "lfw-funneled.tar"
    for line in terms(target):
        say(line)
    if not agreed(say, agrees):
        return False
    with explained(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as home:
            pictures = _pack(_downloaded(Path(home)), target)
    say(f"{name}: {pictures} pictures in {target}")
    return True


def terms(target: Path) -> Iterator[str]:
    """What somebody must know before fetching it."""
    yield "LFW: Labeled Faces in the Wild (Huang et al. 2007), photos of 5,749 people in the news"
    yield "licence: none is stated; it was published for research"
    yield "published at: http://vis-www.cs.umass.edu/lfw/"
    yield "from: scikit-learn's fetch_lfw_people (figshare), about 200 MB, checked by its SHA-256"
    yield f"kept as: {target}"


def _downloaded(home: Path) -> Path:
    """The folder of people that scikit-learn makes below `home`."""
    from sklearn.datasets import fetch_lfw_people

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each time that it tries again
            fetch_lfw_people(data_home=str(home), min_faces_per_person=_MANY, resize=0.1)
    except OSError as error:
        if error.errno is not None and not isinstance(error, (ConnectionError, TimeoutError)):
            raise  # of the disk
        raise DownloadError(
            f"scikit-learn cannot fetch LFW ({error})",
            expected="a network that leads to figshare",
            remedy="fetch it on a connected machine, and carry the .tar here",
        ) from error
    return home / "lfw_home" / "lfw_funneled"


def _pack(people: Path, target: Path) -> int:
    """All pictures into one uncompressed tar. Returns how many."""
    pictures = sorted(people.glob("*/*.jpg"))
    if not pictures:
        raise DownloadError(
            f"scikit-learn left no pictures in {people.name}",
            expected="NAME/NAME_0001.jpg and so on",
            remedy="install a scikit-learn that this project was tested with",
        )
    with replacing(target) as file, tarfile.open(fileobj=file, mode="w:") as archive:
        for picture in pictures:
            archive.add(picture, Path("lfw", picture.parent.name, picture.name).as_posix())
    return len(pictures)
