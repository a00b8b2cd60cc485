"""Whose pictures took part, which were lost, and what cloaks did to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.caveats.doubt import NO_CLOAK, doubt
from audit.counts import Counts
from audit.records import Caveat, CloakRecord, Quality
from lowkey_core.errors import some

CROWD = 50
"""People in a gallery below which a search says little about larger ones."""


def crowd(counts: Counts) -> Iterator[Caveat]:
    """Too few people to search among."""
    if (people := counts.enrolled + counts.ready) < CROWD:
        yield doubt(
            "small-gallery",
            f"A search among {people} people says little about a crowd, where more people "
            "look alike: strangers (a distractor data set) would make the gallery larger.",
        )


def copies(cloaks: Sequence[CloakRecord]) -> Iterator[Caveat]:
    """Of copies that somebody made elsewhere: missing, or without a change."""
    for found in (cloak.copies for cloak in cloaks if cloak.copies is not None):
        if gone := len(found.missing) + len(found.unusable):
            yield doubt(
                "copies-missing",
                f"{gone} of {gone + found.matched} pictures of protected people have no usable "
                "copy: they count as uncloaked.",
            )
        if same := len(found.unchanged):
            yield doubt(
                "copies-unchanged",
                f"{same} of {found.matched} copies show the face as it was: the cloak changed "
                "nothing.",
            )


def unchanged(cloaks: Sequence[CloakRecord]) -> Iterator[Caveat]:
    """Of cloaks that are made here; of copies that somebody made, `copies` tells."""
    for cloak in cloaks:
        if cloak.unchanged and cloak.copies is None and cloak.attack != NO_CLOAK:
            yield doubt(
                "cloak-changed-nothing",
                f"{cloak.attack} left {len(cloak.unchanged)} pictures of protected people as they "
                f"were ({some(cloak.unchanged)}): they count as uncloaked.",
            )


def lost(counts: Counts) -> Iterator[Caveat]:
    """People, faces and files that could not take part."""
    if counts.without_pictures:
        yield doubt("people-lost", _left_out(counts))
        wanted = counts.protected + counts.without_pictures
        if counts.too_few_pictures and counts.protectable <= wanted:
            yield doubt(
                "too-few-pictures",
                f"{counts.too_few_pictures} people have too few pictures to be protected: "
                "none could stand in.",
            )
    if counts.no_face:
        yield doubt("faces-lost", f"No face was found in {len(counts.no_face)} pictures.")
    if counts.unreadable:
        reasons = ", ".join(f"{n} {why}" for why, n in counts.unreadable_reasons.items())
        told = f": {reasons}" if reasons else ""
        yield doubt("unreadable", f"{len(counts.unreadable)} files could not be read{told}.")
    if counts.duplicates:
        yield doubt(
            "duplicates",
            f"{len(counts.duplicates)} pictures were left out of gallery or background: the same "
            "picture is a probe, or takes part elsewhere.",
        )


def alike(counts: Counts) -> Iterator[Caveat]:
    """Probes that stand in the gallery, too, and strangers who may be a protected person."""
    if copies := counts.near_duplicates:
        yield doubt(
            "near-duplicates",
            f"{len(copies)} of {counts.probes} probes show nearly the same as a picture of their "
            f"person in the gallery, says {counts.compared_by} ({some(copies)}): frames of one "
            "scene, or copies of one photo, are found more easily than other photos.",
        )
    if others := counts.lookalikes:
        yield doubt(
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


def metrics(quality: Sequence[Quality]) -> Iterator[Caveat]:
    """Measures of visibility whose weights are absent."""
    if any(q.lpips is None for q in quality):
        yield doubt("lpips-missing", "LPIPS was not measured, DSSIM was: its weights are absent.")
    if any(q.st_lpips is None for q in quality):
        yield doubt(
            "st-lpips-missing",
            "ST-LPIPS was not measured: its weights are absent (models fetch st-lpips:alexnet).",
        )
