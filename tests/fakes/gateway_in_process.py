"""The unchanged gateway inside a test's event loop: real sockets, real database, without the web door unless asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.configuration import load_configuration
from gateway.daemon import Addresses, Surroundings, run
from gateway.operations.site import Site


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that serves. `site` gives tests the parts to look into and the operations to call."""

    site: Site
    addresses: Addresses

    def station_url(self, station: str) -> str:
        """Where a station of this (already percent-encoded) identity connects."""
        return f"ws://127.0.0.1:{self.addresses.stations_port}/ocpp/{station}"

    def secure_url(self, station: str) -> str:
        """The same on the TLS port."""
        return f"wss://127.0.0.1:{self.addresses.stations_tls_port}/ocpp/{station}"


@asynccontextmanager
async def running_gateway(
    directory: Path, *, site: str = "", ocpp: str = "", more: str = "", surroundings: Surroundings | None = None
) -> AsyncIterator[Running]:
    """Run a gateway on `directory`/data. `site` and `ocpp` are TOML for these tables, `more` for further ones."""
    file = directory / "gateway.toml"
    firmware = "" if "[firmware]" in more else "[firmware]\nport = 0\n"
    file.write_text(
        f'[site]\nid = "test-site"\n{site}\n[data]\ndirectory = "{directory}/data"\n[web]\nport = 0\n{firmware}{more}\n'
        f'[ocpp]\nhost = "127.0.0.1"\nport = 0\n{ocpp}\n'
    )
    around = surroundings or Surroundings(web=False)
    stop = asyncio.Event()
    up: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    def started(site: Site, addresses: Addresses) -> None:
        up.set_result(Running(site, addresses))

    around.started = started
    task = asyncio.create_task(run(load_configuration(file), stop=stop, surroundings=around))
    try:
        await asyncio.wait([task, up], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield await up
    finally:
        stop.set()
        await task
