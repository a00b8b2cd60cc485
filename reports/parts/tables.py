"""The report as headed tables of plain text, which every format lays out in its own way."""

from __future__ import annotations

from dataclasses import dataclass

from audit.findings import JPEG, NEWER, UNSEEN, Answer, Comparison, Finding, answers
from audit.records import FLAGGED, Cell, CloakRecord, Copies, Outcome, Rate, rank
from audit.report import AuditReport
from lowkey_core.errors import as_flag

NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Table:
    """Cells are plain text, never markup."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def headline(report: AuditReport) -> str:
    """One sentence on what was done."""
    counts, cloaks = report.counts, ", ".join(cloak.attack for cloak in report.cloaks)
    return (
        f"{cloaks}: {counts.protected} people cloaked their photos, {counts.probes} clean "
        f"photos of them were searched in a gallery of {counts.gallery} pictures of "
        f"{counts.enrolled} people ({counts.dataset})"
    )


def verdict(report: AuditReport) -> str:
    """Said before any figure."""
    if report.verdict == "inconclusive":
        said = "INCONCLUSIVE: a control failed, see the first caveats. Protection is unproven."
    else:
        said = "Protection is 1 - rank-1 identification; in brackets 95% intervals over identities."
    if any(q.lpips is None for cloak in report.cloaks for q in cloak.quality):
        said += " Visibility is in DSSIM: LPIPS has no weights here (models fetch lpips:alexnet)."
    return said


def tables(report: AuditReport) -> tuple[Table, ...]:
    """The answers first, then what they rest on."""
    looked = any(FLAGGED in c.outcomes for c in report.cells)
    return (
        *(_answers(report, cloak) for cloak in report.cloaks),
        *([_detection(report)] if looked else []),
        *(_copies(cloak.copies) for cloak in report.cloaks if cloak.copies),
        _grid(report),
        _quality(report),
        _learned(report),
        _cards(report),
    )


def rate(value: Rate) -> str:
    """`0.96 [0.89, 0.99]`."""
    if value.value is None:
        return "-"
    low, high = value.interval
    return f"{value.value:.2f} [{low:.2f}, {high:.2f}]"


def _answers(report: AuditReport, cloak: CloakRecord) -> Table:
    own = [a for a in answers(report) if a.attack == cloak.attack]
    several = f" ({cloak.attack})" if len(report.cloaks) > 1 else ""
    remarks = [f"{answer.question} {_remark(c)}" for answer in own for c in answer.comparisons]
    return Table(
        f"Does it still protect?{several}",
        ("question", "", "protection", "control (clean gallery)"),
        tuple(row for answer in own for row in _answer(report, answer)),
        "\n".join(remarks),
    )


def _remark(c: Comparison) -> str:
    low, high = c.interval
    return (
        f"{c.cell.recogniser} less {c.less.recogniser}: {c.difference:+.2f} "
        f"[{low:+.2f}, {high:+.2f}], same probes"
    )


def _answer(report: AuditReport, answer: Answer) -> list[tuple[str, ...]]:
    question = answer.question
    if question == JPEG:
        question += f" (against {report.recognisers[0].name})"
    if answer.impossible:
        return [(question, "not possible", f"because {answer.impossible}", "")]
    if answer.measure_with:
        told = f"Run the audit with {as_flag(*answer.measure_with)}"
        return [(question, NOT_MEASURED, told, "")]
    rows: list[tuple[str, ...]] = []
    for finding in answer.findings:
        shown = _protection(finding, report.counts.protected)
        rows.append((question, _what(report, finding), shown, rate(finding.control)))
        question = ""
    return rows


def _what(report: AuditReport, finding: Finding) -> str:
    """Where a figure is from, in the words of its question."""
    cell, question = finding.cell, finding.question
    if question == JPEG:
        return "as published" if cell.transform == "none" else f"after {cell.transform}"
    if question == NEWER:
        released = next(r.released for r in report.recognisers if r.name == cell.recogniser)
        return f"{cell.recogniser} ({released:%Y-%m})"
    what = f"{cell.recogniser} {report.adversary(cell.adversary).phrase}".rstrip()
    if question == UNSEEN:
        what = cell.recogniser
    return what + ("" if cell.transform == "none" else f", {cell.transform}")


def _protection(finding: Finding, people: int) -> str:
    if not finding.conclusive:
        return "inconclusive"
    detected = f"{finding.detected} of {people} people detected" if finding.detected else ""
    shown = [rate(finding.protection)] if finding.protection.value is not None else []
    return "; ".join([*shown, *([detected] if detected else [])])


def _detection(report: AuditReport) -> Table:
    rows = [
        (c.attack, c.adversary, c.scenario, c.transform, *_flagged(c.outcomes[FLAGGED]))
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
        ),
        tuple(rows),
        "Precision is at equal numbers of cloaked and clean pictures.",
    )


def _flagged(found: Outcome) -> tuple[str, ...]:
    cloaked, clean = found.cloaked, found.control
    tpr, fpr = (None if rate is None else rate.value for rate in (cloaked, clean))
    precise = tpr / (tpr + fpr) if tpr is not None and fpr is not None and tpr + fpr else None
    return (
        rate(cloaked) if cloaked else "-",
        rate(clean) if clean else "-",
        "-" if precise is None else f"{precise:.3f}",
        "-" if found.value is None else f"{found.value:.4f}",
    )


def _grid(report: AuditReport) -> Table:
    ranks = report.plan.measure.ranks
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
        "aligned 112x112 crops.",
    )


def _cell(report: AuditReport, c: Cell) -> tuple[str, ...]:
    detected = f", {sum(c.detected)} detected" if any(c.detected) else ""
    relation = report.relation(c)
    held_out = {True: "", False: " (not held out)", None: " (lineage not stated)"}
    newer = " (newer)" if relation.newer else ""
    found = [c.outcomes[rank(k)].cloaked for k in report.plan.measure.ranks]
    return (
        c.attack,
        c.adversary,
        c.recogniser + newer + held_out[relation.held_out],
        c.matcher,
        c.scenario,
        c.transform,
        rate(c.protection) + detected,
        rate(c.control),
        "/".join(f"{r.value:.2f}" for r in found if r and r.value is not None),
    )


def _copies(copies: Copies) -> Table:
    rows = [("of the gallery, with a usable copy", str(copies.matched), "")]
    for what, names in (
        ("of the gallery, without a copy: published as they are", copies.missing),
        ("of the gallery, with a copy that does not show their face", copies.unusable),
    ):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        rows.append((what, str(len(names)), ", ".join(names[:_NAMED]) + more))
    rows.append(("of the background, with a usable copy", str(copies.background), ""))
    return Table(
        f"Whose copies were found in {copies.folder}?", ("pictures", "", "which"), tuple(rows)
    )


_NAMED = 10


def _quality(report: AuditReport) -> Table:
    return Table(
        "How visible is it? (on the aligned face, as published)",
        ("cloak", "pictures", "DSSIM mean", "max", "PSNR dB", "L2", "L-infinity", "LPIPS"),
        tuple(
            (
                q.attack,
                str(q.pictures),
                f"{q.dssim:.4f}",
                f"{q.dssim_max:.4f}",
                f"{q.psnr:.1f}",
                f"{q.l2:.2f}",
                f"{q.linf:.3f}",
                NOT_MEASURED if q.lpips is None else f"{q.lpips:.3f}",
            )
            for cloak in report.cloaks
            for q in cloak.quality
        ),
    )


def _learned(report: AuditReport) -> Table:
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


def _cards(report: AuditReport) -> Table:
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
