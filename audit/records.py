"""The records that a report is made of. Each is frozen, and survives JSON unchanged.

Fields that later versions add are optional. Never imports torch.
"""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from audit.outcomes import Cell, Count, Many, Place, Record


class Quality(Record):
    """How visible a cloak is on the face, as published (8-bit), over the protected gallery."""

    attack: str
    pictures: Count
    dssim: float
    """Mean (1 - SSIM) / 2, on the aligned face."""
    dssim_max: float
    psnr: float
    """Mean, dB."""
    l2: float
    """Mean L2 norm of the change, pixels in [0, 1]."""
    linf: float
    """Largest change of any pixel of any picture, in [0, 1]."""
    lpips: float | None
    """Mean; None where LPIPS has no trunk."""
    st_lpips: float | None = None
    """Mean, on a scale of its own; None where its weights are absent."""
    over_threshold: float | None = None
    """Share of pictures with more than 1.1 times the DSSIM that the cloak allows itself; None where
    it names no threshold."""
    at_bound: float | None = None
    """Share of pixel values that changed by as much as the cloak allows itself, to within a grey
    level; None where it names no bound."""


class Copies(Record):
    """Cloaked copies that were not made here but found in a folder."""

    folder: str
    matched: Count
    """Pictures of the protected gallery with a usable copy."""
    missing: Many[str]
    """Those without a copy. They count as uncloaked."""
    unusable: Many[str]
    """Those whose copy cannot be read, or does not show their face. They count as uncloaked."""
    background: Count
    """Pictures of the background with a usable copy: what adversaries may learn from."""
    reasons: dict[str, str] = Field(default_factory=dict)
    """Why there is no copy, by the names in `missing`."""
    unchanged: Many[str] = ()
    """Pictures of the protected gallery whose copy shows the very same face."""
    strays: dict[str, str] = Field(default_factory=dict)
    """Files in the folder that are the copy of no photo, and why."""
    notes: Many[str] = ()
    """How copies were matched."""


class CloakRecord(Record):
    """An audited cloak."""

    attack: str
    """Its canonical name."""
    control: str | None
    """The name of its control, noise at its energy; None if it is noise itself."""
    released: datetime.date | None
    """When it became public; None if it does not say."""
    notes: Many[str]
    """What it says of itself."""
    surrogates: tuple[str, ...] | None
    """The networks that it was optimised against; None: not known."""
    families: Many[str] = ()
    """Families of their architectures, as far as they are stated."""
    quality: Many[Quality]
    """Of the cloak, and of its control."""
    unchanged: Many[str] = ()
    """Pictures of the protected gallery that it left as they were. They count as uncloaked."""
    threshold: float | None = None
    """Of DSSIM, that the cloak names."""
    bound: float | None = None
    """Of every pixel, in [0, 1], that it names."""
    copies: Copies | None = None
    """None where the cloak was made here."""


class Relation(Record):
    """What a recogniser has to do with a cloak."""

    newer: bool
    """Released after the cloak, and not one of the networks that it was optimised against."""
    held_out: bool | None
    """Shares no weights, teacher or training run with a surrogate; None if that is not stated."""
    shared_data: Many[str] = ()
    """Data sets that a surrogate was trained on, too."""
    same_as: Many[str] = ()
    """Surrogates that give the same embeddings of a fixed batch of faces: they are this network,
    whatever the cards say, so that it is not held out."""


class RecogniserRecord(Record):
    """A recogniser that an adversary may have."""

    name: str
    released: datetime.date | None
    """When it became public; None if not stated."""
    embedded: bool = False
    """A small network of this project, whatever its date."""
    relations: dict[str, Relation]
    """By audited cloak."""
    family: str = ""
    """Of its architecture; "" if not stated."""
    service: bool = False
    """It gives no embeddings: whether it is a surrogate under another name is not known."""
    host: str = ""
    """Of a commercial service, where it was asked."""
    simulated: bool = False
    """That is not the vendor's own: the figures are not of the vendor's service."""
    most: Count | None = None
    """Candidates that it names at most; None: as many as it is asked for."""
    most_of: Literal["faces", "people"] = "people"
    """What those are: the photos of one person may be several faces."""
    reach: Count | None = None
    """People that it is sure to name, the most alike first; None: all that are enrolled."""
    answers: dict[str, Count] = Field(default_factory=dict)
    """What it said, of how many photos: `index: ...` and `search: ...`."""


class AdversaryRecord(Record):
    """An adversary, as it says of itself."""

    name: str
    question: str
    phrase: str
    baseline: bool
    """It never ran the cloaking tool, and tried every recogniser."""
    scored_at: int = Field(1, ge=1, lt=2**31)
    """The rank at which its control and protection are read: how many candidates it names."""
    learned: dict[str, dict[str, float]] = Field(default_factory=dict)
    """By audited cloak, what its training reports of itself."""
    impossible: dict[str, str] = Field(default_factory=dict)
    """By audited cloak that it could not take on: why."""
    left_out: str = ""
    """Why it was not measured in every scenario and transform; "" if it was."""
    learned_about: dict[str, str] = Field(default_factory=dict)
    """By audited cloak that it faced without having seen it: the one that it learned about."""


class Card(Record):
    """A network that took part, and the file its weights were verified against."""

    name: str
    role: str
    """`surrogate`, `recogniser`, `adversary`, `face detector` or `perceptual metric`."""
    sha256: str
    """"" for a network without a file of its own."""
    source: str
    licence: str
    released: datetime.date | None
    trained_on: str
    preprocessing: str = "not stated"
    """What becomes of the aligned face, x in [0, 1], before the first layer."""
    family: str = ""
    """Of its architecture; "" if not stated."""
    first_seen: bool = False
    """Nobody published the whole digest: `sha256` is that of the first fetch on this machine."""


class Caveat(Record):
    """A reason to doubt, or not to conclude at all."""

    code: str
    blocking: bool
    """True: the verdict is `inconclusive`."""
    text: str


class Arm(Record):
    """One side of a comparison."""

    attack: str
    adversary: str
    recogniser: str


class Comparison(Record):
    """Protection in one arm less protection in another, over the same probes, paired by identity.

    People who were detected in either arm are neither protected nor not: they are left out, split
    by split.
    """

    what: Literal["recognisers", "cloaks", "adversaries"]
    """What differs between the arms; all else is the same."""
    one: Arm
    less: Arm
    matcher: str
    transform: str
    scenario: str
    difference: float
    """Mean over identities."""
    interval: tuple[float, float]
    """95%."""
    people: Count
    """Identities that were paired."""
    probes: Count
    """Of them, in either arm."""

    @property
    def place(self) -> Place:
        """Of the one arm's cell."""
        names = (self.one.attack, self.one.adversary, self.one.recogniser)
        return Place(*names, self.matcher, self.transform, self.scenario)


class SplitRecord(Record):
    """One split of the people, an audit of its own, of several that were pooled."""

    seed: int
    people: Many[str]
    """Its protected identities, in the order of its rates."""
    cells: Many[Cell]
