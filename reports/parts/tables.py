"""The report as headed tables of plain text, which every format lays out in its own way."""

from __future__ import annotations

from audit.findings import JPEG, NEWER, UNSEEN, Answer, Comparison, Finding, answers
from audit.outcomes import FLAGGED
from audit.records import CloakRecord
from audit.report import AuditReport
from lowkey_core.errors import as_flag
from reports.parts import details
from reports.parts.layout import NOT_MEASURED, Table, rate


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
        *([details.detection(report)] if looked else []),
        details.faces_found(report),
        *(details.copies(cloak.copies) for cloak in report.cloaks if cloak.copies),
        details.grid(report),
        details.quality(report),
        details.learned(report),
        details.cards(report),
    )


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
