"""What becomes of reservations (OCPP 1.6 4.8, 5.2, 5.13): by answers, by a session that begins, by a status, by a boot.

The station decides who may charge on a reserved connector; here is only decided what to believe. Statuses may overtake
other messages and may be old (OCPP 1.6 3.7): a connector that was Available before it was reserved ends nothing, and a
reservation that a status seemed to end is believed again when the connector still says Reserved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId, FoldedTag, fold_tag
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.model.reservations import ACTIVE, End, Reservation

Made = Literal["made", "never", "uncertain"]
# shown: a connector says Reserved for it. confirmed: so it stands after all, though the station did not answer.
# revived: so it did not end when another status seemed to say so.
Told = Literal["shown", "confirmed", "revived", "freed", "out_of_service"]

# Without a readable expiryDate nobody knows the end; so long it is believed.
UNKNOWN_EXPIRY_SECONDS = 86_400.0
REVIVED_WITHIN_SECONDS = 300.0
# A station whose clock is behind uses a reservation after we have seen it end.
_LATE_SECONDS = 300.0
# Clocks of stations that the gateway sets differ by less, and some tell whole seconds only.
_CLOCKS_DIFFER = 5 * SECOND


class Claim(NamedTuple):
    """What a new session, told at `now`, has to do with reservations. `told_id`: as the station wrote it, also 0."""

    connector: ConnectorId
    folded_tag: FoldedTag
    parent: FoldedTag | None
    told_id: int | None
    start_at: Instant
    now: Instant


class Status(NamedTuple):
    """A connector's new status, come at `now`. `told_at`: by the station's clock, `clock_lag`: how slow that seems now.

    `alone`: the station has no other connector.
    """

    connector: int
    status: str
    told_at: Instant
    alone: bool
    now: Instant
    clock_lag: int = 0


def what_was_made(status: str, answer: str | None) -> Made:
    """ReserveNow: `status` of the command and the station's answer, None when nothing in it can be relied on."""
    if status == "answered" and answer is not None:
        return "made" if answer == "Accepted" else "never"
    return "uncertain" if status in ("answered", "unanswered") else "never"


def what_was_cancelled(status: str, answer: str | None) -> End | Literal["uncertain"] | None:
    """CancelReservation: how the reservation ended; None: the request changed nothing (OCPP 1.6 5.2)."""
    if status == "answered" and answer is not None:
        return "cancelled" if answer == "Accepted" else "unknown_to_station"
    return "uncertain" if status in ("answered", "unanswered") else None


def end_of(expiry_at: Instant | None, *, asked_at: Instant) -> Instant:
    """When a reservation ends by itself; `expiry_at` None: the request has no readable time."""
    return seconds_later(asked_at, UNKNOWN_EXPIRY_SECONDS) if expiry_at is None else expiry_at


def which_is_used(claim: Claim, known: Sequence[Reservation]) -> Reservation | None:
    """The reservation that a new session uses up, None when it uses none (OCPP 1.6 4.8).

    `known`: those of its station that are active, and those that are over and may be meant by a session told late. The
    id counts, whatever our clock or a status said of it. Some stations always tell 0, many tell no id: then the place
    and the tag, or its parent, must fit.
    """
    named = [one for one in known if one.reservation_id == claim.told_id and _may_be_meant(one, claim)]
    in_time = [one for one in named if not _is_before(claim.start_at, one, claim.now)]
    active = [one for one in named if one.standing in ACTIVE]
    chosen = max(in_time or active, key=lambda one: one.number, default=None)
    if chosen is not None:
        return chosen
    fitting = [
        one for one in known if _stood_at(one, claim) and _is_place(one, claim.connector) and _is_tag(one, claim)
    ]

    def rank(one: Reservation) -> tuple[bool, bool, bool, int]:
        return one.standing != "in_force", one.connector == 0, one.folded_tag != claim.folded_tag, one.number

    return min(fitting, key=rank, default=None)


def which_are_passed_over(claim: Claim, known: Sequence[Reservation]) -> list[Reservation]:
    """Reservations of this very connector for somebody else, whom the station let wait; they stay in force."""
    return [
        one
        for one in known
        if one.standing == "in_force"
        and one.connector == claim.connector
        and not _is_before(claim.start_at, one, claim.now)
    ]


def status_of(connector: int, state: ConnectorState, connectors: Mapping[int, ConnectorState]) -> Status:
    """A connector's state as news; `connectors`: the present states of all that the station told of."""
    alone = _is_alone(connector, connectors)
    return Status(connector, state.status, state.status_at, alone, state.received_at, clock_lag(connectors) or 0)


def clock_lag(connectors: Mapping[int, ConnectorState]) -> int | None:
    """How far a station's clock is behind ours, never positive: statuses come late, never early. None: not known."""
    lags = [state.status_at - state.received_at for state in connectors.values()]
    return min(0, max(lags)) if lags else None


