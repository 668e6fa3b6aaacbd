"""Sums of sessions for people: how many, how much energy, how long; by station, by idTag, or by time.

A session counts where it began, like in the list of transactions. What is unknown (the energy of one that runs, or
whose registers were not told) adds nothing. Days and months are made of quarters of an hour by whoever knows the zone.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from gateway.model.instants import SECOND, Instant
from gateway.store.readers import Readers
from gateway.store.reports_transactions import BEGIN, PERIOD, Filters, conditions

QUARTER = 900 * SECOND

_SUMS = f"""
    count(*), coalesce(sum(meter_stop_wh - coalesce(meter_start_wh, measured_start_wh)), 0),
    coalesce(sum(max(stop_at - {BEGIN}, 0)), 0)"""
_GROUPS = {"station": "station", "id_tag": "coalesce(folded_tag, '')"}
_SHOWN = {"station": "station", "id_tag": "max(id_tag)"}


class Sum(NamedTuple):
    """Of the sessions of one key; `cursor` orders keys and leads to the next page."""

    cursor: str
    key: str | None
    sessions: int
    energy_wh: int
    duration_seconds: float


class QuarterSum(NamedTuple):
    """Of the sessions that began in a quarter of an hour."""

    begin: Instant
    sessions: int
    energy_wh: int
    duration_seconds: float


async def by_name(
    readers: Readers, by: Literal["station", "id_tag"], filters: Filters, *, after: str | None, limit: int
) -> list[Sum]:
    """By station or idTag (in any case; None: stops whose start nobody knows), in order of the keys."""
    where, parameters = conditions(filters)
    group = _GROUPS[by]
    if after is not None:
        where, parameters = [*where, f"{group} > ?"], [*parameters, after]
    rows = await readers.rows(
        f"SELECT {group}, {_SHOWN[by]}, {_SUMS} FROM transactions WHERE {' AND '.join(where) or 'true'}"
        " GROUP BY 1 ORDER BY 1 LIMIT ?",
        [*parameters, limit],
    )
    return [Sum(row[0], row[1], row[2], row[3], row[4] / SECOND) for row in rows]


async def by_quarter(readers: Readers, filters: Filters) -> list[QuarterSum]:
    """By quarter of an hour, oldest first; only those in which sessions began."""
    where, parameters = conditions(filters)
    rows = await readers.rows(
        f"SELECT {PERIOD} / {QUARTER}, {_SUMS} FROM transactions WHERE {' AND '.join(where) or 'true'}"
        " GROUP BY 1 ORDER BY 1",
        parameters,
    )
    return [QuarterSum(Instant(row[0] * QUARTER), row[1], row[2], row[3] / SECOND) for row in rows]
