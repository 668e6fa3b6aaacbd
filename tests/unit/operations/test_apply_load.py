"""Document load: limits only lower, and departures reach the picture of the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.known_departures import in_force_at, known_departures
from gateway.operations.limits_for_a_time import find_limits, remove_limit, set_limit
from tests.fakes.documents_desk import Desk
from tests.unit.operations.test_auth_list import open_desk
from tests.unit.web.conftest import NOON

LATER = text_of(Instant(NOON + 3600 * SECOND))


def load(version: int, *limits: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"doc": "load", "version": version, "limits": list(limits), **more}


async def limits_of(desk: Desk) -> dict[tuple[str, str], float]:
    return {(one.limit.circuit, one.limit.source): one.limit.limit_amps[0] for one in await find_limits(desk.site)}


async def test_limits_are_set_replaced_and_taken_away_and_those_of_others_stay(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await set_limit(desk.site, "main", {"limit_amps": 50}, actor="operator")
        report = await desk.send("load", load(1, {"circuit": "main", "limit_amps": 32, "until": LATER}))
        assert (report["status"], report["overrides"]) == ("applied", [])
        assert await limits_of(desk) == {("main", "api"): 50.0, ("main", "fleet"): 32.0}
        await desk.send("load", load(2, {"circuit": "main", "limit_watts": 6900}))
        assert await limits_of(desk) == {("main", "api"): 50.0, ("main", "fleet"): 10.0}
        await desk.send("load", load(3))
        assert await limits_of(desk) == {("main", "api"): 50.0}


async def test_never_above_the_installers_and_all_mistakes_at_once(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("load", load(1, {"circuit": "main", "limit_amps": 32}))
        report = await desk.send(
            "load",
            load(
                2, {"circuit": "main", "limit_amps": 64}, {"circuit": "roof", "limit_amps": 1},
                {"circuit": "main", "limit_amps": 1}, {"limit_amps": 1, "x": 1},
                departures=[{"station": "FILE-1", "connector": 0, "departure": "x", "wanted_wh": -1}, 5],
            ),
        )  # fmt: skip
        assert report["status"] == "rejected"
        found = {error["path"]: error["code"] for error in report["errors"]}
        assert found["limits[0].limit_amps"] == "above_installer"
        assert "never above the installer's" in report["errors"][0]["detail"]
        assert found["limits[1].circuit"] == "unknown_circuit"
        assert {"limits[2].circuit", "limits[3].x", "limits[3].circuit"} <= found.keys()
        assert {
            "departures[0].connector",
            "departures[0].departure",
            "departures[0].wanted_wh",
            "departures[1]",
        } <= set(found)
        assert await limits_of(desk) == {("main", "fleet"): 32.0}, "nothing of a wrong document is applied"


async def test_a_limit_that_came_too_late_is_passed_over(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send("load", load(1, {"circuit": "main", "limit_amps": 5, "until": text_of(NOON)}))
        assert report["status"] == "applied"
        assert await limits_of(desk) == {}


async def test_what_the_site_changes_is_told(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("load", load(1, {"circuit": "main", "limit_amps": 32, "until": LATER}))
        await set_limit(desk.site, "main", {"limit_amps": 40, "source": "fleet"}, actor="anna")
        await desk.is_born()
        (override,) = desk.report("load")["overrides"]
        assert (override["circuit"], override["status"], override["who"]) == ("main", "changed", "anna")
        report = await desk.send("load", load(2, {"circuit": "main", "limit_amps": 31, "until": LATER}))
        assert [one["who"] for one in report["overrides"]] == ["anna"]
        assert await limits_of(desk) == {("main", "fleet"): 40.0}
        await remove_limit(desk.site, "main", "fleet", actor="ben")
        await desk.is_born()
        (override,) = desk.report("load")["overrides"]
        assert (override["status"], override["who"], override["when"]) == ("removed", "ben", text_of(NOON))
        assert (await desk.send("load", None))["status"] == "withdrawn"


async def test_departures_are_known_until_they_are_past(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        one = {"station": "FILE-1", "connector": 1, "departure": LATER, "wanted_wh": 20_000}
        report = await desk.send("load", {"version": 1, "departures": [one, {**one, "wanted_wh": 1}]})
        assert [error["path"] for error in report["errors"]] == ["departures[1]"]
        await desk.send("load", {"version": 1, "departures": [one]})
        known = (await desk.site.database.write(known_departures))["FILE-1", 1]
        assert in_force_at(known, NOON) == (3600.0, 20_000)
        assert in_force_at(known, Instant(NOON + 3600 * SECOND)) == (None, None)
        assert in_force_at(None, NOON) == (None, None)
        await desk.send("load", load(2))
        assert await desk.site.database.write(known_departures) == {}


async def test_it_belongs_to_the_upstream_that_sent_it_first_but_required_ones_go_before(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        guest, second = Desk(desk.site, "guest"), Desk(desk.site, "second")
        assert (await guest.send("load", load(5)))["status"] == "applied"
        assert (await desk.send("load", load(1)))["status"] == "applied", "it is required, the guest is not"
        await guest.is_born()
        assert guest.report("load")["errors"][0]["code"] == "owned_by_another_upstream"
        assert (await second.send("load", load(9)))["errors"][0]["code"] == "owned_by_another_upstream"
        assert (await guest.send("load", load(6)))["errors"][0]["code"] == "owned_by_another_upstream"
        await desk.send("load", None)
        assert (await second.send("load", load(9)))["status"] == "applied", "nobody has it now"


async def test_what_was_taken_away_and_comes_again_is_known_to_be_the_fleets(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        second = Desk(desk.site, "second")
        await desk.send("load", load(7, {"circuit": "main", "limit_amps": 32}))
        await desk.send("stations", {"version": 1, "entries": [{"id": "A", "priority": 1}]})
        for doc in ("load", "stations"):
            await desk.send(doc, None)
        assert await limits_of(desk) == {("main", "fleet"): 32.0}, "what was applied stays"
        assert (await second.send("load", load(1)))["status"] == "applied"
        assert await limits_of(desk) == {}
        report = await second.send("stations", {"version": 1, "entries": [{"id": "A", "priority": 2}]})
        assert (report["status"], report["overrides"]) == ("applied", [])
        await second.send("load", None)
        await desk.send("load", load(1, {"circuit": "main", "limit_amps": 30}))
        await desk.send("load", None)
        await desk.send("load", load(1))
        assert await limits_of(desk) == {}
