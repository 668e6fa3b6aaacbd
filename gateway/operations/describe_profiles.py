"""Charging profiles as people see them: what is in force, what nobody knows, and the schedule that they make together.

The schedule is the gateway's own calculation, from certain profiles alone: circuits and `max_amps` do not enter.
"""

from __future__ import annotations

import asyncio

from gateway.model.charging_profiles import CompositeSchedule, Unit
from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, Instant, text_of
from gateway.operations.known_profiles import meant_by
from gateway.operations.known_stations import is_known
from gateway.operations.site import Site
from gateway.rules.charging_profiles import is_over
from gateway.rules.charging_schedule import Station, composite_schedule
from gateway.store import reports_charging_profiles as reports
from gateway.store import reports_stations
from gateway.store.charging_profiles import Kept

Document = dict[str, object]

_MOST_CONNECTORS = 100


async def describe_profiles(site: Site, station: str | None) -> tuple[list[Document], list[Document], list[str]]:
    """(profiles in force; those that may be; stations that may hold others from before), of one station or of all."""
    now = site.wall_clock()
    rows = [row for row in await reports.rows(site.readers, station) if not is_over(meant_by(row).profile, now)]
    uncertain = [{**_profile(row), "wanted": row.wanted} for row in rows if not row.certain]
    unverified = [name for name in await reports.never_cleared(site.readers) if station in (None, name)]
    return [_profile(row) for row in rows if row.certain], uncertain, unverified


async def describe_composite_schedule(
    site: Site, station: str, *, connector: int, duration_seconds: int, unit: Unit
) -> Document | None:
    """What a connector, or the station as a whole (0), may draw from now on; None when the station is unknown."""
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    if not is_known(site.configuration, station, row):
        return None
    rows = await reports.rows(site.readers, station)
    facts = await reports.facts(site.readers, station)
    held = Station([meant_by(row) for row in rows if row.certain], _connectors(facts), _sessions(facts))
    now = site.wall_clock()
    composite = await asyncio.to_thread(
        composite_schedule,
        held,
        connector=connector,
        start_at=now,
        duration_seconds=duration_seconds,
        unit=unit,
    )
    return {
        "station": station,
        "connector": connector,
        **_composite(composite),
        "uncertain": any(not row.certain and not is_over(meant_by(row).profile, now) for row in rows),
        "reported": await reports.newest_composite(site.readers, station, connector),
    }


def _profile(row: Kept) -> Document:
    return {
        "station": row.station,
        "connector": row.connector,
        "charging_profile_id": row.profile_id,
        "transaction_id": row.transaction_id,
        "profile": row.document(),
    }


def _composite(composite: CompositeSchedule) -> Document:
    return {
        "start_time": text_of(composite.start_at),
        "duration_seconds": composite.duration_seconds,
        "unit": composite.unit,
        "periods": [
            {
                "start_seconds": period.start_seconds,
                "limit": None if period.limit is None else float(period.limit),
                "number_phases": period.number_phases,
            }
            for period in composite.periods
        ],
    }


def _connectors(facts: reports.Facts) -> list[int]:
    """The station's connectors, as far as it has told; at least one, because it has at least that."""
    text = (facts.number_of_connectors or "").strip()
    told = int(text) if text.isdecimal() and len(text) < 4 else 0
    return sorted({1, *facts.connectors, *range(1, min(told, _MOST_CONNECTORS) + 1)})


def _sessions(facts: reports.Facts) -> dict[int, Instant]:
    """When the newest session of each connector began; a clock that was never set does not count."""
    return {
        connector: received_at if start_at < CLOCK_NEVER_SET_BEFORE else start_at
        for connector, start_at, received_at in facts.sessions
    }
