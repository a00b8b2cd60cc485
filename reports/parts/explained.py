"""What each caveat means, by its code, and what helps: `docs/caveats.md` says the same."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """Of one code."""

    title: str
    means: str
    helps: str


EXPLAINED = {
    "control-fails": Explanation(
        "The recogniser does not work on clean pictures",
        "Fewer than 0.9 of the clean probes were identified in the clean gallery. Who is not found "
        "without a cloak proves nothing by not being found with one. It blocks a conclusion where "
        "pictures are as published, or after one of the JPEG qualities of every audit.",
        "Use a stronger recogniser, larger faces, or more pictures of each person in the gallery.",
    ),
    "noise-protects": Explanation(
        "Random noise protects as well",
        "Each cloak has a control: noise of the same energy on the same faces. Where noise "
        "protects by more than 0.1 beyond what the recogniser misses anyway, the cloak's own "
        "merit is not shown. It blocks a conclusion as a failing control does.",
        "Compare the cloak's protection with its control's in the table of every measurement, or "
        "use a recogniser that noise does not disturb.",
    ),
    "adversary-failed": Explanation(
        "An adversary failed",
        "One of several adversaries raised an error. Its row says why, and the others went on. "
        "Nothing is known of the protection against it.",
        "Read the reason; run that adversary alone with --verbose to see where it happened.",
    ),
    "nothing-purified": Explanation(
        "A purifier does nothing",
        "A network that should take cloaks off leaves even the pictures that it learned from as "
        "they are. What it seems to show is protection against no purifier, so it blocks a "
        "conclusion.",
        "Learn longer (--epochs), or from more pictures (--background).",
    ),
    "detector-unusable": Explanation(
        "Too many clean pictures are flagged",
        "The detector flags more than a tenth of the clean pictures after JPEG 75, as platforms "
        "serve nearly every picture. Whoever uses it loses so many pictures of people who never "
        "cloaked that what it spots is worth little.",
        "Train the detector longer (--epochs) or on more people (--background), or read the "
        "true positive rate at 1% false positives instead.",
    ),
    "not-everywhere": Explanation(
        "An adversary was measured once",
        "It trains on every gallery, which takes minutes each. It was measured where everybody "
        "cloaks, as published, and nowhere else.",
        "Give --everywhere to train it in every scenario and transform.",
    ),
    "no-cloaks-seen": Explanation(
        "An adversary learned from pictures without cloaks",
        "An adversary that retrains on the tool's output is only as good as that output. Part of "
        "its background pictures were not changed by the cloak. Below 0.9 of them this blocks a "
        "conclusion: protection against such an adversary is overstated.",
        "See that the tool finds the faces of the background, and that copies of the background "
        "are complete.",
    ),
    "not-held-out": Explanation(
        "The cloak was optimised against this recogniser",
        "The recogniser shares weights, a teacher or a training run with a network that the cloak "
        "was optimised against. Protection against it is what the cloak was made for, and says "
        "little of other recognisers.",
        "Read the figures of recognisers that are held out; the timeline says which are.",
    ),
    "lineage-unstated": Explanation(
        "It is not known whether the recogniser is held out",
        "The recogniser, or a network that the cloak was optimised against, does not state from "
        "which training runs it comes. They may be relatives.",
        "State the lineage in the network's card if you know it.",
    ),
    "shared-data": Explanation(
        "Recogniser and surrogate learned from the same pictures",
        "They share no weights, but were trained on a data set of the same name. Networks that "
        "learned from the same pictures are fooled by the same changes more often.",
        "Add a recogniser that was trained on other pictures.",
    ),
    "one-network": Explanation(
        "Two names, one network",
        "The recogniser gives the same embeddings as a surrogate on a fixed batch of faces, "
        "whatever the cards say. It counts as not held out.",
        "Take it out of the audit, or read its figures as those of the surrogate itself.",
    ),
    "not-compared": Explanation(
        "A service cannot be compared with surrogates",
        "A service gives no embeddings, so that whether it runs a surrogate under another name "
        "cannot be tested. Held out is told by its card alone.",
        "Ask whoever runs the service which network it uses.",
    ),
    "simulated-service": Explanation(
        "Another program answered in a service's dialect",
        "The recogniser was asked at an address that is not the vendor's own: a stand-in for "
        "tests, or a service of somebody else. The figures say nothing of the vendor's service.",
        "Leave out the endpoint, and the variable that names one, to ask the vendor.",
    ),
    "not-indexed": Explanation(
        "A service did not take some photos",
        "It found no face in them, or none good enough, or refused the file. A person of whom no "
        "photo was indexed cannot be found by it, which is no merit of a cloak if the clean photos "
        "were not taken either: compare `indexed by the service` in both arms.",
        "Use larger photos of one person each.",
    ),
    "few-candidates": Explanation(
        "A service names fewer candidates than are asked for",
        "Vendors limit how many candidates a search returns. Where those are faces, the photos of "
        "one person may be several of them. At ranks above the number of people that are named for "
        "sure, a person who was not named counts as not found, in both arms.",
        "Read rank 1, which every service answers.",
    ),
    "no-newer-model": Explanation(
        "No recogniser is newer than the cloak",
        "A cloak can only be made against recognisers of its time. Those who scrape pictures today "
        "may wait. Without a newer recogniser the audit does not say what waiting brings.",
        "Fetch a newer recogniser: `models list` shows them with their dates.",
    ),
    "few-probes": Explanation(
        "Intervals are wide",
        "Intervals wider than 0.3 allow very different readings of one figure. Their width depends "
        "on how many people are protected more than on how many pictures each has.",
        "Protect more people, or pool several splits with --seeds.",
    ),
    "approximate-search": Explanation(
        "The search may miss people",
        "The matcher looks at some pictures of the gallery only. A part of its searches was "
        "repeated exactly: it found less than they did. Whoever is missed is not identified, and "
        "counts as protected, with or without a cloak.",
        "Use nn or faiss, which miss nobody, or raise nprobe or ef.",
    ),
    "small-gallery": Explanation(
        "The search is among few people",
        "With fewer than 50 people enrolled, few look alike, and a search is easier than among a "
        "crowd. Protection in a large gallery may be higher; who is found here may be lost there.",
        "Add strangers with --distractors or --distractor-dataset.",
    ),
    "copies-missing": Explanation(
        "Some pictures have no cloaked copy",
        "Pictures of protected people without a usable copy were published as they are. That "
        "lowers protection, as it does in life: one clean picture may be enough to be found.",
        "The table of copies names them. Cloak them, or correct the copies' names.",
    ),
    "copies-unchanged": Explanation(
        "Some copies are the photo itself",
        "The face in these copies is the face in the photo, value by value. The tool did not find "
        "it, or gave the photo back.",
        "The table of copies names them. See what the tool says of these photos.",
    ),
    "cloak-changed-nothing": Explanation(
        "The cloak left pictures as they were",
        "The cloak gave these faces back unchanged. They were published clean, and count as "
        "uncloaked.",
        "Give the cloak more steps or a larger budget, or see what it says of these pictures.",
    ),
    "people-lost": Explanation(
        "Protected people were left out",
        "No picture of theirs was left to enrol or to search: no face was found, or all of them "
        "are copies of pictures that take part elsewhere. The figures are of the people "
        "who remain.",
        "Add pictures of them, or protect other people.",
    ),
    "too-few-pictures": Explanation(
        "Nobody could stand in for who was left out",
        "Everybody else in the data set has too few pictures to be protected.",
        "Add pictures, or ask for fewer probes.",
    ),
    "faces-lost": Explanation(
        "Pictures without a face",
        "The detector found no face in these pictures, so that they took no part. Faces that are "
        "hard to find are often hard to recognise: the figures are of the easier ones.",
        "report.json names the pictures; see whether their faces are too small or turned away.",
    ),
    "unreadable": Explanation(
        "Files that could not be read",
        "They are damaged, too large, of a kind that is not supported, or no pictures. They took "
        "no part.",
        "report.json names them. Convert or remove them.",
    ),
    "duplicates": Explanation(
        "The same picture twice",
        "A picture that is a probe must not be in the gallery, and none takes part in two places: "
        "finding a picture by itself is no recognition. The second was left out.",
        "Nothing needs to be done. Many duplicates make a data set smaller than it looks.",
    ),
    "near-duplicates": Explanation(
        "Probes that are nearly a picture in the gallery",
        "Frames of one scene, or copies of one photo: such probes are found more easily than other "
        "photos of the same person, cloaked or not.",
        "Remove one of each pair, if protection of photos from other days is the question.",
    ),
    "lookalikes": Explanation(
        "Others enrolled may be a protected person",
        "A picture of somebody else looks so much like a protected person that it may be one under "
        "another name. Who is found under two names counts as missed, which overstates protection.",
        "Look at the named pairs, and merge people who are one.",
    ),
    "cloak": Explanation(
        "What the cloak says of itself",
        "A note of the cloak on how it differs from what its paper or its tool does.",
        "The documentation of cloaks says what was taken from where.",
    ),
    "dataset": Explanation(
        "What the data set says of itself",
        "A note on the pictures: that they are drawn, small, of few kinds of people, or such.",
        "Repeat the audit on pictures like those that you want to know about.",
    ),
    "lpips-missing": Explanation(
        "LPIPS was not measured",
        "LPIPS compares pictures as a trained network sees them. Its weights are not here, so that "
        "visibility is told by DSSIM, PSNR and norms.",
        "`models fetch lpips:alexnet` shows the licence and gets the file.",
    ),
    "st-lpips-missing": Explanation(
        "ST-LPIPS was not measured",
        "ST-LPIPS is LPIPS made tolerant of small shifts, on a scale of its own. Its weights are "
        "not here.",
        "`models fetch st-lpips:alexnet` shows the licence and gets the file.",
    ),
}
"""By `Caveat.code`."""


def document() -> str:
    """`docs/caveats.md`."""
    sections = (
        f"## {code}\n\n**{e.title}.** {e.means}\n\n*What helps:* {e.helps}\n"
        for code, e in EXPLAINED.items()
    )
    return "\n".join([_HEAD, *sections])


_HEAD = """# Caveats, by code

A caveat is a reason to doubt a figure. A *blocking* one is a reason not to conclude at all: the
verdict is then `inconclusive`, and `audit` ends with exit code 3. Where another adversary, whose
control holds, finds more than half of the photos for certain, the verdict says so, too: what one
proves stands, whatever another does not. Reports print caveats as
sentences; `report.json`, JUnit, SARIF and annotations name them by the codes below, and the HTML
report carries these explanations with it.

This page is what `reports.parts.explained` says:
`python -c "from reports.parts.explained import document; print(document(), end='')"`.
"""
