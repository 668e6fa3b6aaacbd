"""Gives a station's configuration keys their wanted values: one ChangeConfiguration after the other, as few as can be.

What may be changed, and what has been tried in vain, is decided by `rules.desired_settings`; each try is remembered
before it is sent, so that a station that boots because of it is recognised. Nothing is read back at once.
"""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.operations.ask_by_itself import LookAgain, ask, status_in
from gateway.operations.heed_settings import BLAME_WITHIN_SECONDS
from gateway.operations.known_settings import Settings, find_settings_of
from gateway.operations.site import Site
from gateway.rules.capabilities import items_of
from gateway.rules.desired_settings import (
    MEASURAND_LISTS,
    Drift,
    Result,
    changes_due,
    changes_now,
    joined,
    list_to_try,
)
from gateway.store import configuration_keys, setting_trials, unsupported_requests
from gateway.store.writing import Writing

_TAKEN = ("Accepted", "RebootRequired")
_SOON_SECONDS = 10.0


async def repair_settings(site: Site, station: StationId) -> None:
    """Change what is not as it should be and may be changed."""
    settings, due = await site.database.write(lambda db: _due(db, site, station))
    now = changes_now(due, settings.known)
    for one in now:
        if not await _change(site, station, one, settings):
            return
    if len(now) < len(due):
        raise LookAgain(BLAME_WITHIN_SECONDS + 60)  # by then the station has booted, or has borne it
    if now and (await site.database.write(lambda db: _due(db, site, station)))[1]:
        raise LookAgain(_SOON_SECONDS)  # what was refused made something else wanted in its place


def _due(db: Writing, site: Site, station: StationId) -> tuple[Settings, tuple[Drift, ...]]:
    settings = find_settings_of(db, site, station)
    not_done = unsupported_requests.of_station(db, station)
    if "ChangeConfiguration" in not_done:
        return settings, ()
    reading = configuration_keys.newest_reading(db, station)
    # what was asked for by name and not told cannot be read
    can_be_read = "GetConfiguration" not in not_done and (reading is None or reading.how != "by_name")
    return settings, changes_due(settings.drifts, settings.known, can_be_read=can_be_read)


async def _change(site: Site, station: StationId, one: Drift, settings: Settings) -> bool:
    """Try to give the key its value, as a whole or in part; False when the station fell silent."""
    known, now = settings.known, site.wall_clock()
    whole = list_to_try(one.key, one.desired, known.reported)

    def begin(db: Writing) -> None:
        setting_trials.begin(
            db,
            station,
            one.key,
            desired=one.desired,
            reported=one.reported,
            firmware_version=known.firmware_version,
            now=now,
        )

    await site.database.write(begin)
    result = await _send(site, station, one.key, whole)
    if result is None:
        return False
    accepted = whole if whole != one.desired and result in _TAKEN else None
    if result == "Rejected" and one.key.casefold() in MEASURAND_LISTS and len(items_of(whole)) > 1:
        # one item that it does not support makes a station reject them all (errata 3.14.4)
        found = await _accepted_part(site, station, one, whole)
        if found is None:
            return False
        accepted = found or None
        result = "Accepted" if found else "Rejected"
    await site.database.write(lambda db: setting_trials.settle(db, station, one.key, result=result, accepted=accepted))
    return True


async def _accepted_part(site: Site, station: StationId, one: Drift, whole: str) -> str | None:
    """The part of the list that the station takes, found with one more item at each try; None: it fell silent."""
    holds = {item.casefold() for item in items_of(one.reported or "")}
    accepted = {item for item in items_of(whole) if item.casefold() in holds}
    in_force = holds == {item.casefold() for item in accepted}
    for item in items_of(whole):
        longer = joined(whole, accepted | {item})
        if item in accepted or longer == joined(whole, items_of(whole)):
            continue
        result = await _try_part(site, station, one.key, longer)
        if result is None:
            return None
        if result in _TAKEN:
            accepted.add(item)
            in_force = True
    part = joined(whole, accepted)
    if part and not in_force and await _try_part(site, station, one.key, part) is None:
        return None
    return part


async def _try_part(site: Site, station: StationId, key: str, value: str) -> Result | None:
    now = site.wall_clock()
    await site.database.write(lambda db: setting_trials.again(db, station, key, now=now))
    result = await _send(site, station, key, value)
    if result in _TAKEN:
        await site.database.write(lambda db: setting_trials.now_holds(db, station, key, value))
    return result


async def _send(site: Site, station: StationId, key: str, value: str) -> Result | None:
    """What the station says to one ChangeConfiguration; None: nothing."""
    outcome = await ask(site, station, "ChangeConfiguration", {"key": key, "value": value})
    if outcome is None:
        return None
    match status_in(outcome, "ChangeConfiguration"):
        case "Accepted" | "RebootRequired" | "Rejected" | "NotSupported" as status:
            return status
    return "error"
