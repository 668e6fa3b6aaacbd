"""Charging profiles and clear criteria in decoded JSON, typed (OCPP 1.6 5.5, 7.8-7.13).

Read tolerantly, because an operator may send what no schema allows, and a station may take it: members that cannot be
used count as absent. Whether a profile makes sense is asked elsewhere (`rules.charging_profiles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gateway.model.charging_profiles import Criteria, Period, Profile
from gateway.model.instants import Instant
from gateway.ocpp.timestamps import read_instant

_GREATEST = 2**63 - 1
_PHASES = (1, 2, 3)
_NO_LIMIT = 10**9  # nothing that charges comes near


def read_profile(document: object) -> Profile | None:
    """The profile in a JSON value; None when it is no object or has no usable id."""
    if not isinstance(document, Mapping):
        return None
    profile_id = whole_number(document.get("chargingProfileId"))
    if profile_id is None:
        return None
    schedule = document.get("chargingSchedule")
    schedule = schedule if isinstance(schedule, Mapping) else {}
    return Profile(
        profile_id=profile_id,
        stack_level=whole_number(document.get("stackLevel")) or 0,
        purpose=_text(document.get("chargingProfilePurpose")) or "",
        kind=_text(document.get("chargingProfileKind")) or "",
        recurrency_kind=_text(document.get("recurrencyKind")),
        transaction_id=whole_number(document.get("transactionId")),
        valid_from=_instant(document.get("validFrom")),
        valid_to=_instant(document.get("validTo")),
        start_at=_instant(schedule.get("startSchedule")),
        duration_seconds=whole_number(schedule.get("duration")),
        unit=_text(schedule.get("chargingRateUnit")) or "A",
        periods=_periods(schedule.get("chargingSchedulePeriod")),
    )


def read_criteria(payload: Mapping[str, object]) -> Criteria:
    """What a ClearChargingProfile.req names."""
    return Criteria(
        profile_id=whole_number(payload.get("id")),
        connector=whole_number(payload.get("connectorId")),
        purpose=_text(payload.get("chargingProfilePurpose")),
        stack_level=whole_number(payload.get("stackLevel")),
    )


def whole_number(part: object) -> int | None:
    """A JSON integer that can be stored; None for everything else."""
    usable = isinstance(part, int) and not isinstance(part, bool) and -_GREATEST <= part <= _GREATEST
    return part if usable and isinstance(part, int) else None


def _periods(part: object) -> tuple[Period, ...]:
    entries = part if isinstance(part, list) else []
    found = (_period(entry) for entry in entries)
    return tuple(period for period in found if period is not None)


def _period(entry: object) -> Period | None:
    if not isinstance(entry, Mapping):
        return None
    start, limit = whole_number(entry.get("startPeriod")), entry.get("limit")
    if start is None or isinstance(limit, bool) or not isinstance(limit, int | float) or not abs(limit) < _NO_LIMIT:
        return None
    phases = whole_number(entry.get("numberPhases"))
    return Period(start, Decimal(str(limit)), phases if phases in _PHASES else None)


def _text(part: object) -> str | None:
    return part if isinstance(part, str) else None


def _instant(part: object) -> Instant | None:
    return read_instant(part) if isinstance(part, str) else None
