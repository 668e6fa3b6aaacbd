"""One process, one configuration after the other: what is taken, what is kept, what gives way."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from gateway.configuration import Configuration, load_configuration
from gateway.daemon import AlreadyRunning, data_directory_held
from gateway.daemon_process import DaemonProcess
from gateway.operations.reload_configuration import Taken, Unchanged, Wrong
from gateway.systemd_notice import SystemdNotices
from tests.fakes.service_manager import ServiceManager


@dataclass(slots=True)
class _Stage:
    """A process that serves; `begun` are the site ids that were put to work, `before_each` is called with them."""

    folder: Path
    manager: ServiceManager
    begun: list[str] = field(default_factory=list)
    before_each: Callable[[Configuration], None] = lambda _: None
    process: DaemonProcess = field(init=False)

    @property
    def file(self) -> Path:
        return self.folder / "gateway.toml"

    def write(self, site: str, *, more: str = "", ocpp_port: int = 0, web_port: int = 0) -> None:
        self.file.write_text(
            f'[site]\nid = "{site}"\n[data]\ndirectory = "{self.folder}/data"\n[web]\nport = {web_port}\n'
            f'[firmware]\nport = 0\nhost = "127.0.0.1"\n[ocpp]\nhost = "127.0.0.1"\nport = {ocpp_port}\n{more}'
        )

    def begin(self, configuration: Configuration) -> None:
        self.begun.append(configuration.site.id)
        self.before_each(configuration)

    async def serves(self) -> None:
        await asyncio.to_thread(self.manager.wait_for_word, "READY=1")


@asynccontextmanager
async def _serving(folder: Path, *, load: Callable[[], Configuration] | None = None) -> AsyncIterator[_Stage]:
    with ServiceManager(folder) as manager:
        stage = _Stage(folder, manager)
        stage.write("first")
        load = load or partial(load_configuration, stage.file)
        stage.process = DaemonProcess(
            load(), load, stage.begin, SystemdNotices(manager.environment),
            lambda text: load_configuration(stage.file, decided=text),
        )  # fmt: skip
        task = asyncio.create_task(stage.process.serve())
        try:
            await stage.serves()
            yield stage
        finally:
            stage.process.end()
            await task


async def test_without_any_file_it_serves_on_defaults_and_tells_the_next_step(tmp_path: Path) -> None:
    defaults = load_configuration(None)
    somewhere = replace(
        defaults,
        data=replace(defaults.data, directory=tmp_path / "data"),
        ocpp=replace(defaults.ocpp, host="127.0.0.1", port=0),
        web=replace(defaults.web, port=0),
        firmware=replace(defaults.firmware, host="127.0.0.1", port=0),
    )
    async with _serving(tmp_path, load=lambda: somewhere) as stage:
        assert "defaults are in force; next step: ocpp-gateway setup" in stage.manager.heard[-1][1]
        assert await stage.process.reload() == Unchanged()
        await stage.serves()
        assert "next step: ocpp-gateway setup" in stage.manager.heard[-1][1]


async def test_a_good_configuration_is_taken_and_an_equal_one_is_not(tmp_path: Path) -> None:
    async with _serving(tmp_path) as stage:
        assert await stage.process.reload() == Unchanged()
        await stage.serves()
        stage.write("second")
        assert await stage.process.reload() == Taken()
        assert await stage.process.reload() == Taken()  # asked again while it changes
        await stage.serves()
        assert stage.begun == ["first", "second"]


async def test_a_wrong_one_is_logged_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with _serving(tmp_path) as stage:
        stage.write("second", more="[web]\nport = 1\n[nonsense]\n")
        with caplog.at_level(logging.ERROR):
            assert isinstance(await stage.process.reload(), Wrong)
        assert caplog.records and all("is not taken" in record.getMessage() for record in caplog.records)
        await stage.serves()
        assert stage.begun == ["first"]


async def test_what_is_decided_is_rehearsed_before_it_is_written(tmp_path: Path) -> None:
    async with _serving(tmp_path) as stage:
        assert await stage.process.rehearse("") == Unchanged()
        assert await stage.process.rehearse('[site]\nname = "New"\n') == Taken()
        assert isinstance(await stage.process.rehearse("[site"), Wrong)
        assert stage.begun == ["first"] and not (tmp_path / "data" / "site.toml").exists()


async def test_decisions_with_a_mistake_are_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "site.toml").write_text("[site")
    with caplog.at_level(logging.ERROR):
        async with _serving(tmp_path) as stage:
            assert "site.toml is left out whole" in stage.manager.heard[-1][1]
            (tmp_path / "data" / "site.toml").write_text('[site]\nname = "New"\n')
            assert await stage.process.reload() == Taken()
            await stage.serves()
            assert "left out" not in stage.manager.heard[-1][1]
    assert [record.getMessage()[:24] for record in caplog.records] == ["site.toml is left out: /"]


async def test_one_that_cannot_be_started_gives_way_to_the_one_before(tmp_path: Path) -> None:
    async with _serving(tmp_path) as stage:
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        stage.write("second", ocpp_port=port)
        thieves: list[socket.socket] = []

        def somebody_takes_the_port(configuration: Configuration) -> None:
            if configuration.site.id == "second":
                thieves.append(socket.create_server(("127.0.0.1", port)))

        stage.before_each = somebody_takes_the_port
        assert await stage.process.reload() == Taken()
        await stage.serves()
        assert stage.begun == ["first", "second", "first"]
        assert "attention, configuration: the new one cannot be started" in stage.manager.heard[-1][1]
        thieves.pop().close()
        stage.before_each = lambda _: None
        assert await stage.process.reload() == Taken()  # the files still say so
        await stage.serves()
        assert stage.begun[-1] == "second"
        assert "attention, configuration" not in stage.manager.heard[-1][1]


async def test_the_data_directory_is_held_also_between_two_configurations(tmp_path: Path) -> None:
    refused: list[AlreadyRunning] = []

    def somebody_wants_it(_: Configuration) -> None:
        try:
            with data_directory_held(tmp_path / "data"):
                pass
        except AlreadyRunning as error:
            refused.append(error)

    async with _serving(tmp_path) as stage:
        stage.before_each = somebody_wants_it
        stage.write("second")
        await stage.process.reload()
        await stage.serves()
    assert len(refused) == 1


async def test_sighup_while_it_changes_is_heeded_afterwards(tmp_path: Path) -> None:
    async with _serving(tmp_path) as stage:
        stage.write("second")
        await stage.process.reload()
        stage.write("third")
        os.kill(os.getpid(), signal.SIGHUP)
        await stage.serves()
        await stage.serves()
        assert stage.begun == ["first", "second", "third"]


async def test_people_who_come_while_it_begins_anew_wait_and_are_not_turned_away(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    guests: list[socket.socket] = []
    async with _serving(tmp_path) as stage:
        stage.write("second", web_port=port)
        assert await stage.process.reload() == Taken()
        await stage.serves()
        stage.before_each = lambda _: guests.append(socket.create_connection(("127.0.0.1", port), timeout=5))
        stage.write("third", web_port=port)
        assert await stage.process.reload() == Taken()
        await stage.serves()
        (guest,) = guests
        with closing(guest):
            guest.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = await asyncio.to_thread(guest.recv, 100)
        assert answer.startswith(b"HTTP/1.1 200 ")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
