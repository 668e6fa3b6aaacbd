"""Which profile replaces which, which are cleared, which are over, and what looks wrong (OCPP 1.6 3.13, 5.5, 5.16).

A new profile replaces the one with its id, and the one with its purpose and stack level in the same place. Nothing is
refused here: what looks wrong is only said, because stations differ and the operator may know better.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from gateway.model.charging_profiles import CHARGE_POINT_MAX, TX, Criteria, Installed, Profile, Unit
from gateway.model.instants import Instant, seconds_later
from gateway.rules.charging_schedule import RECURRENCE_SECONDS

MAX_STACK_LEVEL = "ChargeProfileMaxStackLevel"
RATE_UNITS = "ChargingScheduleAllowedChargingRateUnit"
MAX_PERIODS = "ChargingScheduleMaxPeriods"
MAX_INSTALLED = "MaxChargingProfilesInstalled"
LIMITING_KEYS = (MAX_STACK_LEVEL, RATE_UNITS, MAX_PERIODS, MAX_INSTALLED)

# the specification's words, and what stations were seen to say instead
_UNIT_WORDS: Mapping[str, Unit] = {
    "current": "A",
    "a": "A",
    "amp": "A",
    "amps": "A",
    "power": "W",
    "w": "W",
    "watt": "W",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of the station: its settings by name, what is installed, sessions by connector, and the time."""

    now: Instant
    settings: Mapping[str, str] = field(default_factory=dict)
    installed: Sequence[Installed] = ()
    sessions: Mapping[int, int] = field(default_factory=dict)  # connector: transaction id


def replaces(new: Installed, old: Installed) -> bool:
    """Is `old` gone from the station when it has accepted `new`?"""
    if new.profile.profile_id == old.profile.profile_id:
        return True
    same_rank = (new.profile.purpose, new.profile.stack_level) == (old.profile.purpose, old.profile.stack_level)
    return same_rank and (new.connector == old.connector or new.profile.purpose == CHARGE_POINT_MAX)


def clears(criteria: Criteria, one: Installed) -> bool:
    """Is the profile meant? An id alone decides; of the other members all that are given must fit; none: all are."""
    if criteria.profile_id is not None:
        return criteria.profile_id == one.profile.profile_id
    return (
        criteria.connector in (None, one.connector)
        and criteria.purpose in (None, one.profile.purpose)
        and criteria.stack_level in (None, one.profile.stack_level)
    )


def is_over(profile: Profile, now: Instant) -> bool:
    """Will it never limit anything again? Only what its own times say; a session's end is another matter."""
    if profile.valid_to is not None and profile.valid_to <= now:
        return True
    if profile.kind != "Absolute" or profile.start_at is None or profile.duration_seconds is None:
        return False
    return seconds_later(profile.start_at, profile.duration_seconds) <= now


def what_looks_wrong(new: Installed, known: Circumstances) -> list[str]:
    """Why a SetChargingProfile may be refused or not do what is meant."""
    return [*_wrong_place(new, known), *_wrong_by_itself(new.profile, known), *_wrong_company(new, known)]


def what_looks_wrong_in_remote_start(profile: Profile, known: Circumstances) -> list[str]:
    """The same for the profile of a RemoteStartTransaction (errata 3.41)."""
    found = []
    if profile.purpose != TX:
        found.append("chargingProfilePurpose: only a TxProfile may come with a RemoteStartTransaction")
    if profile.transaction_id is not None:
        found.append("transactionId: must be absent in a RemoteStartTransaction, there is no transaction yet")
    return [*found, *_wrong_by_itself(profile, known)]


def _wrong_place(new: Installed, known: Circumstances) -> Iterator[str]:
    connector, profile = new.connector, new.profile
    if profile.purpose == CHARGE_POINT_MAX and connector != 0:
        yield "connectorId: a ChargePointMaxProfile belongs on connector 0"
    if profile.purpose != TX:
        if profile.transaction_id is not None:
            yield "transactionId: belongs to a TxProfile only"
        return
    if connector == 0:
        yield "connectorId: a TxProfile needs a connector above 0"
    if profile.transaction_id is None:
        yield "transactionId: a TxProfile needs the transaction that it is for"
    elif connector > 0 and known.sessions.get(connector) != profile.transaction_id:
        yield f"transactionId: transaction {profile.transaction_id} does not run on connector {connector}"


