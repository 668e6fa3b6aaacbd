"""Lower limits for a time: set and taken away by people, the grid operator and fleet managers; schedules of the file.

The lowest of a circuit holds. None is above the installer's limit, and nobody's limit takes another's away. They are
judged by `time_of_limits`; while the clock is certainly behind, every schedule holds, because its hours may be now.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.configuration import Circuit, Configuration, ScheduledLimit
from gateway.configuration_outlets import limit_of
from gateway.model.circuits import VOLTS, Amps, TemporaryLimit
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant, text_of
from gateway.operations.site import Site
from gateway.rules.limit_clock import next_reading
from gateway.rules.limit_schedules import Window, open_until
from gateway.rules.security_profiles import is_clock_behind, likely_now
from gateway.store import events, limits_log, temporary_limits
from gateway.store.temporary_limits import KeptLimit
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

API_SOURCE = "api"
SCHEDULE_SOURCE = "schedule"
INSTALLER_SOURCE = "installer"
LONGEST_SOURCE = 40
MOST_SOURCES = 20  # of one circuit
MOST_NUMBER = 1e9
FIELDS = ("limit_amps", "limit_watts", "until", "source")


@dataclass(frozen=True, slots=True)
class LimitMistake:
    """One thing wrong in a request: which field, and what was expected."""

    field: str
    detail: str


async def set_limit(
    site: Site, circuit: str, fields: Mapping[str, object], *, actor: str
) -> KeptLimit | tuple[LimitMistake, ...] | None:
    """Set a source's limit for a circuit; every mistake at once; None: there is no such circuit."""
    now = site.wall_clock()
    limit = read_limit(site, circuit, fields, now)
    if not isinstance(limit, TemporaryLimit):
        return limit
    outcome = await site.database.write(lambda db: keep_limit(db, limit, actor=actor, now=now))
    if isinstance(outcome, KeptLimit):
        logger.info("circuit %s limited to %s A by %s", circuit, limit.limit_amps, limit.source)
    return outcome


async def remove_limit(site: Site, circuit: str, source: str | None, *, actor: str) -> bool | None:
    """Take a source's limit away (without one: the API's own); False: it had none; None: there is no such circuit."""
    if circuit_named(site.configuration, circuit) is None:
        return None
    now = site.wall_clock()
    return await site.database.write(lambda db: take_limit(db, circuit, source or API_SOURCE, actor=actor, now=now))


def read_limit(
    site: Site, circuit: str, fields: Mapping[str, object], now: Instant
) -> TemporaryLimit | tuple[LimitMistake, ...] | None:
    """The limit that a request asks for, or every mistake in it; None: there is no such circuit."""
    written = circuit_named(site.configuration, circuit)
    if written is None:
        return None
    limit, mistakes = _read(written, fields, likely_now(now, latest_known=site.latest_known))
    return tuple(mistakes) if limit is None or mistakes else limit


def keep_limit(
    db: Writing, wanted: TemporaryLimit, *, actor: str, now: Instant
) -> KeptLimit | tuple[LimitMistake, ...]:
    """Set the limit, inside a unit of work; a mistake when too many limit the circuit already."""
    others = [one for one in temporary_limits.of_circuit(db, wanted.circuit) if one.limit.source != wanted.source]
    if len(others) >= MOST_SOURCES:
        return (LimitMistake("source", f"expected one of the {MOST_SOURCES} sources that limit it already"),)
    temporary_limits.keep(db, wanted, set_by=actor, now=now)
    limits_log.begin(db, wanted, set_by=actor, now=now)
    _tell(db, "load.limit_set", wanted, now=now, actor=actor)
    return KeptLimit(wanted, actor, now)


def take_limit(db: Writing, circuit: str, source: str, *, actor: str, now: Instant) -> bool:
    """Take a source's limit away, inside a unit of work; False: it had none."""
    kept = [one for one in temporary_limits.of_circuit(db, circuit) if one.limit.source == source]
    for one in kept:
        temporary_limits.remove(db, circuit, one.limit.source)
        limits_log.end(db, one.limit, "removed", by=actor, now=now)
        _tell(db, "load.limit_removed", one.limit, now=now, actor=actor)
    return bool(kept)


def time_of_limits(site: Site) -> Instant:
    """The time that ends and hours of limits are judged by: the wall clock, unless it has just been set ahead."""
    before = site.load.limit_clock
    clock = next_reading(
        before,
        site.wall_clock(),
        at_seconds=asyncio.get_running_loop().time(),
        latest_known=site.latest_known,
    )
    if clock.doubted_since is not None and before is not None and before.doubted_since is None:
        logger.warning("the clock was set ahead: limits end as if it had not been, until it has stood so for a while")
    site.load.limit_clock = clock
    return clock.now


def limits_now(db: Writing, site: Site, now: Instant) -> tuple[TemporaryLimit, ...]:
    """All limits that hold now, stored ones and schedules; those whose time is over are taken away and told."""
    kept = temporary_limits.every(db)
    over = [one.limit for one in kept if _is_over(one.limit, now)]
    for limit in over:
        temporary_limits.remove(db, limit.circuit, limit.source)
        limits_log.end(db, limit, "over", by=None, now=now)
        _tell(db, "load.limit_ended", limit, now=now)
    names = {circuit.name for circuit in site.configuration.circuits}
    stored = [one.limit for one in kept if one.limit not in over and one.limit.circuit in names]
    return (*stored, *_scheduled(site, now))


