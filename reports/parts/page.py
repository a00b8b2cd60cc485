"""What a page shows, in its order: the verdict and three figures, the plots, then everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit.findings import JPEG, NEWER, UNSEEN, Answer, answers, cells
from audit.ranking import ranking
from audit.records import Caveat, CloakRecord
from audit.report import AuditReport
from lowkey_core.errors import one_line
from reports.parts import charts, curves, people, repeating, tables, words
from reports.parts import strips as pictures
from reports.parts.explained import EXPLAINED, Explanation
from reports.parts.layout import NOT_MEASURED, Table, printable, rate
from reports.parts.plots import Plot
from reports.parts.ranking import strongest
from reports.parts.strips import Strip
from reports.parts.told import remedy


@dataclass(frozen=True)
class Big:
    """One of the figures of the first screen."""

    question: str
    value: str
    text: str


@dataclass(frozen=True)
class Part:
    """A section: plots and picture strips, each with its table, and tables by themselves."""

    title: str
    plots: tuple[Plot, ...]
    tables: tuple[Table, ...]
    strips: tuple[Strip, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Page:
    """All of it; texts are printable, and not yet escaped for any markup."""

    headline: str
    verdict: str
    said: tuple[str, ...]
    """A sentence on each cloak; none where nothing can be concluded."""
    figures: tuple[tuple[str, tuple[Big, ...]], ...]
    """By cloak."""
    caveats: tuple[tuple[Caveat, int], ...]
    """Each with the number of its explanation."""
    explanations: tuple[tuple[str, Explanation], ...]
    parts: tuple[Part, ...]
    command: str
    digest: str

    @property
    def pictured(self) -> bool:
        """Whether it holds pictures, in data: addresses."""
        return any(part.strips for part in self.parts)


_UNKNOWN = Explanation("", "This version has no explanation of it.", "Read its sentence above.")


def page(report: AuditReport, *, faces: bool = False) -> Page:
    """Of a report. faces: those of real people may be shown."""
    doubts = tables.caveats(report)
    codes = list(dict.fromkeys(c.code for c in doubts))
    return Page(
        headline=tables.headline(report),
        verdict=tables.verdict(report),
        said=()
        if report.verdict == "inconclusive"
        else tuple(one_line(said(report, cloak)) for cloak in report.cloaks),
        figures=tuple((one_line(c.attack), tuple(_figures(report, c))) for c in report.cloaks),
        caveats=tuple((c, codes.index(c.code) + 1) for c in doubts),
        explanations=tuple((one_line(code), EXPLAINED.get(code, _UNKNOWN)) for code in codes),
        parts=tuple(p for p in _parts(report, faces) if p.plots or p.tables or p.strips or p.note),
        command=one_line(repeating.command(report.plan)),
        digest=report.plan.digest,
    )


def said(report: AuditReport, cloak: CloakRecord) -> str:
    """What is left of a cloak's protection, in a sentence."""
    name, found = cloak.attack, ranking(report, cloak.attack)
    if not found:
        return f"{name}: nothing can be concluded."
    worst = found[0]
    text = (
        f"Of {name} as published, {rate(worst.protection)} of protection is left against the "
        f"strongest adversary measured, {worst.cell.adversary} with {worst.cell.recogniser}"
    )
    spotted = max(cells(report, attack=name, transform="none"), key=lambda c: sum(c.detected))
    if count := sum(spotted.detected):
        text += f"; {spotted.adversary} detects {count} of {len(spotted.detected)} people"
    return text + "."


def _figures(report: AuditReport, cloak: CloakRecord) -> Iterator[Big]:
    """JPEG, newer models, robust retraining: the least protection of each."""
    own = [a for a in answers(report) if a.attack == cloak.attack and a.question != UNSEEN]
    assert [a.question for a in own[:2]] == [JPEG, NEWER]
    for answer in own[:3]:
        yield _big(report, answer)


def _big(report: AuditReport, answer: Answer) -> Big:
    question = one_line(answer.question)
    if answer.impossible:
        return Big(question, "not possible", one_line(f"because {answer.impossible}"))
    if answer.measure_with:
        return Big(question, NOT_MEASURED, remedy(answer))
    fair = [(f.protection.value, f) for f in answer.findings if f.conclusive]
    known = [(value, f) for value, f in fair if value is not None]
    if not known:
        return Big(question, "detected" if fair else "inconclusive", "see the answers below")
    worst = min(known, key=lambda found: found[0])[1]
    text = f"{words.what(report, worst)}; control {rate(worst.control)}"
    return Big(question, words.protection(worst), one_line(text))


def _parts(report: AuditReport, faces: bool) -> Iterator[Part]:
    every, cloaks = tables.tables(report), report.cloaks
    ranked = tuple(printable(strongest(report, cloak)) for cloak in cloaks)
    answered = [t for t in every if t.title.startswith("Does it still protect?")]
    yield Part("The answers", (), tuple(answered))
    yield Part("Adversaries, the strongest first", (), tuple(t for t in ranked if len(t.rows) > 1))
    lossy = tuple(plot for cloak in cloaks if (plot := charts.jpeg(report, cloak)))
    yield Part("JPEG", lossy, ())
    dated = tuple(plot for cloak in cloaks if (plot := charts.dated(report, cloak)))
    yield Part("Newer recognisers", dated, ())
    mixed = tuple(plot for cloak in cloaks if (plot := curves.mixing(report, cloak)))
    yield Part("Partly cloaked galleries", mixed, ())
    spotted = tuple(plot for cloak in cloaks if (plot := curves.roc(report, cloak)))
    yield Part("Detection", spotted, ())
    seen = charts.visibility(report)
    yield Part("Visibility", (seen,) if seen else (), ())
    strips = tuple(s for cloak in cloaks if (s := pictures.strip(report, cloak, faces=faces)))
    yield Part("Pictures", (), (), strips, pictures.missing(report, faces=faces))
    ends = tuple(printable(people.extremes(report, cloak)) for cloak in cloaks)
    yield Part("People", (), tuple(t for t in ends if t.rows))
    shown = {t.title for t in (*answered, *ranked, *(plot.table for plot in dated))}
    rest = tuple(t for t in every if t.title not in shown and t.rows)
    yield Part("Everything else", (), rest)
    repeated = (repeating.plan, repeating.digests, repeating.environment)
    yield Part("To repeat it", (), tuple(printable(make(report)) for make in repeated))
