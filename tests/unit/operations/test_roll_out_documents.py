"""Firmware with a digest, wanted by a fleet manager: fetched once, rolled out by campaigns, also to who comes later."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.configuration import Upstream
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.keep_images import withdraw
from gateway.operations.plan_campaigns import wish
from gateway.operations.roll_out_documents import look_at_documents, roll_out_documents
from gateway.operations.settle_documents import settle_document
from gateway.operations.site import Site
from gateway.store import campaigns, fleet_images
from gateway.store.writing import Writing
from tests.fakes.documents_desk import Desk
from tests.fakes.file_server import FileServer, file_server
from tests.unit.web.conftest import NOON, configuration_in, open_site

IMAGE = b"firmware" * 1000
DIGEST = hashlib.sha256(IMAGE).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.files["/post-9.1.bin"] = IMAGE
        yield server


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A fleet manager of a site with two posts and a wallbox; `desk.clock[0]` is the time."""
    configuration = replace(
        configuration_in(tmp_path), upstreams=(Upstream(name="fleet", host="broker.example", port=8883),)
    )
    async with open_site(configuration) as site:
        clock = [NOON]
        played = replace(site, wall_clock=lambda: clock[0])
        for station, model in (("FILE-1", "Post"), ("CP-2", "Post"), ("WB-1", "Box")):
            await played.database.write(known(station, model))
        desk = Desk(played)
        desk.clock = clock  # type: ignore[attr-defined]
        yield desk


def known(station: str, model: str, version: str = "1.0") -> Any:
    def unit(db: Writing) -> None:
        db.execute(
            "INSERT OR REPLACE INTO stations (station, origin, admission, settings, vendor, model, firmware_version,"
            " booted_at, created_at) VALUES (?, 'api', 'accepted', '{}', 'Maker', ?, ?, ?, ?)",
            (station, model, version, NOON, NOON),
        )

    return unit


def wanted(server: FileServer, version: int = 1, **more: Any) -> dict[str, Any]:
    entry = {"model": "Post", "version": "9.1", "url": server.url("/post-9.1.bin"), "sha256": DIGEST, **more}
    return {"doc": "firmware", "version": version, "entries": [entry]}


async def heard(desk: Desk, document: dict[str, Any] | None) -> dict[str, Any]:
    await desk.send("firmware", document)
    await settle_document(desk.site, "fleet", "firmware", fetch=False)
    await look_at_documents(desk.site)
    await desk.is_born()
    return desk.report("firmware")


async def made(site: Site) -> list[tuple[str, list[str]]]:
    """(state, stations) of every campaign."""

    def unit(db: Writing) -> list[tuple[str, list[str]]]:
        rows = db.execute("SELECT campaign_id, state FROM campaigns ORDER BY rowid").fetchall()
        return [(state, sorted(one.station for one in campaigns.stations_of(db, name))) for name, state in rows]

    return await site.database.write(unit)


async def test_it_is_fetched_once_and_rolled_out_to_those_it_is_for(desk: Desk, server: FileServer) -> None:
    report = await heard(desk, wanted(server, policy={"canary": 1}))
    assert report["status"] == "applied", report
    assert await made(desk.site) == [("running", ["CP-2", "FILE-1"])]
    told = report["per_station"]["CP-2"]
    assert (told["status"], told["state"], told["wanted"], told["error"]) == ("waiting", "waiting", "9.1", None)
    assert "WB-1" not in report["per_station"]
    for _ in range(3):
        await look_at_documents(desk.site)
    assert server.asked == ["/post-9.1.bin"]
    assert len(await made(desk.site)) == 1
    images = await desk.site.database.write(
        lambda db: db.execute("SELECT sha256, source, imported_by, state FROM firmware_images").fetchall()
    )
    assert images == [(DIGEST, "fleet", "fleet:fleet", "approved")]


async def test_who_comes_later_is_updated_too(desk: Desk, server: FileServer) -> None:
    await desk.site.database.write(known("CP-7", "Post"))
    await desk.site.database.write(
        lambda db: db.execute("UPDATE stations SET origin = 'knock', admission = 'pending' WHERE station = 'CP-7'")
    )
    await heard(desk, wanted(server))
    await desk.site.database.write(known("CP-9", "Post"))
    await desk.site.database.write(known("CP-8", "Post", version="9.1"))
    await look_at_documents(desk.site)
    assert [stations for _, stations in await made(desk.site)] == [["CP-2", "FILE-1"], ["CP-9"]]
    await desk.is_born()
    assert desk.report("firmware")["per_station"]["CP-8"]["status"] == "up_to_date"


async def test_what_cannot_be_fetched_is_tried_again_later_and_later(desk: Desk, server: FileServer) -> None:
    content = server.files.pop("/post-9.1.bin")
    report = await heard(desk, wanted(server))
    assert "404" in report["per_station"]["CP-2"]["error"]
    await look_at_documents(desk.site)
    assert len(server.asked) == 1, "not before its time"
    server.files["/post-9.1.bin"] = content
    desk.clock[0] = Instant(NOON + 60 * SECOND)  # type: ignore[attr-defined]
    await look_at_documents(desk.site)
    assert len(await made(desk.site)) == 1


