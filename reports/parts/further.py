"""What measures beside ranks and detection counted, and what they could not."""

from __future__ import annotations

from audit.further import Figure, figures, impossible
from audit.report import AuditReport
from reports.parts import words
from reports.parts.layout import Table, rate


def counted(report: AuditReport) -> Table:
    counts, found = report.counts, figures(report)
    return Table(
        "What further measures found",
        (
            *("cloak", "adversary", "recogniser", "matcher", "who cloaks", "transform"),
            *("measure", "clean gallery", "cloaked gallery", "value"),
        ),
        tuple(_figure(figure) for figure in found),
        f"Thresholds are set on {counts.calibration_pictures} pictures of "
        f"{counts.calibration_identities} people who are not enrolled. 1 - `found` is FNIR, "
        "1 - `verified` is FNMR."
        if any(figure.recognises for figure in found)
        else "",
    )


def _figure(figure: Figure) -> tuple[str, ...]:
    before, after, cell = figure.control, figure.cloaked, figure.cell
    told = [rate(after) if after else "-"]
    if figure.recognises and (gone := words.detected(cell)):
        told.append(gone)
    return (
        *(cell.attack, cell.adversary, cell.recogniser, cell.matcher, cell.scenario),
        *(cell.transform, figure.name),
        rate(before) if before else "-",
        ", ".join(told),
        "-" if figure.value is None else f"{figure.value:.3f}",
    )


def not_possible(report: AuditReport) -> Table:
    return Table(
        "What could not be measured",
        ("measure", "", "where"),
        tuple(
            (gap.measure, f"not possible, because {gap.why}", f"{gap.cells} of {gap.of} cells")
            for gap in impossible(report)
        ),
    )
