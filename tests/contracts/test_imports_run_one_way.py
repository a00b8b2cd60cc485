"""cli -> reports -> audit -> adversaries -> lowkey_core, and never back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ("lowkey_core", "adversaries", "audit", "reports", "cli")
FILES = [p for top in ORDER[:-1] for p in (ROOT / top).rglob("*.py")] + [ROOT / "cli.py"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    own = ORDER.index(path.relative_to(ROOT).parts[0].removesuffix(".py"))
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
        tops = [n.partition(".")[0] for n in names]
        assert all(ORDER.index(t) <= own for t in tops if t in ORDER), names
