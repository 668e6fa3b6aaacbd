"""ReserveNow and CancelReservation on their way through the corridor (OCPP 1.6 5.2, 5.13).

What the operator wrote goes out as it is; what cannot be kept (an id that is no integer, no tag) is sent and not kept.
"""

from __future__ import annotations

from gateway.model.calls import Payload
from gateway.model.identities import ConnectorId, fold_tag
from gateway.model.instants import Instant, text_of
from gateway.ocpp.timestamps import read_instant
from gateway.ocpp.v16.to_station import StatusAnswer
from gateway.operations import keep_reservations
from gateway.operations.known_settings import find_capabilities
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.rules import reservations as rules
from gateway.store import connectors, numbers_given, reservations
from gateway.store.writing import Writing

_GREATEST = 2**63 - 1


def choose_reservation_id(db: Writing, site: Site, order: Order) -> Payload:
    """A fresh reservationId when there is none; an id that the operator chose is noted as used."""
    if "reservationId" in order.payload:
        chosen = _integer(order.payload, "reservationId")
        if chosen is not None:
            numbers_given.note_used(db, order.station, "reservation", chosen)
        return order.payload
    taken = {one.reservation_id for one in reservations.active(db, order.station)}
    number = numbers_given.next_number(db, order.station, "reservation")
    while number in taken:  # the ids began again from 1, or an operator used a very great one
        number = numbers_given.next_number(db, order.station, "reservation")
    return {**order.payload, "reservationId": number}


def expect_reservation(db: Writing, site: Site, order: Order, now: Instant) -> None:
    """A connector may be reserved, even before the station has answered."""
    states = connectors.all_of_station(db, order.station)
    request = _read(order.payload, now, rules.clock_lag(states))
    if request is not None:
        reservations.ask(db, order.command_id, order.station, request, now=now)


def heed_reservation(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """The station reserved, did not, or nobody knows. What a session or a status already told is not undone."""
    asked = reservations.find_asked(db, order.command_id)
    if asked is None:
        return
    match rules.what_was_made(result.status, _answer(result)):
        case "never":
            reservations.forget(db, asked.number)
        case "made":
            keep_reservations.stand(db, site, asked, "answer", now=now)
        case "uncertain" if rules.is_confirmed(asked, reservations.active(db, order.station)):
            keep_reservations.stand(db, site, asked, "status", now=now)
        case "uncertain":
            keep_reservations.doubt(db, site, asked, now=now)
    # statuses that came while the answer was waited for were only noted; now they count
    states = connectors.all_of_station(db, order.station)
    for connector, state in sorted(states.items(), key=lambda told: told[1].received_at):
        if state.received_at > asked.asked_at:
            keep_reservations.heed_status(db, site, order.station, connector, state, now)


def heed_cancellation(db: Writing, site: Site, order: Order, result: Result, now: Instant) -> None:
    """Accepted and Rejected both mean that the station holds no such reservation now.

    A request to reserve that is still under way reaches the station after this one, and is not meant.
    """
    reservation_id = _integer(order.payload, "reservationId")
    became = rules.what_was_cancelled(result.status, _answer(result))
    if reservation_id is None or became is None:
        return
    for one in reservations.active(db, order.station):
        if one.reservation_id != reservation_id or one.standing == "asked":
            continue
        if became != "uncertain":
            keep_reservations.end(db, site, one, became, now=now)
        elif one.standing == "in_force":
            keep_reservations.doubt(db, site, one, now=now)


def warn_of_reservation(db: Writing, site: Site, order: Order) -> str | None:
    """What will probably make the station refuse, or end the reservation at once."""
    now, found = site.wall_clock(), []
    expiry = order.payload.get("expiryDate")
    expiry_at = read_instant(expiry) if isinstance(expiry, str) else None
    if expiry_at is not None and expiry_at <= now:
        found.append(f"expiryDate is in the past (it is {text_of(now)} now)")
    capabilities = find_capabilities(db, order.station)
    if capabilities.has_profile("Reservation") is False:
        found.append("the station does not name the profile Reservation (SupportedFeatureProfiles)")
    if _integer(order.payload, "connectorId") == 0 and not capabilities.can_reserve_connector_zero:
        untold = capabilities.can_reserve_connector_zero is None
        says = "has not told that it supports" if untold else "tells that it does not support"
        found.append(f"connectorId 0: the station {says} it (ReserveConnectorZeroSupported)")
    return "; ".join(found) or None


def _answer(result: Result) -> str | None:
    return result.answer.status if isinstance(result.answer, StatusAnswer) else None


def _read(payload: Payload, now: Instant, clock_lag: int | None) -> reservations.Request | None:
    """The request as it can be kept; None: its station could not use it either."""
    reservation_id, connector = _integer(payload, "reservationId"), _integer(payload, "connectorId")
    id_tag, parent, expiry = (payload.get(name) for name in ("idTag", "parentIdTag", "expiryDate"))
    if reservation_id is None or connector is None or connector < 0 or not isinstance(id_tag, str):
        return None
    return reservations.Request(
        reservation_id=reservation_id,
        connector=ConnectorId(connector),
        id_tag=id_tag,
        folded_tag=fold_tag(id_tag),
        parent_id_tag=parent if isinstance(parent, str) and parent.strip() else None,
        expiry_at=rules.end_of(read_instant(expiry) if isinstance(expiry, str) else None, asked_at=now),
        clock_lag=clock_lag,
    )


def _integer(payload: Payload, name: str) -> int | None:
    value = payload.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _GREATEST:
        return None
    return value
