"""What a fleet manager is told of a session with signed values, of profiles and of the site, by the contract."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.attribute_meter_frames import attribute_all
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.site import Site
from gateway.store import meter_frames
from tests.fakes.fleet_consumer import fleet_consumer
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.mosquitto import mosquitto
from tests.fakes.scripted_station import NOW, ScriptedStation, plugged_in
from tests.upstream.contract_check import complaints_about
from tests.upstream.fleet_site import BOOT, FREE, upstream

pytestmark = pytest.mark.slow

BEGIN = Instant(1_800_000_000 * SECOND)
PROFILE = {
    "chargingProfileId": 4, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]},
}  # fmt: skip
SAMPLE = (
    b'{"from":"2027-01-15T08:00:00Z","to":"2027-01-15T08:01:00Z","meters":[{"meter":"grid","trust":"fresh","readings":60,'
    b'"amps":[1.5,2,null],"volts":[230,230,230],"watts":[1,2,3],"total_watts":6,"energy_import_wh":7,'
    b'"energy_export_wh":null}],"circuits":[{"circuit":"main","limit_amps":[63,63,63],"measured_amps":null,'
    b'"allotted_amps":[0,0,0],"mode":"normal"}]}'
)


def value(minute: int, **more: str) -> dict[str, Any]:
    sample = {"value": str(minute), **more}
    return {"timestamp": text_of(Instant(BEGIN + minute * 60 * SECOND)), "sampledValue": [sample]}


SIGNED = value(20, format="SignedData", context="Transaction.End")


async def charge(station: ScriptedStation) -> None:
    """A session of twenty minutes whose stop is signed."""
    start = {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": NOW, "reservationId": 9}
    transaction = (await station.say("StartTransaction", start))["transactionId"]
    for minute in range(20):
        values = {"connectorId": 1, "transactionId": transaction, "meterValue": [value(minute)]}
        await station.say("MeterValues", values)
    stop = {"transactionId": transaction, "meterStop": 20, "timestamp": NOW, "transactionData": [SIGNED]}
    await station.say("StopTransaction", stop)


async def accept_profile(site: Site, station: ScriptedStation) -> None:
    """The station accepts PROFILE."""
    payload = {"connectorId": 1, "csChargingProfiles": PROFILE}
    async with asyncio.TaskGroup() as group:
        group.create_task(carry_out(site, station="CP 1", action="SetChargingProfile", payload=payload, actor="test"))
        await station.expect("SetChargingProfile")
        await station.answer({"status": "Accepted"})


async def test_a_whole_session_by_the_contract(tmp_path: Path) -> None:
    async with (
        mosquitto(tmp_path / "broker") as broker,
        fleet_consumer(broker.port) as fleet,
        running_gateway(tmp_path, ocpp=FREE, more=upstream(broker.port)) as gateway,
        plugged_in(gateway.station_url("CP%201")) as station,
    ):
        site = gateway.site
        await station.say("BootNotification", BOOT)
        await charge(station)
        await attribute_all(site)  # as the rounds of the house do each half minute
        await site.database.write(lambda db: meter_frames.append_of_site(db, site.wall_clock(), SAMPLE))
        await accept_profile(site, station)
        await fleet.until(lambda: len(fleet.of_type("transaction.meter_values")) == 3)
        await fleet.until(lambda: bool(fleet.of_type("site.sample")) and bool(fleet.of_type("profile.changed")))
    told = [event["data"] for event in fleet.of_type("transaction.meter_values")]
    assert [(one["values"], one["signed"]) for one in told] == [
        ([value(0)], False),
        ([value(15)], False),
        ([SIGNED], True),
    ]
    (ended,) = fleet.of_type("transaction.ended")
    assert ended["data"]["authorization"] == {"decision": "Accepted", "by": "free_charging"}
    assert ended["data"]["reservation_id"] == 9
    (profile,) = fleet.of_type("profile.changed")
    assert (profile["data"]["change"], profile["data"]["charging_profile_id"]) == ("set", 4)
    (sample,) = fleet.of_type("site.sample")
    assert sample["stream"] == "meter" and "subject" not in sample
    assert any(topic.endswith("/up/evt/meter/_site") for topic, _ in fleet.raw)
    assert [complaint for topic, payload in fleet.raw for complaint in complaints_about(topic, payload)] == []
