"""The charging profiles inside a simulated station: what it accepts, what it clears, and what they let a car draw.

Written from OCPP 1.6 3.13 for the station's side and sharing nothing with the gateway, so that the two can be held
against each other. Profiles survive reboots; a TxProfile ends with its session. It knows no messages, only payloads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

Object = Mapping[str, object]

VOLTS = 230.0
HIGHEST_LEVEL = 8
MOST_PERIODS = 24
MOST_PROFILES = 10
LEAST_AMPS = 6.0  # below this a car cannot charge (IEC 61851)

_REPEATS = {"Daily": timedelta(days=1), "Weekly": timedelta(days=7)}
_PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")
_SURVEY_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Held:
    """One profile on a connector."""

    connector: int
    profile: Object


@dataclass(frozen=True, slots=True)
class Running:
    """The session on a connector: its transaction id (None: not told yet) and when it began."""

    transaction_id: int | None
    start_at: datetime


@dataclass(slots=True)
class Profiles:
    """Everything that one station with so many connectors holds."""

    connectors: int
    held: list[Held] = field(default_factory=list)

    def set(self, connector: int, profile: Object, running: Running | None) -> str:
        """SetChargingProfile.conf `status`, after the change; `running`: the session on that connector."""
        if not self._is_right(connector, profile, running):
            return "Rejected"
        kept = [one for one in self.held if not _takes_the_place_of(connector, profile, one)]
        if len(kept) >= MOST_PROFILES:
            return "Rejected"
        self.held = [*kept, Held(connector, profile)]
        return "Accepted"

    def begin_session(self, connector: int, profile: Object | None) -> None:
        """The profile of a remote start, if one came with it, is its session's."""
        if profile is None:
            return
        kept = [one for one in self.held if not _takes_the_place_of(connector, profile, one)]
        self.held = [*kept, Held(connector, profile)]

    def end_session(self, connector: int) -> None:
        """TxProfiles end with their session."""
        self.held = [one for one in self.held if (one.connector, _purpose(one)) != (connector, "TxProfile")]

    def clear(self, payload: Object) -> str:
        """ClearChargingProfile.conf `status`, after the change."""
        kept = [one for one in self.held if not _is_meant(payload, one)]
        found = len(kept) < len(self.held)
        self.held = kept
        return "Accepted" if found else "Unknown"

    def amps(
        self, connector: int, at: datetime, running: Running | None, *, idle_from: datetime | None = None
    ) -> float | None:
        """What each phase of a connector may carry at this moment; None: as much as there is.

        `idle_from`: when a session begins of which one wants to know beforehand.
        """
        begun = running.start_at if running else idle_from or at
        lid = self._prevailing("ChargePointMaxProfile", (0,), at, begun)
        own = self._prevailing("TxProfile", (connector,), at, begun) if running else None
        if own is None:
            own = self._prevailing("TxDefaultProfile", (connector, 0), at, begun)
        return min((limit for limit in (lid, own) if limit is not None), default=None)

    def expected_amps(
        self, connector: int, at: datetime, running: Mapping[int, Running | None], most: float, asked_at: datetime
    ) -> float:
        """The same with what a connector can carry at most; of 0: what the whole station may draw from the grid."""
        if connector:
            limit = self.amps(connector, at, running.get(connector), idle_from=asked_at)
            return most if limit is None else min(limit, most)
        lid = self._prevailing("ChargePointMaxProfile", (0,), at, asked_at)
        drawn = sum(self.expected_amps(one, at, running, most, asked_at) for one in range(1, self.connectors + 1))
        return drawn if lid is None else min(lid, drawn)

    def periods(
        self, connector: int, at: datetime, seconds: int, running: Mapping[int, Running | None], most: float
    ) -> list[dict[str, object]]:
        """`chargingSchedulePeriod` in A from `at` on, looked up every second, over long times every minute."""
        found: list[dict[str, object]] = []
        for second in range(0, seconds, 1 if seconds <= _SURVEY_SECONDS else 60):
            limit = round(self.expected_amps(connector, at + timedelta(seconds=second), running, most, at), 1)
            if not found or found[-1]["limit"] != limit:
                found.append({"startPeriod": second, "limit": limit})
        return found[:MOST_PERIODS]

    def _prevailing(self, purpose: str, places: tuple[int, ...], at: datetime, begun: datetime) -> float | None:
        said = [
            (int(str(one.profile["stackLevel"])), one.connector > 0, amps)
            for one in self.held
            if _purpose(one) == purpose and one.connector in places
            for amps in [_amps_of(one.profile, at, begun)]
            if amps is not None
        ]
        return max(said)[2] if said else None

    def _is_right(self, connector: int, profile: Object, running: Running | None) -> bool:
        purpose, kind, schedule = profile["chargingProfilePurpose"], profile["chargingProfileKind"], _schedule(profile)
        periods = _periods(schedule)
        if purpose == "TxProfile":
            known = running is not None and running.transaction_id == profile.get("transactionId")
            right_place = connector > 0 and known and running is not None and running.transaction_id is not None
        else:
            right_place = purpose in _PURPOSES and (connector == 0 or purpose == "TxDefaultProfile")
        return (
            right_place
            and 0 <= int(str(profile["stackLevel"])) <= HIGHEST_LEVEL
            and schedule["chargingRateUnit"] in ("A", "W")
            and (kind == "Relative") == ("startSchedule" not in schedule)
            and (kind == "Recurring") == (profile.get("recurrencyKind") in _REPEATS)
            and 0 < len(periods) <= MOST_PERIODS
            and periods[0]["startPeriod"] == 0
        )