async def test_other_bytes_than_announced_are_not_rolled_out(desk: Desk, server: FileServer) -> None:
    server.files["/post-9.1.bin"] = b"something else"
    report = await heard(desk, wanted(server))
    assert report["per_station"]["CP-2"]["status"] == "not_yet"
    assert report["per_station"]["CP-2"]["error"]
    assert await made(desk.site) == []


async def test_an_entry_that_goes_away_ends_its_campaign(desk: Desk, server: FileServer) -> None:
    await heard(desk, wanted(server))
    await heard(desk, {"doc": "firmware", "version": 2, "entries": []})
    assert await made(desk.site) == [("aborted", ["CP-2", "FILE-1"])]
    assert await desk.site.database.write(fleet_images.every) == {}
    await heard(desk, wanted(server, 3))
    assert [state for state, _ in await made(desk.site)] == ["aborted", "running"]


async def test_another_version_lets_failed_ones_try_again_but_not_what_a_person_aborted(
    desk: Desk, server: FileServer
) -> None:
    await heard(desk, wanted(server))

    def fail(db: Writing) -> None:
        db.execute("UPDATE campaign_stations SET state = 'failed', failure = 'install' WHERE station = 'CP-2'")
        db.execute("UPDATE campaigns SET state = 'halted'")

    await desk.site.database.write(fail)
    report = await heard(desk, wanted(server))
    assert report["per_station"]["CP-2"]["status"] == "failed"
    report = await heard(desk, wanted(server, 2))
    assert report["per_station"]["CP-2"]["status"] == "waiting"
    assert [state for state, _ in await made(desk.site)] == ["running"]

    def abort(db: Writing) -> None:
        (campaign_id,) = db.execute("SELECT campaign_id FROM campaigns").fetchone()
        fail(db)
        wish(db, desk.site, campaign_id, "abort", actor="me")

    await desk.site.database.write(abort)
    report = await heard(desk, wanted(server, 3))
    assert [state for state, _ in await made(desk.site)] == ["aborted"]
    assert report["per_station"]["FILE-1"]["status"] == "not_yet"


async def test_an_image_that_was_withdrawn_here_stays_withdrawn(desk: Desk, server: FileServer) -> None:
    await heard(desk, wanted(server, not_before="2027-02-01T00:00:00Z"))
    assert await made(desk.site) == [], "its time has not come"
    (image_id,) = await desk.site.database.write(
        lambda db: db.execute("SELECT image_id FROM firmware_images").fetchone()
    )
    await withdraw(desk.site, image_id, actor="me")
    desk.clock[0] = Instant(NOON + 40 * 86_400 * SECOND)  # type: ignore[attr-defined]
    await look_at_documents(desk.site)
    assert await made(desk.site) == []
    await desk.is_born()
    assert "withdrawn" in desk.report("firmware")["per_station"]["CP-2"]["error"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"policy": {"canary": -1}}, "entries[0].policy.canary"),
        ({"policy": 5}, "entries[0].policy"),
        ({"size_bytes": 0}, "entries[0].size_bytes"),
        ({"url": "ftp://h/x.bin"}, "entries[0].url"),
        ({"downgrade_allowed": "yes"}, "entries[0].downgrade_allowed"),
        ({"sha256": None}, "entries[0].sha256"),
    ],
)
async def test_wrong_entries(desk: Desk, server: FileServer, more: dict[str, Any], path: str) -> None:
    report = await heard(desk, wanted(server, **more))
    assert report["status"] == "rejected"
    assert path in [error["path"] for error in report["errors"]]


async def test_a_policy_without_a_digest_means_nothing(desk: Desk, server: FileServer) -> None:
    document = wanted(server, policy={})
    del document["entries"][0]["sha256"]
    report = await heard(desk, document)
    assert [error["path"] for error in report["errors"]] == ["entries[0].policy"]


async def test_stations_named_are_the_only_ones(desk: Desk, server: FileServer) -> None:
    document = wanted(server)
    entry = document["entries"][0]
    del entry["model"]
    entry["stations"] = ["WB-1", "NOBODY"]
    await heard(desk, document)
    assert await made(desk.site) == [("running", ["WB-1"])]
    assert await desk.site.database.write(lambda db: campaigns.find_station(db, "x", StationId("WB-1"))) is None


async def test_a_server_that_says_nothing_keeps_no_other_image_waiting(desk: Desk, server: FileServer) -> None:
    asked: list[asyncio.StreamWriter] = []

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)

    silent = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    document = wanted(server)
    stuck = {"model": "Box", "version": "3", "url": f"http://127.0.0.1:{port}/box.bin", "sha256": "0" * 64}
    document["entries"].insert(0, stuck)
    await desk.send("firmware", document)
    await settle_document(desk.site, "fleet", "firmware", fetch=False)
    async with silent:
        loop = asyncio.create_task(roll_out_documents(desk.site))
        try:
            async with asyncio.timeout(5):
                while not await made(desk.site):  # noqa: ASYNC110 (nobody is told)
                    await asyncio.sleep(0.05)
            assert asked, "the other one is being fetched"
        finally:
            for writer in asked:
                writer.close()
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)
    assert await made(desk.site) == [("running", ["CP-2", "FILE-1"])]
