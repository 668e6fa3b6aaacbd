"""Totals of sessions: by station, by idTag, or by day or month in the zone of the site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.instants import Instant, datetime_of, instant_of
from gateway.operations.site import Site
from gateway.store import id_tags, reports_sessions
from gateway.store.reports_sessions import QuarterSum, Sum
from gateway.store.reports_transactions import Filters

Document = dict[str, object]
By = Literal["station", "id_tag", "day", "month"]

_LENGTHS = {"day": 10, "month": 7}  # of the date that names it
_MOST = 10**9  # more than there are
_TOTALS_IN_A_STEP = 500


class Totals(NamedTuple):
    """A page: the documents in order of their keys, and what leads to the next page."""

    items: list[Document]
    next: str | None


async def sum_sessions(site: Site, by: By, filters: Filters, *, after: str | None, limit: int) -> Totals:
    """At most `limit` totals with keys after `after`."""
    sums = await _sums(site, by, filters, after=after, limit=limit)
    following = sums[limit - 1].cursor if len(sums) > limit else None
    return Totals([_document(one) for one in sums[:limit]], following)


async def walk_totals(site: Site, by: By, filters: Filters) -> AsyncIterator[list[Document]]:
    """All totals in order of their keys, some hundred at a time; by idTag with the `note` of each card, or None."""
    sums = await _sums(site, by, filters, after=None, limit=_MOST)
    for begin in range(0, len(sums), _TOTALS_IN_A_STEP):
        documents = [_document(one) for one in sums[begin : begin + _TOTALS_IN_A_STEP]]
        if by == "id_tag":
            tags = [fold_tag(str(one["key"])) for one in documents if one["key"] is not None]
            notes = await id_tags.notes_of(site.readers, tags)
            documents = [{**one, "note": _note(one["key"], notes)} for one in documents]
        yield documents


def _note(key: object, notes: Mapping[FoldedTag, str]) -> str | None:
    return None if key is None else notes.get(fold_tag(str(key)))


async def _sums(site: Site, by: By, filters: Filters, *, after: str | None, limit: int) -> Sequence[Sum]:
    """One more than the limit where there are more."""
    if by == "station" or by == "id_tag":
        return await reports_sessions.by_name(site.readers, by, filters, after=after, limit=limit + 1)
    quarters = await reports_sessions.by_quarter(site.readers, filters)
    zone = ZoneInfo(site.configuration.site.timezone)
    dated = await asyncio.to_thread(_by_date, quarters, zone, _LENGTHS[by])
    return [one for one in dated if after is None or one.cursor > after][: limit + 1]


def month_span(site: Site, month: str) -> tuple[Instant, Instant] | None:
    """Begin and end of a month such as 2027-01 on the clock of the site; None when it names none."""
    year, _, number = month.partition("-")
    if len(year) != 4 or len(number) != 2 or not (year + number).isascii() or not (year + number).isdecimal():
        return None
    if not (1970 <= int(year) <= 9000 and 1 <= int(number) <= 12):
        return None
    zone = ZoneInfo(site.configuration.site.timezone)
    begin = datetime(int(year), int(number), 1, tzinfo=zone)
    end = datetime(int(year) + int(number) // 12, int(number) % 12 + 1, 1, tzinfo=zone)
    return instant_of(begin), instant_of(end)


def _by_date(quarters: Sequence[QuarterSum], zone: ZoneInfo, length: int) -> list[Sum]:
    found: dict[str, Sum] = {}
    for one in quarters:
        date = datetime_of(one.begin).astimezone(zone).date().isoformat()[:length]
        known = found.get(date, Sum(date, date, 0, 0, 0.0))
        found[date] = Sum(
            date,
            date,
            known.sessions + one.sessions,
            known.energy_wh + one.energy_wh,
            known.duration_seconds + one.duration_seconds,
        )
    return [found[date] for date in sorted(found)]


def _document(one: Sum) -> Document:
    return {
        "key": one.key,
        "sessions": one.sessions,
        "energy_wh": one.energy_wh,
        "duration_seconds": round(one.duration_seconds, 3),
    }
