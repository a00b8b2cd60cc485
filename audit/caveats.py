"""Reasons to doubt a figure, and reasons not to conclude at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from audit.plan import BASE_TRANSFORMS
from audit.report import Caveat, Cell, Copies, Counts, Quality

MIN_CONTROL = 0.9
"""A recogniser that finds fewer of the clean probes' owners proves nothing by failing on cloaks."""
MAX_NOISE = 0.1
"""Protection by noise beyond the control's own misses from which the cloak deserves no credit."""
MIN_SEEN = 0.9
"""Share of its background that the cloak must have changed for an adversary to have learned."""
MAX_WIDTH = 0.3
"""Width of an interval from which a figure is called rough."""


def caveats(
    counts: Counts,
    cells: Sequence[Cell],
    quality: Sequence[Quality],
    learned: Mapping[str, Mapping[str, float]],
    notes: Iterable[str],
    copies: Copies | None = None,
    of_pictures: Iterable[str] = (),
) -> tuple[Caveat, ...]:
    """Blocking ones first. notes: what the cloak says of itself, of_pictures: and the data set."""
    found = [
        *_controls(cells),
        *_learning(learned),
        *_held_out(cells),
        *_power(cells),
        *_lost(counts),
        *(_doubt("cloak", note) for note in notes),
        *(_doubt("dataset", note) for note in of_pictures),
    ]
    if copies is not None and (lost := len(copies.missing) + len(copies.unusable)):
        found.append(
            _doubt(
                "copies-missing",
                f"{lost} of {lost + copies.matched} pictures of protected people have no usable "
                "copy: they count as uncloaked.",
            )
        )
    if not any(c.newer for c in cells):
        found.append(_doubt("no-newer-model", "No recogniser here is known to be newer than it."))
    if any(q.lpips is None for q in quality):
        found.append(
            _doubt("lpips-missing", "LPIPS was not measured, DSSIM was: its weights are absent.")
        )
    return tuple(sorted(found, key=lambda c: not c.blocking))


def _controls(cells: Sequence[Cell]) -> Iterator[Caveat]:
    for where, cell in _by_contest(cells).items():
        value = cell.control[1].value
        if value is None or value < MIN_CONTROL:
            yield Caveat(
                code="control-fails",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"{where} recognises {value or 0:.2f} of the clean probes, less than "
                f"{MIN_CONTROL}: what it misses when cloaked is unproven.",
            )
    for where, cell in _by_contest(c for c in cells if c.attack == "noise").items():
        control, noise = cell.control[1].value, cell.protection.value
        if control is not None and noise is not None and noise - (1 - control) > MAX_NOISE:
            yield Caveat(
                code="noise-protects",
                blocking=cell.transform in BASE_TRANSFORMS,
                text=f"Random noise of the same energy protects {noise:.2f} against {where}: "
                "the cloak's own merit is unproven.",
            )


def _by_contest(cells: Iterable[Cell]) -> dict[str, Cell]:
    """One cell of each adversary, recogniser, matcher and transform, under a readable name."""
    return {
        f"{c.adversary} {c.recogniser} ({c.matcher}, {c.transform})": c
        for c in reversed(list(cells))
    }


def _learning(learned: Mapping[str, Mapping[str, float]]) -> Iterator[Caveat]:
    for adversary, facts in learned.items():
        seen = facts.get("cloaked_seen", 1.0)
        if seen < 1:
            yield Caveat(
                code="no-cloaks-seen",
                blocking=seen < MIN_SEEN,
                text=f"Only {seen:.1%} of the background pictures that {adversary} learned from "
                "were changed by the cloak.",
            )


def _held_out(cells: Sequence[Cell]) -> Iterator[Caveat]:
    for name in dict.fromkeys(c.recogniser for c in cells if c.held_out is None):
        yield _doubt(
            "lineage-unstated",
            f"{name} or a surrogate does not state its lineage: whether it is held out is unknown.",
        )
    for name in dict.fromkeys(c.recogniser for c in cells if c.held_out is False):
        yield _doubt(
            "not-held-out",
            f"{name} shares weights or training with a surrogate: protection against it is "
            "what the cloak was optimised for.",
        )
    shared_by = {c.recogniser: c.shared_data for c in cells if c.held_out is not False}
    for name, shared in shared_by.items():
        if shared:
            yield _doubt(
                "shared-data",
                f"{name} and a surrogate were trained on the same pictures ({', '.join(shared)}): "
                "protection may be less against a network that was not.",
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


def _lost(counts: Counts) -> Iterator[Caveat]:
    if counts.without_pictures:
        yield _doubt(
            "people-lost",
            f"{counts.without_pictures} protected people are left out: no face to enrol or search.",
        )
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


def _doubt(code: str, text: str) -> Caveat:
    return Caveat(code=code, blocking=False, text=text)
