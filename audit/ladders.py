"""A range instead of a value: one transform, or one scenario, for each of several values.

    NAME:LOW..HIGH          LOW, HIGH, and four between them, equally far apart
    NAME:LOW..HIGH..STEP    LOW, LOW + STEP, LOW + 2 STEP, ..., and HIGH

`jpeg:10..95` is `jpeg:10`, `jpeg:27`, `jpeg:44`, `jpeg:61`, `jpeg:78` and `jpeg:95`; `blur:0.5..3`
goes up in halves, `mixed:0..1..0.25` in quarters. Between ends without a decimal point, and without
a STEP, values are whole.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from lowkey_core import spec
from lowkey_core.errors import OptionError
from lowkey_core.spec import Spec

MOST = 20
"""Names that one with ranges may stand for."""
_GAPS = 5
"""Between the values of a range without a step."""
_NUMBER = re.compile(r"-?([0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9})")


def rungs(chain: str) -> tuple[str, ...]:
    """The chains that one stands for, in canonical form: itself unless it has ranges, else one for
    each of their values; of several ranges, for each combination. Raises: OptionError."""
    links = [_rungs(spec.parse(link)) for link in spec.split(chain, "+")]
    _few(math.prod(map(len, links)), chain)
    return tuple("+".join(map(str, link)) for link in itertools.product(*links))


def each(name: str) -> tuple[str, ...]:
    """The same of a spec that is no chain. Raises: OptionError."""
    return tuple(map(str, _rungs(spec.parse(name))))


def _rungs(link: Spec) -> list[Spec]:
    """The same, of a link of a chain, and of what it is built from."""
    values, below = _values(link), [None] if link.of is None else _rungs(link.of)
    _few(len(values) * len(below), str(link))
    return [replace(link, value=value, of=of) for value in values for of in below]


def _values(link: Spec) -> list[str]:
    """The values that a link's value stands for. A range has a number at an end, at least: a path
    with two dots in it is none."""
    parts = link.value.split("..")
    numbers = [part for part in parts if _NUMBER.fullmatch(part)]
    if len(parts) == 1 or not numbers:
        return [link.value]
    if len(parts) > 3 or len(numbers) < len(parts):
        raise _wrong(link, "LOW..HIGH or LOW..HIGH..STEP, all of them numbers", "10..95..5")
    low, high, *given = map(Decimal, parts)
    if low >= high:
        other = f"{high:f}..{low:f}" if low > high else f"{low:f}"
        raise _wrong(link, "the lower end first, then a higher one", other)
    step = given[0] if given else (high - low) / _GAPS
    if step <= 0:
        raise _wrong(link, "a step above 0", f"{low:f}..{high:f}")
    gaps = ((high - low) / step).to_integral_value(ROUND_CEILING)
    if gaps >= MOST:
        raise _wrong(link, f"at most {MOST} values", f"{low:f}..{high:f}")
    values = [*(low + step * gap for gap in range(int(gaps))), high]
    if not given and "." not in f"{parts[0]}{parts[1]}":
        values = [value.to_integral_value() for value in values]
    return list(dict.fromkeys(f"{value.normalize():f}" for value in values))


def _few(count: int, chain: str) -> None:
    if count > MOST:
        raise OptionError(
            f"the ranges of {chain[:200]!r} stand for {count} names",
            expected=f"at most {MOST}",
            remedy="give the ranges longer steps, or one of them a single value",
        )


def _wrong(link: Spec, expected: str, example: str) -> OptionError:
    return OptionError(
        f"{str(link)!r} has the range {link.value!r}",
        expected=expected,
        remedy=f"write, say, {link.name}:{example}",
    )
