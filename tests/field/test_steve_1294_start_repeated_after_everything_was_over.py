"""SteVe 1294, 81: chargers on bad lines repeat StartTransaction, even after the stop; drivers saw two sessions or none.

Here the same start is the same session over connections and restarts of the gateway, opens nothing once it is over,
and the next real start is a session of its own.
"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.site_under_test import TestClock
from tests.field.stage import site

TOLD = {"connectorId": 1, "idTag": "VALID", "meterStart": 1000, "timestamp": "2027-01-15T08:00:00Z"}


async def test_one_charge_on_a_bad_line_is_one_session(tmp_path: Path) -> None:
    clock, answers = TestClock(), []
    for life in range(2):
        async with site(tmp_path, clock=clock) as (gateway, operator):
            for attempt in range(3):  # a modem that loses every answer but the last
                clock.forward(seconds=20)
                async with gateway.station() as station:
                    await station.boots()
                    answers.append(await station.say("StartTransaction", TOLD, message_id=f"{life}-{attempt}"))
    transaction = answers[0]["transactionId"]
    assert answers == [{"transactionId": transaction, "idTagInfo": {"status": "Accepted"}}] * 6
    async with site(tmp_path, clock=clock) as (gateway, operator), gateway.station() as station:
        await station.stops(transaction, meter=9000, at="2027-01-15T08:50:00Z")
        late = await station.say("StartTransaction", TOLD)
        assert late["transactionId"] == transaction
        assert await operator.sessions(open="true") == []
        next_day = await station.starts(1, "VALID", meter=9000, at="2027-01-15T09:00:00Z")
        assert next_day["transactionId"] != transaction
        assert [(one["energy_wh"], one["open"]) for one in await operator.sessions()] == [(8000, False), (None, True)]
