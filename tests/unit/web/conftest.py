"""A web door on a real database, with stations that are played by fakes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from gateway.configuration import Circuit, Configuration, Data, StationSettings, Web
from gateway.configuration import Site as SiteSection
from gateway.health import Health
from gateway.journal_signal import JournalSignal
from gateway.model.calls import Answered, Reply
from gateway.model.clocks import RawClock
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.proofs import Proof
from gateway.model.treatment import Treatment
from gateway.operations.clock_now import ClockNow
from gateway.operations.manage_tokens import Role, create_token
from gateway.operations.site import Site
from gateway.stations.connected import Connected
from gateway.store.database import open_database
from gateway.store.readers import Readers
from gateway.store.writing import Writing
from gateway.web.application import make_application

NOON = Instant(1_800_000_000_000_000)  # 2027-01-15T08:00:00Z
KEPT_CLOCK = RawClock(True, 5000, "0123abcd", 0, NOON)


@dataclass
class PlayedConnection:
    """A connected station: remembers what it was asked, answers what it was told to."""

    station: str
    reply: Reply | Exception = field(default_factory=lambda: Answered({}))
    treatment: Treatment = field(default_factory=Treatment)
    proof: Proof = field(default_factory=Proof)
    address: str = "192.0.2.7:4000"
    local_address: tuple[str, int] = ("::ffff:192.168.1.10", 9000)
    since: Instant = NOON
    last_message_at: float = 0.0
    subprotocol: str = "ocpp1.6"
    asked: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)

    async def call(self, action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Reply:
        self.asked.append((action, payload))
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def end(self, code: int, reason: str) -> None:
        self.ended.append((code, reason))

    def drop(self) -> None:
        self.ended.append((1006, ""))


class PlayedConnected:
    """The registry of connections, without sockets."""

    def __init__(self) -> None:
        self.connections: dict[StationId, PlayedConnection] = {}
        self.forgotten = 0

    def play(self, connection: PlayedConnection) -> PlayedConnection:
        connection.last_message_at = asyncio.get_running_loop().time()
        self.connections[StationId(connection.station)] = connection
        return connection

    def get(self, station: StationId) -> PlayedConnection | None:
        return self.connections.get(station)

    def is_connected(self, station: StationId) -> bool:
        return station in self.connections

    def all(self) -> dict[StationId, PlayedConnection]:
        return dict(self.connections)

    def __len__(self) -> int:
        return len(self.connections)

    def forget_answers(self) -> None:
        self.forgotten += 1


def configuration_in(directory: Path) -> Configuration:
    """One circuit and one station in the file."""
    return Configuration(
        site=SiteSection(id="site-1"),
        data=Data(directory=directory),
        web=Web(host="127.0.0.1", port=0),
        circuits=(Circuit(name="main", limit_amps=(63, 63, 63)),),
        stations=(StationSettings(id="FILE-1", circuit="main", max_amps=16),),
    )


@asynccontextmanager
async def open_site(configuration: Configuration) -> AsyncIterator[Site]:
    """A site on a real database; nobody is connected."""
    database = await open_database(configuration.data.directory / "gateway.db")
    readers = Readers(database.path)
    numbers = itertools.count(1)
    health = Health(("store", "web"))
    signal = JournalSignal()
    site = Site(
        configuration=configuration,
        database=database,
        readers=readers,
        connected=cast(Connected, PlayedConnected()),
        wall_clock=lambda: NOON,
        new_id=lambda: f"id-{next(numbers)}",
        journal_signal=signal,
        health=health,
        clock_quality=ClockNow(lambda: KEPT_CLOCK),
    )

    def committed(failure: str | None) -> None:
        health.report("store", failure)
        if failure is None:
            signal.announce()

    database.committed = committed
    health.report("web", None)
    try:
        yield site
    finally:
        await readers.close()
        await database.close()


@dataclass
class Door:
    """The open web door: `ask` sends a request with the token of a role (None: without a token)."""

    site: Site
    client: TestClient
    tokens: dict[str, str]

    @property
    def connected(self) -> PlayedConnected:
        return cast(PlayedConnected, self.site.connected)

    async def ask(self, method: str, path: str, *, role: Role | None = "installer", **more: object) -> ClientResponse:
        headers = dict(cast(Mapping[str, str], more.pop("headers", {})))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return await self.client.request(method, path, headers=headers, **more)  # type: ignore[arg-type]

    async def document(self, method: str, path: str, *, expect: int = 200, **more: object) -> dict:  # type: ignore[type-arg]
        response = await self.ask(method, path, **more)  # type: ignore[arg-type]
        document = await response.json(content_type=None)
        assert response.status == expect, document
        return cast(dict, document)  # type: ignore[type-arg]

    async def problem(self, method: str, path: str, *, expect: int, **more: object) -> dict:  # type: ignore[type-arg]
        response = await self.ask(method, path, **more)  # type: ignore[arg-type]
        assert response.status == expect, await response.text()
        assert response.content_type == "application/problem+json"
        document = await response.json(content_type=None)
        assert document["status"] == expect
        assert document.keys() >= {"type", "title", "detail"}
        return cast(dict, document)  # type: ignore[type-arg]

    async def write(self, unit: Callable[[Writing], object]) -> None:
        await self.site.database.write(unit)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_site(configuration_in(tmp_path)) as site:
        made = {
            role: (await create_token(site, role=role, name=role, actor="test")).text
            for role in ("viewer", "operator", "installer")
        }
        async with TestClient(TestServer(make_application(site))) as client:
            yield Door(site, client, made)
