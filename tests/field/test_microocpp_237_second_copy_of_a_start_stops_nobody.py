"""MicroOcpp 237, 50: a charger sent its start twice; the copy was answered ConcurrentTx and the car stopped.

Here every copy gets the very answer of the first, whatever its message id and while the first is still being stored,
and the stop that the charger then sends twice, once as -1, is counted once.
"""

from __future__ import annotations

from tests.conformance.site_under_test import Bench
from tests.field.stage import Operator, start_told


async def test_copies_of_a_start_are_accepted_like_the_first(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        await station.boots()
        await station.authorizes("VALID")
        told = start_told(1, meter=1, at="2027-01-15T07:59:40.564Z")
        waiting = []
        for message_id in ("531531536", "531531536", "531531536", "1000006"):
            waiting.append(station.will_be_answered(message_id, "StartTransaction"))
            await station.send(f'[2,"{message_id}","StartTransaction",{told}]')
            if message_id == "531531536":  # one answer is awaited at a time under one id
                await waiting[-1]
        answers = [await one for one in waiting]
        assert [answer["idTagInfo"] for answer in answers] == [{"status": "Accepted"}] * 4
        (transaction,) = {answer["transactionId"] for answer in answers}
        await station.shows(1, "Charging")
        assert await station.stops(transaction, meter=5001, at="2027-01-15T08:20:00Z") == {}
        assert await station.stops(-1, meter=5001, at="2027-01-15T08:20:00Z") == {}
    session = await operator.get(f"/transactions/{transaction}")
    assert (session["open"], session["energy_wh"], session["reason"]) == (False, 5000, "Local")
    assert await operator.sessions(open="true") == []
    assert await operator.metric("energy_delivered_watthours_total") == 5000


async def test_two_starts_in_one_packet_are_one_session(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        told = start_told(1, meter=1, at="2027-01-15T07:59:40Z")
        waiting = [station.will_be_answered(name, "StartTransaction") for name in ("1000005", "1000006")]
        for name in ("1000005", "1000006"):
            await station.send(f'[2,"{name}","StartTransaction",{told}]')
        first, second = [await one for one in waiting]
        assert first == second == {"transactionId": first["transactionId"], "idTagInfo": {"status": "Accepted"}}
    assert len(await operator.sessions()) == 1
