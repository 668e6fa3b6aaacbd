"""May a station be asked for its update now, and what does it wait for?

A car is never interrupted: a station is asked while nobody uses it, nobody is about to, and nothing is reserved. How
many stations may be out of service at once is judged here too. Which image fits which station is `rollout_fit`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from gateway.model.instants import SECOND, Instant
from gateway.rules.idleness import is_idle
from gateway.rules.limit_schedules import open_until
from gateway.rules.rollout_fit import Reason
from gateway.rules.rollout_policy import Policy

# in any of these a station may be out of service because of a rollout
_OUT_OF_SERVICE = frozenset({"Unavailable", "Faulted"})
# drivers can do without the station
_DRAINABLE = frozenset({"Available", *_OUT_OF_SERVICE})


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses a station. `statuses` by connector, 0 is the station; `busy`: connectors with an open session."""

    statuses: Mapping[int, str]
    busy: frozenset[int] = frozenset()
    expected_starts: int = 0
    reservations: int = 0

    @property
    def connectors(self) -> tuple[int, ...]:
        """Those that told a status."""
        return tuple(sorted(number for number in self.statuses if number > 0))

    @property
    def is_idle(self) -> bool:
        """Nobody uses it, nor is about to."""
        return is_idle(
            statuses=self.statuses,
            sessions=len(self.busy),
            expected_starts=self.expected_starts,
            reservations=self.reservations,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What else is out of service on the site because of rollouts. `connectors`: of this station."""

    out: frozenset[str] = frozenset()
    out_connectors: int = 0
    connectors: int = 1
    site_connectors: int = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """What else counts. `connected_seconds` None: it is not connected; `other_job`: it loads something already."""

    use: Use
    connected_seconds: float | None
    accepted: bool = True
    other_job: bool = False
    rebooting: bool = False
    place: Place = field(default_factory=Place)


def window_reason(policy: Policy, now: Instant, zone: tzinfo) -> Reason | None:
    """Why the maintenance window does not allow it now: it is closed, or too little is left of it."""
    if policy.window is None:
        return None
    until = open_until(policy.window.window, now, zone)
    if until is None:
        return Reason("window", "the maintenance window is closed")
    if until - now < policy.window.minutes_needed * 60 * SECOND:
        return Reason("window", "too little time is left of the maintenance window")
    return None


def reasons_to_wait(station: str, moment: Moment, policy: Policy) -> tuple[Reason, ...]:
    """Why the station cannot be asked now, without the window: the use of it comes last."""
    found = [_link_reason(moment, policy), _state_reason(moment), place_reason(station, moment.place, policy)]
    return (*(one for one in found if one is not None), *use_reasons(moment.use))


def use_reasons(use: Use) -> tuple[Reason, ...]:
    """Who is in the way."""
    found = []
    if not use.connectors:
        found.append(Reason("status_unknown", "no connector has told its status yet"))
    if use.busy or any(use.statuses[number] not in _DRAINABLE for number in use.connectors):
        found.append(Reason("charging", "somebody uses it"))
    if use.expected_starts:
        found.append(Reason("start_expected", "a remote start is under way"))
    if use.reservations:
        found.append(Reason("reserved", "it is reserved"))
    if any(use.statuses[number] == "Faulted" for number in use.statuses):
        found.append(Reason("faulted", "it reports a fault"))
    return tuple(found)


def place_reason(station: str, place: Place, policy: Policy) -> Reason | None:
    """Why no more stations may be out of service now."""
    others = place.out - {station}
    if len(others) >= policy.at_once:
        return Reason("at_once", f"{policy.at_once} at once may be out of service")
    beside = [other for group in policy.apart if station in group for other in group if other in others]
    if beside:
        return Reason("apart", f"{beside[0]} is out of service, and they are never to be so at once")
    most = policy.most_share_of_connectors * place.site_connectors
    if others and place.out_connectors + place.connectors > most:
        return Reason("share_of_connectors", "too many connectors of the site would be out of service")
    return None


def may_drain(reasons: Collection[Reason], policy: Policy) -> bool:
    """Is the use of the station all that is in the way, and may its free connectors be taken out of service?"""
    return policy.drain and bool(reasons) and all(one.code == "charging" for one in reasons)


def to_drain(use: Use) -> tuple[int, ...]:
    """The free connectors that can be taken out of service now."""
    if use.reservations or use.expected_starts:
        return ()
    return tuple(n for n in use.connectors if use.statuses[n] == "Available" and n not in use.busy)


def _link_reason(moment: Moment, policy: Policy) -> Reason | None:
    if moment.connected_seconds is None:
        return Reason("offline", "it is not connected")
    if moment.connected_seconds < policy.min_connected_seconds:
        return Reason("just_connected", f"it has been connected for less than {policy.min_connected_seconds} s")
    return None


def _state_reason(moment: Moment) -> Reason | None:
    if not moment.accepted:
        return Reason("not_accepted", "it is not accepted yet")
    if moment.other_job:
        return Reason("other_update", "another update of it is under way")
    return Reason("rebooting", "it was asked to reboot a moment ago") if moment.rebooting else None
