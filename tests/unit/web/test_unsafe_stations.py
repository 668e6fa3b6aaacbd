"""PUT /stations: what could not be safe without the gateway is refused with the whole sum, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Circuit, Load, StationSettings
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.operations.manage_tokens import create_token
from gateway.operations.plan_site import find_plan
from gateway.store import configuration_keys, limiting, station_facts, stations
from gateway.store.writing import Writing
from gateway.web.application import make_application
from tests.unit.web.conftest import NOON, Door, configuration_in, open_site

LIST = "/api/v1/stations"
MAIN = Circuit(name="main", limit_amps=(32, 32, 32), meter="grid", background_worst_amps=(8, 8, 8))


@pytest.fixture
def load() -> Load:
    return Load()


@pytest.fixture
async def tight(tmp_path: Path, load: Load) -> AsyncIterator[Door]:
    """A door to a site with room for four fallbacks of 6 A, of which the file takes one."""
    configuration = replace(
        configuration_in(tmp_path),
        circuits=(MAIN,),
        load=load,
        stations=(StationSettings(id="FILE-1", circuit="main"),),
    )
    async with open_site(configuration) as site:
        made = {"installer": (await create_token(site, role="installer", name="i", actor="test")).text}
        async with TestClient(TestServer(make_application(site))) as client:
            yield Door(site, client, made)


async def put(tight: Door, name: str, expect: int = 200, **fields: object) -> None:
    await tight.document("PUT", f"{LIST}/{name}", json=fields, expect=expect, role="installer")


async def refused(tight: Door, name: str, **fields: object) -> tuple[str, str]:
    """(field, detail) of the one mistake."""
    problem = await tight.problem("PUT", f"{LIST}/{name}", json=fields, expect=422, role="installer")
    (mistake,) = problem["errors"]
    return mistake["field"], mistake["detail"]


async def test_all_fields_of_load_limits_can_be_set_and_taken_back(tight: Door) -> None:
    fields = {"connectors": 2, "weight": 2.5, "eco": True, "no_resume": True, "load_mode": "B", "circuit": "main"}
    await put(tight, "CP-1", 201, **fields)
    document = await tight.document("GET", f"{LIST}/CP-1", role="installer")
    assert {**fields, "connectors": []}.items() <= document.items(), "connectors are those that told their status"
    assert document["connectors_setting"] == 2
    await put(tight, "CP-1", **dict.fromkeys(fields))
    document = await tight.document("GET", f"{LIST}/CP-1", role="installer")
    assert (document["connectors_setting"], document["load_mode"], document["circuit"]) == (1, "auto", None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"connectors": 0}, "connectors"),
        ({"weight": 0}, "weight"),
        ({"load_mode": "E"}, "load_mode"),
        ({"load_mode": "C", "connectors": 2}, "load_mode"),
        ({"circuit": "main", "min_amps": 8}, "fallback_amps"),
        ({"circuit": "main", "min_amps": 0}, "min_amps"),
    ],
)
async def test_what_is_wrong_by_itself_is_told_at_its_field(tight: Door, fields: dict[str, object], field: str) -> None:
    assert (await refused(tight, "CP-1", **fields))[0] == field


async def test_stations_of_run_time_count_with_those_of_the_file(tight: Door) -> None:
    for name in ("CP-1", "CP-2", "CP-3"):
        await put(tight, name, 201, circuit="main")
    assert await refused(tight, "CP-4", circuit="main") == (
        "circuit",
        "expected fallback_amps = 0 for FILE-1, or a smaller worst case: without the gateway the fuse would not"
        " hold (main, each phase: 5 x 6 A + background 8 A = 38 A, limit 32 A;"
        " see also fallbacks_may_become_zero in [load])",
    )
    await tight.problem("GET", f"{LIST}/CP-4", expect=404, role="installer")
    await put(tight, "CP-4", 201, circuit="main", fallback_amps=0)
    assert (await refused(tight, "CP-4", fallback_amps=None))[0] == "fallback_amps"
    await put(tight, "CP-3", circuit=None)
    await put(tight, "CP-4", fallback_amps=None)


async def test_other_fields_can_be_changed_on_a_site_that_does_not_fit(tight: Door) -> None:
    """It turned out to have more connectors: what makes that no worse is not refused for it."""
    await put(tight, "CP-1", 201, circuit="main")

    def told(db: Writing) -> None:
        configuration_keys.record(db, StationId("CP-1"), "NumberOfConnectors", value="4", readonly=True, now=NOON)

    await tight.write(told)
    await put(tight, "CP-1", priority=-1, max_amps=20)
    await put(tight, "CP-2", 201)
    field, detail = await refused(tight, "CP-1", fallback_amps=8)
    assert field == "fallback_amps" and "4 x 8 A" in detail
    assert (await refused(tight, "CP-2", circuit="main"))[0] == "circuit"
    await put(tight, "CP-2", circuit="main", fallback_amps=0)
    await put(tight, "CP-1", fallback_amps=0)


async def test_adopting_counts_too(tight: Door) -> None:
    for name in ("CP-1", "CP-2", "CP-3"):
        await put(tight, name, 201, circuit="main")

    def knocked(db: Writing) -> None:
        station_facts.admit(db, StationId("KNOCK"), origin="knock", admission="pending", now=NOON)
        stations.set_run_time_values(db, "KNOCK", {"circuit": "main"})

    await tight.write(knocked)
    assert "5 x 6 A" in (await refused(tight, "KNOCK"))[1]
    await put(tight, "CP-3", circuit=None)
    await put(tight, "KNOCK", 201)


async def test_a_station_that_cannot_be_limited_needs_all_its_current(tight: Door) -> None:
    await put(tight, "CP-1", 201, circuit="main", max_amps=25)
    field, detail = await refused(tight, "CP-1", quiet=True)
    assert field == "quiet"
    assert detail == (
        "expected a limit of at least 33 for main, as so much cannot be limited (main, each phase:"
        " 1 x 25 A (CP-1 cannot be limited: it is quiet) + background 8 A = 33 A, limit 32 A)"
    )
    await put(tight, "CP-1", quiet=True, max_amps=18)
    assert (await refused(tight, "CP-1", max_amps=19))[0] == "max_amps"


async def test_what_was_found_out_of_a_station_counts(tight: Door) -> None:
    await put(tight, "CP-1", 201, circuit="main", max_amps=18)
    found = Limiting("D", reason="it ignores limits")
    await tight.write(lambda db: limiting.keep(db, StationId("CP-1"), found, now=NOON))
    assert await refused(tight, "CP-2", circuit="main") == (
        "circuit",
        "expected fallback_amps = 0 for FILE-1, or a smaller worst case: without the gateway the fuse would not"
        " hold (main, each phase: 2 x 6 A + 1 x 18 A (CP-1 cannot be limited: it ignores limits) + background 8 A"
        " = 38 A, limit 32 A; see also fallbacks_may_become_zero in [load])",
    )
    await put(tight, "CP-1", load_mode="B")
    await put(tight, "CP-2", 201, circuit="main")


async def test_nothing_is_added_beside_more_than_the_fuse_bears(tight: Door) -> None:
    await put(tight, "CP-1", 201, circuit="main")
    found = Limiting("D", reason="it ignores limits")
    await tight.write(lambda db: limiting.keep(db, StationId("CP-1"), found, now=NOON))
    assert await refused(tight, "CP-2", circuit="main", priority=9) == (
        "circuit",
        "expected a limit of at least 40 for main, as so much cannot be limited (main, each phase: 1 x 32 A (CP-1"
        " cannot be limited: it ignores limits) + background 8 A = 40 A, limit 32 A)",
    )
    await put(tight, "CP-2", 201, circuit="main", fallback_amps=0)
    plan = await tight.site.database.write(lambda db: find_plan(db, tight.site, limiting.every(db)))
    assert plan.lowered == ("FILE-1/1",) and not plan.check.fits_then


@pytest.mark.parametrize("load", [Load(fallbacks_may_become_zero=True)])
async def test_where_fallbacks_may_become_zero_the_lowest_class_is_lowered_instead(tight: Door, load: Load) -> None:
    for name in ("CP-1", "CP-2", "CP-3", "CP-4"):
        await put(tight, name, 201, circuit="main", priority=-1 if name == "CP-2" else 0)
    plan = await tight.site.database.write(lambda db: find_plan(db, tight.site, {}))
    assert plan.lowered == ("CP-2/1",)
    assert (await refused(tight, "CP-1", quiet=True))[0] == "quiet"
