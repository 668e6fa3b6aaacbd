"""raspberrypi/firmware 397, home-assistant/core 115765: the power failed while the database was being written.

Here whatever a station had an answer for is on the disk. The daemon is killed in the middle of a storm of messages, a
half-written record is added to the log of the database, and the next start goes on where the stations believe it is.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.fakes.scripted_station import plugged_in
from tests.field.stage import REGISTER, database_of, kill, real_site


async def test_what_was_answered_survives_a_power_cut_in_a_storm(place: Path) -> None:
    with real_site(place) as gateway:
        url = gateway.ocpp_url + "/CP-1"
        async with plugged_in(url) as station:
            await station.boots()
            transaction = await station.charges(1, meter=1000)
            waiting = [station.will_be_answered(f"m{number}", "MeterValues") for number in range(400)]
            for number in range(len(waiting)):
                sample = [{"value": str(2000 + number), **REGISTER}]
                value = [{"timestamp": "2027-01-15T08:10:00Z", "sampledValue": sample}]
                told = {"connectorId": 1, "transactionId": transaction, "meterValue": value}
                await station.send(json.dumps([2, f"m{number}", "MeterValues", told]))
            await waiting[20]
            await asyncio.to_thread(kill, gateway)
            await station.hung_up()
        await asyncio.gather(*waiting, return_exceptions=True)  # the rest ends with the line
        answered = [answer for answer in waiting if answer.exception() is None]
        database = database_of(gateway)
        log = database.with_name(database.name + "-wal")
        assert log.stat().st_size > 0
        with log.open("ab") as torn:  # as much of the next record as the disk still took
            torn.write(b"\x00\x00\x00\x02" + bytes(range(256)) * 3)
        gateway.start()
        async with plugged_in(url) as station:
            assert await station.stops(transaction, meter=9000) == {}
        session = gateway.get(f"/transactions/{transaction}")
        kept = session["meter_values"]
        assert isinstance(kept, list)
        registers = [int(value["sampledValue"][0]["value"]) - 2000 for value in kept]
        assert len(answered) > 20
        assert registers == list(range(len(registers)))
        assert len(registers) >= len(answered)
        assert (session["open"], session["energy_wh"]) == (False, 8000)
