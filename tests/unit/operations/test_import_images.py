"""Images from an address: resumed over restarts, believed only with their digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_store.incoming import StoreFull, TooLarge
from firmware_store.manifest import Manifest
from gateway.operations.import_images import WrongBytes, import_from_url
from gateway.operations.keep_images import image_store
from gateway.operations.site import Site
from gateway.store import firmware_images
from gateway.upstream.fetch import NotFetched
from tests.fakes.range_server import RangeServer, range_server
from tests.unit.operations.firmware_site import files, limited
from tests.unit.web.conftest import configuration_in, open_site

CONTENT = os.urandom(400_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
MANIFEST = Manifest("Vendor", ("M",), "1", "f.bin")


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with range_server(CONTENT) as server:
        yield server


async def fetched(site: Site, server: RangeServer, *, sha256: str | None = SHA, size: int | None = None) -> str:
    return await import_from_url(site, server.url, MANIFEST, sha256, size, actor="fleet:1", source="fleet")


async def test_it_is_fetched_and_approved(server: RangeServer, tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        image_id = await fetched(site, server, size=len(CONTENT))
        row = await site.database.write(lambda db: firmware_images.find(db, image_id))
        assert row is not None and firmware_images.usable(row)
        assert (row.sha256, row.source, row.imported_by) == (SHA, "fleet", "fleet:1")
        assert await fetched(site, server) == image_id, "and not fetched again"
        assert server.asked == [None]
        assert await fetched(site, server, sha256=None) == image_id
        assert len(files(site)) == 1


async def test_it_is_resumed_after_a_restart(server: RangeServer, tmp_path: Path) -> None:
    server.breaks_after = 150_000
    for _ in range(2):
        async with open_site(configuration_in(tmp_path)) as site:
            with pytest.raises(NotFetched):
                await fetched(site, server)
    server.breaks_after = None
    async with open_site(configuration_in(tmp_path)) as site:
        await fetched(site, server)
        assert server.asked == [None, "bytes=150000-", "bytes=300000-"]
        assert image_store(site).path(SHA).read_bytes() == CONTENT
        assert len(files(site)) == 1


async def test_what_was_put_together_wrongly_is_fetched_anew(server: RangeServer, tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        server.content, server.breaks_after = bytes(400_000), 150_000
        with pytest.raises(NotFetched):
            await fetched(site, server)
        server.content, server.breaks_after = CONTENT, None  # changed under the same mark
        await fetched(site, server)
        assert server.asked == [None, "bytes=150000-", None]


async def test_other_bytes_leave_nothing(server: RangeServer, tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        with pytest.raises(WrongBytes):
            await fetched(site, server, sha256="0" * 64)
        with pytest.raises(WrongBytes):
            await fetched(site, server, size=len(CONTENT) + 1)
        with pytest.raises(NotFetched, match="larger"):
            await fetched(site, server, size=len(CONTENT) - 1)
        server.content = b""
        with pytest.raises(WrongBytes, match="empty"):
            await fetched(site, server, sha256=None)
        assert files(site) == []


async def test_no_room_is_told(server: RangeServer, tmp_path: Path) -> None:
    async with open_site(limited(configuration_in(tmp_path), 1)) as site:
        with pytest.raises(TooLarge):
            await fetched(site, server, size=2_000_000)
        server.content = bytes(1_500_000)
        with pytest.raises(NotFetched, match="larger"):
            await fetched(site, server)
        store = image_store(site)
        store.incoming.mkdir(parents=True, exist_ok=True)
        (store.incoming / "other").write_bytes(bytes(900_000))
        server.content = CONTENT
        with pytest.raises(StoreFull):
            await fetched(site, server, size=len(CONTENT))


async def test_a_stop_does_not_wait_for_the_rest(server: RangeServer, tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        task = asyncio.ensure_future(fetched(site, server))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not site.images.busy
