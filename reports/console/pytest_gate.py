"""A pytest plugin: each condition of a policy is a test.

    pytest --cloak-gate gates.toml --cloak-run runs/x

It is an entry point of the distribution (`cloak-gate`), and does nothing without these options.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from audit.gate import Judgement


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, in a group of their own."""
    group = parser.getgroup("cloak gate", "whether a face cloak protects as demanded")
    group.addoption("--cloak-gate", metavar="FILE", help="A policy: see docs/gates.md.")
    group.addoption("--cloak-run", metavar="RUN", help="The run that is judged.")
    group.addoption("--cloak-baseline", metavar="RUN", help="The run of the last release.")
    group.addoption(
        "--cloak-inconclusive",
        choices=("fail", "skip"),
        default="fail",
        help="What a condition is that the run does not decide. [fail]",
    )


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """A test for each condition, after all others.

    Raises: pytest.UsageError if the policy or a run cannot be read, or do not fit.
    """
    file, run = config.getoption("--cloak-gate"), config.getoption("--cloak-run")
    if file is None and run is None:
        return
    if file is None or run is None:
        raise pytest.UsageError("--cloak-gate and --cloak-run are given together")
    from audit.report import read
    from lowkey_core.errors import AuditError
    from reports.console.gate import Gate

    before = config.getoption("--cloak-baseline")
    try:
        verdict = Gate(Path(file), Path(before) if before else None).judge(read(Path(run)))
    except AuditError as error:
        raise pytest.UsageError(str(error)) from error
    items += [
        Demand.from_parent(session, name=f"cloak-gate::{j.condition.name}", judgement=j)
        for j in verdict.judgements
    ]


class UnmetError(Exception):
    """A condition that fails, or that the run does not decide."""


class Demand(pytest.Item):
    """A condition."""

    def __init__(self, *, judgement: Judgement, **others: Any) -> None:
        super().__init__(**others)
        self.judgement = judgement

    def runtest(self) -> None:
        """Raises: UnmetError, which says all that was compared."""
        from lowkey_core.errors import one_line
        from reports.console.gate import line

        condition, result = self.judgement.condition, self.judgement.result
        said = [f"{result}: {condition.demand}"]
        said += [line(condition.judge, each) for each in self.judgement.compared]
        text = "\n".join(map(one_line, said))
        if result == "inconclusive" and self.config.getoption("--cloak-inconclusive") == "skip":
            pytest.skip(text)
        if result != "pass":
            raise UnmetError(text)
        self.add_report_section("call", "compared", text)

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """What was compared, rather than where this was raised."""
        if isinstance(excinfo.value, UnmetError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The policy's name."""
        return Path(self.config.getoption("--cloak-gate")), None, self.name
