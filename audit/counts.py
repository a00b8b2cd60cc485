"""Who and what took part in an audit, and what was left out. Never imports torch."""

from __future__ import annotations

from pydantic import Field

from audit.outcomes import Count, Many, Record
from audit.plan import MOST_PEOPLE


class Counts(Record):
    """What was looked at. Nothing is dropped without being counted."""

    dataset: str
    protected: Count = Field(le=MOST_PEOPLE)
    """Identities whose protection was measured."""
    without_pictures: Count = 0
    """Protected identities left out, as no picture of theirs is left to enrol or to search."""
    only_duplicates: Count = 0
    """Of those, the ones whose faces were found, in pictures that are somebody's already."""
    probes: Count
    gallery: Count
    """Pictures enrolled, of everybody."""
    enrolled: Count
    """Identities in the gallery."""
    ready: Count = 0
    """Strangers beside them of whom there are embeddings alone."""
    background_identities: Count
    background_pictures: Count
    calibration_identities: Count = 0
    calibration_pictures: Count = 0
    """On which thresholds were set."""
    others_probes: Count = 0
    """Clean pictures of unprotected people that were searched for."""
    no_face: Many[str]
    """Pictures in which no face was found."""
    unreadable: Many[str]
    """Files that are not pictures we accept."""
    unreadable_reasons: dict[str, Count] = Field(default_factory=dict)
    """How many of them for each reason."""
    duplicates: Many[str] = ()
    """Pictures left out of gallery or background: the same picture is a probe, or takes part
    elsewhere."""
    compared_by: str = ""
    """The recogniser by which the next two were told; "" if nobody looked."""
    near_duplicates: Many[str] = ()
    """Probes that show the same as a picture of their person in the gallery."""
    lookalikes: Many[str] = ()
    """Others enrolled who look like a protected person."""
    protectable: Count = 0
    """Identities with pictures enough to be protected."""
    too_few_pictures: Count = 0
    """Identities of the data set with fewer."""
