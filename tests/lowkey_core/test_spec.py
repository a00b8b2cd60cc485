"""One string names a thing and its options, and always the same string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowkey_core.errors import OptionError
from lowkey_core.spec import Spec, canonical, parse, split


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("lowkey", Spec("lowkey")),
        ("lowkey:published", Spec("lowkey", "published")),
        ("jpeg:75", Spec("jpeg", "75")),
        ("lowkey:steps=3", Spec("lowkey", options={"steps": 3})),
        ("lowkey:published:steps=50:x=a", Spec("lowkey", "published", {"steps": 50, "x": "a"})),
        ("mine.py:strength=2.5", Spec("mine.py", options={"strength": 2.5})),
        ("noise@lowkey", Spec("noise", of=Spec("lowkey"))),
        (
            "noise:energy=8@lowkey:published:steps=3",
            Spec("noise", options={"energy": 8}, of=Spec("lowkey", "published", {"steps": 3})),
        ),
        ("a@b@c:1", Spec("a", of=Spec("b", of=Spec("c", "1")))),
        (r"C:\cloaks\mine.py:steps=3", Spec(r"C:\cloaks\mine.py", options={"steps": 3})),
        ("c:/mine.py", Spec("c:/mine.py")),
        ("noise@C:/mine.py:published", Spec("noise", of=Spec("C:/mine.py", "published"))),
        ("/a b/it's.py", Spec("/a b/it's.py")),
        ('"odd:name.py":"a:b":x="c,d@e=f"', Spec("odd:name.py", "a:b", {"x": "c,d@e=f"})),
        (r'folder:"a \"quoted\" \\ b"', Spec("folder", r'a "quoted" \ b')),
        ('folder:"x=1"', Spec("folder", "x=1")),
        ("folder:/a=b", Spec("folder", "/a=b")),
        ('x:""', Spec("x")),
    ],
)
def test_means(text: str, spec: Spec) -> None:
    assert parse(text) == spec
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("3.5", 3.5),
        ("1e-3", 0.001),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("3px", "3px"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("", ""),
        ('"3"', "3"),
        ('"true"', "true"),
        ("a=b", "a=b"),
    ],
)
def test_an_option_is_a_number_a_truth_or_text(written: str, value: object) -> None:
    found = parse(f"x:key={written}").options["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lowkey:steps=3:price=2.0:a=true", "lowkey:a=true:price=2:steps=3"),
        ('"lowkey":"published"', "lowkey:published"),
        ('x:key="3"', 'x:key="3"'),
        ('x:key="plain"', "x:key=plain"),
        ('x:"a b"', "x:a b"),
        ('x:" a"', 'x:" a"'),
        ('noise@"lowkey":steps=03', "noise@lowkey:steps=3"),
        ('"C:/a.py":1', "C:/a.py:1"),
        ('"C:/a@b.py":1', '"C:/a@b.py":1'),
    ],
)
def test_has_one_canonical_form(text: str, shown: str) -> None:
    assert canonical(text) == shown
    assert canonical(shown) == shown
    assert hash(parse(text)) == hash(parse(shown))


def test_a_default_is_given_only_where_nothing_was_said() -> None:
    spec = parse("x:v:a=1@y").given(a=2, b=3)
    assert spec == Spec("x", "v", {"a": 1, "b": 3}, Spec("y"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no name"),
        ('""', "no name"),
        (":3", "no name"),
        ("noise@", "no name"),
        ("@lowkey", "no name"),
        ("a:b:c", "the part 'c'"),
        ("a:x=1:c", "the part 'c'"),
        ("a:", "the part ''"),
        ("a::x=1", "the part ''"),
        ("a:x=1:x=2", "x twice"),
        ('a:"b', "not closed"),
        ('a:x="b', "not closed"),
        ('"a', "not closed"),
    ],
)
def test_what_cannot_be_meant_is_said_so(text: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        parse(text)


def test_an_error_repeats_a_long_text_in_part() -> None:
    with pytest.raises(OptionError) as raised:
        parse("a:" + "b:" * 5000)
    assert len(str(raised.value)) < 500


def test_commas_part_specs_but_not_within_quotes() -> None:
    assert split("lowkey, noise:energy=8 ,none") == ["lowkey", "noise:energy=8", "none"]
    assert split('folder:"a,b",x:k="c,d"') == ['folder:"a,b"', 'x:k="c,d"']
    assert split("lowkey") == ["lowkey"]
    with pytest.raises(OptionError, match="not closed"):
        split('lowkey,folder:"a')


PIECES = st.sampled_from(
    [*':,@="\\ /.+-_', "C:\\", "d:/", "true", "1e5", "key=", "\n", "a", "Z", "7", "é", "٣"]
)
TEXTS = st.one_of(st.text(max_size=8), st.lists(PIECES, max_size=6).map("".join))
NAMES = TEXTS.filter(bool)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
VALUES = st.one_of(st.booleans(), st.integers(), FLOATS, TEXTS)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,6}", fullmatch=True)
PLAIN = st.builds(Spec, NAMES, TEXTS, st.dictionaries(KEYS, VALUES, max_size=3))
SPECS = st.recursive(
    PLAIN,
    lambda inner: st.builds(lambda a, b: Spec(a.name, a.value, a.options, b), PLAIN, inner),
    max_leaves=3,
)


@given(SPECS)
def test_what_is_written_is_read_again(spec: Spec) -> None:
    assert parse(str(spec)) == spec
    assert canonical(str(spec)) == str(spec)


@given(SPECS)
def test_no_kind_of_option_is_taken_for_another(spec: Spec) -> None:
    """But for a whole number that was written as a fraction: 2.0 is 2."""
    for key, value in parse(str(spec)).options.items():
        before = spec.options[key]
        whole = isinstance(before, float) and before.is_integer()
        assert type(value) is (int if whole else type(before))


@given(st.lists(SPECS, min_size=1, max_size=4))
def test_lists_are_read_again(specs: list[Spec]) -> None:
    assert [parse(part) for part in split(", ".join(map(str, specs)))] == specs


@given(TEXTS)
def test_any_text_is_a_spec_or_an_error_that_says_so(text: str) -> None:
    try:
        spec = parse(text)
    except OptionError:
        return
    assert parse(str(spec)) == spec
