"""The charging profiles that a station holds, after section 3.13 of the OCPP 1.6 specification: what holds now, in A.

Of each purpose the highest stack level that is valid now counts; a TxProfile goes before a TxDefaultProfile, and a
ChargePointMaxProfile lowers either. Where nothing is valid nothing limits. It knows no clock and no gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Document = Mapping[str, Any]

VOLTS = 230.0
_MAX, _DEFAULT, _SESSION = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"


@dataclass(frozen=True, slots=True)
class Running:
    """A transaction: its id (None while the start is not answered) and when it began, in seconds since 1970."""

    transaction_id: int | None
    began: float


@dataclass(slots=True)
class HeldProfiles:
    """The profiles of all connectors, as (connector, profile)."""

    held: list[tuple[int, Document]] = field(default_factory=list)

    def set(self, connector: int, profile: Document, running: Running | None) -> bool:
        """SetChargingProfile; False: refused."""
        purpose = profile["chargingProfilePurpose"]
        if purpose == _MAX and connector != 0:
            return False
        if purpose == _SESSION:
            wanted = profile.get("transactionId")
            if connector == 0 or running is None or wanted not in (None, running.transaction_id):
                return False
        rank = (connector, purpose, profile["stackLevel"])
        number = profile["chargingProfileId"]
        self.held = [
            (place, other)
            for place, other in self.held
            if other["chargingProfileId"] != number
            and (place, other["chargingProfilePurpose"], other["stackLevel"]) != rank
        ]
        self.held.append((connector, dict(profile)))
        return True

    def clear(self, wish: Document) -> bool:
        """ClearChargingProfile; False: none was like that."""
        before = len(self.held)
        self.held = [(place, profile) for place, profile in self.held if not _is_meant(wish, place, profile)]
        return len(self.held) < before

    def session_ended(self, connector: int) -> None:
        """A TxProfile lives no longer than its transaction."""
        self.held = [
            (place, profile)
            for place, profile in self.held
            if place != connector or profile["chargingProfilePurpose"] != _SESSION
        ]

    def amps(self, connector: int, running: Running | None, *, now: float, lines: int = 3) -> float | None:
        """The limit of a connector's each line now; None: nothing limits."""
        own = self._highest(_SESSION, (connector,), running, now, lines)
        for place in (connector, 0):  # that of the connector itself goes before that of all
            own = self._highest(_DEFAULT, (place,), running, now, lines) if own is None else own
        whole = self._highest(_MAX, (0,), running, now, lines)
        return min((amps for amps in (own, whole) if amps is not None), default=None)

    def _highest(
        self, purpose: str, places: tuple[int, ...], running: Running | None, now: float, lines: int
    ) -> float | None:
        found = [
            (profile["stackLevel"], amps)
            for place, profile in self.held
            if place in places and profile["chargingProfilePurpose"] == purpose
            if (amps := _amps_now(profile, running, now, lines)) is not None
        ]
        return max(found)[1] if found else None


def _is_meant(wish: Document, place: int, profile: Document) -> bool:
    if "id" in wish:
        return bool(profile["chargingProfileId"] == wish["id"])
    pairs = (("chargingProfilePurpose", "chargingProfilePurpose"), ("stackLevel", "stackLevel"))
    alike = all(asked not in wish or wish[asked] == profile[name] for asked, name in pairs)
    return alike and wish.get("connectorId", place) == place


def _amps_now(profile: Document, running: Running | None, now: float, lines: int) -> float | None:
    schedule = profile["chargingSchedule"]
    if "validFrom" in profile and now < _seconds(profile["validFrom"]):
        return None
    if "validTo" in profile and now >= _seconds(profile["validTo"]):
        return None
    begin = _begin(profile, schedule, running, now)
    if begin is None or now < begin or ("duration" in schedule and now >= begin + schedule["duration"]):
        return None
    reached = [period for period in schedule["chargingSchedulePeriod"] if period["startPeriod"] <= now - begin]
    if not reached:
        return None
    limit = float(reached[-1]["limit"])
    return limit if schedule["chargingRateUnit"] == "A" else limit / (VOLTS * lines)


def _begin(profile: Document, schedule: Document, running: Running | None, now: float) -> float | None:
    kind = profile["chargingProfileKind"]
    if kind == "Relative" or "startSchedule" not in schedule:
        return None if running is None else running.began
    begin = _seconds(schedule["startSchedule"])
    if kind == "Recurring":
        every = 86_400.0 if profile.get("recurrencyKind") == "Daily" else 7 * 86_400.0
        begin += max(0.0, (now - begin) // every) * every
    return begin


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
