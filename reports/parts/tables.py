"""The report as headed tables of plain text, which every format lays out in its own way."""

from __future__ import annotations

from dataclasses import dataclass

from audit.answers import Answer, Finding, answers
from audit.report import AuditReport, Cell, Copies, Detection, Rate

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
    plan, counts = report.plan, report.counts
    return (
        f"{plan.attack}: {counts.protected} people cloaked their photos, {counts.probes} clean "
        f"photos of them were searched in a gallery of {counts.gallery} pictures of "
        f"{counts.enrolled} people ({counts.dataset})"
    )


def verdict(report: AuditReport) -> str:
    """Said before any figure."""
    if report.verdict == "inconclusive":
        said = "INCONCLUSIVE: a control failed, see the first caveats. Protection is unproven."
    else:
        said = "Protection is 1 - rank-1 identification; in brackets 95% intervals over identities."
    if any(q.lpips is None for q in report.quality):
        said += " Visibility is in DSSIM: LPIPS has no weights here (models fetch lpips:alexnet)."
    return said


def tables(report: AuditReport) -> tuple[Table, ...]:
    """The answers first, then what they rest on."""
    looked = any(c.detection for c in report.cells)
    return (
        _answers(report),
        *([_detection(report)] if looked else []),
        *([_copies(report.copies)] if report.copies else []),
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


def _answers(report: AuditReport) -> Table:
    rows = [row for answer in answers(report) for row in _answer(answer, report.counts.protected)]
    remarks = [f"{a.question} {a.remark}" for a in answers(report) if a.findings and a.remark]
    return Table(
        "Does it still protect?",
        ("question", "", "protection", "control (clean gallery)"),
        tuple(rows),
        "\n".join(remarks),
    )


def _answer(answer: Answer, people: int) -> list[tuple[str, ...]]:
    if not answer.findings:
        return [(answer.question, answer.without, answer.remark, "")]
    rows: list[tuple[str, ...]] = []
    for i, finding in enumerate(answer.findings):
        question = answer.question if i == 0 else ""
        rows.append((question, finding.what, _protection(finding, people), rate(finding.control)))
    return rows


def _protection(finding: Finding, people: int) -> str:
    if not finding.conclusive:
        return "inconclusive"
    detected = f"{finding.detected} of {people} people detected" if finding.detected else ""
    shown = [rate(finding.protection)] if finding.protection.value is not None else []
    return "; ".join([*shown, *([detected] if detected else [])])


def _detection(report: AuditReport) -> Table:
    rows = [
        (c.adversary, c.transform, *_detected(c.detection))
        for c in report.cells
        if c.detection is not None and c.matcher == report.plan.matchers[0]
    ]
    return Table(
        "Are cloaks spotted? (identities the detector never saw)",
        ("adversary", "transform", "TPR = recall", "FPR", "precision", "AUC"),
        tuple(rows),
        "Precision is at equal numbers of cloaked and clean pictures.",
    )


def _detected(d: Detection) -> tuple[str, ...]:
    precision = "-" if d.precision is None else f"{d.precision:.3f}"
    return rate(d.cloaked), rate(d.clean), precision, f"{d.auc:.4f}"


def _grid(report: AuditReport) -> Table:
    ranks = report.plan.ranks
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
        tuple(_cell(c, ranks) for c in report.cells),
        f"Cloaked share of protected galleries: {report.cells[0].cloaked_share:.2g}. "
        "`all`: everybody protected cloaks at once; `one`: one person at a time. Transforms act on "
        "aligned 112x112 crops.",
    )


def _cell(c: Cell, ranks: tuple[int, ...]) -> tuple[str, ...]:
    detected = f", {sum(c.detected)} detected" if any(c.detected) else ""
    held_out = {True: "", False: " (not held out)", None: " (lineage not stated)"}[c.held_out]
    newer = " (newer)" if c.newer else ""
    return (
        c.attack,
        c.adversary,
        c.recogniser + newer + held_out,
        c.matcher,
        c.condition,
        c.transform,
        rate(c.protection) + detected,
        rate(c.control[1]),
        "/".join(f"{c.cloaked[k].value:.2f}" for k in ranks if c.cloaked[k].value is not None),
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
            for q in report.quality
        ),
    )


def _learned(report: AuditReport) -> Table:
    return Table(
        "What the adversaries learned from",
        ("adversary", "background pictures", "identities", "changed by the cloak"),
        tuple(
            (
                name,
                f"{facts.get('pictures', 0):.0f}",
                f"{facts.get('identities', 0):.0f}",
                f"{facts.get('cloaked_seen', 0):.0%}",
            )
            for name, facts in report.learned.items()
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
