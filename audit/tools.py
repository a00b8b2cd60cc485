"""Tools that adversaries run in place of the audited cloak: `adaptive@lowkey:steps=10`.

Behind the @ is a cloak, with the settings that it is given there: the audited one's own or others,
an older version, or another cloak. Several are separated by +, in quotes where one has options:
`adaptive@"lowkey:steps=10+tipim"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from adversaries import ADVERSARIES, Adversary
from lowkey_core.cloaks import ThirdPartyCloak
from lowkey_core.errors import OptionError, setting
from lowkey_core.publish.tool import CloakTool
from lowkey_core.spec import Plain, Spec, parse, split
from lowkey_core.types import Pictures


@dataclass(frozen=True)
class Mixed:
    """Several tools; a person's pictures are cloaked by one of them, in turn by the order of
    identities."""

    tools: tuple[CloakTool, ...]

    def for_adversary(self, pictures: Pictures, rng: Generator, /) -> Pictures:
        """As `CloakTool.for_adversary`."""
        made = list(pictures.items)
        for tool, rows in self.turns(pictures):
            copies = tool.for_adversary(pictures.select(rows), rng) if len(rows) else Pictures(())
            for row, copy in zip(rows.tolist(), copies.items, strict=True):
                made[row] = copy
        return Pictures(tuple(made))

    def turns(self, pictures: Pictures) -> Iterator[tuple[CloakTool, Tensor]]:
        """Each tool, and the places of the pictures that it cloaks."""
        turns = torch.searchsorted(torch.tensor(pictures.people), pictures.identities)
        for number, tool in enumerate(self.tools):
            yield tool, (turns % len(self.tools) == number).nonzero().flatten()

    def learnable(self, background: Pictures) -> Pictures:
        """All of it, as none of the tools is a folder."""
        return background


Granted = CloakTool | Mixed


def loaded(
    name: str,
    granted: Mapping[str, object],
    defaults: Mapping[str, Plain],
    tool: Callable[[str], CloakTool],
) -> tuple[Adversary, Granted | None]:
    """The adversary that a spec names, and the tool behind its @, if there is one.

    tool: from a cloak's name to the tool. Raises: OptionError if the adversary runs no tool, and
    what loading either raises.
    """
    spec, cloak = _parted(parse(name))
    adversary = ADVERSARIES.load(spec, granted=granted, defaults=defaults)
    if cloak is None:
        return adversary, None
    if not getattr(getattr(adversary, "about", None), "uses_tool", True):
        raise OptionError(
            f"{name} names a cloak for an adversary that never runs one",
            expected=f"{spec} without what follows its @",
            remedy="leave that out",
        )
    tools = tuple(tool(each) for each in _cloaks(cloak))
    if folders := [each.name for each in tools if isinstance(each.cloak, ThirdPartyCloak)]:
        raise OptionError(
            f"{name} has an adversary run {folders[0]}, which holds finished copies",
            expected="a cloak that can be run on any picture",
            remedy=f"audit the folder itself, with {setting('attack')}",
        )
    return adversary, tools[0] if len(tools) == 1 else Mixed(tools)


def _parted(spec: Spec) -> tuple[Spec, Spec | None]:
    """The adversary, which may be built from another one, and the cloak behind the last of them:
    `ensemble:top2@adaptive@lowkey:steps=10`."""
    if spec.of is None:
        return spec, None
    if ADVERSARIES.find(spec).asks_for("of"):
        inner, cloak = _parted(spec.of)
        return replace(spec, of=inner), cloak
    return replace(spec, of=None), spec.of


def _cloaks(of: Spec) -> Sequence[str]:
    """The specs that are separated by +, which stand in the name. Raises: OptionError, before any
    of them is loaded."""
    plain = not of.value and not of.options and of.of is None
    specs = split(of.name, "+") if plain else [str(of)]
    for spec in specs:
        parse(spec)
    return specs
