"""A gateway daemon with an upstream, for tests whose brokers and stations live in this process's event loop.

It decides how the daemon is configured for impatient tests. Starting and stopping happens in a thread, because a daemon
that takes leave needs the forwarders of this loop.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.end_to_end.running_gateway import RunningGateway, running_gateway
from tests.fleet import proof

ROOT = "ocpp-gateway"
GATEWAY = "foreign-stations"  # the site's id, as running_gateway() writes it


@asynccontextmanager
async def gateway_at_work(directory: Path, upstream_port: int) -> AsyncIterator[RunningGateway]:
    """A started daemon with one upstream at that port, which it looks for again every second at most."""
    upstream = (
        f'[[upstream]]\nname = "fleet"\nhost = "127.0.0.1"\nport = {upstream_port}\ntls = false\n'
        "start_jitter_seconds = 0\nbackoff_max_seconds = 1\n"
    )
    everybody = {"unknown_stations": "accept", "unknown_tags": "accept", "automatic_calls": False}
    block = running_gateway(directory, ocpp=everybody, more=upstream)
    gateway = await asyncio.to_thread(block.__enter__)
    try:
        yield gateway
    except BaseException:
        await asyncio.to_thread(block.__exit__, *sys.exc_info())
        raise
    await asyncio.to_thread(block.__exit__, None, None, None)


def database_of(gateway: RunningGateway) -> Path:
    """The gateway's database file."""
    return gateway.directory / "data" / "gateway.db"


def stations_port(gateway: RunningGateway) -> int:
    """Where its stations connect."""
    return int(gateway.ocpp_url.split(":")[2].split("/")[0])


async def until(condition: Callable[[], bool], what: str, *, patience_seconds: float = 60.0) -> None:
    """Look at other processes until it holds; AssertionError when patience ends."""
    try:
        async with asyncio.timeout(patience_seconds):
            while not condition():  # noqa: ASYNC110 - they have no way to call us
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {patience_seconds:g} s in vain for {what}") from None


async def caught_up(database: Path, ledger: Path, *, patience_seconds: float = 90.0) -> None:
    """Wait until the consumer has what the gateway holds of the streams tx and ops."""

    def has_all() -> bool:
        return proof.stored_upto(ledger) == proof.newest(database)

    try:
        await until(has_all, "the consumer", patience_seconds=patience_seconds)
    except AssertionError:
        raise AssertionError(f"held {proof.newest(database)}, stored {proof.stored_upto(ledger)}") from None