def _takes_the_place_of(connector: int, profile: Object, old: Held) -> bool:
    if profile["chargingProfileId"] == old.profile["chargingProfileId"]:
        return True
    ranks = [(one["chargingProfilePurpose"], one["stackLevel"]) for one in (profile, old.profile)]
    return ranks[0] == ranks[1] and connector == old.connector


def _is_meant(payload: Object, one: Held) -> bool:
    if "id" in payload:
        return payload["id"] == one.profile["chargingProfileId"]
    asked = {
        "connectorId": one.connector,
        "chargingProfilePurpose": _purpose(one),
        "stackLevel": one.profile["stackLevel"],
    }
    return all(payload[name] == value for name, value in asked.items() if name in payload)


def _amps_of(profile: Object, at: datetime, begun: datetime) -> float | None:
    """What one profile says at this moment, in A; None: nothing."""
    schedule = _schedule(profile)
    if "validFrom" in profile and at < _moment(profile["validFrom"]):
        return None
    if "validTo" in profile and at >= _moment(profile["validTo"]):
        return None
    since = at - (_moment(schedule["startSchedule"]) if "startSchedule" in schedule else begun)
    if since < timedelta(0):
        return None
    repeat = _REPEATS.get(str(profile.get("recurrencyKind")))
    seconds = ((since % repeat) if repeat else since).total_seconds()
    if "duration" in schedule and seconds >= int(str(schedule["duration"])):
        return None
    begun_periods = [period for period in _periods(schedule) if int(str(period["startPeriod"])) <= seconds]
    if not begun_periods:
        return None
    period = max(begun_periods, key=lambda one: int(str(one["startPeriod"])))
    limit = float(str(period["limit"]))
    phases = int(str(period.get("numberPhases", 3)))
    return limit if schedule["chargingRateUnit"] == "A" else limit / VOLTS / phases


def _purpose(one: Held) -> str:
    return str(one.profile["chargingProfilePurpose"])


def _schedule(profile: Object) -> Object:
    schedule = profile["chargingSchedule"]
    if not isinstance(schedule, Mapping):
        raise TypeError("chargingSchedule must be an object")
    return schedule


def _periods(schedule: Object) -> list[Object]:
    periods = schedule["chargingSchedulePeriod"]
    return [period for period in periods if isinstance(period, Mapping)] if isinstance(periods, list) else []


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
