"""What an audit would do, and how long it would take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch takes seconds to import
    from audit.forecast import Foresight


def lines(found: Foresight) -> Iterator[str]:
    """A line for each kind of work, the longest first, and the sum."""
    counts, forecast = found.counts, found.forecast
    yield (
        f"faces found, and kept: {counts.gallery} pictures of {counts.enrolled} people to enrol, "
        f"{counts.probes} probes, {counts.background_pictures} pictures of the background"
    )
    if forecast is None:
        yield "how long it takes cannot be told: what stands in for most pictures breaks a part"
        yield from found.services
        return
    times = {what: n * forecast.each(what) for what, n in forecast.pieces.items()}
    for what, seconds in sorted(times.items(), key=lambda item: -item[1]):
        pieces, many = forecast.pieces[what], forecast.abreast.get(what, 1)
        each = f"{pieces} x {forecast.rates.get(what, 0.0):.2g} s"
        yield f"{duration(seconds):>12}  {what}: {each}" + (f", {many} at a time" * (many > 1))
    yield f"{duration(forecast.beside):>12}  reading, cutting, comparing"
    yield f"{duration(forecast.seconds):>12}  in all, as fast as this machine was just now"
    if found.splits > 1:
        most = duration(found.splits * forecast.seconds)
        yield f"{most:>12}  at most for all {found.splits} splits: what they share is made once"
    if found.memory is not None:
        yield f"memory: about {found.memory / 1e9:.1f} GB"
    yield from found.services


def duration(seconds: float) -> str:
    """`45 s`, `2.5 min`, `12 min`, `3.5 h`: to 5% or better, from ten seconds on."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.{1 if seconds < 600 else 0}f} min"
    return f"{seconds / 3600:.1f} h"
