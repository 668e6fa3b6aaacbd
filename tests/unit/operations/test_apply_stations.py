"""Document stations: makes, changes, removes stations; safety is the installer's, overrides stay, no secret is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.provision_stations import put_station
from gateway.operations.settle_documents import settle_document
from gateway.operations.site import Site
from gateway.store import stations
from gateway.store.passwords import is_password
from tests.unit.operations.test_auth_list import open_desk
from tests.unit.web.conftest import NOON


def wanted(version: int, *entries: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"doc": "stations", "version": version, "entries": list(entries), **more}


async def values_of(site: Site, station: str) -> dict[str, object] | None:
    row = await site.database.write(lambda db: stations.find(db, station))
    return None if row is None else row.run_time_values()


async def test_stations_are_made_changed_and_removed(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send("stations", wanted(1, {"id": "A", "priority": 3}, {"id": "B"}))
        assert report["status"] == "applied"
        assert report["per_station"] == {"A": {"status": "applied"}, "B": {"status": "applied"}}
        assert await values_of(desk.site, "A") == {"priority": 3}
        report = await desk.send("stations", wanted(2, {"id": "A", "priority": 4}, base_version=1, deleted=["B"]))
        assert (report["status"], report["overrides"]) == ("applied", [])
        assert report["per_station"] == {"A": {"status": "applied"}, "B": {"status": "removed"}}
        assert await values_of(desk.site, "A") == {"priority": 4}
        assert await values_of(desk.site, "B") is None
        await desk.send("stations", wanted(3))
        assert await values_of(desk.site, "A") == {"priority": 4}, "one that is left out stays"


async def test_the_installers_file_is_not_overruled(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        bad = {"id": "FILE-1", "max_amps": 20, "fallback_amps": 10, "circuit": None, "priority": 1}
        report = await desk.send("stations", wanted(1, bad, {"id": "C"}))
        assert report["status"] == "partial"
        assert [(error["code"], error["path"]) for error in report["errors"]] == [
            ("installers", "stations.FILE-1.max_amps"), ("installers", "stations.FILE-1.fallback_amps"),
            ("installers", "stations.FILE-1.circuit"),
        ]  # fmt: skip
        assert await values_of(desk.site, "FILE-1") in (None, {})


async def test_only_stations_of_the_fleet_are_removed(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await put_station(desk.site, "OURS", {}, actor="anna")
        report = await desk.send("stations", wanted(1, deleted=["OURS", "FILE-1", "nobody"]))
        assert {error["code"] for error in report["errors"]} == {"installers", "not_owned"}
        assert await values_of(desk.site, "OURS") == {}


async def test_what_the_site_set_stays_and_is_told(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await put_station(desk.site, "A", {"priority": 7}, actor="anna")
        report = await desk.send("stations", wanted(1, {"id": "A", "priority": 1, "weight": 2}))
        assert report["overrides"] == [
            {
                "station": "A", "field": "priority", "value": 7, "who": "anna", "when": text_of(NOON),
                "override": True,
            }
        ]  # fmt: skip
        assert await values_of(desk.site, "A") == {"priority": 7, "weight": 2}
        await put_station(desk.site, "A", {"weight": 5}, actor="ben")
        report = await desk.send("stations", wanted(2, {"id": "A", "priority": 1, "weight": 3}))
        assert [(one["field"], one["who"]) for one in report["overrides"]] == [("priority", "anna"), ("weight", "ben")]
        assert await values_of(desk.site, "A") == {"priority": 7, "weight": 5}


async def test_a_field_that_one_version_left_out_is_still_the_fleets(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("stations", wanted(1, {"id": "A", "priority": 1, "weight": 2}))
        await desk.send("stations", wanted(2, {"id": "A", "priority": 2}))
        await desk.send("stations", wanted(3, {"id": "A", "priority": 3}, base_version=2))
        report = await desk.send("stations", wanted(4, {"id": "A", "weight": 4}, base_version=3))
        assert (report["status"], report["overrides"]) == ("applied", [])
        assert await values_of(desk.site, "A") == {"priority": 3, "weight": 4}
        await put_station(desk.site, "A", {"priority": 9}, actor="anna")
        await desk.is_born()
        assert [one["field"] for one in desk.report("stations")["overrides"]] == ["priority"]


async def test_mistakes_in_fields_reject_all_and_others_only_the_station(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send(
            "stations",
            wanted(1, {"id": "A"}, {"id": "A"}, {"id": "B", "max_amps": "x", "colour": 1}, {}, 5, deleted=["A", 1]),
        )
        assert report["status"] == "rejected"
        paths = {error["path"] for error in report["errors"]}
        assert paths == {
            "entries[1].id", "entries[2].max_amps", "entries[2].colour", "entries[3].id", "entries[4]", "deleted",
        }  # fmt: skip
        assert await values_of(desk.site, "A") is None
        report = await desk.send("stations", wanted(1, {"id": "A"}, {"id": "B", "circuit": "roof"}))
        assert (report["status"], report["per_station"]["B"]) == ("partial", {"status": "rejected"})
        assert report["errors"][0]["path"] == "stations.B.circuit"
        assert await values_of(desk.site, "A") == {}


async def test_passwords_are_set_and_nowhere_on_disk(tmp_path: Path) -> None:
    time = NOON
    async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
        at = text_of(Instant(NOON + SECOND))
        secret = "Tr0ubadour&3-hidden"
        await desk.send("stations", wanted(1, {"id": "A", "password": secret}, {"id": "B", "x": {"password": secret}}))
        await desk.send("stations", wanted(2, {"id": "A", "password": secret, "password_hash": "$x"}, not_before=at))
        assert not await holds(desk.site, secret)
        time = Instant(NOON + SECOND)
        await settle_document(desk.site, "fleet", "stations", fetch=False)
        row = await desk.site.database.write(lambda db: stations.find(db, "A"))
        assert row is not None and row.password_hash is not None and is_password(row.password_hash, secret.encode())
        assert not await holds(desk.site, secret)
        report = await desk.send("stations", wanted(3, {"id": "A", "password": ""}))
        assert [error["path"] for error in report["errors"]] == ["entries[0].password"]
        await put_station(desk.site, "OURS", {"password": "ours"}, actor="anna")
        await desk.send("stations", wanted(4, {"id": "OURS", "password": "theirs"}))
        row = await desk.site.database.write(lambda db: stations.find(db, "OURS"))
        assert row is not None and row.password_hash is not None and is_password(row.password_hash, b"ours")


async def holds(site: Site, secret: str) -> bool:
    """Is the text anywhere in the database's files?"""
    folder = site.configuration.data.directory
    return any(secret.encode() in file.read_bytes() for file in folder.glob("gateway.db*"))
