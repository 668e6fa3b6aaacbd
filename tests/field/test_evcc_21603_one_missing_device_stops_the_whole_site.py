"""evcc 21603, 14811, 14496, 7877, 13554: one device was slow or missing, and the whole controller never started.

Here nothing outside is waited for: the doors open with every device away, dumb, slow or broken, the good station
charges, and the site's state says who is missing.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.end_to_end.running_gateway import RunningGateway, free_ports
from tests.fakes.scripted_station import plugged_in
from tests.field.stage import real_site

MISSING = """
[[station]]
id = "GOOD"
[[station]]
id = "AWAY"
[[station]]
id = "DUMB"
call_timeout_seconds = 0.5
[[station]]
id = "LOCKED"
security_profile = 1
password_file = "{place}/there-is-no-such-file"
[[meter]]
name = "grid"
model = "eastron_sdm630"
transport = {{ type = "tcp", host = "127.0.0.1", port = {port}, unit = 1 }}
[[meter]]
name = "row"
model = "eastron_sdm630"
transport = {{ type = "rtu", device = "{place}/ttyUSB9", unit = 1 }}
[[upstream]]
name = "fleet"
host = "127.0.0.1"
port = {port}
tls = false
"""


async def charge(gateway: RunningGateway, *, at: str) -> None:
    async with plugged_in(gateway.ocpp_url + "/GOOD") as station:
        assert (await station.boots())["status"] == "Accepted"
        transaction = await station.charges(1, at=at)
        assert await station.stops(transaction, at=at) == {}


async def test_the_site_starts_and_charges_whoever_is_missing(place: Path) -> None:
    (nobody_listens,) = free_ports(1)
    with real_site(place, more=MISSING.format(place=place, port=nobody_listens)) as gateway:
        async with AsyncExitStack() as devices:
            port = int(gateway.ocpp_url.rsplit(":", 1)[1].split("/")[0])
            for first_words in (b"", b"GET /ocpp/SLOW HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01\x02\x00\x01"):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                devices.callback(writer.close)
                writer.write(first_words)  # and never says more
            dumb = await devices.enter_async_context(plugged_in(gateway.ocpp_url + "/DUMB"))
            asked = asyncio.create_task(
                asyncio.to_thread(gateway.ask, "POST", "/stations/DUMB/commands/ClearCache", {})
            )
            await dumb.expect("ClearCache")  # and never answers
            await asyncio.to_thread(gateway.get, "/stations")
            await charge(gateway, at="2027-01-15T08:00:00Z")
            assert (await asked).status == 504
            begun = time.monotonic()
            assert gateway.stop() == 0
            gateway.start()  # with half of them still on the line
            assert time.monotonic() - begun < 15
            await charge(gateway, at="2027-01-15T09:00:00Z")
        states = {item["id"]: item["connected"] for item in stations(gateway)}
        assert states == {"GOOD": False, "AWAY": False, "DUMB": False, "LOCKED": False}
        assert len(gateway.transactions("GOOD")) == 2


def stations(gateway: RunningGateway) -> list[dict[str, object]]:
    items = gateway.get("/stations")["items"]
    assert isinstance(items, list), json.dumps(items)
    return items
