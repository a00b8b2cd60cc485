"""One file of each kind, as a user writes it. Their names are in no file of the product."""

from __future__ import annotations

FILES = {
    "zinnia": '''
"""A cloak with a text for an option."""
class Zinnia:
    def __init__(self, motto):
        self.motto = motto
    def __call__(self, faces, rng):
        return (faces.images - len(self.motto) / 255).clamp(0, 1)
def build(motto: str = ""):
    return Zinnia(motto)
''',
    "murmuration": '''
"""A cloak that must be given all pictures of a person at once: here four."""
import torch
from lowkey_core.cloaks import CloakAbout
class Murmuration:
    about = CloakAbout(unit="identity")
    def __call__(self, faces, rng):
        _, counts = faces.identities.unique(return_counts=True)
        assert (counts == 4).all(), f"people came in parts: {counts.tolist()}"
        means = [faces.images[faces.identities == who].mean(0) for who in faces.identities]
        return (faces.images + torch.stack(means)) / 2
def build():
    return Murmuration()
''',
    "clerkess": '''
"""A service: it finds faces by a rule of its own, and now and then sees none."""
import hashlib
import pathlib
import numpy as np
from lowkey_core.photos.decoding import decode_pixels
from lowkey_core.services.endpoints import Endpoint
from lowkey_core.services.vendor import NO_FACE, Added, Found
class Clerk:
    name = spec = "clerkess"
    about, account = "her eyes", "mine"
    endpoint = Endpoint("https://clerkess.example", False)
    rate, largest, most, most_of, per_search = 1e6, 10**7, 1000, "faces", 1
    def __init__(self):
        self.known = {}
    def look(self, photo):
        """A unit vector; None where it sees no face, in about one photo of four."""
        pixels = decode_pixels(photo)
        if hashlib.blake2b(pixels.tobytes()).digest()[0] < 64:
            return None
        face = pixels[8:-8:12, 8:-8:12].astype(float).ravel() - 128
        return face / np.linalg.norm(face)
    def said(self, what):
        with pathlib.Path(__file__).with_suffix(".log").open("a") as log:
            log.write(what + "\\n")
    def calls(self, photos, people):
        return photos + 2
    def check(self):
        self.said("keys")
    def create(self, collection):
        self.known[collection] = []
        self.said("made")
    def add(self, collection, person, handle, photo):
        face = self.look(photo)
        if face is None:
            self.said("not indexed")
            return Added(NO_FACE, "")
        self.known[collection].append((f"number {person}", face))
        self.said("indexed")
        return Added("", f"number {person}")
    def finish(self, collection):
        self.said("filled")
    def search(self, collection, photo):
        face = self.look(photo)
        if face is None:
            self.said("no face")
            return Found(NO_FACE)
        self.said("found")
        matches = [(who, float(face @ known)) for who, known in self.known[collection]]
        return Found("", tuple(sorted(matches, key=lambda match: -match[1])))
    def delete(self, collection):
        del self.known[collection]
        self.said("deleted")
def build(services):
    services.demand("clerkess")
    return services.recognition(Clerk())
''',
    "tallyho": '''
"""A matcher: the nearest mean of a person's embeddings, by distance."""
import torch
from lowkey_core.recognition.candidates import best
class Tallyho:
    def __init__(self, gallery, identities):
        self.known = identities.unique()
        self.means = torch.stack([gallery[identities == who].mean(0) for who in self.known])
    def search(self, probes, k):
        return best(-torch.cdist(probes, self.means), self.known, k)
    def likeness(self, probes, claimed):
        there = (claimed[:, None] == self.known).float()
        return (there * -torch.cdist(probes, self.means)).sum(1)
def build():
    return Tallyho
''',
    "veilcloth": '''
"""A transform: a veil of grey."""
def build(grey: int = 16):
    return lambda pixels: (pixels // 2 + grey).astype("uint8")
''',
    "weekendish": '''
"""A scenario: every other picture was published on a weekend, and cloaked."""
import torch
from audit.scenarios import Trial
class Weekendish:
    phrase = "pictures of weekends are cloaked"
    def trials(self, identities):
        yield Trial(tuple(identities.unique().tolist()), torch.arange(len(identities)) % 2 == 0)
def build():
    return Weekendish()
''',
    "applausometer": '''
"""A measure: searches that find anybody at all."""
from audit.measures import rate
from audit.outcomes import Outcome
class Applausometer:
    def __call__(self, control, cloaked, searches):
        def found(system, probes):
            answer = system.gallery.search(probes, 1)
            return rate((answer.identities >= 0).any(1), probes.identities, searches.scored)
        return {"applause": Outcome(control=found(control, searches.clean),
                                    cloaked=found(cloaked, searches.probes))}
def build():
    return Applausometer()
''',
    "gossipmonger": '''
"""An adversary with a question of its own, which runs the cloaking tool."""
from adversaries import AdversaryAbout
from adversaries.parts.enrolment import EnrolAll, facts
class Gossipmonger:
    about = AdversaryAbout("Who told whom?")
    def __init__(self, work):
        self.work = work
    def prepare(self, threat, rng):
        cloaked = threat.tool(threat.background, rng)
        return EnrolAll(threat.recognition, facts(threat.background, cloaked, self.work))
def build(work):
    return Gossipmonger(work)
''',
    "telegramme": '''
"""A report format that gives bytes."""
class Telegramme:
    suffix = ".tlg"
    def __call__(self, report):
        return " STOP ".join(cloak.attack for cloak in report.cloaks).encode("utf-16")
def build():
    return Telegramme()
''',
}

PROGRAM = '''
"""A cloaking program, which knows nothing of this project: it half inverts photos."""
import pathlib, sys
from PIL import Image, ImageOps
source, target, suffix = sys.argv[1:]
for file in pathlib.Path(source).iterdir():
    photo = Image.open(file).convert("RGB")
    Image.blend(photo, ImageOps.invert(photo), 0.4).save(pathlib.Path(target, file.stem + suffix))
'''

KINDS = {
    "cloaks": ("zinnia", "murmuration"),
    "recognisers": ("clerkess",),
    "matchers": ("tallyho",),
    "transforms": ("veilcloth",),
    "scenarios": ("weekendish",),
    "measures": ("applausometer",),
    "adversaries": ("gossipmonger",),
    "reports": ("telegramme",),
}
"""By the last part of the entry points' group."""


def entry_points() -> str:
    """What an installed distribution says of them."""
    return "\n".join(
        line
        for kind, names in KINDS.items()
        for line in [f"[lowkey_audit.{kind}]", *(f"{name} = {name}" for name in names)]
    )
