"""Reservations change here: the row, the event of the journal, and the loop that ends them is woken, in one unit.

Whether they change is decided elsewhere (`rules/reservations`); who asks is told in `ask_for_reservations`,
`draw_on_reservations` and `expire_reservations`.
"""

from __future__ import annotations

from typing import Literal

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, StationId
from gateway.model.instants import Instant, seconds_later, text_of
from gateway.model.reservations import ACTIVE, End, Reservation
from gateway.operations.site import Site
from gateway.rules import reservations as rules
from gateway.store import connectors, events, reservations
from gateway.store.writing import Writing


def stand(db: Writing, site: Site, one: Reservation, by: Literal["answer", "status"], *, now: Instant) -> None:
    """It is in force; what else had its id is replaced (OCPP 1.6 5.13). `by`: who said so."""
    _take_over_what_is_shown(db, one)
    for other in _others(db, one):
        end(db, site, other, "replaced", now=now)
    reservations.set_in_force(db, one.number)
    _tell(db, site, "reservation.made", one, now, confirmed_by=by, revived=one.standing == "ended")


def doubt(db: Writing, site: Site, one: Reservation, *, now: Instant) -> None:
    """Nobody knows any more whether it stands, or whether it ever did."""
    _take_over_what_is_shown(db, one)
    reservations.set_uncertain(db, one.number)
    _tell(db, site, "reservation.uncertain", one, now)


def use(db: Writing, site: Site, one: Reservation, transaction_id: int, connector: ConnectorId, now: Instant) -> None:
    """A session used it up, and with it whatever else had its id."""
    if one.standing in ACTIVE:
        for other in _others(db, one):
            end(db, site, other, "replaced", now=now)
    reservations.use(db, one.number, transaction_id, now=now)
    _tell(db, site, "reservation.used", one, now, transaction_id=transaction_id, used_connector=connector)


def end(db: Writing, site: Site, one: Reservation, why: End, *, now: Instant) -> None:
    """It is over and nobody used it."""
    reservations.end(db, one.number, why, now=now)
    _tell(db, site, "reservation.ended", one, now, reason=why, was_certain=one.standing == "in_force")


def pass_over(db: Writing, site: Site, one: Reservation, transaction_id: int, now: Instant) -> None:
    """The station let somebody else charge where this one is reserved."""
    _tell(db, site, "reservation.passed_over", one, now, transaction_id=transaction_id)


def heed_status(
    db: Writing, site: Site, station: StationId, connector: int, state: ConnectorState, now: Instant
) -> None:
    """Draw from a connector's state what it tells of the station's reservations."""
    active = reservations.active(db, station)
    lately = seconds_later(now, -rules.REVIVED_WITHIN_SECONDS)
    over = reservations.ended_by_status(db, station, since=lately, now=now) if state.status == "Reserved" else []
    if not active and not over:
        return
    status = rules.status_of(connector, state, connectors.all_of_station(db, station))
    for one, told in rules.what_it_tells(status, [*active, *over]):
        match told:
            case "shown":
                reservations.set_shown(db, one.number, connector)
            case "confirmed" | "revived":
                stand(db, site, one, "status", now=now)
            case _:
                end(db, site, one, told, now=now)


def remove_station(db: Writing, site: Site, station: StationId, *, now: Instant) -> None:
    """The station is no longer ours; what it holds is nobody's."""
    for one in reservations.active(db, station):
        if one.standing != "asked":
            end(db, site, one, "station_removed", now=now)


def _take_over_what_is_shown(db: Writing, one: Reservation) -> None:
    shown_on = rules.still_shown_on(one, _others(db, one), connectors.all_of_station(db, one.station))
    if shown_on != one.shown_on:
        reservations.set_shown(db, one.number, shown_on)


def _others(db: Writing, one: Reservation) -> list[Reservation]:
    """What a station cannot hold beside this one: older requests of the same id, and what is believed to stand."""
    return [
        other
        for other in reservations.with_id(db, one.station, one.reservation_id)
        if other.number != one.number
        and (other.standing == "in_force" or (other.standing == "uncertain" and other.number < one.number))
    ]


def _tell(db: Writing, site: Site, kind: str, one: Reservation, now: Instant, **more: object) -> None:
    events.append(
        db,
        kind,
        station=one.station,
        connector=one.connector,
        happened_at=now,
        recorded_at=now,
        data={
            "reservation_id": one.reservation_id,
            "id_tag": one.id_tag,
            "parent_id_tag": one.parent_id_tag,
            "expiry_time": text_of(one.expiry_at),
            **more,
        },
    )
    db.then.append(site.reservations_changed.announce)
