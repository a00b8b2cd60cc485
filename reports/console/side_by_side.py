"""`compare`: several runs side by side, every figure with its interval, differences paired."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from audit import across, statistics
from audit.outcomes import Place, Rate
from audit.report import AuditReport
from lowkey_core.errors import AuditError, GateError, one_line, unknown_name

_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|&~$"})
Named = Sequence[tuple[str, AuditReport]]


@dataclass(frozen=True)
class Row:
    """Protection of one cloak of one run in one place, beside that of the first run."""

    run: str
    cloak: str
    adversary: str
    recogniser: str
    matcher: str
    transform: str
    scenario: str
    protection: float | None
    low: float
    high: float
    control: float | None
    people: int
    less: str
    """The cloak of the first run that it is compared with; "" if with none."""
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    why: str
    """Why there is no difference."""


@dataclass(frozen=True)
class SideBySide:
    """Rows, and what was compared."""

    about: tuple[str, ...]
    rows: tuple[Row, ...]


def compared(runs: Named) -> SideBySide:
    """The first run is the reference. Raises: GateError if it is alone."""
    if len(runs) < 2:
        raise GateError(
            f"{len(runs)} run was named",
            expected="two or more to compare",
            remedy="name the other runs, too",
        )
    (first, reference), *_ = runs
    about = [f"{name}: {_about(report)}" for name, report in runs]
    rows: list[Row] = []
    for number, (name, report) in enumerate(runs):
        obstacles = across.obstacles(report, reference) if number else ()
        if number:
            about.append(
                f"{name} less {first}: "
                + (f"not paired: {'; '.join(obstacles)}" if obstacles else "paired by person")
            )
        rows += _rows(name, report, reference if number else None, obstacles)
    return SideBySide(tuple(about), _in_places(rows))


def _in_places(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows of one place together, places and runs in their order."""
    places = list(dict.fromkeys(_place(row) for row in rows))
    return tuple(sorted(rows, key=lambda row: places.index(_place(row))))


def _place(row: Row) -> tuple[str, ...]:
    return (row.adversary, row.recogniser, row.matcher, row.transform, row.scenario)


def _about(report: AuditReport) -> str:
    counts = report.counts
    cloaks = ", ".join(cloak.attack for cloak in report.cloaks)
    return (
        f"{cloaks}; {counts.protected} people of {counts.dataset}, {counts.probes} probes, plan "
        f"{report.plan.digest}, {report.verdict}"
    )


def _rows(
    name: str, report: AuditReport, reference: AuditReport | None, obstacles: tuple[str, ...]
) -> Iterator[Row]:
    cloaks = [cloak.attack for cloak in report.cloaks]
    for cell in (c for c in report.cells if c.attack in cloaks):
        low, high = cell.protection.interval
        less, found, why = "", None, "; ".join(obstacles)
        if reference is not None and not obstacles:
            less, found, why = _paired(report, reference, cell.place, cloaks)
        gap, ends = _difference(found)
        yield Row(
            name,
            *cell.place,
            *(cell.protection.value, low, high, cell.control.value),
            people=sum(n > 0 for n in cell.protection.trials),
            less=less,
            difference=gap,
            difference_low=ends[0],
            difference_high=ends[1],
            why=why,
        )


def _difference(
    found: tuple[Rate, Rate] | None,
) -> tuple[float | None, tuple[float | None, float | None]]:
    if found is None:
        return None, (None, None)
    one, less = found
    return statistics.difference((one.hits, one.trials), (less.hits, less.trials))


def _paired(
    report: AuditReport, reference: AuditReport, place: Place, cloaks: Sequence[str]
) -> tuple[str, tuple[Rate, Rate] | None, str]:
    theirs = [cloak.attack for cloak in reference.cloaks]
    alone = len(cloaks) == len(theirs) == 1
    other = place.attack if place.attack in theirs else theirs[0] if alone else ""
    if not other:
        return "", None, "the first run has no such cloak"
    try:
        pairs = across.pairs(report, reference, place, place._replace(attack=other))
    except AuditError as error:
        return other, None, error.got
    if not pairs:
        return other, None, "the first run did not measure it"
    found = across.protections(pairs)
    return other, found, "" if found else "everybody was detected"


def written(found: SideBySide, form: str) -> str:
    """Raises: UnknownNameError for another form than `markdown`, `csv` or `json`."""
    forms = {"markdown": _markdown, "csv": _csv, "json": _json}
    if form not in forms:
        raise unknown_name("format", form, forms)
    return forms[form](found)


def _json(found: SideBySide) -> str:
    said = {"about": found.about, "rows": [asdict(row) for row in found.rows]}
    return json.dumps(said, indent=1) + "\n"


def _csv(found: SideBySide) -> str:
    """What was compared are comments, as they are no rows."""
    file = io.StringIO()
    file.writelines(f"# {one_line(line)}\n" for line in found.about)
    names = [*Row.__dataclass_fields__]
    out = csv.writer(file, lineterminator="\n")
    out.writerow(names)
    out.writerows([guarded(getattr(row, name)) for name in names] for row in found.rows)
    return file.getvalue()


def guarded(value: object) -> object:
    """A cell of CSV: text that a spreadsheet would take for a formula begins with a quote."""
    if isinstance(value, str):
        value = one_line(value)
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value
    return value


def _markdown(found: SideBySide) -> str:
    columns = ("run", "cloak", "adversary", "recogniser", "where", "protection", "less the first")
    rows = tuple(tuple(map(one_line, _shown(row))) for row in found.rows)
    about = "\n".join(f"- {_escaped(one_line(line))}" for line in found.about)
    return f"{about}\n\n" + "".join(f"{line}\n" for line in markdown(columns, rows))


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, line by line; cells are escaped."""
    for line in (columns, ["---"] * len(columns), *(tuple(map(_escaped, row)) for row in rows)):
        yield f"| {' | '.join(line)} |"


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)


def _shown(row: Row) -> tuple[str, ...]:
    where = ", ".join((row.matcher, row.transform, row.scenario))
    rate = (
        "everybody detected"
        if row.protection is None
        else (f"{row.protection:.2f} [{row.low:.2f}, {row.high:.2f}]")
    )
    gap = row.why
    if row.difference is not None and row.difference_low is not None:
        gap = f"{row.difference:+.2f} [{row.difference_low:+.2f}, {row.difference_high:+.2f}]"
    return (row.run, row.cloak, row.adversary, row.recogniser, where, rate, gap)
