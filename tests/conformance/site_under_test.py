"""The gateway under certification: a clock that the test sets, an operator, and a look at what the gateway recorded."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from websockets.exceptions import InvalidMessage, InvalidStatus

from gateway.daemon import Surroundings
from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.manage_tags import put_tag
from gateway.operations.site import Site
from gateway.stations.connection import StationConnection
from gateway.store import (
    reports_certificates,
    reports_meter_values,
    reports_reservations,
    reports_stations,
    reports_transactions,
)
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.scripted_station import PATIENCE_SECONDS, ScriptedStation, plugged_in

STATION = '[[station]]\nid = "CP-1"\n'
CERTIFICATION = "automatic_calls = false\nheartbeat_seconds = 10"
TAGS: Mapping[str, Mapping[str, object]] = {
    "VALID": {},
    "OTHER": {},
    "EXPIRED": {"expiry_date": "2026-12-31T00:00:00Z"},
    "BLOCKED": {"status": "Blocked"},
    "MEMBER-1": {"parent_id_tag": "GROUP"},
    "MEMBER-2": {"parent_id_tag": "GROUP"},
}


@dataclass
class TestClock:
    """The machine's clock as the gateway sees it; it stands still until told."""

    __test__ = False
    now: int = 1_800_000_000 * SECOND  # scripted_station.NOW

    def forward(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        """Time passes."""
        self.now += round((seconds + 60 * minutes + 3600 * hours) * SECOND)

    def __call__(self) -> Instant:
        return Instant(self.now)


@dataclass
class Bench:
    """A running gateway with the tester's hands and eyes."""

    running: Running
    clock: TestClock = field(default_factory=TestClock)

    @property
    def site(self) -> Site:
        return self.running.site

    def url(self, station: str = "CP-1") -> str:
        return self.running.station_url(station)

    @asynccontextmanager
    async def station(self, identity: str = "CP-1", **how: Any) -> AsyncIterator[ScriptedStation]:
        """A charge point of this identity, connected."""
        url = self.running.secure_url(identity) if "tls" in how else self.url(identity)
        async with plugged_in(url, **how) as station:
            yield station

    async def refusal(self, identity: str = "CP-1", **how: Any) -> int:
        """The HTTP status that a connection is refused with; 0 when it is refused in TLS."""
        try:
            async with self.station(identity, **how):
                pass
        except InvalidStatus as refused:
            return int(refused.response.status_code)
        except (ssl.SSLError, InvalidMessage, ConnectionError):
            return 0
        raise AssertionError("the connection was accepted")

    def is_connected(self, station: str = "CP-1") -> bool:
        return self.site.connected.is_connected(StationId(station))

    def connection(self, station: str = "CP-1") -> StationConnection:
        """The gateway's end of the station's connection."""
        connection = self.site.connected.get(StationId(station))
        assert connection is not None
        return connection

    def wait_for_answers(self, *, seconds: float) -> None:
        """How long the gateway waits for CP-1 to answer, from now on."""
        connection = self.connection()
        connection.treatment = replace(connection.treatment, call_patience_seconds=seconds)

    # The operator

    async def sends(
        self, station: ScriptedStation, action: str, payload: Mapping[str, object], *, answered: object
    ) -> tuple[dict[str, Any], Outcome]:
        """The operator sends a request to CP-1, which answers it; (what the station got, what the operator sees)."""
        order = asyncio.create_task(self.order(action, payload))
        got = await station.expect(action)
        await station.answer(answered)
        return got, await order

    async def order(self, action: str, payload: Mapping[str, object], *, station: str = "CP-1") -> Outcome:
        """The operator sends a request; what became of it."""
        return await carry_out(self.site, station=station, action=action, payload=payload, actor="tester")

    # What the gateway recorded

    async def transaction(self, transaction_id: int) -> dict[str, Any]:
        found = await reports_transactions.find(self.site.readers, transaction_id)
        assert found is not None, f"no transaction {transaction_id}"
        return found

    async def transactions(self) -> list[dict[str, Any]]:
        return await reports_transactions.page(
            self.site.readers, reports_transactions.Filters(), before=None, limit=1000
        )

    async def values_of(self, transaction_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return await reports_meter_values.of_transaction(self.site.readers, transaction_id)

    async def connector(self, connector: int, station: str = "CP-1") -> dict[str, Any]:
        found = await reports_stations.connectors(self.site.readers, [station])
        return next(one for one in found.get(station, []) if one["connector"] == connector)

    async def reservations(self, *, uncertain: bool = False) -> list[dict[str, Any]]:
        """What the gateway believes to be in force on all stations, or what may be."""
        page = await reports_reservations.page(
            self.site.readers, station=None, uncertain=uncertain, now=self.clock(), after=0, limit=1000
        )
        return page.items

    async def configuration(self, station: str = "CP-1") -> dict[str, dict[str, Any]]:
        keys = await reports_stations.configuration_keys(self.site.readers, station)
        return {str(key["key"]): key for key in keys}

    async def installed(self, station: str = "CP-1") -> list[dict[str, Any]]:
        """The certificates that the station told of."""
        return await reports_certificates.installed(self.site.readers, station)

    async def events(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.rows("SELECT data FROM events WHERE kind = ? ORDER BY id", kind)
        return [json.loads(row["data"]) for row in rows]

    async def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.site.readers.rows(sql, parameters)]

    def quirks(self, station: str = "CP-1") -> set[str]:
        return {quirk for of, quirk in self.site.quirks_seen if of == station}

    async def eventually_event(self, kind: str) -> dict[str, Any]:
        """Wait for the first event of a kind."""
        seen = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await self.events(kind)):
                seen = await self.site.journal_signal.newer_than(seen)
        return found[0]

    async def gone(self, station: str = "CP-1") -> None:
        """Wait until the gateway knows that the station has no connection."""
        seen = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.is_connected(station):
                seen = await self.site.journal_signal.newer_than(seen)
            await self.site.database.write(lambda db: None)  # what was told of it is stored


@asynccontextmanager
async def bench(
    directory: Path,
    *,
    ocpp: str = CERTIFICATION,
    more: str = STATION,
    web: bool = False,
    clock: TestClock | None = None,
) -> AsyncIterator[Bench]:
    """A gateway on `directory`/data, with the tags in TAGS."""
    clock = clock or TestClock()
    around = Surroundings(wall_clock=clock, web=web)
    async with running_gateway(directory, ocpp=ocpp, more=more, surroundings=around) as running:
        for tag, fields in TAGS.items():
            assert not isinstance(await put_tag(running.site, tag, fields, actor="tester"), tuple)
        yield Bench(running, clock)
