"""The report as headed tables of plain text, which every format lays out in its own way.

Names in a report may be anybody's: whatever cannot be printed is escaped here, for every format.
"""

from __future__ import annotations

from audit.findings import JPEG, Answer, answers
from audit.outcomes import FLAGGED
from audit.ranking import ranking as by_strength
from audit.records import Caveat, CloakRecord
from audit.report import AuditReport
from lowkey_core.errors import as_flag, one_line
from reports.parts import details, further, ranking, side_by_side, spread, timeline, words
from reports.parts.layout import NOT_MEASURED, Table, printable, rate


def headline(report: AuditReport) -> str:
    """One sentence on what was done."""
    counts, cloaks = report.counts, ", ".join(cloak.attack for cloak in report.cloaks)
    several = len(report.splits)
    return one_line(
        f"{cloaks}: {counts.protected} people cloaked their photos, {counts.probes} clean "
        f"photos of them were searched in {f'{several} galleries' if several else 'a gallery'} of "
        f"{counts.gallery} pictures of {counts.enrolled} people{' in all' if several else ''} "
        f"({counts.dataset})"
    )


def verdict(report: AuditReport) -> str:
    """Said before any figure."""
    if report.verdict == "inconclusive":
        said = "INCONCLUSIVE: a control failed, see the first caveats. Protection is unproven."
        said += "".join(_undone(report, cloak.attack) for cloak in report.cloaks)
    else:
        named = sorted({c.scored_at for c in report.cells} - {1})
        more = "".join(f", at rank {k} of who names {k} candidates" for k in named)
        said = f"Protection is 1 - rank-1 identification{more}; "
        said += "in brackets 95% intervals over identities."
    quality = [q for cloak in report.cloaks for q in cloak.quality]
    if any(q.lpips is None for q in quality):
        metrics = "DSSIM" if any(q.st_lpips is None for q in quality) else "DSSIM and ST-LPIPS"
        said += (
            f" Visibility is in {metrics}: LPIPS has no weights here (models fetch lpips:alexnet)."
        )
    return said


def _undone(report: AuditReport, attack: str) -> str:
    """What is proven of a cloak though a control failed elsewhere: who finds most photos all the
    same; "" if nobody does."""
    for finding in by_strength(report, attack)[:1]:
        if finding.protection.interval[1] < HALF:
            cell = finding.cell
            return one_line(
                f" {attack} is undone all the same: {cell.adversary} ({cell.recogniser}), whose "
                f"control holds, leaves {rate(finding.protection)}."
            )
    return ""


HALF = 0.5
"""Protection below which a cloak is undone: more photos are found than are not."""


def caveats(report: AuditReport) -> tuple[Caveat, ...]:
    """Reasons to doubt, blocking ones first."""
    return tuple(
        c.model_copy(update={"code": one_line(c.code), "text": one_line(c.text)})
        for c in report.caveats
    )


def tables(report: AuditReport) -> tuple[Table, ...]:
    """The answers first, then what they rest on."""
    looked = any(FLAGGED in c.outcomes for c in report.cells)
    made = (
        *([side_by_side.cloaks(report)] if len(report.cloaks) > 1 else []),
        *(_answers(report, cloak) for cloak in report.cloaks),
        *(ranking.strongest(report, cloak) for cloak in report.cloaks if _several(report)),
        *(timeline.dated(report, cloak) for cloak in report.cloaks if cloak.released),
        spread.compared(report),
        spread.splits(report),
        spread.groups(report),
        further.counted(report),
        further.not_possible(report),
        *([details.detection(report)] if looked else []),
        details.faces_found(report),
        *(details.copies(cloak.copies) for cloak in report.cloaks if cloak.copies),
        details.grid(report),
        details.quality(report),
        *([details.budgets(report)] if any(c.threshold or c.bound for c in report.cloaks) else []),
        details.learned(report),
        details.cards(report),
    )
    return tuple(map(printable, made))


def _several(report: AuditReport) -> bool:
    """Whether there are adversaries to put in order: more than the baseline and one other."""
    return len(report.adversaries) > 2


def _answers(report: AuditReport, cloak: CloakRecord) -> Table:
    own = [a for a in answers(report) if a.attack == cloak.attack]
    several = f" ({cloak.attack})" if len(report.cloaks) > 1 else ""
    return Table(
        f"Does it still protect?{several}",
        ("question", "", "protection", "control (clean gallery)"),
        tuple(row for answer in own for row in _answer(report, answer)),
    )


def _answer(report: AuditReport, answer: Answer) -> list[tuple[str, ...]]:
    question = answer.question
    if question == JPEG:
        question += f" (against {report.recognisers[0].name})"
    if answer.impossible:
        return [(question, "not possible", f"because {answer.impossible}", "")]
    if answer.measure_with:
        first = f"models fetch {answer.fetch}, then run" if answer.fetch else "Run"
        told = f"{first} the audit with {as_flag(*answer.measure_with)}"
        return [(question, NOT_MEASURED, told, "")]
    rows: list[tuple[str, ...]] = []
    for finding in answer.findings:
        shown = words.protection(finding)
        rows.append((question, words.what(report, finding), shown, rate(finding.control)))
        question = ""
    return rows
