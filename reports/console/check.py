"""What a check found: five plain sentences with counts, a table, and what all that does not say."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from audit.counted import DETECTION, Found, Person, people
from audit.findings import ADAPTIVE, answers
from audit.plan import BASELINE
from audit.report import AuditReport
from audit.statistics import clopper_pearson
from lowkey_core.errors import one_line
from reports.parts.layout import Table, printable
from reports.terminal import draw_table

if TYPE_CHECKING:  # torch takes seconds to import
    from audit.pairs import Likeness, Pair


def sentences(report: AuditReport) -> Iterator[str]:
    """Five of each person: before, the oldest and the newest recogniser, retraining, detection."""
    for person in people(report):
        one = len(report.people) == 1
        whom, whose = ("you", "your") if one else (person.name, f"{person.name}'s")
        for number, sentence in enumerate(_five(person, whom, whose), start=1):
            yield f"{number}. {sentence}"


def _five(person: Person, whom: str, whose: str) -> Iterator[str]:
    report, oldest, newest = person.report, person.oldest, person.newest
    shown = f"of {whose} {oldest.photos} other photos"
    also = f", {_named(newest)} in {newest.before}" if newest else ""
    yield (
        f"Before cloaking: {shown}, {_named(oldest)} finds {whom} in {oldest.before}{also}, among "
        f"{report.counts.enrolled} people."
    )
    yield (
        f"After {person.published} of {whose} photos were cloaked: {shown}, the oldest recogniser "
        f"here, {_named(oldest)}, finds {whom} in {oldest.after}."
    )
    if newest:
        yield (
            f"The newest recogniser here, {_named(newest)}, finds {whom} in {newest.after} of "
            f"{newest.photos}."
        )
    else:
        yield (
            f"No newer recogniser is here; of {len(person.small)} small ones of this project "
            f"each finds {whom} in {_span(person.small)} of {oldest.photos}."
        )
    yield _retrained(person, whom)
    yield _detected(person, whom, whose)


def _retrained(person: Person, whom: str) -> str:
    found = person.retrained
    if found is None:
        return f"Retraining on cloaked pictures: not possible, {person.impossible(ADAPTIVE)}."
    return (
        f"Somebody who retrains {found.recogniser.name} on the cloaking tool's own output finds "
        f"{whom} in {found.after} of {found.photos} (before cloaking: in {found.before})."
    )


def _detected(person: Person, whom: str, whose: str) -> str:
    found, flagged = person.filtered, person.flagged
    if found is None or flagged is None:
        return f"Spotting cloaks: not possible, {person.impossible(DETECTION)}."
    said = (
        f"A detector of cloaks flags {flagged.cloaked} of {whose} {flagged.photos} cloaked photos, "
        f"and {flagged.clean} of the same photos before cloaking; if what it flags is dropped, "
    )
    if found.dropped:
        return f"{said}no photo is left to find {whom} by."
    return f"{said}{found.recogniser.name} finds {whom} in {found.after} of {found.photos}."


def _named(found: Found) -> str:
    return f"{found.recogniser.name} ({_dated(found.recogniser.released, '%Y')})"


def _span(found: tuple[Found, ...]) -> str:
    counts = sorted({f.after for f in found}) or [0]
    return " to ".join(dict.fromkeys((str(counts[0]), str(counts[-1]))))


def table(report: AuditReport) -> Table:
    """For every adversary and recogniser: photos found before cloaking, and after it."""
    transforms = report.plan.publish.transforms
    columns = ("as published" if t == "none" else f"after {t}" for t in transforms)
    return printable(
        Table(
            "In how many photos is the person found? (before cloaking -> after, of how many)",
            ("person", "recogniser", "released", *columns),
            tuple(row for person in people(report) for row in _rows(person, transforms)),
            _note(report),
        )
    )


def _rows(person: Person, transforms: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for adversary in (BASELINE, ADAPTIVE, DETECTION):
        phrase = person.report.adversary(adversary).phrase
        grid = [{f.recogniser.name: f for f in person.found(adversary, t)} for t in transforms]
        for name, found in grid[0].items():
            counts = (_counted(column.get(name)) for column in grid)
            released = _dated(found.recogniser.released, "%Y-%m")
            yield person.name, f"{name} {phrase}".rstrip(), released, *counts


def _counted(found: Found | None) -> str:
    if found is None:
        return "-"
    if found.dropped:
        return f"{found.before} of {found.photos} -> all dropped"
    return f"{found.before} -> {found.after} of {found.photos}"


def _dated(released: datetime.date | None, form: str) -> str:
    return released.strftime(form) if released else "date not stated"


def beside_originals(pairs: Sequence[Pair]) -> Table:
    """Photos against their own copies, beside other photos of the person."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair.likeness))
    return printable(
        Table(
            "How like is a photo to its own cloaked copy? (in brackets: to others of the person)",
            ("person", "photo", "DSSIM", *names),
            tuple(
                (
                    pair.person,
                    pair.photo,
                    f"{pair.dssim:.3f}",
                    *(_cosines(pair.likeness.get(name)) for name in names),
                )
                for pair in pairs
            ),
            "Cosines, 1 is the same. That a copy is unlike its original does not protect: above "
            "stands whether other photos find it.",
        )
    )


