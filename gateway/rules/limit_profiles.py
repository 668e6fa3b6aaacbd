"""What does a limit look like as an OCPP 1.6 charging profile?

Two profiles per connector are ours. L1, the fallback: what may be drawn without the gateway. L2, the lease: a schedule
of two periods, the limit and then the fallback, without an end, because where no profile is valid a station is open.
Which of the purposes carries the lease is the mode's (`model.circuits.LeaseMode`). A profile that must hold whatever
the station's clock shows begins in 2000. There is no third profile with the installer's maximum: the fallback is
always there, and a ChargePointMaxProfile is the station's most worn one and would be in mode C's way.

Which mode a station takes, and when what is sent, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from gateway.model.charging_profiles import CHARGE_POINT_MAX, TX, TX_DEFAULT
from gateway.model.circuits import VOLTS, LeaseMode
from gateway.model.instants import SECOND, Instant, seconds_later, text_of
from gateway.model.limiting import Limiting

Document = dict[str, object]

FALLBACK_ID, LEASE_ID, STATION_ID = 100, 200, 300  # plus the connector, but for that of the whole station
OURS = range(100, 400)  # ids that nobody else is given
BACKDATED_SECONDS = 60  # a lease begins before it arrives, also by a clock that is a little late
_LONG_AGO = Instant(946_684_800 * SECOND)  # 2000-01-01
_HAIR = 1e-6


@dataclass(frozen=True, slots=True)
class Lease:
    """A limit for a time, then the fallback. `phases`: that the car uses, `number_phases`: that it shall use."""

    amps: float
    lease_seconds: float
    fallback_amps: float
    phases: int = 3
    number_phases: int | None = None
    transaction_id: int | None = None  # mode A


def is_ours(profile_id: int) -> bool:
    """Does the profile with this id belong to load limits?"""
    return profile_id in OURS


def is_of_session(profile_id: int) -> bool:
    """Is it the id of a lease that overrules the default profile?"""
    return LEASE_ID <= profile_id < STATION_ID


def lease_place(mode: LeaseMode, connector: int) -> tuple[int, int]:
    """(connector, profile id) of the lease in this mode."""
    match mode:
        case "A":
            return connector, LEASE_ID + connector
        case "C":
            return 0, STATION_ID
    return connector, FALLBACK_ID + connector


def lease_request(
    mode: LeaseMode, known: Limiting, connector: int, lease: Lease, *, now: Instant, offset_ms: int = 0
) -> Document:
    """SetChargingProfile with the lease; `offset_ms`: how far the station's clock is ahead of ours."""
    station_now = Instant(now + offset_ms * 1000)
    amount = amount_of(lease.amps, known, lease.number_phases or lease.phases)
    after = amount_of(lease.fallback_amps, known, lease.number_phases or lease.phases)
    periods = [
        _period(0, amount, lease.number_phases),
        _period(BACKDATED_SECONDS + int(lease.lease_seconds), after, lease.number_phases),
    ]
    purpose = {"A": TX, "C": CHARGE_POINT_MAX}.get(mode, TX_DEFAULT)
    schedule = _schedule(known, periods, start_at=seconds_later(station_now, -BACKDATED_SECONDS))
    place, number = lease_place(mode, connector)
    profile: Document = {"chargingProfileId": number}
    if mode == "A" and lease.transaction_id is not None:
        profile["transactionId"] = lease.transaction_id
    return _request(place, {**profile, **_rest(known, purpose, "Absolute", schedule)})


def fallback_request(mode: LeaseMode, known: Limiting, connector: int, amps: float, *, hold_seconds: float) -> Document:
    """SetChargingProfile with the fallback; `hold_seconds`: for so long a new session waits at 0 A (0: it does not).

    In W it is that of one phase: for three, a car that uses one could draw three times as much on it.
    """
    amount = amount_of(amps, known, 1)
    purpose = CHARGE_POINT_MAX if mode == "C" else TX_DEFAULT
    place, number = (0, STATION_ID) if mode == "C" else (connector, FALLBACK_ID + connector)
    if hold_seconds > 0:
        schedule = _schedule(known, [_period(0, 0.0, None), _period(int(hold_seconds), amount, None)])
        kind = "Relative"
    else:
        schedule, kind = _schedule(known, [_period(0, amount, None)], start_at=_LONG_AGO), "Absolute"
    return _request(place, {"chargingProfileId": number, **_rest(known, purpose, kind, schedule)})


def amount_of(amps: float, known: Limiting, phases: int) -> float:
    """The number for the profile: A in the station's steps, or W; never more than `amps`."""
    whole = floor(amps / known.step_amps + _HAIR) * known.step_amps
    if known.unit == "W":
        return float(floor(whole * VOLTS * phases + _HAIR))
    return floor(whole * 10 + _HAIR) / 10  # the schema knows tenths


def _request(connector: int, profile: Mapping[str, object]) -> Document:
    return {"connectorId": connector, "csChargingProfiles": dict(profile)}


def _rest(known: Limiting, purpose: str, kind: str, schedule: Document) -> Document:
    return {
        "stackLevel": known.stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
    }


def _schedule(known: Limiting, periods: list[Document], *, start_at: Instant | None = None) -> Document:
    start: Document = {} if start_at is None else {"startSchedule": text_of(start_at)}
    return {**start, "chargingRateUnit": known.unit, "chargingSchedulePeriod": periods}


def _period(start_seconds: int, amount: float, number_phases: int | None) -> Document:
    period: Document = {"startPeriod": start_seconds, "limit": amount}
    return period if number_phases is None else {**period, "numberPhases": number_phases}
