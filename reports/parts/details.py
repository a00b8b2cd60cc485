"""What the answers rest on, as tables."""

from __future__ import annotations

from audit.outcomes import FLAGGED, FOUND, TPR_AT_1, Cell, Outcome, rank
from audit.records import Copies
from audit.report import AuditReport
from reports.parts import words
from reports.parts.layout import NOT_MEASURED, Table, rate


def detection(report: AuditReport) -> Table:
    rows = [
        (_cloak(report, c), c.adversary, c.scenario, c.transform, *_flagged(c.outcomes))
        for c in report.cells
        if FLAGGED in c.outcomes and c.matcher == report.cells[0].matcher
    ]
    return Table(
        "Are cloaks spotted? (identities the detector never saw)",
        (
            "cloak",
            "adversary",
            "who cloaks",
            "transform",
            "TPR = recall",
            "FPR",
            "precision",
            "AUC",
            "TPR at 1% FPR",
        ),
        tuple(rows),
        "Precision is at equal numbers of cloaked and clean pictures.",
    )


def _cloak(report: AuditReport, cell: Cell) -> str:
    taught = report.adversary(cell.adversary).learned_about.get(cell.attack)
    return f"{cell.attack} (seen: {taught} only)" if taught else cell.attack


def _flagged(outcomes: dict[str, Outcome]) -> tuple[str, ...]:
    found = outcomes[FLAGGED]
    at_few = outcomes.get(TPR_AT_1, Outcome()).value
    cloaked, clean = found.cloaked, found.control
    tpr, fpr = (None if rate is None else rate.value for rate in (cloaked, clean))
    precise = tpr / (tpr + fpr) if tpr is not None and fpr is not None and tpr + fpr else None
    return (
        rate(cloaked) if cloaked else "-",
        rate(clean) if clean else "-",
        "-" if precise is None else f"{precise:.3f}",
        "-" if found.value is None else f"{found.value:.4f}",
        "-" if at_few is None else f"{at_few:.2f}",
    )


def faces_found(report: AuditReport) -> Table:
    """Once for each cloak, transform and scenario: the detector is the same for every adversary."""
    rows = {
        (c.attack, c.scenario, c.transform): c.outcomes[FOUND]
        for c in report.cells
        if FOUND in c.outcomes
    }
    return Table(
        "Is the face still found in the published photo?",
        ("cloak", "who cloaks", "transform", "cloaked", "the same photos without it"),
        tuple(
            (*where, *(rate(r) if r else "-" for r in (found.cloaked, found.control)))
            for where, found in rows.items()
        ),
        "A photo whose face is lost cannot be enrolled; where another face is found, that one is.",
    )


def grid(report: AuditReport) -> Table:
    ranks = report.ranks
    shares = sorted({f"{c.cloaked_share:.2g}" for c in report.cells})
    return Table(
        "Every measurement",
        (
            "cloak",
            "adversary",
            "recogniser",
            "matcher",
            "who cloaks",
            "transform",
            "protection",
            "control",
            "rank-" + "/".join(map(str, ranks)) + " cloaked",
        ),
        tuple(_cell(report, c) for c in report.cells),
        f"Cloaked share of protected galleries: {', '.join(shares)}. "
        "`all`: everybody protected cloaks at once; `one`: one person at a time. Transforms act on "
        "whole photos, as platforms do.",
    )


def _cell(report: AuditReport, c: Cell) -> tuple[str, ...]:
    relation = report.relation(c)
    held_out = {True: "", False: " (not held out)", None: " (lineage not stated)"}
    newer = " (newer)" if relation.newer else ""
    found = [c.outcomes[rank(k)].cloaked for k in report.ranks]
    return (
        c.attack,
        words.scored(c.adversary, c.scored_at),
        c.recogniser + newer + held_out[relation.held_out],
        c.matcher,
        c.scenario,
        c.transform,
        ", ".join(filter(None, (rate(c.protection), words.detected(c)))),
        rate(c.control),
        "/".join(f"{r.value:.2f}" for r in found if r and r.value is not None),
    )


def copies(copies: Copies) -> Table:
    missing = [_why(name, copies.reasons.get(name)) for name in copies.missing]
    rows = [("of the gallery, with a usable copy", str(copies.matched), "")]
    for what, names in (
        ("of those, with a copy that changes nothing", copies.unchanged),
        ("of the gallery, without a copy: published as they are", missing),
        ("of the gallery, with a copy that does not show their face", copies.unusable),
        ("files that are the copy of no photo", [_why(*each) for each in copies.strays.items()]),
    ):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        rows.append((what, str(len(names)), ", ".join(names[:_NAMED]) + more))
    rows.append(("of the background, with a usable copy", str(copies.background), ""))
    rows += [("note", "", note) for note in copies.notes]
    return Table(
        f"Whose copies were found in {copies.folder}?", ("pictures", "", "which"), tuple(rows)
    )


def _why(name: str, why: str | None) -> str:
    return f"{name} ({why})" if why else name


_NAMED = 10


def quality(report: AuditReport) -> Table:
    return Table(
        "How visible is it? (on the aligned face of the photo, as published)",
        (
            "cloak",
            "pictures",
            "DSSIM mean",
            "max",
            "PSNR dB",
            "L2",
            "L-infinity",
            "LPIPS",
            "ST-LPIPS",
        ),
        tuple(
            (
                q.attack,
                str(q.pictures),
                f"{q.dssim:.4f}",
                f"{q.dssim_max:.4f}",
                f"{q.psnr:.1f}",
                f"{q.l2:.2f}",
                f"{q.linf:.3f}",
                *(NOT_MEASURED if v is None else f"{v:.3f}" for v in (q.lpips, q.st_lpips)),
            )
            for cloak in report.cloaks
            for q in cloak.quality
        ),
    )


def budgets(report: AuditReport) -> Table:
    """Of cloaks that say how much they change at most."""
    rows = []
    for cloak in report.cloaks:
        own, *_ = cloak.quality
        if (cloak.threshold, cloak.bound) != (None, None):
            rows.append(
                (
                    cloak.attack,
                    _or_none(cloak.threshold, ".4f"),
                    _or_none(own.over_threshold, ".0%"),
                    _or_none(cloak.bound, ".3f"),
                    _or_none(own.at_bound, ".1%"),
                )
            )
    heads = ("cloak", "DSSIM allowed", "pictures over 1.1 x", "L-infinity allowed", "values at it")
    return Table("Does it keep to what it allows itself?", heads, tuple(rows))


def _or_none(value: float | None, shown: str) -> str:
    return "none" if value is None else f"{value:{shown}}"


def learned(report: AuditReport) -> Table:
    return Table(
        "What the adversaries learned from",
        ("adversary", "cloak", "background pictures", "identities", "changed by the cloak"),
        tuple(
            (
                adversary.name,
                attack,
                *(
                    "not stated" if fact not in facts else f"{facts[fact]:{shown}}"
                    for fact, shown in (
                        ("pictures", ".0f"),
                        ("identities", ".0f"),
                        ("cloaked_seen", ".0%"),
                    )
                ),
            )
            for adversary in report.adversaries
            for attack, facts in adversary.learned.items()
        ),
    )


def cards(report: AuditReport) -> Table:
    return Table(
        "Networks",
        ("name", "role", "released", "trained on", "input", "licence", "SHA-256"),
        tuple(
            (
                c.name,
                c.role,
                f"{c.released:%Y-%m}" if c.released else "not stated",
                c.trained_on,
                c.preprocessing,
                c.licence,
                c.sha256[:12] + (" (first seen)" if c.first_seen else "") or "no file",
            )
            for c in report.cards
        ),
    )
