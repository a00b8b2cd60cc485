"""Of `make docs`: pages from elsewhere in the repository, and links between all of them.

Documents link to each other as files of the repository do. On the site CONTRIBUTING.md and
benchmarks/README.md are pages beside those of docs/. A link to another file of the repository,
which the site does not have, becomes its text.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"CONTRIBUTING.md": "CONTRIBUTING.md", "benchmarks/README.md": "benchmarks.md"}
"""Pages of the site by files of the repository outside docs/."""
RECORDS = "adr/index.md"
_OF = {page: file for file, page in ELSEWHERE.items()}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_MARK = re.compile(r"^<!-- (results: .*|end) -->\n", re.M)
"""What the benchmarks render tables between: a table may not follow a comment at once."""


def on_files(files: Files, *, config: Any) -> Files:
    """Adds the pages from elsewhere, and a list of the records of decisions."""
    for file, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / file).read_text()))
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    titles = (record.read_text().splitlines()[0].removeprefix("# ") for record in records)
    lines = (f"- [{t}]({r.name})" for t, r in zip(titles, records, strict=True))
    listed = "# Decisions\n\n" + "\n".join(line.replace(". ", r"\. ", 1) for line in lines) + "\n"
    files.append(File.generated(config, RECORDS, content=listed))
    return files


def on_page_markdown(markdown: str, *, page: Any, files: Files, **_: Any) -> str:
    """Links to where things are on the site."""
    uri = page.file.src_uri
    if uri == RECORDS:
        return markdown
    return rewritten(_MARK.sub("\n", markdown), uri, lambda to: files.get_file_from_path(to))


def rewritten(text: str, uri: str, known: Callable[[str], object]) -> str:
    """The text of a page with its links, outside code, as the site needs them."""
    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.M | re.S)
    return "".join(
        part if i % 2 else _LINK.sub(lambda m: _link(m, uri, known), part)
        for i, part in enumerate(parts)
    )


def _link(found: re.Match[str], uri: str, known: Callable[[str], object]) -> str:
    picture, said, target = found.groups()
    if re.match(r"[a-z]+:|#", target):
        return found[0]
    path, _, anchor = target.partition("#")
    here = posixpath.dirname(_OF.get(uri, f"docs/{uri}"))
    file = posixpath.normpath(posixpath.join(here, path))
    to = ELSEWHERE.get(file, file.removeprefix("docs/"))
    if to == "adr":
        to = RECORDS
    if known(to) is None:
        # What the repository has and the site has not; what neither has stays, and fails the build.
        return str(said) if (ROOT / file).exists() and not file.startswith("docs/") else found[0]
    where = posixpath.relpath(to, posixpath.dirname(uri) or ".")
    return f"{picture}[{said}]({where}{f'#{anchor}' if anchor else ''})"
