"""What the recognisers of an audit have to do with its cloaks: newer, held out, or the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from audit.records import RecogniserRecord, Relation
from audit.scene import Scene
from lowkey_core import weights
from lowkey_core.datasets.synthetic import people_of_nobody
from lowkey_core.faces.pictures import crops
from lowkey_core.publish.tool import CloakTool
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.recognition.lineage import held_out, shared_data
from lowkey_core.recognition.sameness import cosines, same
from lowkey_core.services.asked import Asked
from lowkey_core.services.vendor import Vendor
from lowkey_core.types import Network, Pictures, Recognition
from lowkey_core.work.work import Work

PEOPLE, PICTURES = 6, 2
"""Ours: of the fixed batch of faces, all of people who do not exist."""


def related(scene: Scene) -> tuple[RecogniserRecord, ...]:
    """The record of each recogniser, in the plan's order."""
    return tuple(_recogniser(scene, group[0]) for group in scene.recognitions)


def _recogniser(scene: Scene, recognition: Recognition) -> RecogniserRecord:
    card, network = recognition.card, getattr(recognition, "network", None)
    return RecogniserRecord(
        name=card.name,
        released=card.released,
        embedded=card.embedded,
        relations={
            tool.name: relation(card, tool, twins(network, tool.cloak.about.against, scene.work))
            for tool in scene.tools
        },
        family=card.family,
        service=not isinstance(recognition, Embedding),
        **(_asked(scene, recognition) if isinstance(recognition, Asked) else {}),
    )


def _asked(scene: Scene, service: Asked) -> dict[str, Any]:
    """What a record says of a commercial service."""
    vendor, enrolled = service.vendor, scene.photos.gallery.join(scene.photos.bystanders)
    return {
        "host": vendor.endpoint.host,
        "simulated": vendor.endpoint.simulated,
        "most": vendor.most,
        "most_of": vendor.most_of,
        "reach": reach(vendor, enrolled.identities.tolist()),
        "answers": dict(sorted(service.answers.items())),
    }


def reach(vendor: Vendor, enrolled: Sequence[int]) -> int | None:
    """How many people a search is sure to name, those most alike; None: all. enrolled: of each
    photo, whom it shows."""
    photos = Counter(enrolled)
    faces = photos.total() if vendor.most_of == "faces" else len(photos)
    if faces <= vendor.most:
        return None
    each = max(photos.values()) if vendor.most_of == "faces" else 1
    return -(-vendor.most // each)


def relation(card: weights.Card, tool: CloakTool, twins: Collection[str] = ()) -> Relation:
    """What a recogniser has to do with a cloak. twins: surrogates that are the same network."""
    about = tool.cloak.about
    known = None if about.against is None else [network.card for network in about.against]
    apart = None if known is None else not known or held_out(card, known)
    apart = False if twins else apart
    return Relation(
        newer=about.released is not None
        and card.released is not None
        and card.released > about.released
        and apart is not False
        and not card.embedded,
        held_out=apart,
        shared_data=shared_data(card, known or ()),
        same_as=tuple(twins),
    )


def twins(
    network: Network | None, surrogates: Iterable[Network] | None, work: Work
) -> tuple[str, ...]:
    """Names of the surrogates that give the same embeddings as `network`, but for one that has its
    name. network: None for a service, which gives none."""
    if network is None:
        return ()
    others = [n for n in surrogates or () if n.card.name != network.card.name]
    if not others:
        return ()
    faces = fixed_batch(work)
    own = cosines(network, faces, work)
    return tuple(n.card.name for n in others if same(own, cosines(n, faces, work)))


def fixed_batch(work: Work) -> Pictures:
    """The same dozen faces in every audit: SynthFaces of people whom no data set has."""
    faces = people_of_nobody(work, PEOPLE, PICTURES)
    return crops(faces.images, faces.identities, faces.names)


def families(surrogates: Iterable[Network] | None) -> tuple[str, ...]:
    """Of their architectures, each once, as far as their cards state them."""
    return tuple(dict.fromkeys(n.card.family for n in surrogates or () if n.card.family))
