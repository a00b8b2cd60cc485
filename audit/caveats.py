"""Reasons to doubt a figure, and reasons not to conclude at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from audit.findings import MIN_CONTROL
from audit.outcomes import Cell
from audit.plan import BASE_TRANSFORMS
from audit.records import AdversaryRecord, Caveat, CloakRecord, Counts, Quality, RecogniserRecord
from lowkey_core.errors import some

MAX_NOISE = 0.1
"""Protection by noise beyond the control's own misses from which the cloak deserves no credit."""
MIN_SEEN = 0.9
"""Share of its background that the cloak must have changed for an adversary to have learned."""
MAX_WIDTH = 0.3
"""Width of an interval from which a figure is called rough."""
NO_CLOAK = "none"
"""The cloak that changes nothing, and is not doubted for it: others are measured against it."""
CROWD = 50
"""People in a gallery below which a search says little about larger ones."""


def caveats(
    counts: Counts,
    cloaks: Sequence[CloakRecord],
    recognisers: Sequence[RecogniserRecord],
    adversaries: Sequence[AdversaryRecord],
    cells: Sequence[Cell],
    of_pictures: Iterable[str] = (),
) -> tuple[Caveat, ...]:
    """Blocking ones first. of_pictures: what the data set says of itself."""
    notes = dict.fromkeys(note for cloak in cloaks for note in cloak.notes)
    found = [
        *_controls(cells, {c.control for c in cloaks if c.control}),
        *_learning(adversaries),
        *_held_out(cloaks, recognisers),
        *_power(cells),
        *_crowd(counts),
        *_lost(counts),
        *_alike(counts),
        *_copies(cloaks),
        *_unchanged(cloaks),
        *(_doubt("cloak", note) for note in notes),
        *(_doubt("dataset", note) for note in of_pictures),
        *_metrics([q for cloak in cloaks for q in cloak.quality]),
    ]
    return tuple(sorted(found, key=lambda c: not c.blocking))


def _controls(cells: Sequence[Cell], noise: set[str]) -> Iterator[Caveat]:
    for where, cell in _by_contest(cells).items():
        value = cell.control.value
        if value is None or value < MIN_CONTROL:
            yield Caveat(
                code="control-fails",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"{where} recognises {value or 0:.2f} of the clean probes, less than "
                f"{MIN_CONTROL}: what it misses when cloaked is unproven.",
            )
    for where, cell in _by_contest(c for c in cells if c.attack in noise).items():
        control, protects = cell.control.value, cell.protection.value
        if control is not None and protects is not None and protects - (1 - control) > MAX_NOISE:
            yield Caveat(
                code="noise-protects",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"Random noise of the same energy protects {protects:.2f} against {where}: "
                "the cloak's own merit is unproven.",
            )


def _by_contest(cells: Iterable[Cell]) -> dict[str, Cell]:
    """One cell of each adversary, recogniser, matcher and transform, under a readable name."""
    return {
        f"{c.adversary} {c.recogniser} ({c.matcher}, {c.transform})": c
        for c in reversed(list(cells))
    }


def _learning(adversaries: Sequence[AdversaryRecord]) -> Iterator[Caveat]:
    for adversary in adversaries:
        for attack, facts in adversary.learned.items():
            seen = facts.get("cloaked_seen", 1.0)
            if seen < 1:
                yield Caveat(
                    code="no-cloaks-seen",
                    blocking=seen < MIN_SEEN and attack != NO_CLOAK,
                    text=f"Only {seen:.1%} of the background pictures that {adversary.name} "
                    f"learned from were changed by {attack}.",
                )


def _held_out(
    cloaks: Sequence[CloakRecord], recognisers: Sequence[RecogniserRecord]
) -> Iterator[Caveat]:
    for cloak in cloaks:
        of = f" of {cloak.attack}" if len(cloaks) > 1 else ""
        relations = {r.name: r.relations[cloak.attack] for r in recognisers}
        for name in (n for n, r in relations.items() if r.held_out is None):
            yield _doubt(
                "lineage-unstated",
                f"{name} or a surrogate{of} does not state its lineage: whether it is held out is "
                "unknown.",
            )
        for name in (n for n, r in relations.items() if r.held_out is False):
            yield _doubt(
                "not-held-out",
                f"{name} shares weights or training with a surrogate{of}: protection against it is "
                "what the cloak was optimised for.",
            )
        for name, relation in relations.items():
            if relation.shared_data and relation.held_out is not False:
                yield _doubt(
                    "shared-data",
                    f"{name} and a surrogate{of} were trained on the same pictures "
                    f"({', '.join(relation.shared_data)}): protection may be less against a "
                    "network that was not.",
                )
        dated = cloak.released is not None or cloak.surrogates != ()
        if dated and not any(relation.newer for relation in relations.values()):
            yield _doubt(
                "no-newer-model",
                f"No recogniser here is known to be newer than {cloak.attack}.",
            )


