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
        environment = _environment()
        style = environment.get_template("page.css").render()
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        template = environment.get_template("page.html")
        return template.render(page=page(report, faces=self.faces), style=style, digest=digest)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