def _cosines(likeness: Likeness | None) -> str:
    return "no face" if likeness is None else f"{likeness.copy:.2f} ({likeness.others:.2f})"


def _note(report: AuditReport) -> str:
    surrogates = report.cloaks[0].surrogates or ()
    here = [r.name for r in report.recognisers if r.name in surrogates]
    small = [r.name for r in report.recognisers if r.embedded]
    against = f"The cloak was made against {', '.join(here)}. " if here else ""
    return against + (f"Small networks of this project: {', '.join(small)}." if small else "")


def unsaid(report: AuditReport) -> Iterator[str]:
    """What nobody may conclude."""
    for person in people(report):
        found = person.newest or person.oldest
        low, high = clopper_pearson(found.after, found.photos)
        yield (
            f"{found.photos} photos of {person.name} are few: {found.after} found of "
            f"{found.photos} could stand for {low:.0%} to {high:.0%} of such photos (95%, over "
            "photos of this person, not over people)."
        )
    yield (
        "One person, or a few, tell nothing about people: these are counts, without a verdict. "
        "Where few photos are found before cloaking, few after it show nothing."
    )
    crowd = f"A gallery of {report.counts.enrolled} people is small beside the web"
    drawn = any(card.role == "data set" for card in report.cards)
    yield crowd + ("; and drawn strangers make a search easier than real ones." if drawn else ".")
    if drawn:
        yield (
            "Who retrains, or looks for cloaks, learned from drawn faces here, and may do better "
            "after learning from photos: the counts before cloaking show how well it works."
        )
    yield "Recognisers that are not here may find more: newer, larger ones, those of companies."
    if fetch := next((a.fetch for a in answers(report) if a.fetch), ""):
        yield f"`models fetch {fetch}` gets a newer one."
    yield (
        "How unlike a cloaked photo is to its own original says little: cloaks are made to part "
        "just these two. What counts is whether other photos of the person find it (--pairs shows "
        "both)."
    )
    if short := report.counts.too_few_pictures:
        yield f"{short} people with too few photos were not checked."
    for caveat in report.caveats:
        if caveat.code in ("dataset", "copies-missing", "duplicates"):
            yield caveat.text


def rendered(report: AuditReport, more: Iterable[Table] = ()) -> str:
    """All of it, names escaped. more: tables that were asked for."""
    tables = "".join(f"\n{draw_table(each)}" for each in (table(report), *more))
    told = [f"- {one_line(line)}" for line in unsaid(report)]
    lines = [*map(one_line, sentences(report)), tables, "What this does not say:", *told]
    return "\n".join(lines)
