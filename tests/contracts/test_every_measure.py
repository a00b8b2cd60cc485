"""Every measure counts per identity: those scored, in their order, or everybody enrolled."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adversaries import System
from audit.measures import MEASURES, Measure, Searches
from audit.measures.residual import NEAREST, OWN_CLEAN, OWN_CLOAKED, STRANGER
from audit.outcomes import (
    ACCURACY,
    DETECTED,
    FLAGGED,
    PRECISION,
    TPR_AT_1,
    Outcome,
    Rate,
    found_at,
    rank,
    verified_at,
)
from lowkey_core.errors import NotPossibleError
from lowkey_core.faces.pictures import crops
from lowkey_core.matchers import MATCHERS
from lowkey_core.recognition.embedding import Embedding
from lowkey_core.types import Candidates, Pictures
from lowkey_core.work.work import Work
from tests.conftest import TinyNetwork, people

NAMES = MEASURES.available()
RANKS = (1, 2)
EVERYBODY = people(6, 5)
"""People 0 to 3 are protected, 4 and 5 are not; of each, two pictures are probes."""
GALLERY = EVERYBODY.select([i for i in range(30) if i % 5 > 1])
PROBES = EVERYBODY.of(range(4)).select([i for i in range(20) if i % 5 < 2])
OTHERS = EVERYBODY.of([4, 5]).select([0, 1, 5, 6])
RECOGNITION = Embedding(TinyNetwork(), MATCHERS.load("nn"), "nn", Work())
STRANGERS = people(60, 3, seed=5)
"""On whom thresholds are set; enough of them for every default."""
NOBODY = EVERYBODY.select([])


def measure(name: str) -> Measure:
    return MEASURES.load(name, granted={"ranks": RANKS})


def system(
    scraped: Pictures,
    flagged: Tensor | None = None,
    suspicion: Tensor | None = None,
    *,
    drop: bool = True,
) -> System:
    flags = torch.zeros(len(scraped)).bool() if flagged is None else flagged
    kept = scraped.select(~flags) if drop else scraped
    return System(RECOGNITION.enrol(kept), kept, flags, suspicion, RECOGNITION)


def searches(scored: tuple[int, ...], scraped: Pictures, changed: Tensor) -> Searches:
    probes = PROBES.of(scored)
    return Searches(scored, probes, probes, STRANGERS, scraped, changed, OTHERS, before=GALLERY)


def of(pictures: Pictures, *who: int) -> Tensor:
    """(n,) bool: pictures of these identities."""
    return torch.isin(pictures.identities, torch.tensor(who))


def swapped(pictures: Pictures) -> Pictures:
    """A perfect cloak of persons 0 and 1: each looks like the other."""
    images = pictures.faces()
    first, second = of(pictures, 0), of(pictures, 1)
    images[first], images[second] = images[second], images[first]
    return crops(images, pictures.identities, pictures.names)


def counted(name: str, scored: tuple[int, ...], *, looks: bool = True) -> dict[str, Outcome]:
    """Persons 0 and 1 cloaked, and are suspected of it; so is one clean picture of person 4."""
    cloaked, changed = swapped(GALLERY), of(GALLERY, 0, 1)
    clean_alarm = torch.zeros(len(GALLERY)).bool()
    clean_alarm[int(of(GALLERY, 4).nonzero()[0])] = True
    after = changed | clean_alarm
    arms = (
        system(p, f if looks else None, f.float() if looks else None, drop=False)
        for p, f in ((GALLERY, clean_alarm), (cloaked, after))
    )
    return measure(name)(*arms, searches(scored, cloaked, changed))


def refusal(name: str, before: System, after: System, asked: Searches) -> NotPossibleError | None:
    """Why it cannot count; None if it counts."""
    try:
        assert measure(name)(before, after, asked)
    except NotPossibleError as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scored", [(0, 1, 2, 3), (1,), (2, 0)])
def test_a_rate_is_of_the_scored_or_of_everybody_enrolled(
    name: str, scored: tuple[int, ...]
) -> None:
    outcomes = counted(name, scored)
    assert outcomes
    for outcome in outcomes.values():
        people = {len(scored), len(GALLERY.people)}
        for rate in (outcome.control, outcome.cloaked):
            assert rate is None or len(rate.trials) in people


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_in_the_order_of_the_scored(name: str) -> None:
    together = counted(name, (0, 1, 2, 3))
    for scored in [(3, 1), (1, 3), (0,), (2, 0, 1)]:
        for which, outcome in counted(name, scored).items():
            before = together[which].cloaked
            if outcome.cloaked is None or before is None or len(before.trials) > 4:
                continue  # over everybody enrolled
            expected = [(before.hits[who], before.trials[who]) for who in scored]
            found = zip(outcome.cloaked.hits, outcome.cloaked.trials, strict=True)
            assert list(found) == expected, which


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("looks", [True, False])
def test_counts_the_same_each_time_and_leaves_its_input_alone(name: str, looks: bool) -> None:
    before = GALLERY.faces()
    one, two = (counted(name, (0, 1, 2, 3), looks=looks) for _ in range(2))
    assert one == two
    assert torch.equal(GALLERY.faces(), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_person_without_probes_has_no_trials(name: str) -> None:
    cloaked, changed = swapped(GALLERY), of(GALLERY, 0, 1)
    asked = searches((0, 1), cloaked, changed)
    asked = replace(asked, clean=PROBES.of([0]), probes=PROBES.of([0]))
    outcomes = measure(name)(system(GALLERY), system(cloaked), asked)
    for which, outcome in outcomes.items():
        rates = [r for r in (outcome.control, outcome.cloaked) if r is not None]
        assert all(len(r.trials) in {2, len(GALLERY.people)} for r in rates)
        assert which == DETECTED or all(r.trials[1] == 0 for r in rates)


@pytest.mark.parametrize("name", NAMES)
def test_counts_without_people_for_thresholds_or_says_that_it_cannot(name: str) -> None:
    cloaked, changed = swapped(GALLERY), of(GALLERY, 0, 1)
    asked = replace(searches((0, 1), cloaked, changed), calibration=NOBODY)
    arms = (system(p, changed, changed.float(), drop=False) for p in (GALLERY, cloaked))
    refused = refusal(name, *arms, asked)
    if refused is not None:
        assert "not possible with 0" in refused.got
        assert "calibration" in refused.remedy
    assert (refused is not None) == (name in ("open-set", "verification"))


@pytest.mark.parametrize("name", NAMES)
def test_counts_of_a_service_or_says_that_it_cannot(name: str) -> None:
    """It searches, and gives neither embeddings nor likeness."""

    class Refusing:
        def search(self, probes: Pictures, k: int, /) -> Candidates:
            return RECOGNITION.enrol(GALLERY).search(probes, k)

        def likeness(self, probes: Pictures, claimed: Tensor, /) -> Tensor:
            raise NotPossibleError("it refuses", expected="one that does not", remedy="another")

    none = torch.zeros(len(GALLERY)).bool()
    one = System(Refusing(), GALLERY, none, none.float())
    refused = refusal(name, one, one, searches((0, 1), GALLERY, of(GALLERY, 0)))
    assert (refused is not None) == (name in ("verification", "residual"))


def test_identification_misses_who_is_cloaked_and_nobody_else() -> None:
    found = counted("rank-k", (0, 1, 2, 3))
    first, second = found[rank(1)], found[rank(2)]
    assert first.control is not None
    assert first.cloaked is not None
    assert second.cloaked is not None
    assert first.control.hits == (2, 2, 2, 2) == first.control.trials
    assert first.cloaked.hits == (0, 0, 2, 2)
    assert all(a <= b for a, b in zip(first.cloaked.hits, second.cloaked.hits, strict=True))
    assert set(found) == {rank(1), rank(2), DETECTED}


def test_who_was_dropped_whole_is_detected_and_who_has_a_picture_left_is_not() -> None:
    flags = of(GALLERY, 0, 1)
    flags[int(of(GALLERY, 1).nonzero()[0])] = False
    cloaked = system(GALLERY, flags)
    asked = searches((0, 1, 2, 3), GALLERY, flags)
    dropped = measure("rank-k")(system(GALLERY), cloaked, asked)[DETECTED].cloaked
    assert dropped is not None
    assert dropped.hits == (1, 0, 0, 0)
    kept = measure("rank-k")(system(GALLERY), system(GALLERY, flags, drop=False), asked)
    assert kept[DETECTED].cloaked is not None
    assert sum(kept[DETECTED].cloaked.hits) == 0, "flagged, but enrolled"


def test_detection_counts_flags_on_cloaked_and_on_clean_pictures() -> None:
    flagged = counted("detection", (0, 1, 2, 3))[FLAGGED]
    assert flagged.cloaked is not None
    assert flagged.control is not None
    assert flagged.cloaked.hits == flagged.cloaked.trials == (3, 3, 0, 0)
    assert flagged.control.hits == (0, 0, 0, 0, 1, 0)
    assert flagged.control.trials == (3,) * 6
    assert flagged.value == pytest.approx(1 - 0.5 / 18), "one clean picture ties with the cloaked"
    assert flagged.curve[0] == (0, 0)
    assert dict(flagged.curve)[0.05] == 0
    assert dict(flagged.curve)[0.1] == 1, "once one of 18 clean ones is flagged, too"


def test_an_open_set_and_verification_miss_who_is_cloaked_and_nobody_else() -> None:
    for name, called in (("open-set", found_at("1%")), ("verification", verified_at("0.1%"))):
        found = counted(name, (0, 1, 2, 3))[called]
        assert found.control == Rate(hits=(2,) * 4, trials=(2,) * 4)
        assert found.cloaked == Rate(hits=(0, 0, 2, 2), trials=(2,) * 4)


def test_a_residual_tells_who_is_left_in_cloaked_pictures() -> None:
    """Persons 0 and 1 look like each other: like a stranger, who is the nearest."""
    found = counted("residual", (0, 1, 2, 3))
    cosine = {name: outcome.value for name, outcome in found.items()}
    clean, cloaked, strange, nearest = (
        cosine[n] for n in (OWN_CLEAN, OWN_CLOAKED, STRANGER, NEAREST)
    )
    assert clean is not None
    assert cloaked is not None
    assert strange is not None
    assert nearest is not None
    assert clean > 0.9 > cloaked
    assert nearest > 0.9 > strange
    vectors = RECOGNITION.embed(swapped(GALLERY).of([0]))
    centroid = RECOGNITION.embed(PROBES.of([0])).mean(0)
    alone = counted("residual", (0,))[OWN_CLOAKED].value
    assert alone == pytest.approx(float((vectors @ centroid / centroid.norm()).mean()), abs=1e-5)


def test_a_residual_is_of_the_same_pictures_whatever_copies_are_called() -> None:
    changed, made = of(GALLERY, 0, 1), swapped(GALLERY)
    called = tuple(f"copies/{name}" for name in made.names)
    renamed = crops(made.faces(), made.identities, called)
    found = [
        measure("residual")(system(GALLERY), system(p), searches((0, 1), p, changed))
        for p in (made, renamed)
    ]
    assert found[0] == found[1]
    assert all(outcome.value is not None for outcome in found[0].values())


def test_a_residual_without_cloaked_pictures_has_no_value() -> None:
    asked = searches((0, 1), GALLERY, of(GALLERY))
    found = measure("residual")(system(GALLERY), system(GALLERY), asked)
    assert {outcome.value for outcome in found.values()} == {None}


def test_detection_tells_precision_and_what_is_left_where_hardly_a_clean_picture_is_flagged() -> (
    None
):
    found = counted("detection", (0, 1, 2, 3))
    assert found[PRECISION].value == pytest.approx(1 / (1 + 1 / 18))
    assert found[TPR_AT_1].value == 0, "of 18 clean pictures, one is as suspect as the cloaked"
    clean = torch.linspace(0, 1, len(GALLERY))
    cloaked = clean + 0.5 * of(GALLERY, 0, 1)
    asked = searches((0, 1), GALLERY, of(GALLERY, 0, 1))
    arms = (system(GALLERY, s > 0.6, s, drop=False) for s in (clean, cloaked))
    above = int((cloaked[of(GALLERY, 0, 1)] > clean.max()).sum())
    assert measure("detection")(*arms, asked)[TPR_AT_1].value == pytest.approx(above / 6)


def test_who_does_not_look_detects_nothing() -> None:
    assert counted("detection", (0, 1), looks=False) == {}


def test_accuracy_searches_for_unprotected_people_and_nobody_else() -> None:
    found = counted("accuracy", (0, 1, 2, 3))[ACCURACY]
    for rate in (found.control, found.cloaked):
        assert rate == Rate(hits=(0, 0, 0, 0, 2, 2), trials=(0, 0, 0, 0, 2, 2))
    lost = GALLERY.select(GALLERY.identities != 4)
    asked = searches((0,), GALLERY, of(GALLERY, 0))
    after = measure("accuracy")(system(GALLERY), system(lost), asked)[ACCURACY].cloaked
    assert after is not None
    assert after.hits == (0, 0, 0, 0, 0, 2), "who is not enrolled any more is not found"


def test_accuracy_without_probes_says_how_to_have_some() -> None:
    asked = replace(searches((0,), GALLERY, of(GALLERY, 0)), others=NOBODY)
    refused = refusal("accuracy", system(GALLERY), system(GALLERY), asked)
    assert refused is not None
    assert "others_probes" in refused.remedy
