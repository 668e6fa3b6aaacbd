"""A site in virtual time whose stations are updated by a campaign: the gateway can be killed and started again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firmware_store.tickets import Download, Served
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.operations.campaign_facts import Noticed
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.plan_campaigns import Wishes, create_campaign, read_wishes, wish
from gateway.operations.serve_transfers import TransferDesk
from gateway.operations.site import Site
from gateway.rules.rollout_course import Wish
from gateway.store.firmware_images import ImageRow
from gateway.store.writing import Writing
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.updating_station import Oddities, UpdatingStation
from tests.fakes.virtual_network import FIRST_FREE_PORT
from tests.fakes.virtual_time import World, run_virtual
from tests.simulation.played_day import surroundings

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
BYTES = b"firmware" * 500
SIZE, DIGEST = len(BYTES), hashlib.sha256(BYTES).hexdigest()
IMAGE = "img-2"
PORT = FIRST_FREE_PORT
OCPP = 'unknown_stations = "accept"'
ENDED = ("done", "failed", "skipped", "aborted")


@dataclass
class RolloutStage:
    """What a scene plays with; `restart` is a kill: whatever is under way in the gateway is gone."""

    world: World
    directory: Path
    ocpp: str
    more: str
    stations: dict[str, UpdatingStation] = field(default_factory=dict)
    _running: Running | None = None
    _stack: AsyncExitStack | None = None

    @property
    def site(self) -> Site:
        assert self._running is not None
        return self._running.site

    async def start(self) -> None:
        """The gateway gets power."""
        around = surroundings(self.world)
        self._stack = AsyncExitStack()
        self._running = await self._stack.enter_async_context(
            running_gateway(self.directory, ocpp=self.ocpp, more=self.more, surroundings=around)
        )

    async def stop(self) -> None:
        """The gateway has no power."""
        stack, self._stack, self._running = self._stack, None, None
        if stack is not None:
            await stack.aclose()

    async def restart(self, *, after_seconds: float = 1.0) -> None:
        """It dies and is started again."""
        await self.stop()
        await asyncio.sleep(after_seconds)
        await self.start()

    async def station(self, name: str, odd: Oddities | None = None, **more: Any) -> UpdatingStation:
        """A station that is here."""
        url = f"ws://127.0.0.1:{PORT}/ocpp/{name}"
        made = UpdatingStation(url, self._load, odd=odd or Oddities(), **more)
        if made.signed:
            made.keys["SecurityProfile"] = "1"
        self.stations[name] = made
        await made.power_on()
        made.keep_connected()
        return made

    async def image(self, image_id: str = IMAGE, **manifest: Any) -> None:
        """An approved image in the store."""
        file = self.directory / "data" / "firmware" / "blobs" / "sha256" / DIGEST[:2] / DIGEST
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(BYTES)
        found = {"vendor": "Maker", "models": ["Post"], "version": "2.0", "signature": "c2ln",
                 "signing_certificate": "PEM", **manifest}  # fmt: skip
        await self.site.database.write(lambda db: store_image(db, image_id, found))

    async def campaign(self, stations: list[str] | None = None, *, image_id: str = IMAGE, **policy: Any) -> str:
        """A campaign that begins at once."""
        chosen = {"min_connected_seconds": 60, "health_seconds": 120, **policy}
        members = {"name": "spring", "image_id": image_id, "stations": stations or [], "policy": chosen}
        wishes = read_wishes(members)
        assert isinstance(wishes, Wishes), wishes
        noticed = Noticed()
        noticed.look(self.site, asyncio.get_running_loop().time())
        return await self.site.database.write(
            lambda db: create_campaign(db, self.site, wishes, actor="tester", source="api", noticed=noticed)
        )

    async def wish(self, campaign_id: str, what: Wish) -> str | None:
        """Somebody steers."""
        return await self.site.database.write(lambda db: wish(db, self.site, campaign_id, what, actor="tester"))

    async def ask(self, station: str, action: str, payload: dict[str, Any]) -> Outcome:
        """Somebody sends a command."""
        return await carry_out(self.site, station=station, action=action, payload=payload, actor="token:desk")

    def when_it_is(self, station: str, state: str) -> asyncio.Event:
        """Set at the very commit in which the station reaches the state."""
        reached, before = asyncio.Event(), self.site.database.committed

        def committed(failure: str | None) -> None:
            before(failure)
            with closing(sqlite3.connect(self.directory / "data" / "gateway.db")) as connection:
                sql = "SELECT 1 FROM campaign_stations WHERE station = ? AND state = ?"
                if connection.execute(sql, (station, state)).fetchone() is not None:
                    reached.set()

        self.site.database.committed = committed
        return reached

    async def reached(self, what: asyncio.Event) -> None:
        """Wait for it, not for ever."""
        async with asyncio.timeout(DAY):
            await what.wait()

    @staticmethod
    def at(text: str) -> Instant:
        """A moment."""
        found = instant_from_text(text)
        assert found is not None
        return found

    async def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """What the database holds."""
        with closing(sqlite3.connect(self.directory / "data" / "gateway.db")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, parameters)]

    async def states(self) -> dict[str, str]:
        """How far each station is."""
        return {row["station"]: row["state"] for row in await self.rows("SELECT * FROM campaign_stations")}

    async def row(self, station: str) -> dict[str, Any]:
        """One station of the campaign."""
        (found,) = await self.rows("SELECT * FROM campaign_stations WHERE station = ?", station)
        return found

    async def state(self) -> str:
        """Of the campaign."""
        (found,) = await self.rows("SELECT state FROM campaigns")
        return str(found["state"])

    async def until(self, condition: Callable[[], Awaitable[bool]], *, most_seconds: float = DAY) -> None:
        """Wait for it."""
        end = asyncio.get_running_loop().time() + most_seconds
        while not await condition():
            assert asyncio.get_running_loop().time() < end, (
                await self.rows("SELECT station, state, failure, detail, drained FROM campaign_stations"),
                await self.rows("SELECT state, why, wave FROM campaigns"),
            )
            await asyncio.sleep(5)

    async def until_station(self, station: str, *states: str, most_seconds: float = DAY) -> None:
        """Wait until a station is in one of these states."""

        async def there() -> bool:
            return (await self.row(station))["state"] in states

        await self.until(there, most_seconds=most_seconds)

    async def until_state(self, *states: str, most_seconds: float = DAY) -> None:
        """Wait until the campaign is in one of these states."""

        async def there() -> bool:
            return await self.state() in states

        await self.until(there, most_seconds=most_seconds)

    async def _load(self, location: str, piece: int, pieces: int) -> bool:
        """One piece of the image, as a server of the gateway's would give it."""
        token = urlsplit(location).path.split("/")[2]
        while self._running is None:  # noqa: ASYNC110
            await asyncio.sleep(5)  # the station's own client tries again
        desk = TransferDesk(self.site)
        ticket = await desk.find(token)
        if not isinstance(ticket, Download):
            return False
        start, end = SIZE * piece // pieces, SIZE * (piece + 1) // pieces
        await desk.served(Served(ticket.link_id, start, end, begins=piece == 0))
        return True


def store_image(db: Writing, image_id: str, manifest: Mapping[str, object]) -> None:
    """The row of an approved image."""
    manifest = {"file_name": "post-2.bin", **manifest}
    known = {
        "image_id": image_id, "sha256": DIGEST, "size": SIZE, "file_name": "post-2.bin",
        "manifest": json.dumps(manifest), "verification": "", "source": "api", "imported_by": "me", "imported_at": 1,
        "state": "approved", "state_by": "me", "state_at": 1, "checked_at": 1,
    }  # fmt: skip
    columns = ImageRow._fields
    places = ", ".join("?" * len(columns))
    db.execute(
        f"INSERT INTO firmware_images ({', '.join(columns)}) VALUES ({places})",
        [known.get(column) for column in columns],
    )


def play_rollout(
    directory: Path, scene: Callable[[RolloutStage], Awaitable[None]], *, ocpp: str = OCPP, more: str = ""
) -> None:
    """Play the scene."""

    async def main(world: World) -> None:
        stage = RolloutStage(world, directory, ocpp, more)
        await stage.start()
        try:
            await stage.image()
            await scene(stage)
        finally:
            await asyncio.gather(*(station.close() for station in stage.stations.values()))
            await stage.stop()

    run_virtual(main, start=START)