async def find_limits(site: Site) -> list[KeptLimit]:
    """All limits that hold now with who set them, by circuit; those of a schedule were set by the file."""
    now, names = time_of_limits(site), {circuit.name for circuit in site.configuration.circuits}
    kept = await temporary_limits.listed(site.readers)
    stored = [one for one in kept if one.limit.circuit in names and not _is_over(one.limit, now)]
    scheduled = [KeptLimit(limit, "configuration", None) for limit in _scheduled(site, now)]
    return sorted([*stored, *scheduled], key=lambda one: (one.limit.circuit, one.limit.source))


def circuit_named(configuration: Configuration, name: str) -> Circuit | None:
    """The circuit of the file with this name."""
    return next((circuit for circuit in configuration.circuits if circuit.name == name), None)


def _is_over(limit: TemporaryLimit, now: Instant) -> bool:
    return limit.until is not None and limit.until <= now


def _scheduled(site: Site, now: Instant) -> tuple[TemporaryLimit, ...]:
    """The open windows of the file's schedules; of those of a circuit, each is a limit. No end: the clock is behind."""
    zone = ZoneInfo(site.configuration.site.timezone)
    behind = is_clock_behind(now, latest_known=site.latest_known)
    found = []
    for circuit in site.configuration.circuits:
        for entry in circuit.schedule:
            until = None if behind else open_until(_window(entry), now, zone)
            if behind or until is not None:
                found.append(TemporaryLimit(circuit.name, limit_of(entry), SCHEDULE_SOURCE, until))
    return tuple(found)


def _window(entry: ScheduledLimit) -> Window:
    return Window(_minute(entry.start), _minute(entry.to), entry.days)


def _minute(time_of_day: str) -> int:
    hours, minutes = time_of_day.split(":")
    return int(hours) * 60 + int(minutes)


def _read(
    circuit: Circuit, fields: Mapping[str, object], now: Instant
) -> tuple[TemporaryLimit | None, list[LimitMistake]]:
    mistakes = [LimitMistake(name, f"unknown; known are {', '.join(FIELDS)}") for name in fields if name not in FIELDS]
    amps = _amps_of(circuit, fields, mistakes)
    until = _until_of(fields.get("until"), now, mistakes)
    source = _source_of(fields.get("source", API_SOURCE), mistakes)
    if amps is None:
        return None, mistakes
    return TemporaryLimit(circuit.name, amps, source, until), mistakes


def _amps_of(circuit: Circuit, fields: Mapping[str, object], mistakes: list[LimitMistake]) -> Amps | None:
    """A number for all phases, or one for each; of watts, a third of them at 230 V."""
    most = limit_of(circuit)
    name = "limit_watts" if "limit_watts" in fields and "limit_amps" not in fields else "limit_amps"
    if "limit_watts" in fields and "limit_amps" in fields:
        mistakes.append(LimitMistake("limit_watts", "expected either limit_amps or limit_watts"))
        return None
    told = fields.get(name)
    values = list(told) if isinstance(told, list) and name == "limit_amps" else [told] * 3
    numbers = [_number(value) for value in values]
    one, two, three = (numbers + [None] * 3)[:3]
    if len(values) != 3 or one is None or two is None or three is None:
        three_too = ", or three of them" if name == "limit_amps" else ""
        mistakes.append(LimitMistake(name, f"expected a number of 0 or more{three_too}"))
        return None
    if name == "limit_watts":
        return _by_power(one, most, mistakes)
    if one > most[0] or two > most[1] or three > most[2]:
        shown = f"{most[0]:g}" if len(set(most)) == 1 else ", ".join(f"{amps:g}" for amps in most)
        mistakes.append(LimitMistake(name, f"expected no more than the installer's limit of {shown} A"))
        return None
    return one, two, three


def _by_power(watts: float, most: Amps, mistakes: list[LimitMistake]) -> Amps | None:
    """A third for each phase; where the installer's limit is lower than that on one, it stays."""
    if watts > VOLTS * sum(most):
        detail = f"expected no more than the installer's limit of {VOLTS * sum(most):g} W"
        mistakes.append(LimitMistake("limit_watts", detail))
        return None
    third = watts / (3 * VOLTS)
    return min(third, most[0]), min(third, most[1]), min(third, most[2])


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MOST_NUMBER else None


def _until_of(value: object, now: Instant, mistakes: list[LimitMistake]) -> Instant | None:
    if value is None:
        return None
    until = instant_from_text(value) if isinstance(value, str) else None
    if until is None:
        mistakes.append(LimitMistake("until", "expected a time such as 2027-01-31T12:00:00Z, or null"))
    elif until <= now:
        mistakes.append(LimitMistake("until", f"expected a time after {text_of(now)}"))
    return until


def _source_of(value: object, mistakes: list[LimitMistake]) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_SOURCE or not value.isprintable():
        mistakes.append(LimitMistake("source", f"expected 1 to {LONGEST_SOURCE} printable characters"))
        return API_SOURCE
    if value in (SCHEDULE_SOURCE, INSTALLER_SOURCE):
        mistakes.append(LimitMistake("source", f"{value} is the configuration's own"))
    return value


def _tell(db: Writing, kind: str, limit: TemporaryLimit, *, now: Instant, actor: str | None = None) -> None:
    data: dict[str, object] = {
        "circuit": limit.circuit,
        "source": limit.source,
        "limit_amps": [round(amps, 3) for amps in limit.limit_amps],
        "until": None if limit.until is None else text_of(limit.until),
    }
    if actor is not None:
        data["actor"] = actor
    events.append(db, kind, happened_at=now, recorded_at=now, data=data)