def what_it_tells(status: Status, known: Sequence[Reservation]) -> list[tuple[Reservation, Told]]:
    """What a status tells of the station's reservations: the active ones, and those ended lately by a status."""
    match status.status:
        case "Reserved":
            return _reserved(status, known)
        case "Available":
            found = [one for one in known if one.standing in ("uncertain", "in_force")]
            return [(one, "freed") for one in found if one.shown_on == status.connector]
        case "Faulted" | "Unavailable":
            found = [one for one in known if one.standing in ("uncertain", "in_force")]
            struck = [one for one in found if status.connector == 0 or _is_its_own(one, status)]
            return [(one, "out_of_service") for one in struck if not _is_old(status, one)]
        case _:
            return []


def is_confirmed(asked: Reservation, known: Sequence[Reservation]) -> bool:
    """True when a station that did not answer has shown by a status that it reserved, and nothing else explains it."""
    return asked.shown_on is not None and not any(
        other.number != asked.number and other.standing in ACTIVE and _is_place(other, asked.shown_on)
        for other in known
    )


def still_shown_on(
    one: Reservation, replaced: Sequence[Reservation], connectors: Mapping[int, ConnectorState]
) -> int | None:
    """Where `one` is shown: a connector that stays Reserved when one replaces another does not tell it again."""
    say_reserved = {number for number, state in connectors.items() if state.status == "Reserved"}
    for other in replaced:
        if other.shown_on in say_reserved and _is_at(one, other.shown_on, alone=_is_alone(other.shown_on, connectors)):
            return other.shown_on
    return one.shown_on


def next_free_shows_the_end(connector: ConnectorId, connectors: Iterable[int]) -> int | None:
    """After a boot every connector tells its status afresh: the one whose Available means that it is not reserved.

    Whether reservations survive a boot is the station's affair. None: free connectors do not speak against a
    reservation of the station as a whole.
    """
    if connector != 0:
        return connector
    own = [one for one in connectors if one > 0]
    return own[0] if len(own) == 1 else None


def _reserved(status: Status, known: Sequence[Reservation]) -> list[tuple[Reservation, Told]]:
    active = [one for one in known if one.standing in ACTIVE]
    fitting = [one for one in active if _is_place(one, status.connector) and not _is_old(status, one)]
    over = _ended_here(status, known, active)
    # one that may stand somewhere on the station explains less than one that stood right here
    if over is not None and not any(one.standing != "uncertain" or _is_its_own(one, status) for one in fitting):
        return [(over, "revived"), (over, "shown")]
    found: list[tuple[Reservation, Told]] = []
    for one in fitting:
        if one.standing == "uncertain" and len(fitting) == 1:
            found.append((one, "confirmed"))
        if _is_its_own(one, status):
            found.append((one, "shown"))
    return found


def _ended_here(status: Status, known: Sequence[Reservation], active: Sequence[Reservation]) -> Reservation | None:
    """The newest that a status seemed to end in this very place, unless its id stands again or the status is old."""
    taken = {one.reservation_id for one in active}
    over = [one for one in known if _is_its_own(one, status) and one.reservation_id not in taken]
    newest = max(over, key=lambda one: one.number, default=None)
    return None if newest is None or _is_old(status, newest) else newest


def _is_its_own(one: Reservation, status: Status) -> bool:
    """The status is that of the very place that is reserved."""
    return _is_at(one, status.connector, alone=status.alone)


def _is_at(one: Reservation, connector: int, *, alone: bool) -> bool:
    return one.connector == connector or (one.connector == 0 and alone)


def _is_alone(connector: int, connectors: Mapping[int, ConnectorState]) -> bool:
    """The station has no other connector, as far as it told."""
    return not connectors.keys() - {0, connector}


def _is_place(one: Reservation, connector: int) -> bool:
    """The reservation is for this connector, or for any."""
    return one.connector in (0, connector)


def _may_be_meant(one: Reservation, claim: Claim) -> bool:
    """A session that tells the reservation's id may have used it up."""
    if one.standing in ACTIVE:
        return claim.told_id != 0 or _is_place(one, claim.connector)
    if one.standing == "used" or claim.told_id == 0:
        return False
    last = max(one.expiry_at, one.ended_at or one.expiry_at)
    return claim.start_at <= seconds_later(last, _LATE_SECONDS)


def _is_tag(one: Reservation, claim: Claim) -> bool:
    """The same tag, or one of the same group (OCPP 1.6 3.10: parents are compared with each other)."""
    if one.folded_tag == claim.folded_tag:
        return True
    return one.parent_id_tag is not None and fold_tag(one.parent_id_tag) == claim.parent


def _stood_at(one: Reservation, claim: Claim) -> bool:
    if _is_before(claim.start_at, one, claim.now):
        return False
    return one.standing in ACTIVE or (one.ended_why == "expired" and claim.start_at < one.expiry_at)


def _is_old(status: Status, one: Reservation) -> bool:
    """The status is from before the reservation, not only told by a slow clock."""
    lag = status.clock_lag if one.clock_lag is None else max(status.clock_lag, one.clock_lag)
    return _is_before(Instant(min(status.told_at - lag, status.now)), one, status.now)


def _is_before(moment: Instant, one: Reservation, now: Instant) -> bool:
    """The moment lies before the reservation was asked for; when that is to come, our clock was set back since."""
    return moment + _CLOCKS_DIFFER < one.asked_at <= now
