"""Thinned frames in whole: which session they belong to, what stays of it, and that its energy is still found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Upstream
from gateway.model.identities import ConnectorId, FoldedTag, StationId, TransactionId
from gateway.model.instants import SECOND, seconds_later, text_of
from gateway.model.sessions import StartRequest
from gateway.model.tags import Verdict
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.end_sessions import end_reconstructed
from gateway.operations.site import Site
from gateway.operations.thin_meter_frames import MeterThinner
from gateway.store import dropped_ranges, meter_frames, transactions
from gateway.store.writing import Writing
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import NOON, configuration_in, open_site

STATION = StationId("S-1")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    upstreams = (Upstream(name="fleet", host="broker.example"),)
    async with open_site(replace(configuration_in(tmp_path), upstreams=upstreams)) as opened:
        yield opened


def body(seconds: float, register: int | None = None, **more: object) -> bytes:
    sample = {"value": "16", "measurand": "Current.Import"} if register is None else {"value": str(register)}
    value = {"timestamp": text_of(seconds_later(NOON, seconds)), "sampledValue": [{**sample, **more}]}
    return json.dumps({"connectorId": 1, "meterValue": [value]}).encode()


def measured(
    db: Writing,
    seconds: float,
    register: int | None = None,
    *,
    claimed: int | None = None,
    late: float = 0,
    **more: object,
) -> None:
    at = seconds_later(NOON, seconds + late)
    meter_frames.append(db, STATION, 1, claimed, None, at, body(seconds, register, **more))


def started(db: Writing, seconds: float, meter: int | None = 1000) -> TransactionId:
    at = seconds_later(NOON, seconds)
    start = StartRequest(STATION, ConnectorId(1), "T", FoldedTag("t"), meter, at, text_of(at), f"m{seconds}")
    return transactions.record_start(db, start, Verdict("Accepted"), received_at=at, remote_start_command=None)


async def thin(site: Site, thinner: MeterThinner | None = None) -> None:
    await attribute_all(site)
    thinner = thinner or MeterThinner(site)
    while (await thinner.bite()).more:
        pass


def left(site: Site) -> list[int]:
    """Seconds since noon at which what is left was recorded."""
    rows = look(site.database.path, "SELECT recorded_at FROM meter_frames ORDER BY id")
    return [(int(str(at)) - NOON) // SECOND for (at,) in rows]


async def test_of_a_session_the_first_the_last_and_one_per_quarter_stay(site: Site) -> None:
    def unit(db: Writing) -> None:
        session = started(db, 0)
        for seconds in range(10, 3600, 10):
            measured(db, seconds, 1000 + seconds, claimed=session if seconds % 20 else None)

    await site.database.write(unit)
    await thin(site)
    assert left(site) == [10, 890, 1790, 2690, 3590]
    assert look(site.database.path, "SELECT count(*) FROM meter_index") == [(5,)]
    (drop,) = await site.database.write(lambda db: dropped_ranges.between(db, "meter", 1, 1000))
    assert (drop.from_sequence, drop.to_sequence, drop.count, drop.reason) == (2, 358, 354, "thinned")


async def test_the_energy_of_a_session_whose_stop_never_comes_is_found_as_before(site: Site) -> None:
    def unit(db: Writing) -> None:
        session = started(db, 0, meter=None)
        for seconds in range(10, 2000, 10):
            measured(db, seconds, 1000 + seconds if seconds % 100 == 0 else None, claimed=session)

    await site.database.write(unit)
    await thin(site)
    assert len(left(site)) < 12

    def end(db: Writing) -> None:
        (session,) = transactions.open_of_station(db, STATION)
        end_reconstructed(db, site, session, why="connector_free", now=seconds_later(NOON, 4000))

    await site.database.write(end)
    (row,) = look(site.database.path, "SELECT measured_start_wh, meter_stop_wh, stop_at FROM transactions")
    assert row == (1100, 2900, seconds_later(NOON, 1990))


async def test_what_a_station_kept_while_it_was_offline_is_thinned_by_its_own_times(site: Site) -> None:
    def unit(db: Writing) -> None:
        session = started(db, 0)
        for seconds in range(10, 3600, 10):
            measured(db, seconds, seconds, claimed=session, late=86_400 - seconds)

    await site.database.write(unit)
    await thin(site)
    assert len(left(site)) == 5


async def test_signed_values_and_the_data_of_stops_stay(site: Site) -> None:
    def unit(db: Writing) -> None:
        session = started(db, 0)
        for seconds in range(10, 100, 10):
            measured(db, seconds, seconds, claimed=session, format="SignedData")
        for seconds in range(100, 200, 10):
            meter_frames.append(db, STATION, 1, session, session, seconds_later(NOON, seconds), body(seconds, 7))

    await site.database.write(unit)
    await thin(site)
    assert len(left(site)) == 19


async def test_outside_of_sessions_a_connector_is_a_series(site: Site) -> None:
    def unit(db: Writing) -> None:
        for seconds in range(0, 1800, 60):
            measured(db, seconds, 5000)
            meter_frames.append(db, STATION, 2, None, None, seconds_later(NOON, seconds), b"no json")

    await site.database.write(unit)
    await thin(site)
    assert left(site) == [0, 0, 840, 840, 1740, 1740]


async def test_it_goes_on_where_it_was_and_waits_for_the_index(site: Site) -> None:
    thinner = MeterThinner(site)
    for begin in (0, 300, 600):

        def unit(db: Writing, begin: int = begin) -> None:
            for seconds in range(begin, begin + 300, 10):
                measured(db, seconds, seconds)

        await site.database.write(unit)
        assert not (await thinner.bite()).more, "their session was not looked for yet"
        await thin(site, thinner)
    assert left(site) == [0, 890]