def _power(cells: Sequence[Cell]) -> Iterator[Caveat]:
    rough = [c for c in cells if c.protection.value is not None and _width(c) > MAX_WIDTH]
    if rough:
        yield _doubt(
            "few-probes",
            f"{len(rough)} of {len(cells)} intervals are wider than {MAX_WIDTH}: "
            "protect more identities for a sharper answer.",
        )


def _width(cell: Cell) -> float:
    low, high = cell.protection.interval
    return high - low


def _crowd(counts: Counts) -> Iterator[Caveat]:
    if counts.enrolled < CROWD:
        yield _doubt(
            "small-gallery",
            f"A search among {counts.enrolled} people says little about a crowd, where more people "
            "look alike: strangers (a distractor data set) would make the gallery larger.",
        )


def _copies(cloaks: Sequence[CloakRecord]) -> Iterator[Caveat]:
    for copies in (cloak.copies for cloak in cloaks if cloak.copies is not None):
        if lost := len(copies.missing) + len(copies.unusable):
            yield _doubt(
                "copies-missing",
                f"{lost} of {lost + copies.matched} pictures of protected people have no usable "
                "copy: they count as uncloaked.",
            )
        if same := len(copies.unchanged):
            yield _doubt(
                "copies-unchanged",
                f"{same} of {copies.matched} copies show the face as it was: the cloak changed "
                "nothing.",
            )


def _unchanged(cloaks: Sequence[CloakRecord]) -> Iterator[Caveat]:
    """Of cloaks that are made here; of copies that somebody made, `_copies` tells."""
    for cloak in cloaks:
        if cloak.unchanged and cloak.copies is None and cloak.attack != NO_CLOAK:
            yield _doubt(
                "cloak-changed-nothing",
                f"{cloak.attack} left {len(cloak.unchanged)} pictures of protected people as they "
                f"were ({some(cloak.unchanged)}): they count as uncloaked.",
            )


def _lost(counts: Counts) -> Iterator[Caveat]:
    if counts.without_pictures:
        yield _doubt("people-lost", _left_out(counts))
        wanted = counts.protected + counts.without_pictures
        if counts.too_few_pictures and counts.protectable <= wanted:
            yield _doubt(
                "too-few-pictures",
                f"{counts.too_few_pictures} people have too few pictures to be protected: "
                "none could stand in.",
            )
    if counts.no_face:
        yield _doubt("faces-lost", f"No face was found in {len(counts.no_face)} pictures.")
    if counts.unreadable:
        reasons = ", ".join(f"{n} {why}" for why, n in counts.unreadable_reasons.items())
        told = f": {reasons}" if reasons else ""
        yield _doubt("unreadable", f"{len(counts.unreadable)} files could not be read{told}.")
    if counts.duplicates:
        yield _doubt(
            "duplicates",
            f"{len(counts.duplicates)} pictures were left out of gallery or background: the same "
            "picture is a probe, or takes part elsewhere.",
        )


def _alike(counts: Counts) -> Iterator[Caveat]:
    if copies := counts.near_duplicates:
        yield _doubt(
            "near-duplicates",
            f"{len(copies)} of {counts.probes} probes show nearly the same as a picture of their "
            f"person in the gallery, says {counts.compared_by} ({some(copies)}): frames of one "
            "scene, or copies of one photo, are found more easily than other photos.",
        )
    if others := counts.lookalikes:
        yield _doubt(
            "lookalikes",
            f"{len(others)} of the others enrolled look like a protected person, says "
            f"{counts.compared_by}, and may be that person ({some(others)}): who is found under "
            "two names counts as missed.",
        )


def _left_out(counts: Counts) -> str:
    twins = counts.only_duplicates
    faceless = counts.without_pictures - twins
    causes = [
        f"{faceless} without a face to enrol or search" if faceless else "",
        f"{twins} whose pictures are probes, or take part elsewhere" if twins else "",
    ]
    said = ", ".join(filter(None, causes))
    return f"{counts.without_pictures} protected people are left out: {said}."


def _metrics(quality: Sequence[Quality]) -> Iterator[Caveat]:
    if any(q.lpips is None for q in quality):
        yield _doubt("lpips-missing", "LPIPS was not measured, DSSIM was: its weights are absent.")
    if any(q.st_lpips is None for q in quality):
        yield _doubt(
            "st-lpips-missing",
            "ST-LPIPS was not measured: its weights are absent (models fetch st-lpips:alexnet).",
        )


def _doubt(code: str, text: str) -> Caveat:
    return Caveat(code=code, blocking=False, text=text)
