"""Commands that carry charging profiles: ids that were left out are chosen, and what looks wrong is said, never vetoed.

The operator's own words go out verbatim, also in a strategy that only one vendor's stations understand.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model.calls import Payload
from gateway.model.charging_profiles import Criteria, Installed
from gateway.model.identities import StationId
from gateway.ocpp.v16.charging_profiles import read_criteria, read_profile, whole_number
from gateway.operations.known_profiles import known_of
from gateway.operations.orders import Order
from gateway.operations.site import Site
from gateway.rules import charging_profiles as rules
from gateway.store import charging_profiles, configuration_keys, numbers_given, transactions
from gateway.store.writing import Writing


def fill_in_set(db: Writing, site: Site, order: Order) -> Payload:
    """SetChargingProfile with a chargingProfileId."""
    return with_profile_id(db, order.station, order.payload, "csChargingProfiles")


def with_profile_id(db: Writing, station: StationId, payload: Payload, member: str) -> Payload:
    """The payload whose profile in `member` has an id; the same object when it has one, or no profile at all."""
    profile = payload.get(member)
    if not isinstance(profile, Mapping):
        return payload
    if "chargingProfileId" in profile:
        chosen = whole_number(profile["chargingProfileId"])
        if chosen is not None:
            numbers_given.note_used(db, station, "charging_profile", chosen)
        return payload
    number = numbers_given.next_number(db, station, "charging_profile")
    while charging_profiles.has_id(db, station, number):
        number = numbers_given.next_number(db, station, "charging_profile")
    return {**payload, member: {"chargingProfileId": number, **profile}}


def warn_of_set(db: Writing, site: Site, order: Order) -> str | None:
    """What looks wrong in a SetChargingProfile."""
    connector = whole_number(order.payload.get("connectorId"))
    profile = read_profile(order.payload.get("csChargingProfiles"))
    if connector is None or profile is None:
        return None  # the schema's complaint says it
    found = rules.what_looks_wrong(Installed(connector, profile), _circumstances(db, site, order.station))
    return "; ".join(found) or None


def warn_of_remote_start(db: Writing, site: Site, order: Order) -> str | None:
    """What looks wrong in the profile of a RemoteStartTransaction."""
    profile = read_profile(order.payload.get("chargingProfile"))
    if profile is None:
        return None
    found = rules.what_looks_wrong_in_remote_start(profile, _circumstances(db, site, order.station))
    return "; ".join(found) or None


def warn_of_clear(db: Writing, site: Site, order: Order) -> str | None:
    """An id beside other criteria: they are ignored (errata 3.25)."""
    criteria = read_criteria(order.payload)
    if criteria.profile_id is None or criteria == Criteria(profile_id=criteria.profile_id):
        return None
    return "id: with it, every other member is ignored"


def _circumstances(db: Writing, site: Site, station: StationId) -> rules.Circumstances:
    now = site.wall_clock()
    settings = {name: configuration_keys.value_of(db, station, name) for name in rules.LIMITING_KEYS}
    return rules.Circumstances(
        now=now,
        settings={name: value for name, value in settings.items() if value is not None},
        installed=[one for row, one in known_of(db, station) if row.certain and not rules.is_over(one.profile, now)],
        sessions={one.connector: one.transaction_id for one in transactions.open_of_station(db, station)},
    )