def _wrong_by_itself(profile: Profile, known: Circumstances) -> Iterator[str]:
    yield from _wrong_times(profile, known.now)
    yield from _wrong_periods(profile)
    highest, most = _whole(known.settings, MAX_STACK_LEVEL), _whole(known.settings, MAX_PERIODS)
    if profile.stack_level < 0:
        yield "stackLevel: the lowest is 0"
    if highest is not None and profile.stack_level > highest:
        yield f"stackLevel: the station's highest is {highest} ({MAX_STACK_LEVEL})"
    if most is not None and len(profile.periods) > most:
        yield f"chargingSchedulePeriod: the station takes at most {most} periods ({MAX_PERIODS})"
    units = rate_units(known.settings.get(RATE_UNITS, ""))
    if units and profile.unit not in units:
        yield f"chargingRateUnit: the station takes only {' and '.join(sorted(units))} ({RATE_UNITS})"


def _wrong_times(profile: Profile, now: Instant) -> Iterator[str]:
    kind, fixed = profile.kind, profile.start_at is not None
    if kind in ("Absolute", "Recurring") and not fixed:
        yield f"startSchedule: {kind} needs one, stations were seen to refuse it without"
    if kind == "Relative" and fixed:
        yield "startSchedule: must be absent when the kind is Relative"
    if kind == "Recurring" and profile.recurrency_kind not in RECURRENCE_SECONDS:
        yield "recurrencyKind: Recurring needs Daily or Weekly"
    if kind != "Recurring" and profile.recurrency_kind is not None:
        yield "recurrencyKind: belongs to the kind Recurring only"
    recurrence = RECURRENCE_SECONDS.get(profile.recurrency_kind)
    last = max((period.start_seconds for period in profile.periods), default=0)
    if kind == "Recurring" and recurrence is not None and max(profile.duration_seconds or 0, last + 1) > recurrence:
        yield "chargingSchedule: what is longer than the recurrence is cut off"
    if profile.valid_from is not None and profile.valid_to is not None and profile.valid_from >= profile.valid_to:
        yield "validTo: is not after validFrom"
    elif is_over(profile, now):
        yield "chargingProfile: it is over already"


def _wrong_periods(profile: Profile) -> Iterator[str]:
    starts = [period.start_seconds for period in profile.periods]
    if not starts:
        yield "chargingSchedulePeriod: none can be read"
        return
    if starts[0] != 0:
        yield "startPeriod: the first must be 0"
    if any(later <= earlier for earlier, later in pairwise(starts)):
        yield "startPeriod: must ascend"


def _wrong_company(new: Installed, known: Circumstances) -> Iterator[str]:
    """What it does to the profiles that are there."""
    gone = [old for old in known.installed if replaces(new, old)]
    for old in gone:
        same_place = (old.connector, old.profile.purpose) == (new.connector, new.profile.purpose)
        if old.profile.profile_id == new.profile.profile_id and not same_place:
            yield (
                f"chargingProfileId: {old.profile.profile_id} is that of the {old.profile.purpose} on connector"
                f" {old.connector}, which goes"
            )
    if gone and new.profile.valid_from is not None and new.profile.valid_from > known.now:
        yield "validFrom: the old profile goes at once, so nothing limits until then"
    most = _whole(known.settings, MAX_INSTALLED)
    if most is not None and len(known.installed) - len(gone) >= most:
        yield f"the station keeps at most {most} profiles ({MAX_INSTALLED})"


def _whole(settings: Mapping[str, str], name: str) -> int | None:
    return whole_value(settings.get(name, ""))


def whole_value(value: str) -> int | None:
    """The number in a setting; None when it is none."""
    text = value.strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def rate_units(text: str) -> Collection[Unit]:
    """The units in a comma-separated list; a word that nobody knows makes it say nothing."""
    words = [word.strip().casefold() for word in text.split(",") if word.strip()]
    return {_UNIT_WORDS[word] for word in words} if all(word in _UNIT_WORDS for word in words) else set()
