"""A server of its own for each test: tiny networks from files, faces taken as found."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image
from skimage import data
from werkzeug.test import TestResponse

from tests.audit.small import CLOAK, RECOGNISER, small_plan
from web.app import create
from web.engine import Engine
from web.guard import Guard
from web.limits import Limits
from web.place import Server
from web.serving import end, start

LIMITS = Limits(spare_bytes=0, posts=10_000)
COOKIE = "lowkey_web_test"
BRIEF = {"epochs": 1, "background": 4, "background_pictures": 4, "others": 3, "batch": 5}
"""Of a check: few steps and pictures."""


def picture(shade: int = 0, side: int = 160, form: str = "PNG", **options: object) -> bytes:
    """A photo of the one person who comes in a wheel, or of another shade of her."""
    face = Image.fromarray(data.astronaut()).crop((130, 10, 330, 210)).resize((side, side))
    shown = face.point([int(v * (1 - 0.02 * shade)) for v in range(256)] * 3)
    file = io.BytesIO()
    shown.save(file, form, **options)
    return file.getvalue()


@dataclass
class Browser:
    """One person's: it keeps its cookie, and sends forms as pages have them."""

    client: FlaskClient

    def get(self, address: str, **given: object) -> TestResponse:
        return self.client.get(address, **given)  # type: ignore[arg-type]

    def token(self, page: str = "/about") -> str:
        """Of a form: that of the first page, where any is."""
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.get("/").text)
        assert found, page
        return found[1]

    def post(self, address: str, token: str | None = None, **fields: object) -> TestResponse:
        form = {"form_token": self.token() if token is None else token, **fields}
        return self.client.post(address, data=form, content_type="multipart/form-data")

    def send(self, *photos: tuple[str, bytes], **fields: object) -> TestResponse:
        files = [(io.BytesIO(content), name) for name, content in photos]
        return self.post("/photos", photos=files, **fields)


@dataclass
class Site:
    """A server, and as many browsers as are wanted."""

    running: Server

    def browser(self) -> Browser:
        return Browser(create(self.running).test_client())

    @property
    def root(self) -> Path:
        return self.running.sessions.root

    def wait(self, seconds: float = 60) -> None:
        """Until nothing is worked on."""
        until = time.monotonic() + seconds
        while not self.running.jobs.idle():
            assert time.monotonic() < until, "the queue did not empty"
            time.sleep(0.02)


Make = Callable[..., Site]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Tiny networks and a cloak that inverts."""
    for seed in (1, 2, 3):
        (tmp_path / f"net{seed}.py").write_text(RECOGNISER.format(seed=seed))
    (tmp_path / "invert.py").write_text(CLOAK)
    return Engine(
        (str(tmp_path / "invert.py"), "lowkey:steps=1"),
        {"surrogate": [str(tmp_path / "net1.py")]},
        (str(tmp_path / "net2.py"), str(tmp_path / "net3.py")),
    )


@pytest.fixture
def make(engine: Engine, tmp_path: Path, nobody_real: None) -> Iterator[Make]:
    """Servers with other limits, in one folder one after the other."""
    root = tmp_path / "private"
    root.mkdir(mode=0o700)
    made: list[Site] = []

    def one(*, working: bool = True, access: str = "", workers: int = 1, **limits: float) -> Site:
        guard_limits = replace(LIMITS, **limits)  # type: ignore[arg-type]
        guard = Guard(guard_limits, COOKIE, frozenset(), access)
        site = Site(start(root, guard_limits, workers, engine, guard))
        if working:
            site.running.jobs.start()
        made.append(site)
        return site

    yield one
    for site in made:
        end(site.running)


@pytest.fixture
def mine(tmp_path: Path) -> list[Path]:
    """Six photos of one person; the world in `world/photos` has nine others."""
    (tmp_path / "world").mkdir()
    small_plan(tmp_path / "world")
    folder = (tmp_path / "world" / "photos" / "person9").rename(tmp_path / "mine")
    return sorted(folder.iterdir())


@pytest.fixture
def site(make: Make) -> Site:
    return make()
