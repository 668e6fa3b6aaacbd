"""What boots, ended sessions and other people's profiles change in the limits that a station is believed to hold.

Only for stations that a circuit feeds. What may be gone counts as gone: `LimitSender` is told once that is on disk,
and sets it again at once. The operator's own profiles go out verbatim all the same; the answer says what will follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.model.charging_profiles import Criteria, Installed
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.v16.charging_profiles import read_criteria, read_profile, whole_number
from gateway.operations.known_limiting import is_limited
from gateway.operations.known_profiles import known_of
from gateway.operations.load_now import LimitNews
from gateway.operations.mirror_profiles import became
from gateway.operations.orders import GATEWAY, Order, Result
from gateway.operations.site import Site
from gateway.rules.charging_profiles import clears, replaces
from gateway.rules.limit_profiles import FALLBACK_ID, LEASE_ID, STATION_ID, is_ours
from gateway.store import fallback_profiles, limiting, limits_sent, transactions
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Booted, Ended


def limits_after_boot(db: Writing, site: Site, what: Booted) -> None:
    """Some forget profiles when they boot; another device, or other firmware, says nothing about what was before."""
    if not is_limited(db, site, what.station):
        return
    anew = what.is_another_device or what.has_other_firmware
    if anew:
        limiting.forget(db, what.station)
        fallback_profiles.forget(db, what.station)
    _tell(db, site, [LimitNews(what.station, "new_device" if anew else "booted")])


def limits_end_with_session(db: Writing, site: Site, what: Ended) -> None:
    """Its lease is gone when the station says that the session is over; when only we say so, it may go on."""
    session = what.session
    recorded = transactions.find(db, session.transaction_id)
    if recorded is not None and recorded.stop_source == "station" and is_limited(db, site, session.station):
        limits_sent.forget_session(db, session.station, session.transaction_id)
        _tell(db, site, [LimitNews(session.station, "ended", session.connector, session.transaction_id)])


def heed_others_profiles(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """SetChargingProfile and ClearChargingProfile: what they take away of ours. Before the mirror heeds them."""
    if became(result, "Accepted", "Unknown") is False or not is_limited(db, site, order.station):
        return
    news = [each for number in _touched(db, order) for each in _lost(order.station, number)]
    for each in news:
        if each.kind == "fallback_lost":
            fallback_profiles.forget(db, order.station, each.connector)
    _tell(db, site, news)


def heed_told_settings(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """GetConfiguration, ChangeConfiguration: what it can do may be known better now."""
    if result.status == "answered" and is_limited(db, site, order.station):
        _tell(db, site, [LimitNews(order.station, "told")])


def warn_of_limits(db: Writing, site: Site, order: Order) -> str | None:
    """What load limits will do about this SetChargingProfile or ClearChargingProfile."""
    if not is_limited(db, site, order.station):
        return None
    touched = sorted(set(_touched(db, order)))
    if not touched:
        return None
    names = ", ".join(str(number) for number in touched)
    return f"load limits: this takes away their profile {names}, which is set again at once"


def warn_of_session_profile(db: Writing, site: Site, order: Order) -> str | None:
    """What load limits will do about the profile of this RemoteStartTransaction."""
    if order.payload.get("chargingProfile") is None or not is_limited(db, site, order.station):
        return None
    return "load limits: its profile lets the car charge at once; a limit of theirs takes its place as soon as it can"


def _touched(db: Writing, order: Order) -> list[int]:
    """The ids of our profiles that the order replaces or clears; none when the order is our own."""
    ours = [one for row, one in known_of(db, order.station) if is_ours(row.profile_id)]
    if order.action == "ClearChargingProfile":
        criteria = read_criteria(order.payload)
        if _is_own(order, criteria.profile_id):
            return []
        found = [one.profile.profile_id for one in ours if clears(criteria, one)]
        return [*found, STATION_ID] if criteria == Criteria() else found
    profile = read_profile(order.payload.get("csChargingProfiles"))
    connector = whole_number(order.payload.get("connectorId"))
    if profile is None or connector is None or _is_own(order, profile.profile_id):
        return []
    return [one.profile.profile_id for one in ours if replaces(Installed(connector, profile), one)]


def _is_own(order: Order, profile_id: int | None) -> bool:
    return order.actor == GATEWAY and profile_id is not None and is_ours(profile_id)


def _lost(station: StationId, profile_id: int) -> list[LimitNews]:
    if profile_id >= STATION_ID:
        return [LimitNews(station, "fallback_lost"), LimitNews(station, "lease_lost")]
    if profile_id >= LEASE_ID:
        return [LimitNews(station, "lease_lost", profile_id - LEASE_ID)]
    connector = profile_id - FALLBACK_ID  # which carries the lease in mode B
    return [LimitNews(station, "fallback_lost", connector), LimitNews(station, "lease_lost", connector)]


def _tell(db: Writing, site: Site, news: Iterable[LimitNews]) -> None:
    for each in news:
        db.then.append(lambda each=each: site.load.tell_limits(each))  # type: ignore[misc]
