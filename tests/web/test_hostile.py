"""Uploads and forms that nobody would send: refused or taken, never a fault, never outside."""

from __future__ import annotations

import http.client
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from tests.web.conftest import COOKIE, Site, picture
from tests.web.running import Running
from web.limits import EIGHTHS
from web.sessions import csrf_of, new_token

pytestmark = pytest.mark.enable_socket

FORMS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000")
WHOLE = {form: picture(side=40, form=form) for form in FORMS}
STARTS = (
    b"II*\0",
    b"\0\0\0\x1cftypheic",
    b"\0\0\0\x1cftypavif",
    b"\xff\x0a",
    b"8BPS",
    b"%PDF",
    b"PK",
)
ADDRESSES = (
    *("/", "/photos", "/photo/1", "/photo/1/strength", "/photo/1/cancel", "/photo/1/copy"),
    *("/photo/1/0.jpg", "/photo/1/faces-1.jpg", "/strength", "/cancel", "/again", "/help"),
    *("/help/cancel", "/help/report", "/all.zip", "/forget", "/enter", "/static/page.js"),
)
MOST_MEMORY = 2_000_000_000


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A picture file with bytes changed, cut off or put in."""
    content = bytearray(draw(st.sampled_from([*WHOLE.values(), *STARTS])))
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["change", "cut", "put", "repeat"]))
        if kind == "change" and place < len(content):
            content[place] = draw(st.integers(0, 255))
        elif kind == "cut":
            del content[place:]
        elif kind == "put":
            content[place:place] = draw(st.binary(max_size=20))
        else:
            content += content[:place]
    return bytes(content)


NAMES = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        ["../../etc/passwd", "C:\\a\\b.png", "a\0b.png", "\u202egnp.exe", "/", ".", ""]
    ),
)
FIELDS = st.dictionaries(
    st.sampled_from(["eighths", "attack", "form_token", "photos", "access", "x"]),
    st.one_of(st.text(max_size=40), st.sampled_from(["1", str(EIGHTHS), "0", "-1", "9" * 5000])),
    max_size=4,
)


@dataclass
class Tried:
    """A server's process that takes anything, and what it answered."""

    running: Running
    outside: Path
    answers: Counter[int] = field(default_factory=Counter)
    there: http.client.HTTPConnection | None = None

    def ask(self, method: str, address: str, body: bytes, kind: str, cookie: str) -> bytes:
        """No fault, whatever is sent."""
        for _ in range(2):  # once more if the connection was closed after the answer before
            there = self.there or http.client.HTTPConnection("127.0.0.1", self.running.port)
            self.there = there
            try:
                there.request(method, address, body, {"Content-Type": kind, "Cookie": cookie})
                answer = there.getresponse()
                content = answer.read()
                break
            except http.client.HTTPException:
                there.close()
                self.there = None
        else:
            raise AssertionError("no answer")
        self.answers[answer.status] += 1
        assert answer.status < 500 or answer.status == 503, answer.status
        assert b"Traceback" not in content
        return content

    def harmless(self) -> None:
        """What is looked at after all of it."""
        assert self.running.peak < MOST_MEMORY
        outside = [path for path in self.outside.rglob("*") if path.is_file()]
        assert not outside, "files lie in the session's folder alone"
        for path in self.running.folder.rglob("*"):
            name = path.relative_to(self.running.folder).as_posix()
            assert re.fullmatch(OURS, name), name
        print(f"answers {dict(self.answers)}; peak {self.running.peak / 1e6:.0f} MB")


OURS = r"\.server\.lock|[0-9a-f]{32}(/session\.json|/photos(/\d+(/[\w.-]+)?)?|/cache(/[\w./-]+)?)?"
"""Names in the folder of a server: none is anybody's."""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    root = tmp_path_factory.mktemp("hostile")
    (root / "outside").mkdir()
    one = Tried(Running(root / "private"), root / "outside")
    most = {"sessions": 10**9, "posts": 10**9, "tries": 10**9, "spare_bytes": 0}
    one.running.start_with(cwd=one.outside, **most)
    yield one
    try:
        code, said = one.running.stop()
        assert (code, "Traceback" in said) == (0, False), said
    finally:
        one.running.end()


def settled(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@dataclass
class Person:
    """A cookie of our own making, and the token of its forms."""

    cookie: str
    token: str


def person(tried: Tried) -> Person:
    made = new_token()
    return Person(f"lowkey_web_{tried.running.port}={made}", csrf_of(made))


def upload(tried: Tried, who: Person, content: bytes, name: str, fields: dict[str, str]) -> None:
    form: dict[str, object] = {"form_token": who.token, **fields}
    form["photos"] = FileStorage(io.BytesIO(content), name)
    boundary, body = encode_multipart(MultiDict(form))
    kind = f'multipart/form-data; boundary="{boundary}"'
    tried.ask("POST", "/photos", body, kind, who.cookie)
    if b'id="photo-20"' in tried.ask("GET", "/photos", b"", "", who.cookie):
        token = f"form_token={who.token}".encode()
        kind = "application/x-www-form-urlencoded"
        assert b"Forgotten" in tried.ask("POST", "/forget", token, kind, who.cookie)


KINDS = st.sampled_from(
    [
        *("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "\x7f"),
        *("application/x-www-form-urlencoded", "application/json", "multipart/mixed; boundary="),
    ]
)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
COOKIES = st.one_of(st.just(""), st.text("0123456789abcdefx;/.", max_size=70))
BODIES = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=60).map(
        lambda b: (
            b'--x\r\nContent-Disposition: form-data; name="photos"; filename="'
            + b
            + b'"\r\n\r\n'
            + b
            + b"\r\n--x--"
        )
    ),
)
WHERE = st.one_of(
    st.sampled_from(ADDRESSES),
    st.tuples(st.sampled_from(ADDRESSES), st.text("0123456789-.%/?=&abc", max_size=30)).map(
        "".join
    ),
)


LONG = pytest.param(5000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])


@pytest.mark.parametrize("examples", [150, LONG])
def test_mutated_photos_are_taken_or_refused(examples: int, tried: Tried) -> None:
    who = person(tried)

    @settled(examples)
    @given(content=mutated(), name=NAMES, fields=st.one_of(st.just({}), FIELDS))
    def each(content: bytes, name: str, fields: dict[str, str]) -> None:
        upload(tried, who, content, name, fields)

    each()
    assert min(tried.answers[status] for status in (303, 422)) > examples / 20, "of both kinds"
    tried.harmless()


@pytest.mark.parametrize("examples", [150, LONG])
def test_mutated_requests_are_answered(examples: int, tried: Tried) -> None:
    """Some with a cookie and a token that hold."""
    who = person(tried)
    upload(tried, who, picture(side=80), "a.png", {})

    @settled(examples)
    @given(where=WHERE, method=METHODS, body=BODIES, kind=KINDS, cookie=COOKIES, own=st.booleans())
    def each(where: str, method: str, body: bytes, kind: str, cookie: str, own: bool) -> None:
        if own and kind == "application/x-www-form-urlencoded":
            body = f"form_token={who.token}&eighths=".encode() + body
        tried.ask(method, where, body, kind, who.cookie if own else f"{COOKIE}={cookie}")

    each()
    tried.harmless()


@settled(25)
@given(content=mutated())
def test_what_is_taken_is_worked_on_to_an_end(content: bytes, site: Site) -> None:
    """Whatever a decoder makes of it."""
    browser = site.browser()
    browser.send(("a", content))
    site.wait()
    page = browser.get("/")
    assert page.status_code == 200
    assert "not begun" not in page.text
