"""From the names in a plan to objects: photos aligned, networks loaded and verified."""

from __future__ import annotations

from dataclasses import dataclass

from adversaries import Adversary
from adversaries.parts.checked import Checked
from audit.photographs import Photographs, photographs
from audit.plan import AuditPlan
from lowkey_core import cloaks, plugins, recognisers, transforms
from lowkey_core.cloaks.noise import Noise
from lowkey_core.errors import PlanError
from lowkey_core.publish.carried import Carried
from lowkey_core.publish.published import Published
from lowkey_core.types import Cloak, Embedder, Transform
from lowkey_core.weights import card_of
from lowkey_core.work.work import Work


@dataclass(frozen=True)
class Scene:
    """Everything an audit needs, ready to use."""

    cloak: Cloak
    """The audited one itself, for what it says of itself."""
    tool: Cloak
    """The audited one as an adversary may run it on pictures of its own."""
    attacks: dict[str, Cloak]
    """The audited cloak as it is published, and its control: noise of equal energy."""
    surrogates: tuple[Embedder, ...]
    recognisers: tuple[Embedder, ...]
    adversaries: dict[str, Adversary]
    transforms: dict[str, Transform]
    photos: Photographs


def assemble(plan: AuditPlan, work: Work) -> Scene:
    """Raises: any AuditError; wrong names come out before anything expensive is done."""
    surrogates = tuple(recognisers.load(name) for name in plan.surrogates)
    networks = _recognisers(plan.recognisers)
    changes = {name: transforms.parse(name) for name in plan.transforms}
    # A cloak that is made here fails before anything expensive is done; found copies need photos.
    photos = photographs(plan, work) if plan.cloaked is not None else None
    copied = photos.copied if photos else None
    cloak = cloaks.load(plan.attack, surrogates, plan.attack_options, copied)
    offered = {"work": work, "epochs": plan.epochs, "flagged": plan.flagged}
    adversaries: dict[str, Adversary] = {
        name: Checked(plugins.load("adversaries", name, offered=offered), name)
        for name in plan.adversaries
    }
    photos = photos or photographs(plan, work)
    at_template = Published(cloak, work, label=f"cloaking with {plan.attack}", batch=plan.batch)
    carry = "carrying changes into the photos"
    carried = Carried(at_template, photos.files, photos.frames, work, label=carry)
    # Copies are read from files as they are: what was carried into them is in their faces.
    published: Cloak = at_template if copied else carried
    # The control is not carried: photos would lose some of it, and its energy not be the cloak's.
    noise = Published(
        Noise(published, 0), work, label="adding noise of equal energy", batch=plan.batch
    )
    attacks: dict[str, Cloak] = {plan.attack: published}
    attacks.setdefault("noise", noise)  # noise that is audited is its own control
    return Scene(
        cloak=cloak,
        tool=copied.tool if copied else published,
        attacks=attacks,
        surrogates=surrogates,
        recognisers=networks,
        adversaries=adversaries,
        transforms=changes,
        photos=photos,
    )


def _recognisers(names: tuple[str, ...]) -> tuple[Embedder, ...]:
    loaded = tuple(recognisers.load(name) for name in names)
    called = [card_of(embedder).name for embedder in loaded]
    if len(set(called)) < len(called):
        raise PlanError(
            f"the recognisers are called {', '.join(called)}",
            expected="a different name on each one's card",
            remedy="give their cards names of their own",
        )
    return loaded
