"""What may be drawn when: the station's own plan beside the gateway's, as rows of a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from gateway.pages.visit import Visit, part
from gateway.web.problems import Problem

Row = tuple[str, str]  # from when on, and the limit


@dataclass(frozen=True, slots=True)
class Schedules:
    """`station` is None where it told none; `uncertain`: the gateway does not know which profiles it holds."""

    gateway: tuple[Row, ...]
    station: tuple[Row, ...] | None
    uncertain: bool


async def schedules_of(
    visit: Visit, station: str, asked: Mapping[str, object], outcome: Mapping[str, object]
) -> Schedules:
    """Both plans for what the station was asked (`asked`: the request), and what it answered (`outcome`)."""
    unit = str(asked["chargingRateUnit"])
    own = await visit.ask(
        "GET",
        f"/stations/{part(station)}/composite-schedule",
        query={"connector": asked["connectorId"], "duration": asked["duration"], "unit": unit},
    )
    if not own.good:
        raise Problem(HTTPStatus(own.status), own.detail)
    begin = visit.formats.local(own.document["start_time"])
    gateway = _rows(visit, own.document["periods"], begin, unit, "start_seconds")
    return Schedules(gateway, _told(visit, outcome.get("response"), unit), bool(own.document["uncertain"]))


def _told(visit: Visit, response: object, unit: str) -> tuple[Row, ...] | None:
    """The station's own plan; stations write much that is none."""
    schedule = response.get("chargingSchedule") if isinstance(response, Mapping) else None
    if not isinstance(response, Mapping) or not isinstance(schedule, Mapping):
        return None
    begin = visit.formats.local(response.get("scheduleStart")) or visit.formats.local(schedule.get("startSchedule"))
    told_unit = str(schedule.get("chargingRateUnit", unit))
    return _rows(visit, schedule.get("chargingSchedulePeriod"), begin or visit.formats.now, told_unit, "startPeriod")


def _rows(visit: Visit, periods: object, begin: datetime | None, unit: str, start: str) -> tuple[Row, ...]:
    listed: Iterable[object] = periods if isinstance(periods, list) else ()
    rows: list[Row] = []
    for period in listed:
        seconds = period.get(start) if isinstance(period, Mapping) else None
        if not isinstance(period, Mapping) or not isinstance(seconds, int | float) or begin is None:
            continue
        limit = period.get("limit")
        text = visit.formats.power(limit) if unit == "W" else visit.formats.amps(limit)
        at = (begin + timedelta(seconds=min(seconds, 10**9))).isoformat()
        rows.append((visit.formats.moment(at), visit.gettext("no limit") if limit is None else text))
    return tuple(rows)
