"""Commercial services: what they would be sent, and what is left at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from audit.scene import Scene
from lowkey_core import recognisers
from lowkey_core.errors import AuditError, OptionError, ServiceError, by_name
from lowkey_core.services.asked import Asked
from lowkey_core.services.asking import Services
from lowkey_core.services.journal import FOLDER, LASTS, Entry, InUseError, Journal
from lowkey_core.services.vendor import Vendor
from lowkey_core.spec import parse
from lowkey_core.work.forecast import Forecast


def consent(scene: Scene, forecast: Forecast | None, splits: int = 1) -> Iterator[str]:
    """Whose pictures go where, in how many calls, how fast, for how long: to be read before.
    forecast: None if it could not be made."""
    for asked in scene.services.asked:
        vendor = asked.vendor
        yield f"{asked.card.name} is asked at {vendor.endpoint.url}" + (
            ", which is not the vendor's own: its answers are simulated"
            if vendor.endpoint.simulated
            else ", a commercial service outside this machine: it may cost money"
        )
        yield from _calls(scene, asked, forecast, splits)
    if scene.services.asked:
        hours = LASTS.total_seconds() / 3600
        yield (
            "photos of people are biometric data: have their consent, or another legal ground. "
            "Collections are deleted when the audit ends or fails; one that was interrupted, or "
            f"got no answer, keeps them {hours:.0f} h for the same command, and `services clean` "
            "deletes them"
        )


def _calls(scene: Scene, asked: Asked, forecast: Forecast | None, splits: int) -> Iterator[str]:
    if forecast is None:
        yield "  how many photos and calls is not known"
        return
    vendor, photos = asked.vendor, asked.sending
    searches = forecast.pieces[asked.searching]
    calls = forecast.pieces[asked.filling] + searches * vendor.per_search
    people = len({*photos.values()})
    whose = scene.photos.counts.dataset
    many = f"; up to {splits} times that for all splits" if splits > 1 else ""
    if not calls:
        yield "  every answer is kept from before: nothing is sent"
        return
    yield (
        f"  {len(photos):,} photos of {people:,} people of {whose} are sent, some of them often: "
        f"{calls:,} calls{many}"
    )
    yield f"  at most {vendor.rate:g} calls a second: {_duration(calls / vendor.rate)} or more"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:,.0f} min"


def left(cache: Path) -> list[tuple[Entry, bool]]:
    """Collections that are noted in a cache folder, the oldest first, and whether a run uses each
    now. Raises: StorageError."""
    return [(entry, _in_use(entry)) for entry in Journal(cache / FOLDER).entries()]


def clean(cache: Path, say: Callable[[str], None]) -> bool:
    """Deletes what is left at services, but for what a run uses now; says each. Whether all of it
    is gone. Raises: StorageError."""
    whole = True
    for entry in Journal(cache / FOLDER).entries():
        where = f"{entry.collection} at {entry.header.host}"
        try:
            with entry.held():
                vendor = _vendor(entry)
                if not entry.of(vendor.account):
                    raise _elsewhere(entry)
                vendor.delete(entry.collection)
                entry.remove()
            say(f"{where}: deleted")
        except InUseError:
            say(f"{where}: a run is using it")
            whole = False
        except AuditError as error:
            say(f"{where}: not deleted: {error.worded(by_name)}")
            whole = False
    return whole


def listed(cache: Path) -> Iterator[str]:
    """A line for each. Raises: StorageError."""
    found = left(cache)
    if not found:
        yield "no collection is left at any service"
    for entry, used in found:
        header, _ = entry.header, entry.read()
        indexed = sum(not line.said for line in entry.lines.values())
        state = "in use" if used else "expired" if entry.expired else "interrupted"
        yield (
            f"{entry.collection}  {header.host}  {indexed} of {header.photos} photos  "
            f"made {header.made.astimezone():%Y-%m-%d %H:%M}  "
            f"kept until {header.expires.astimezone():%Y-%m-%d %H:%M}  {state}"
        )


def _in_use(entry: Entry) -> bool:
    try:
        with entry.held():
            return False
    except InUseError:
        return True


def _elsewhere(entry: Entry) -> ServiceError:
    """Its service would say of these keys that nothing is there."""
    return ServiceError(
        "it is in another account than that of these keys",
        expected="keys of the account that made it",
        remedy=f"set those, or delete it in the vendor's console, and then {entry.path}",
    )


def _vendor(entry: Entry) -> Vendor:
    """Raises: OptionError for a name that somebody else wrote into the file; ServiceError."""
    spec = entry.header.spec
    if parse(spec).name not in recognisers.services():
        raise OptionError(
            f"{entry.path} names {spec}",
            expected=f"one of: {', '.join(recognisers.services())}",
            remedy="delete the collection by the vendor's own means, then the file",
        )
    loaded = recognisers.load(spec, services=Services(use="allowed"))
    assert isinstance(loaded, Asked)
    return loaded.vendor
