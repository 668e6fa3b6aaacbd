"""The listeners: TCP for people, a unix socket for the command line."""

from __future__ import annotations

import asyncio
import gc
import socket
import stat
import weakref
from pathlib import Path

import aiohttp
import pytest

from gateway.web.application import SOCKET_NAME, make_application, reachable_socket_path, serve
from tests.unit.web.conftest import configuration_in, open_site


async def ask_socket(path: Path, resource: str) -> tuple[int, object]:
    with reachable_socket_path(path) as short:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(short)) as session,
            session.get(f"http://localhost{resource}") as response,
        ):
            return response.status, await response.json(content_type=None)


@pytest.mark.parametrize("folder", ["data", "a-rather-long-name-of-a-folder" * 5])
async def test_both_listeners_serve_and_the_socket_needs_no_token(tmp_path: Path, folder: str) -> None:
    directory = tmp_path / folder
    directory.mkdir()
    path = directory / SOCKET_NAME
    async with open_site(configuration_in(directory)) as site:
        async with serve(site, make_application(site)) as port:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            status, document = await ask_socket(path, "/api/v1/tokens")
            assert (status, document) == (200, {"items": [], "next": None})
            async with aiohttp.ClientSession() as session:
                assert (await session.get(f"http://127.0.0.1:{port}/livez")).status == 200
                assert (await session.get(f"http://127.0.0.1:{port}/api/v1/tokens")).status == 401
        assert not path.exists()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_closed_door_leaves_nothing_behind_in_the_library(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        application = make_application(site)
        async with serve(site, application):
            assert (await ask_socket(tmp_path / SOCKET_NAME, "/livez"))[0] == 200
        remembered = weakref.ref(application)
        del application
        gc.collect()
        assert remembered() is None


async def test_the_socket_names_its_user_in_the_journal(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site, serve(site, make_application(site)):
        with reachable_socket_path(tmp_path / SOCKET_NAME) as short:
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(short)) as session:
                await session.put("http://localhost/api/v1/stations/CP-1", json={})
        _, events = await ask_socket(tmp_path / SOCKET_NAME, "/api/v1/events")
        assert isinstance(events, dict)
        assert events["items"][0]["data"]["actor"].startswith("local user ")


async def test_the_socket_of_a_dead_gateway_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))
    async with open_site(configuration_in(tmp_path)) as site, serve(site, make_application(site)):
        assert (await ask_socket(tmp_path / SOCKET_NAME, "/livez"))[0] == 200


async def test_the_socket_of_a_living_gateway_is_left_alone(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site, serve(site, make_application(site)):
        with pytest.raises(FileExistsError, match="another gateway"):
            async with serve(site, make_application(site)):
                pass
        assert (await ask_socket(tmp_path / SOCKET_NAME, "/livez"))[0] == 200


async def test_a_file_in_the_way_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).write_text("mine")
    async with open_site(configuration_in(tmp_path)) as site:
        with pytest.raises(FileExistsError, match="not a socket"):
            async with serve(site, make_application(site)):
                pass
    assert (tmp_path / SOCKET_NAME).read_text() == "mine"


async def test_stopping_ends_live_feeds_at_once(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site, aiohttp.ClientSession() as session:
        with reachable_socket_path(tmp_path / SOCKET_NAME) as short:
            async with (
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(short)) as local,
                asyncio.timeout(10),
            ):
                async with serve(site, make_application(site)):
                    response = await local.get("http://localhost/api/v1/events/stream", timeout=aiohttp.ClientTimeout())
                    assert (await response.content.readline()).startswith(b"retry")
                rest = await response.read()
                assert rest.strip() == b""
        assert not session.closed


def test_the_door_is_opened_without_importing_the_web_framework_before() -> None:
    import subprocess
    import sys

    program = "import sys, gateway.daemon; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_api_is_served_without_importing_what_reads_meters() -> None:
    import subprocess
    import sys

    modules = "{'pymodbus', 'serial', 'smllib'} & sys.modules.keys()"
    program = f"import sys, gateway.web.application; sys.exit(bool({modules}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
