"""SteVe 292: a charger ended its session as number -1; the stop was refused, the session stayed active for ever.

Here the stop ends the only session it can mean, is acknowledged, and the driver's tag is free for the next charge.
"""

from __future__ import annotations

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation
from tests.field.stage import Operator, empty_queue, start_told


async def loses_the_answer_to_its_start(gateway: Bench, station: ScriptedStation) -> None:
    """The line breaks between the gateway's commit and the station's reading of the number."""
    await station.authorizes("VALID")
    station.socket.transport.pause_reading()
    await station.send(f'[2,"lost","StartTransaction",{start_told(1, meter=971, at="2027-01-15T08:00:00Z")}]')
    await gateway.eventually_event("transaction.started")
    station.cut()
    await gateway.gone()


async def test_the_session_of_a_station_that_never_learned_its_number_ends(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await loses_the_answer_to_its_start(gateway, station)
    gateway.clock.forward(minutes=30)
    async with gateway.station() as station:
        stop = {"transactionId": -1, "idTag": "VALID", "meterStop": 5971, "timestamp": "2027-01-15T08:25:00Z"}
        (answer,) = await empty_queue(station, [("StopTransaction", stop)])
        assert answer == {"idTagInfo": {"status": "Accepted"}}
    (ended,) = await operator.sessions()
    assert (ended["open"], ended["energy_wh"], ended["stop_time"]) == (False, 5000, "2027-01-15T08:25:00.000Z")
    async with gateway.station("CP-2") as elsewhere:
        started = await elsewhere.starts(1, "VALID", at="2027-01-15T08:30:00Z")
        assert started["idTagInfo"]["status"] == "Accepted"  # and not ConcurrentTx with a zombie
    assert [one["station"] for one in await operator.sessions(open="true")] == ["CP-2"]
