"""Which configuration keys should a station have, where does it differ, and what may be changed now?

Names compare without case (CiString50), values by what they mean: numbers, booleans, lists in any order. A station's
flash is not written in vain: what it refused is tried again only when its firmware, the wanted or the reported value
has changed, what it accepted only when it was forgotten. A change that is followed by a reboot twice is left alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from gateway.model.instants import Instant
from gateway.rules.capabilities import items_of, whole_number, yes_or_no
from gateway.rules.secrecy import is_secret_name

State = Literal[
    "different", "unread", "readonly", "unsupported", "refused", "blamed", "partly", "reboot_required"
]  # fmt: skip
Result = Literal["sent", "Accepted", "RebootRequired", "Rejected", "NotSupported", "error"]

REBOOTS_TO_BLAME = 2
# one unsupported measurand makes a station reject the whole list (OCPP 1.6 errata 3.14.4)
MEASURAND_LISTS = frozenset(
    {"metervaluessampleddata", "metervaluesaligneddata", "stoptxnsampleddata", "stoptxnaligneddata"}
)
_SET_ELSEWHERE = ("authorizationkey", "securityprofile")


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What stations of one kind should have; `vendor` and `model` may hold `*` and `?`."""

    vendor: str
    model: str
    desired_configuration: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reported:
    """A key as the station told it; `told_at` is when."""

    key: str
    value: str | None
    readonly: bool | None
    reboot_required: bool
    told_at: Instant


@dataclass(frozen=True, slots=True)
class Trial:
    """The newest try to change a key: what was wanted and reported then, what came of it.

    `accepted`: the part of a list that was accepted instead. `reboots`: how often the station booted right after it.
    """

    desired: str
    reported: str | None
    firmware_version: str | None
    result: Result
    accepted: str | None
    reboots: int
    tried_at: Instant


@dataclass(frozen=True, slots=True)
class Drift:
    """A key that is not as it should be."""

    key: str
    desired: str
    reported: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one station's settings; the mappings and `unknown` go by the folded name."""

    reported: Mapping[str, Reported]
    unknown: Collection[str]
    trials: Mapping[str, Trial]
    firmware_version: str | None
    booted_at: Instant | None


def may_be_wanted(key: str) -> bool:
    """Whether the key can be among the wanted ones: what logs a station in is set elsewhere, and no secret is."""
    folded = key.strip().casefold()
    return folded not in _SET_ELSEWHERE and not is_secret_name(folded)


def desired_settings(
    models: Iterable[ModelSettings], own: Mapping[str, str], *, vendor: str | None, model: str | None
) -> dict[str, str]:
    """The wanted value by key: of every kind that fits, a later one beats an earlier one, `own` beats them all."""
    wanted: dict[str, tuple[str, str]] = {}
    fitting = [
        kind.desired_configuration for kind in models if kind_fits(kind.vendor, vendor) and kind_fits(kind.model, model)
    ]
    for configuration in (*fitting, own):
        for key, value in configuration.items():
            wanted[key.casefold()] = (key, value)
    return dict(wanted.values())


def drift(desired: Mapping[str, str], known: Known) -> tuple[Drift, ...]:
    """Every wanted key that is not reported as wanted, in order of their names, and why."""
    found = []
    for key, value in sorted(desired.items(), key=lambda item: item[0].casefold()):
        state = _state(key.casefold(), value, known)
        if state is not None:
            reported = known.reported.get(key.casefold())
            found.append(Drift(key, value, reported.value if reported else None, state))
    return tuple(found)


def changes_due(drifts: Iterable[Drift], known: Known, *, can_be_read: bool) -> tuple[Drift, ...]:
    """What may be changed. `can_be_read`: a key that was not told will be, so it need not be written blindly."""
    states = ("different",) if can_be_read else ("different", "unread")
    return tuple(one for one in drifts if one.state in states and _may_try(one, known))


def changes_now(due: tuple[Drift, ...], known: Known) -> tuple[Drift, ...]:
    """What to change in one go: all of it, but one alone when the station rebooted after it."""
    suspects = tuple(
        one for one in due if (trial := _trial(one.key.casefold(), one.desired, known)) is not None and trial.reboots
    )
    return suspects[:1] or due


def to_ask_for(desired: Iterable[str], known: Known, *, told_before: Instant) -> tuple[str, ...]:
    """Wanted keys that were not told since the newest boot, nor since `told_before`."""
    since = max(known.booted_at or told_before, told_before)
    return tuple(
        key
        for key in desired
        if key.casefold() not in known.unknown
        and ((told := known.reported.get(key.casefold())) is None or told.told_at < since)
    )


def is_same_value(one: str | None, other: str | None) -> bool:
    """True when both mean the same: 60 and 60.0, true and TRUE, `a,b` and `b, a`."""
    one, other = (one or "").strip(), (other or "").strip()
    if one == other:
        return True
    yes = yes_or_no(one)
    if yes is not None and yes == yes_or_no(other):
        return True
    number = whole_number(one)
    if number is not None and number == whole_number(other):
        return True
    return "," in one + other and _folded(items_of(one)) == _folded(items_of(other))


def list_to_try(key: str, desired: str, reported: Mapping[str, Reported]) -> str:
    """The wanted value, a list of measurands no longer than the station allows (`<key>MaxLength`)."""
    limit = reported.get(f"{key.casefold()}maxlength")
    most = whole_number(limit.value) if limit is not None else None
    items = items_of(desired)
    return ",".join(items[:most]) if key.casefold() in MEASURAND_LISTS and most and len(items) > most else desired


def joined(wanted: str, chosen: Collection[str]) -> str:
    """The list of the chosen items, in the wanted order."""
    return ",".join(item for item in items_of(wanted) if item in chosen)


def _state(folded: str, desired: str, known: Known) -> State | None:
    reported, trial = known.reported.get(folded), _trial(folded, desired, known)
    if reported is not None and is_same_value(reported.value, desired):
        return "reboot_required" if reported.reboot_required else None
    if trial is not None and trial.reboots >= REBOOTS_TO_BLAME:
        return "blamed"
    if reported is None:
        told = folded in known.unknown or (trial is not None and trial.result == "NotSupported")
        return "unsupported" if told else "unread"
    if reported.readonly:
        return "readonly"
    if trial is None:
        return "different"
    if trial.accepted is not None and is_same_value(trial.accepted, reported.value):
        return "partly"
    refused = trial.result in ("Rejected", "NotSupported", "error") and trial.reported == reported.value
    return "refused" if refused else "different"


def _may_try(one: Drift, known: Known) -> bool:
    trial = _trial(one.key.casefold(), one.desired, known)
    if trial is None or trial.reported != one.reported:
        return True
    # what it took was forgotten with the boot; nobody knows what became of what it did not answer
    taken = trial.result in ("sent", "Accepted", "RebootRequired")
    return taken and known.booted_at is not None and known.booted_at > trial.tried_at


def _trial(folded: str, desired: str, known: Known) -> Trial | None:
    """The newest try of this value with this firmware."""
    trial = known.trials.get(folded)
    fits = trial is not None and (trial.desired, trial.firmware_version) == (desired, known.firmware_version)
    return trial if fits else None


def kind_fits(pattern: str, name: str | None) -> bool:
    """Whether a vendor or model is meant by a pattern with * and ?; letter case does not matter."""
    return fnmatchcase((name or "").strip().casefold(), pattern.strip().casefold())


def _folded(items: Iterable[str]) -> frozenset[str]:
    return frozenset(item.casefold() for item in items)
