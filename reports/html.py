"""For readers: one HTML file that opens from disk, on a phone and on paper, and loads nothing.

It holds no script. Its policy (CSP) allows its own style sheet, known by its digest, pictures
that are written in it, where it holds any, and nothing else: what a name might smuggle in would not
be run, nor asked of any server.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from audit.report import AuditReport
from reports.parts.page import page


def build(faces: bool = False) -> Html:
    """faces: show those of real people, too, if the report holds them."""
    return Html(faces)


class Html:
    """Everything that the other formats for people say, and plots."""

    suffix = ".html"

    def __init__(self, faces: bool = False) -> None:
        self.faces = faces

    def __call__(self, report: AuditReport, /) -> str:
        """As `Format`."""
        style = environment().get_template("page.css").render()
        template, found = environment().get_template("page.html"), page(report, faces=self.faces)
        return template.render(page=found, style=style, digest=digest_of(style))


def digest_of(content: str) -> str:
    """How a policy names a style sheet or a script that it allows: SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


@cache
def environment() -> Environment:
    """The templates; what is put into them is escaped."""
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
