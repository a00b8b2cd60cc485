"""What must work on Windows, as far as it can be tested elsewhere."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.commands import ROOT

LOCKING = ("lowkey_core.work.files", "lowkey_core.publish.ledger", "lowkey_core.weights.download")
WITHOUT = f"""
import importlib, runpy, sys
sys.modules["fcntl"] = None  # importing it fails, as on Windows
sys.path.insert(0, {str(ROOT)!r})
import cli
for name in sys.argv.pop(1).split():
    importlib.import_module(name)
sys.argv[0] = {str(ROOT / "cli.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("modules", ["", " ".join(LOCKING)], ids=["help", "locks"])
def test_nothing_needs_fcntl_to_be_imported(modules: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT, modules, "--help"]
    process = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    assert "audit" in process.stdout
