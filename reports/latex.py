"""For papers: LaTeX with booktabs, the answers first. The source is ASCII, so that any engine reads
it; a letter that LaTeX has no command for is shown by its number, as U+4E2D."""

from __future__ import annotations

import unicodedata

from audit.report import AuditReport
from reports.parts import layout, tables

_HEAD = r"""\documentclass[a4paper,landscape]{article}
\usepackage[T1]{fontenc}
\usepackage[margin=15mm]{geometry}
\usepackage{array,booktabs,longtable,textcomp}
\begin{document}
"""
_LETTERS = {
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
}
_SPECIAL = {
    **{c: f"\\{c}" for c in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    # After the end of a row, a bracket or a star would be an argument of it.
    **{c: f"{{{c}}}" for c in "[]*"},
    **_LETTERS,
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
}
"""Commands of LaTeX, by the mark that they set on a letter."""
_LONG, _APART = 24, 12
"""A word longer than the first may be broken each time after so many letters."""
_NARROW, _WIDE = 6, 40
"""Letters for which a column has room, at least and at most; the widths follow from them."""
_GAP = 0.016
"""Of a landscape page's width, what is left free around a column."""


def build(document: bool = True) -> Latex:
    """document: whether what begins and ends a document is there; without it the tables can be put
    into one that has booktabs, longtable, array and T1 fonts."""
    return Latex(document)


class Latex:
    """A longtable for every table."""

    suffix = ".tex"

    def __init__(self, document: bool) -> None:
        self._document = document

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`. No name is a command."""
        parts = [rf"\noindent {escape(tables.headline(report))}"]
        parts.append(rf"\noindent\textbf{{{escape(tables.verdict(report))}}}")
        if doubts := tables.caveats(report):
            items = "\n".join(rf"\item {_bold(escape(c.text), c.blocking)}" for c in doubts)
            parts.append(f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}")
        parts += [_table(table) for table in tables.tables(report) if table.rows]
        text = "\n\n".join(parts) + "\n"
        return f"{_HEAD}\n{text}\n\\end{{document}}\n" if self._document else text


def _bold(text: str, bold: bool) -> str:
    return rf"\textbf{{{text}}}" if bold else text


def _table(table: layout.Table) -> str:
    lines = [table.columns, *table.rows]
    needs = [
        min(max(_NARROW, *(len(row[i]) for row in lines)), _WIDE) for i in range(len(lines[0]))
    ]
    share = (1 - _GAP * len(needs)) / sum(needs)
    columns = "".join(
        rf">{{\raggedright\arraybackslash}}p{{{need * share:.3f}\linewidth}}" for need in needs
    )
    heads, *rows = (" & ".join(map(escape, line)) + r" \\" for line in lines)
    return "\n".join(
        [
            rf"{{\small\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
            rf"\caption{{{escape(table.title)}}}\\",
            rf"\toprule {heads} \midrule \endhead",
            r"\bottomrule \endfoot",
            *rows,
            r"\end{longtable}}",
            *([rf"\noindent {escape(table.note)}"] if table.note else []),
        ]
    )


def escape(text: str) -> str:
    """As text that LaTeX sets letter by letter."""
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    # Two hyphens, or two commas, would become one sign.
    twice = [a == b and a in "-," for a, b in zip(f" {word}", word, strict=False)]
    letters = ["{}" * again + _letter(c) for again, c in zip(twice, word, strict=True)]
    if len(letters) <= _LONG:
        return "".join(letters)
    parts = ("".join(letters[i : i + _APART]) for i in range(0, len(letters), _APART))
    return r"\allowbreak{}".join(parts)


def _letter(letter: str) -> str:
    if (known := _SPECIAL.get(letter)) is not None:
        return known
    if letter.isascii():
        return letter
    base, *marks = [*unicodedata.normalize("NFD", letter)]
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        below = marks[0] in "\u0327\u0328"
        letter = rf"\{base}" if base in "ij" and not below else base  # without its dot
        return rf"{{\{_ACCENTS[marks[0]]}{{{letter}}}}}"
    return f"U+{ord(letter):04X}"
