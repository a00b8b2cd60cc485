"""Uploads and forms that nobody would send: refused or taken, never a fault, never outside."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.web.conftest import COOKIE, Browser, Make, Site, picture
from web.limits import EIGHTHS

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
MOST_MEMORY = 2_000_000  # kilobytes


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


@pytest.fixture
def browser(make: Make, tmp_path: Path) -> Iterator[Browser]:
    """Of a server that takes anything, but works on nothing: what is tried is the door."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    site = make(working=False, sessions=10**9, waiting=10**9)
    yield site.browser()
    outside = [p for p in tmp_path.iterdir() if p != site.root and p.suffix != ".py"]
    assert not outside, "files lie in the session's folder alone"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_MEMORY, "the process may have had its peak before"


def unharmed(answer: TestResponse) -> None:
    assert answer.status_code < 500 or answer.status_code in (503, 507), answer.status
    assert "Traceback" not in answer.text


def settled(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def upload(browser: Browser, content: bytes, name: str, fields: dict[str, str]) -> None:
    token = browser.token()
    form: dict[str, object] = {**fields, "photos": (io.BytesIO(content), name)}
    form.setdefault("form_token", token)
    answer = browser.client.post("/photos", data=form, content_type="multipart/form-data")
    unharmed(answer)
    assert answer.status_code in (303, 400, 403, 413, 422)
    if browser.get("/photo/20").status_code == 200:
        browser.post("/forget")  # else every upload reads what all before it left


def ask(browser: Browser, address: str, method: str, body: bytes, kind: str, cookie: str) -> None:
    if cookie:
        browser.client.set_cookie(COOKIE, cookie)
    answer = browser.client.open(address, method=method, data=body, content_type=kind)
    unharmed(answer)


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


@settled(150)
@given(content=mutated(), name=NAMES, fields=FIELDS)
def test_mutated_photos_are_taken_or_refused(
    content: bytes, name: str, fields: dict[str, str], browser: Browser
) -> None:
    upload(browser, content, name, fields)


@settled(150)
@given(address=WHERE, method=METHODS, body=BODIES, kind=KINDS, cookie=COOKIES)
def test_mutated_requests_are_answered(
    address: str, method: str, body: bytes, kind: str, cookie: str, browser: Browser
) -> None:
    ask(browser, address, method, body, kind, cookie)


@pytest.mark.slow
@settled(5000)
@given(content=mutated(), name=NAMES, fields=FIELDS)
def test_thousands_of_mutated_photos(
    content: bytes, name: str, fields: dict[str, str], browser: Browser
) -> None:
    upload(browser, content, name, fields)


@pytest.mark.slow
@settled(5000)
@given(address=WHERE, method=METHODS, body=BODIES, kind=KINDS, cookie=COOKIES)
def test_thousands_of_mutated_requests(
    address: str, method: str, body: bytes, kind: str, cookie: str, browser: Browser
) -> None:
    ask(browser, address, method, body, kind, cookie)


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
