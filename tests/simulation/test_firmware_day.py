"""All stations of a busy site are updated, with the network as it is: every job ends truly and no session is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.operations.carry_out_commands import carry_out
from tests.simulation.charger import HOUR, MINUTE, identity_of
from tests.simulation.ledger import billing_complaints, journal_complaints
from tests.simulation.played_day import until_settled
from tests.simulation.stage import BUSY, Stage, staged

UPDATE = {"location": "http://192.0.2.1/post-2.1.0.bin", "retrieveDate": "2027-01-15T08:00:00Z"}
SIGNED = {
    "firmware": {
        "location": UPDATE["location"],
        "retrieveDateTime": "2027-01-15T08:00:00Z",
        "signingCertificate": "-----BEGIN CERTIFICATE-----",
        "signature": "c2ln",
    }
}


@pytest.mark.parametrize(("action", "payload"), [("UpdateFirmware", UPDATE), ("SignedUpdateFirmware", SIGNED)])
def test_updates_on_a_busy_site_end_truly(directory: Path, action: str, payload: dict[str, Any]) -> None:
    async def scene(stage: Stage) -> None:
        for _ in range(4):
            stage.charger(BUSY, sample_seconds=900)
        await asyncio.sleep(5 * HOUR)
        for number in range(1, 5):
            outcome = await carry_out(
                stage.running.site, station=identity_of(number), action=action, payload=payload, actor="tester"
            )
            assert outcome.status == "answered"
        await asyncio.sleep(30)
        await stage.chargers[0].station.lose_network(20 * MINUTE)
        await asyncio.sleep(24 * HOUR)
        await until_settled(stage.chargers)

    stage, ledger = staged(directory, scene)
    for number in range(1, 5):
        *_, last = ledger.of_kind("firmware.status", identity_of(number))
        assert (last["data"]["result"], last["data"]["status"]) == ("succeeded", "Installed")
        assert (last["data"]["version_before"], last["data"]["version_after"]) == ("1.0.0", "2.1.0")
    jobs = {event["data"]["job_id"] for event in ledger.of_kind("firmware.status")}
    assert len(jobs) == 4, "no job but those that were asked for"
    assert len(ledger.of_kind("station.security_event")) == 4
    assert journal_complaints(ledger) + billing_complaints(ledger, stage.chargers) == []
