"""Reads a station's configuration keys: all of them after its first boot, with new firmware and once a week; those that
are wanted to have a value after each boot and once a day.

A station that cannot tell all keys at once is asked by name for those that matter, few at a time. What the answers
say is stored by `heed_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway.model.identities import StationId
from gateway.model.instants import seconds_later
from gateway.ocpp.v16.to_station import ConfigurationAnswer
from gateway.operations.ask_by_itself import answer_in, ask
from gateway.operations.known_settings import find_capabilities, find_settings_of
from gateway.operations.site import Site
from gateway.rules.capabilities import WELL_KNOWN_KEYS
from gateway.rules.desired_settings import to_ask_for
from gateway.store import configuration_keys
from gateway.store.writing import Writing

_ALL_EVERY_SECONDS = 7 * 86_400.0
_WANTED_EVERY_SECONDS = 20 * 3600.0
# where a station does not tell GetConfigurationMaxKeys
_KEYS_AT_ONCE = 10
_MOST_KEYS_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is due: all keys, those that matter, or (None) only the `wanted` ones; `at_once` None: not told yet."""

    how: Literal["whole", "by_name"] | None
    wanted: tuple[str, ...]
    at_once: int | None
    firmware_version: str | None


async def read_settings(site: Site, station: StationId) -> None:
    """Ask for what is not known, or may have changed."""
    plan = await site.database.write(lambda db: _plan(db, site, station))
    if plan.how == "whole":
        told = await _read_whole(site, station, plan)
        if told is None:
            return
        if not told:
            plan = replace(plan, how="by_name")
        plan = replace(plan, wanted=tuple(key for key in plan.wanted if key.casefold() not in told))
    if plan.how == "by_name":
        await _read_what_matters(site, station, plan)
    elif plan.wanted:
        await _read_by_name(site, station, plan.wanted, at_once=plan.at_once or _KEYS_AT_ONCE)


def _plan(db: Writing, site: Site, station: StationId) -> _Plan:
    now, settings = site.wall_clock(), find_settings_of(db, site, station)
    firmware_version, capabilities = settings.known.firmware_version, find_capabilities(db, station)
    at_once = capabilities.max_keys_at_once
    bounded = min(at_once, _MOST_KEYS_AT_ONCE) if at_once else None
    if "GetConfiguration" in capabilities.unsupported:
        return _Plan(None, (), bounded, firmware_version)
    reading = configuration_keys.newest_reading(db, station)
    how: Literal["whole", "by_name"] | None = None
    if reading is None or reading.firmware_version != firmware_version:
        how = "whole"
    elif reading.how == "failed" or reading.read_at < seconds_later(now, -_ALL_EVERY_SECONDS):
        how = "whole" if reading.how == "whole" else "by_name"
    told_before = seconds_later(now, -_WANTED_EVERY_SECONDS)
    wanted = to_ask_for(settings.desired, settings.known, told_before=told_before)
    return _Plan(how, wanted, bounded, firmware_version)


async def _read_whole(site: Site, station: StationId, plan: _Plan) -> frozenset[str] | None:
    """The keys told, folded: none when the station cannot tell all at once; None when it said nothing."""
    connection = site.connected.get(station)
    outcome = await ask(site, station, "GetConfiguration", {})
    if outcome is None:
        if connection is not None and site.connected.get(station) is connection:
            await _record(site, station, "failed", plan)  # it may be too much for it: next time by name
        return None
    match answer_in(outcome, "GetConfiguration"):
        case ConfigurationAnswer(entries) if entries:
            await _record(site, station, "whole", plan)
            return frozenset(entry.key.casefold() for entry in entries)
    return frozenset()


async def _read_what_matters(site: Site, station: StationId, plan: _Plan) -> None:
    """By name, because the station does not tell all keys at once; its bound comes first."""
    at_once = plan.at_once
    if at_once is None:
        if not await _read_by_name(site, station, ("GetConfigurationMaxKeys",), at_once=1):
            return
        told = await site.database.write(lambda db: find_capabilities(db, station).max_keys_at_once)
        at_once = min(told or _KEYS_AT_ONCE, _MOST_KEYS_AT_ONCE)
    names = tuple(dict.fromkeys((*WELL_KNOWN_KEYS[1:], *plan.wanted)))
    if await _read_by_name(site, station, names, at_once=at_once):
        await _record(site, station, "by_name", plan)


async def _read_by_name(site: Site, station: StationId, names: tuple[str, ...], *, at_once: int) -> bool:
    """Ask for these keys, `at_once` at a time; False when the station fell silent."""
    for first in range(0, len(names), at_once):
        asked = names[first : first + at_once]
        outcome = await ask(site, station, "GetConfiguration", {"key": list(asked)})
        if outcome is None:
            return False
        answer = answer_in(outcome, "GetConfiguration")
        if isinstance(answer, ConfigurationAnswer):
            told = {entry.key.casefold() for entry in answer.configuration_key}
            await _record_unknown(site, station, [key for key in asked if key.casefold() not in told])
    return True


async def _record_unknown(site: Site, station: StationId, keys: list[str]) -> None:
    """What was asked for and not told is not known, whether or not the answer says so."""
    now = site.wall_clock()

    def unit(db: Writing) -> None:
        for key in keys:
            configuration_keys.record_unknown(db, station, key, now=now)

    if keys:
        await site.database.write(unit)


async def _record(site: Site, station: StationId, how: configuration_keys.How, plan: _Plan) -> None:
    now = site.wall_clock()
    await site.database.write(
        lambda db: configuration_keys.record_reading(
            db, station, how=how, firmware_version=plan.firmware_version, now=now
        )
    )
