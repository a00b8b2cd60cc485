"""What anybody may have written is read within bounds, or refused in a line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from lowkey_core.work import documents


class Counted(BaseModel):
    counts: tuple[int, ...]
    named: dict[str, int] = {}


def written(folder: Path, content: bytes) -> Path:
    (folder / "file").write_bytes(content)
    return folder / "file"


def test_a_file_of_the_largest_size_is_read_and_no_larger_one(tmp_path: Path) -> None:
    assert documents.content(written(tmp_path, b"12345"), 5) == b"12345"
    with pytest.raises(ValueError, match="more than 4 bytes"):
        documents.content(tmp_path / "file", 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x = " + b"9" * 5000, "4300 digits"),
        (b"x = 0x" + b"f" * 5000, "too many digits"),
        (b"x = 9223372036854775808", "too many digits"),
        (b"x = " + b"[" * 8000, "nested too deep"),
        (b"x = " + b"{a=" * 4000, "nested too deep"),
        (b"x = " + b"[" * 17 + b"]" * 17, "deeper than 16"),
        (b"a" + b".a" * 8000 + b" = 1", "deeper than 16"),
        (b"#" * 2**14 + b"\n", "more than 16,384 bytes"),
        (b"\xff", "utf-8"),
        (b"x = 2026-13-01", "line 1"),
    ],
)
def test_toml_beyond_the_bounds_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        documents.toml(written(tmp_path, content))


def test_toml_within_the_bounds_is_read(tmp_path: Path) -> None:
    content = b"x = -9223372036854775808\ny = " + b"[" * 15 + b"]" * 15
    assert documents.toml(written(tmp_path, content))["x"] == -(2**63)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"counts": [' + b"9" * 5000 + b"]}", "number out of range"),
        (b"[" * 30000, "recursion limit"),
        (b'{"counts": [1, "x"]}', "counts.1: Input should be a valid integer"),
        (b'{"counts": [' + b'"x",' * 200 + b"1]}", "200 values are not what they should be"),
        (b"3", "Input should be an object"),
    ],
)
def test_json_beyond_the_bounds_is_refused_with_what_is_wrong_first(
    content: bytes, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as raised:
        documents.parsed(content, Counted)
    assert "\n" not in str(raised.value)


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text('[]{}=.,"a1\n', max_size=200)))
def test_any_content_is_toml_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    file = tmp_path_factory.mktemp("toml") / "file"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with contextlib.suppress(ValueError):
        assert isinstance(documents.toml(file), dict)
