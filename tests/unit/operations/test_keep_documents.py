"""The loop of documents: fetches, waits, tries again, tells news; over restarts, and when an upstream has gone."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.keep_backups import back_up_offline, restore_offline
from gateway.operations.keep_documents import keep_documents
from gateway.operations.limits_for_a_time import find_limits
from gateway.operations.manage_tags import put_tag
from gateway.operations.settle_documents import settle_document
from gateway.operations.site import Site
from tests.fakes.documents_desk import Desk
from tests.fakes.file_server import FileServer, file_server
from tests.unit.operations.test_auth_list import auth_list, open_desk, tag, tags_of
from tests.unit.web.conftest import NOON, configuration_in, open_site
from tests.upstream.linking import until


@asynccontextmanager
async def looping(site: Site) -> AsyncIterator[None]:
    """The loop runs for the length of the block."""
    task = asyncio.create_task(keep_documents(site))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(desk: Desk, doc: str, **wanted: Any) -> dict[str, Any]:
    """The newest report, as soon as it says so."""
    await until(lambda: all(desk.report(doc).get(name) == value for name, value in wanted.items()), str(wanted))
    return desk.report(doc)


def by_url(server: FileServer, version: int, document: dict[str, Any], **more: object) -> dict[str, Any]:
    content = json.dumps(document).encode()
    server.files[f"/{version}"] = content
    return {
        "doc": "auth-list", "version": version, "url": server.url(f"/{version}"),
        "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), **more,
    }  # fmt: skip


async def test_a_big_one_is_fetched_checked_and_applied(tmp_path: Path) -> None:
    with file_server() as server:
        async with open_desk(tmp_path) as desk, looping(desk.site):
            report = await desk.send("auth-list", by_url(server, 1, auth_list(1, tag("A"))))
            assert report["status"] == "pending"
            await told(desk, "auth-list", status="applied")
            assert await tags_of(desk.site) == {"A": "Accepted"}
            await desk.send("auth-list", by_url(server, 2, {"entries": [], "deleted": ["A"]}, base_version=1))
            await told(desk, "auth-list", status="applied", version=2)
            assert await tags_of(desk.site) == {}
            await desk.send("auth-list", by_url(server, 3, {"doc": "load", "limits": []}))
            report = await told(desk, "auth-list", status="rejected")
            assert report["errors"][0]["path"] == "doc"
            assert not list(desk.site.configuration.data.directory.glob(".document-*")), "no file is left behind"


async def test_what_cannot_be_fetched_is_tried_again_also_after_a_restart(tmp_path: Path) -> None:
    time = NOON
    with file_server() as server:
        manifest = by_url(server, 1, auth_list(1, tag("A")))
        content = server.files.pop("/1")
        async with open_desk(tmp_path, wall_clock=lambda: time) as desk, looping(desk.site):
            await desk.send("auth-list", manifest)
            await until(lambda: bool(desk.report("auth-list")["errors"]), "that it cannot be fetched")
            assert desk.report("auth-list")["errors"][0]["code"] == "fetch_failed"
            assert desk.report("auth-list")["status"] == "pending"
        server.files["/1"] = content
        async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
            await settle_document(desk.site, "fleet", "auth-list", fetch=True)
            assert server.asked == ["/1"], "not before five seconds have passed"
            time = Instant(NOON + 5 * SECOND)
            async with looping(desk.site):
                await desk.is_born()
                await told(desk, "auth-list", status="applied")
            assert await tags_of(desk.site) == {"A": "Accepted"}


async def test_a_newer_one_takes_the_place_of_one_that_cannot_be_had(tmp_path: Path) -> None:
    with file_server() as server:
        manifest = by_url(server, 1, auth_list(1, tag("A")))
        del server.files["/1"]
        async with open_desk(tmp_path) as desk:
            await desk.send("auth-list", manifest)
            assert (await desk.send("auth-list", auth_list(2, tag("B"))))["status"] == "applied"
            await settle_document(desk.site, "fleet", "auth-list", fetch=True)
            assert await tags_of(desk.site) == {"B": "Accepted"}


async def test_one_that_waits_is_applied_when_its_time_comes(tmp_path: Path) -> None:
    time = NOON
    async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
        later = text_of(Instant(NOON + SECOND // 5))
        await desk.send("auth-list", auth_list(1, tag("A"), not_before=later))
        async with looping(desk.site):
            await asyncio.sleep(0.05)
            assert await tags_of(desk.site) == {}
            time = Instant(NOON + SECOND)
            await told(desk, "auth-list", status="applied")


async def test_what_a_kill_left_of_a_fetch_is_cleared(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        left = desk.site.configuration.data.directory / ".document-abc"
        left.mkdir()
        (left / "document").write_bytes(b"half")
        async with looping(desk.site):
            await until(lambda: not left.exists(), "the folder to go")


async def test_news_are_told_by_themselves_and_only_news(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("auth-list", auth_list(1, tag("A")))
        async with looping(desk.site):
            said = len(desk.said)
            await put_tag(desk.site, "A", {"status": "Blocked"}, actor="anna")
            await until(lambda: bool(desk.report("auth-list")["overrides"]), "the override")
        assert len(desk.said) == said + 1


async def test_an_upstream_that_has_gone_from_the_file_leaves_its_tags_to_the_site(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("auth-list", auth_list(1, tag("A")))
    async with open_site(replace(configuration_in(tmp_path), upstreams=())) as site:
        async with looping(site):
            await asyncio.sleep(0.1)
        assert await tags_of(site) == {"A": "Accepted"}
        rows = await site.readers.rows("SELECT count(*) FROM fleet_tags")
        assert [tuple(row) for row in rows] == [(0,)]


async def test_after_a_restore_the_versions_of_the_backup_count_and_newer_ones_come_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        configuration = desk.site.configuration
        await desk.send("auth-list", auth_list(1, tag("A")))
        await desk.send("load", {"version": 1, "limits": [{"circuit": "main", "limit_amps": 32}]})
    back_up_offline(configuration, tmp_path / "copy.db")
    newest = auth_list(2, tag("A", "Blocked"), base_version=1)
    async with open_desk(tmp_path) as desk:
        await desk.send("auth-list", newest)
        await desk.send("load", {"version": 2, "limits": []})
    restore_offline(configuration, tmp_path / "copy.db")
    async with open_desk(tmp_path) as desk:
        await desk.is_born()
        assert desk.report("auth-list")["applied_version"] == 1
        assert await tags_of(desk.site) == {"A": "Accepted"}
        assert (await desk.send("auth-list", newest))["status"] == "applied"
        assert await tags_of(desk.site) == {"A": "Blocked"}
        assert (await desk.send("load", {"version": 2, "limits": []}))["status"] == "applied"
        assert await find_limits(desk.site) == []
