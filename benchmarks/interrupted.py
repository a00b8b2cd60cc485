"""Does a killed command leave only whole files, and resume to the same result?

`python -m benchmarks.interrupted --kills 30 -- audit --preset quick --out {out} --cache {cache}`
runs the command once undisturbed and once more on what that kept, then kills it (-9) again and
again in other folders, each time a random while after its start, until it has been killed so
often. A command that finishes before is compared with the undisturbed one and begun anew. After
every kill all that is visible under {out} and {cache} must be whole.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from lowkey_core.work.records import unseal

PART = ".part-"
"""What a killed process may leave half-written, and the same command must remove."""
LOCK = ".protected.jsonl.lock"
"""The lock of an output folder, empty; what a killed process leaves of it, the same command must
remove."""
DIFFERS = ("timings", "started")
"""What may differ in a JSON file between two runs of one command."""


def main() -> None:
    """Prints counts; exits with 1 on any violation."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.interrupted")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("command", nargs="+", help="after --, with {out} and perhaps {cache}")
    given = parser.parse_args()
    if not any("{out}" in word for word in given.command) or given.kills < 1:
        parser.error("--kills must be positive, and the command must say {out}")
    cli = [sys.executable, str(Path(__file__).parents[1] / "cli.py")]
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial([*cli, *given.command], Path(folder), random.Random(given.seed))
        trial.run(given.kills)
    for line in trial.violations:
        print(line)
    print(
        f"killed {trial.kills} times, finished {trial.lives} times; {trial.checked} finished files "
        f"looked at after kills; {len(trial.violations)} violations"
    )
    raise SystemExit(bool(trial.violations))


@dataclass
class Trial:
    """One command, killed again and again. Its words may hold {out} and {cache}."""

    command: Sequence[str]
    folder: Path
    """Where its folders are made."""
    rng: random.Random
    kills: int = 0
    lives: int = 0
    """How often it finished all the same."""
    checked: int = 0
    """Files looked at after kills."""
    violations: list[str] = field(default_factory=list)

    def run(self, kills: int) -> None:
        """Fills the counts above. Exits if the undisturbed command fails."""
        whole, life, began = self.folder / "whole", self.folder / "life0", time.monotonic()
        code, said = self._start(whole, None)
        took = time.monotonic() - began
        if code not in (0, 1, 3):
            raise SystemExit(f"undisturbed, the command exits with {code}: {said}")
        began = time.monotonic()
        self._start(whole, None)  # with all its work found: little but what every start costs
        again = min(time.monotonic() - began, took)
        expected = tree(whole / "out")
        longest = 2 * (again + (took - again) / kills)  # spreads the kills over one life
        while True:
            wait = self.rng.uniform(0, longest) if self.kills < kills else None
            ended, said = self._start(life, wait)
            if ended is None:
                self.kills += 1
                self._check(life)
                continue
            self.lives += 1
            self.violations += [f"in the end, {d}" for d in different(expected, tree(life / "out"))]
            if ended != code:
                self.violations.append(f"exit code {ended}, undisturbed {code}: {said[-200:]}")
            if self.kills >= kills:
                return
            life = self.folder / f"life{self.lives}"

    def _start(self, folder: Path, wait: float | None) -> tuple[int | None, str]:
        """Exit code, None if it was killed after `wait` seconds; and its last words."""
        places = {"{out}": str(folder / "out"), "{cache}": str(folder / "cache")}
        words = list(self.command)
        for mark, place in places.items():
            words = [word.replace(mark, place) for word in words]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                words, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
            try:
                process.wait(wait)
                code: int | None = process.returncode
            except subprocess.TimeoutExpired:
                code = None
            finally:  # and whatever it started
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            said.seek(0)
            return code, said.read().decode(errors="replace")

    def _check(self, life: Path) -> None:
        for file in finished(life):
            self.checked += 1
            if trouble := damage(file):
                self.violations.append(f"after kill {self.kills}, {file.name}: {trouble}")


def finished(folder: Path) -> Iterator[Path]:
    """Every file under `folder` that claims to be whole."""
    unfinished = (PART, LOCK)
    yield from (f for f in folder.rglob("*") if f.is_file() and not f.name.startswith(unfinished))


def damage(file: Path) -> str:
    """What is wrong with a file that claims to be whole; "" if nothing can be found."""
    content = file.read_bytes()
    try:
        match file.suffix.lower():
            case ".safetensors":
                whole = unseal(file.parent.name + file.stem, content) is not None
                return "" if whole else "its digest is wrong"
            case ".png" | ".jpg" | ".jpeg":
                with Image.open(file) as picture:
                    picture.load()
            case ".json":
                json.loads(content)
            case ".md" | ".html" | ".txt" | ".csv":
                return "" if content.decode().endswith("\n") else "its end is missing"
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow and json raise
        return f"{type(error).__name__}: {error}"
    return "" if content else "it is empty"


def tree(folder: Path) -> dict[str, object]:
    """Everything under `folder` by path, temporaries too; JSON without what may differ."""
    return {
        str(file.relative_to(folder)): _comparable(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _comparable(file: Path) -> object:
    content = file.read_bytes()
    if file.suffix != ".json":
        return content
    try:
        parsed = json.loads(content)
    except ValueError:
        return content
    if not isinstance(parsed, dict):
        return parsed
    return {key: value for key, value in parsed.items() if key not in DIFFERS}


def different(expected: dict[str, object], got: dict[str, object]) -> Iterator[str]:
    """What the second tree has otherwise than the first."""
    for name in sorted(expected.keys() | got.keys()):
        if name not in got:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} is left over"
        elif expected[name] != got[name]:
            yield f"{name} is not what the undisturbed command wrote"


if __name__ == "__main__":
    main()
