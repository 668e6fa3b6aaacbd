"""lbbrhzn/ocpp 1975, 1096, 1092, 154: chargers that get a Close frame never dial again; each restart cost a visit.

Here a restart of the gateway looks to them like a lost line: no Close frame is sent, the charger redials, goes on with
its session, and needs no boot.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import NOW, plugged_in
from tests.field.stage import Operator, real_site

NO_CLOSE_FRAME = 1006  # RFC 6455 7.1.5


async def test_a_restart_of_the_daemon_is_a_lost_line_to_its_stations(place: Path) -> None:
    with real_site(place) as gateway:
        url = gateway.ocpp_url + "/CP-1"
        async with plugged_in(url) as station:
            await station.boots()
            transaction = await station.charges(1, meter=1000)
            stopping = asyncio.create_task(asyncio.to_thread(gateway.stop))
            assert await station.hung_up() == (NO_CLOSE_FRAME, "")
            assert await stopping == 0
        gateway.start()
        async with plugged_in(url) as station:
            assert await station.stops(transaction, meter=4000) == {}
        (session,) = gateway.transactions("CP-1")
        assert (session["open"], session["energy_wh"]) == (False, 3000)


async def test_a_restore_is_a_lost_line_to_the_stations(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        assert (await operator.restore(await operator.backup()))[0] == 200
        code, _ = await station.hung_up()
        assert code == NO_CLOSE_FRAME


async def test_a_full_disk_is_a_lost_line_to_the_stations(gateway: Bench) -> None:
    def fill(live: sqlite3.Connection) -> None:
        (pages,) = live.execute("PRAGMA page_count").fetchone()
        live.execute(f"PRAGMA max_page_count = {pages}")

    async with gateway.station() as station:
        await station.boots()
        await gateway.site.database.alone(fill)
        sample = {"value": "1", "measurand": "Energy.Active.Import.Register"}
        values = [{"timestamp": f"2027-01-15T08:{minute:02}:00Z", "sampledValue": [sample] * 8} for minute in range(60)]
        for number in range(60):  # enough for any room that is left in the last pages
            values[0]["timestamp"] = f"2027-01-15T07:{number:02}:00Z"
            told = {"transactionId": -number, "meterStop": number, "timestamp": NOW, "transactionData": values}
            station.will_be_answered(str(number), "StopTransaction")
            await station.send(json.dumps([2, str(number), "StopTransaction", told]))
        code, _ = await station.hung_up()
        assert code == NO_CLOSE_FRAME
