"""Strangers of whom there are embeddings and no pictures: they stand in every gallery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audit.plan import AuditPlan
from lowkey_core.errors import PlanError, setting
from lowkey_core.recognition import ready
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.recognition.ready import Ready
from lowkey_core.recognition.strangers import Strangers
from lowkey_core.spec import parse
from lowkey_core.types import Recognition

MATCHERS = ("nn", "faiss", "centroid")
"""Whose score of a person does not depend on who else is enrolled."""
Groups = tuple[tuple[Recognition, ...], ...]
"""Of each recogniser, one for each matcher."""


def among(groups: Groups, plan: AuditPlan) -> tuple[Groups, tuple[str, ...]]:
    """The recognisers with the strangers whose embeddings the plan names, and what the report says
    of it. Each file serves the recogniser that made it.

    Raises: DatasetError; PlanError if a recogniser has none, a file is another one's, or a matcher
    compares people with each other.
    """
    names = [n for n in plan.people.distractor_datasets if ready.is_ready(n)]
    if not (names and plan.people.distractors):
        return groups, ()
    if wrong := [n for n in plan.adversaries.matchers if parse(n).name not in MATCHERS]:
        raise PlanError(
            f"{setting('matcher', wrong[0])} cannot search among embeddings that are ready",
            expected=f"a matcher whose scores are each person's own: {', '.join(MATCHERS)}",
            remedy=f"name one of them, or leave {names[0]} out",
        )
    files = [ready.read(Path(name)) for name in names]
    found = tuple(_with(group, files, plan.people.distractors) for group in groups)
    cards = [group[0].card for group in groups]
    for file in files:
        if not any(file.maker.made(card) for card in cards):
            raise PlanError(
                f"{file.path} holds embeddings of {file.maker.recogniser} "
                f"({file.maker.sha256[:12] or 'no file'}), which is not in the audit",
                expected=f"embeddings of {', '.join(card.name for card in cards)}",
                remedy=f"name that {setting('recogniser')}, with the same weights, or leave the "
                "file out",
            )
    told = [f"{min(plan.people.distractors, len(f.vectors)):,} of {f.path}" for f in files]
    return found, (
        f"More strangers stand in every gallery by embeddings that were ready ({', '.join(told)}): "
        "no transform and no adversary changes those.",
    )


def fewest(groups: Groups) -> int:
    """Strangers whose embeddings were ready, in the galleries of the recogniser with the fewest."""
    return min(sizes(groups), default=0)


def sizes(groups: Groups) -> list[int]:
    """How many each recogniser has of them."""
    return [len(r.strangers or ()) for r, *_ in groups if isinstance(r, Embedding)]


def _with(group: tuple[Recognition, ...], files: list[Ready], most: int) -> tuple[Recognition, ...]:
    card, found = group[0].card, list[Recognition]()
    own = [file for file in files if file.maker.made(card)]
    for recognition in group:
        if len(own) != 1 or not isinstance(recognition, Embedding):
            raise PlanError(
                f"{card.name} has {len(own)} files of strangers' embeddings",
                expected="one for each recogniser of the audit, made by it; a service takes none",
                remedy=f"leave out the other recognisers with {setting('recogniser')}, or add a "
                "file",
            )
        enrolled = Strangers(recognition.network, own[0].vectors[:most], recognition.fit)
        found.append(replace(recognition, strangers=enrolled))
    return tuple(found)
