"""Rules 2.4: numbers of transactions, starts and stops told twice, stops that belong to nobody."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.conformance.site_under_test import STATION, Bench, bench
from tests.fakes.scripted_station import ScriptedStation

TWO_STATIONS = STATION + '[[station]]\nid = "CP-2"\n'


async def test_rule_2_4_01_numbers_rise_over_stations_and_restarts(tmp_path: Path) -> None:
    numbers = []
    for minute in range(2):
        async with bench(tmp_path, more=TWO_STATIONS) as gateway:
            for name in ("CP-1", "CP-2"):
                async with gateway.station(name) as station:
                    at = f"2027-01-15T07:0{minute}:00Z"
                    numbers += [(await station.starts(one, f"TAG-{one}", at=at))["transactionId"] for one in (1, 2)]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0 and numbers[-1] < 2**31 - 1


async def test_rule_2_4_03_the_same_start_with_another_message_id(gateway: Bench, station: ScriptedStation) -> None:
    first = await station.starts(1, "VALID", message_id="a")
    assert await station.starts(1, "VALID", message_id="b") == first
    assert await station.starts(1, "valid", message_id="c") == first
    assert len(await gateway.transactions()) == 1
    assert len(await gateway.events("transaction.started")) == 1


async def test_rule_2_4_03_the_same_start_with_the_same_message_id(gateway: Bench, station: ScriptedStation) -> None:
    first = await station.starts(1, "VALID", message_id="a")
    assert await station.starts(1, "VALID", message_id="a") == first
    assert len(await gateway.transactions()) == 1


@pytest.mark.parametrize("message_id", ["a", "b"])
async def test_rule_2_4_03_the_same_start_over_a_new_connection(
    gateway: Bench, station: ScriptedStation, message_id: str
) -> None:
    first = await station.starts(1, "VALID", message_id="a")
    async with gateway.station() as again:
        assert await again.starts(1, "VALID", message_id=message_id) == first
    assert len(await gateway.transactions()) == 1


@pytest.mark.parametrize("message_id", ["a", "b"])
async def test_rule_2_4_03_the_same_start_after_a_restart_of_the_gateway(tmp_path: Path, message_id: str) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        first = await station.starts(1, "VALID", message_id="a")
    async with bench(tmp_path) as gateway, gateway.station() as station:
        assert await station.starts(1, "VALID", message_id=message_id) == first
        assert len(await gateway.transactions()) == 1


async def test_rule_2_4_03_a_start_told_again_after_its_stop_opens_nothing(
    gateway: Bench, station: ScriptedStation
) -> None:
    first = await station.starts(1, "VALID")
    await station.stops(first["transactionId"])
    assert await station.starts(1, "VALID") == first
    assert [one["open"] for one in await gateway.transactions()] == [False]


async def test_rule_2_4_03_two_copies_of_a_start_in_one_breath(gateway: Bench, station: ScriptedStation) -> None:
    told = {"connectorId": 1, "idTag": "VALID", "meterStart": 0, "timestamp": "2027-01-15T08:00:00Z"}
    answers = [station.will_be_answered(number, "StartTransaction") for number in range(5)]
    for number in range(5):
        await station.send(json.dumps([2, number, "StartTransaction", told]))
    assert len({json.dumps(await answer) for answer in answers}) == 1
    assert len(await gateway.transactions()) == 1


@pytest.mark.parametrize(
    "other",
    [{"connector": 2}, {"id_tag": "OTHER"}, {"meter": 1001}, {"at": "2027-01-15T08:00:01Z"}],
)
async def test_rule_2_4_03_a_start_that_differs_is_another(
    gateway: Bench, station: ScriptedStation, other: dict[str, object]
) -> None:
    first = await station.starts(1, "VALID")
    second = await station.starts(**{"connector": 1, "id_tag": "VALID", **other})  # type: ignore[arg-type]
    assert second["transactionId"] != first["transactionId"]


async def test_rule_2_4_03_the_same_start_of_another_station_is_another(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, more=TWO_STATIONS) as gateway,
        gateway.station("CP-1") as one,
        gateway.station("CP-2") as two,
    ):
        first = await one.starts(1, "NOBODY", message_id="a")
        second = await two.starts(1, "NOBODY", message_id="a")
        assert first["transactionId"] != second["transactionId"]


async def test_rule_2_4_03_the_answer_comes_after_the_commit(gateway: Bench, station: ScriptedStation) -> None:
    started = await station.starts(1, "VALID")
    (row,) = await gateway.rows("SELECT transaction_id FROM transactions")  # another connection to the file
    assert row["transaction_id"] == started["transactionId"]


async def test_rule_2_1_05_a_repeated_id_with_other_content_is_a_new_message(
    gateway: Bench, station: ScriptedStation
) -> None:
    first = await station.starts(1, "VALID", message_id="a")
    second = await station.starts(2, "OTHER", message_id="a")
    assert first["transactionId"] != second["transactionId"]


async def test_rule_2_1_05_ids_that_start_anew_after_a_reboot_hide_no_status(
    gateway: Bench, station: ScriptedStation
) -> None:
    """A station whose ids count from 1 after each boot, and whose notifications carry no time."""
    free = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
    await station.say("StatusNotification", free, message_id="2")
    await station.say("StatusNotification", {**free, "status": "Preparing"}, message_id="3")
    async with gateway.station() as back:
        await back.say("StatusNotification", free, message_id="2")
    assert (await gateway.connector(1))["status"] == "Available"


async def test_rule_2_1_05_ids_that_start_anew_after_a_reboot_hide_no_notification(
    gateway: Bench, station: ScriptedStation
) -> None:
    for status in ("Downloading", "Downloaded"):
        async with gateway.station() as back:
            await back.say("FirmwareStatusNotification", {"status": status}, message_id="2")
    assert len(await gateway.events("station.notified")) == 2


async def test_rule_2_1_05_ids_that_start_anew_after_a_reboot_bring_back_no_old_verdict(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert await station.say("Authorize", {"idTag": "LATER"}, message_id="2") == {"idTagInfo": {"status": "Invalid"}}
    await gateway.site.database.write(
        lambda db: db.execute("INSERT INTO id_tags VALUES ('later', 'LATER', 'Accepted', NULL, NULL, '', 0, NULL)")
    )
    assert await station.say("Authorize", {"idTag": "LATER"}, message_id="2") == {"idTagInfo": {"status": "Accepted"}}


async def test_rule_2_4_04_the_first_stop_counts(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1, meter=1000)
    assert await station.stops(transaction, meter=5000, at="2027-01-15T08:30:00Z") == {}
    assert await station.stops(transaction, meter=9000, at="2027-01-15T08:30:05Z", reason="Other") == {}
    recorded = await gateway.transaction(transaction)
    assert (recorded["meter_stop_wh"], recorded["stop_time"]) == (5000, "2027-01-15T08:30:00.000Z")
    assert recorded["reason"] == "Local"
    (repeated,) = await gateway.events("transaction.stop_repeated")
    assert (repeated["meter_stop_wh"], repeated["counted_meter_stop_wh"]) == (9000, 5000)
    assert len(await gateway.events("transaction.ended")) == 1


@pytest.mark.parametrize("message_id", ["a", "b"])
async def test_rule_2_4_04_a_stop_told_twice_over_a_new_connection(
    gateway: Bench, station: ScriptedStation, message_id: str
) -> None:
    transaction = await station.charges(1)
    stopped = await station.stops(transaction, idTag="VALID", message_id="a")
    async with gateway.station() as again:
        assert await again.stops(transaction, idTag="VALID", message_id=message_id) == stopped
    assert len(await gateway.events("transaction.ended")) == 1
    assert await gateway.events("transaction.stop_repeated") == []


async def test_rule_2_4_04_a_stop_told_again_after_a_restart_of_the_gateway(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        transaction = await station.charges(1)
        await station.stops(transaction, message_id="a")
    async with bench(tmp_path) as gateway, gateway.station() as station:
        assert await station.stops(transaction, message_id="a") == {}
        assert len(await gateway.events("transaction.ended")) == 1
        assert len(await gateway.transactions()) == 1


@pytest.mark.parametrize("claimed", [-1, 0, -(2**40), 2**31 - 1, 2**63 - 1, 2**63, 10**30])
async def test_rule_2_4_02_a_stop_without_a_usable_number_ends_the_only_session_it_can_mean(
    gateway: Bench, station: ScriptedStation, claimed: int
) -> None:
    transaction = (await station.starts(1, "VALID", meter=1000))["transactionId"]
    assert await station.stops(claimed, meter=3000) == {}
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["energy_wh"]) == (False, 2000)
    assert "stopped_without_transaction_id" in recorded["anomalies"]


@pytest.mark.parametrize("claimed", [-1, 0, 10**30])
async def test_rule_2_4_02_never_by_guess(gateway: Bench, station: ScriptedStation, claimed: int) -> None:
    running = [(await station.starts(one, f"TAG-{one}", meter=1000))["transactionId"] for one in (1, 2)]
    assert await station.stops(claimed, meter=3000) == {}
    assert [(await gateway.transaction(one))["open"] for one in running] == [True, True]
    (orphan,) = await gateway.events("transaction.orphan_stop")
    assert (orphan["claimed_transaction_id"], orphan["meter_stop_wh"]) == (str(claimed), 3000)


async def test_rule_2_4_02_a_session_whose_number_the_station_uses_is_not_meant_by_minus_one(
    gateway: Bench, station: ScriptedStation
) -> None:
    known = await station.charges(1, "VALID")
    await station.measures(1, [{"value": "1500"}], transactionId=known)
    unanswered = (await station.starts(2, "OTHER"))["transactionId"]
    assert await station.stops(-1, meter=3000) == {}
    assert (await gateway.transaction(known))["open"] is True
    assert (await gateway.transaction(unanswered))["open"] is False


@pytest.mark.parametrize(("meter", "at"), [(500, "2027-01-15T08:10:00Z"), (3000, "2027-01-15T07:00:00Z")])
async def test_rule_2_4_02_minus_one_does_not_mean_a_session_that_it_does_not_fit(
    gateway: Bench, station: ScriptedStation, meter: int, at: str
) -> None:
    running = await station.charges(1, meter=1000)
    assert await station.stops(-1, meter=meter, at=at) == {}
    assert (await gateway.transaction(running))["open"] is True


async def test_rule_2_4_05_a_stop_of_a_transaction_never_seen_is_answered_and_kept(
    gateway: Bench, station: ScriptedStation
) -> None:
    running = await station.charges(1)
    assert await station.stops(4242, meter=7000, reason="PowerLoss", idTag="VALID") == {
        "idTagInfo": {"status": "Accepted"}
    }
    kept = await gateway.transaction(4242)
    assert (kept["meter_stop_wh"], kept["reason"], kept["open"]) == (7000, "PowerLoss", False)
    assert not {"start_time", "meter_start_wh"} & kept.keys()
    assert (await gateway.transaction(running))["open"] is True


async def test_rule_2_4_05_an_orphan_told_twice_is_kept_once(gateway: Bench, station: ScriptedStation) -> None:
    for _ in range(3):
        assert await station.stops(4242) == {}
        assert await station.stops(-1) == {}
    assert len(await gateway.transactions()) == 2


async def test_rule_2_4_01_a_number_that_some_station_uses_is_never_issued(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.stops(4242)
    assert (await station.starts(1, "VALID"))["transactionId"] > 4242


async def test_rule_2_4_05_a_stop_of_another_stations_transaction_changes_nothing_of_it(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, more=TWO_STATIONS) as gateway,
        gateway.station("CP-1") as one,
        gateway.station("CP-2") as two,
    ):
        running = await one.charges(1)
        assert await two.stops(running, meter=9999) == {}
        assert (await gateway.transaction(running))["open"] is True
        assert await one.stops(running, meter=2000) == {}
        assert (await gateway.transaction(running))["meter_stop_wh"] == 2000
        assert len(await gateway.events("transaction.orphan_stop")) == 1


@pytest.mark.parametrize(
    ("stop", "anomaly"),
    [({"meter": 10}, "meter_went_backwards"), ({"at": "2027-01-15T07:00:00Z"}, "stopped_before_start")],
)
async def test_rule_2_4_09_what_cannot_be_right_is_kept_and_marked(
    gateway: Bench, station: ScriptedStation, stop: dict[str, object], anomaly: str
) -> None:
    transaction = await station.charges(1, meter=1000)
    assert await station.stops(transaction, **stop) == {}  # type: ignore[arg-type]
    recorded = await gateway.transaction(transaction)
    assert (recorded["open"], recorded["anomalies"]) == (False, [anomaly])


async def test_rule_2_4_10_a_stop_without_reason_is_local(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    await station.stops(transaction)
    assert (await gateway.transaction(transaction))["reason"] == "Local"


async def test_rule_2_4_10_transaction_data_of_a_megabyte_is_kept(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    data = [
        {
            "timestamp": f"2027-01-15T{minute // 60:02d}:{minute % 60:02d}:00Z",
            "sampledValue": [
                {"value": str(minute), "context": "Sample.Clock", "measurand": "Energy.Active.Import.Register"}
            ]
            * 8,
        }
        for minute in range(1000)
    ]
    assert len(json.dumps(data)) > 700_000
    assert await station.stops(transaction, transactionData=data) == {}
    values, _ = await gateway.values_of(transaction)
    assert len(values) == 1000


async def test_rule_2_4_12_an_accepted_remote_stop_is_not_a_stop(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    await gateway.sends(
        station, "RemoteStopTransaction", {"transactionId": transaction}, answered={"status": "Accepted"}
    )
    assert (await gateway.transaction(transaction))["open"] is True


async def test_rule_2_4_13_a_remote_start_without_authorize(gateway: Bench, station: ScriptedStation) -> None:
    _, outcome = await gateway.sends(
        station, "RemoteStartTransaction", {"idTag": "VALID"}, answered={"status": "Accepted"}
    )
    await station.starts(2, "valid")
    (started,) = await gateway.events("transaction.started")
    assert started["remote_start_command"] == outcome.command_id


async def test_a_start_is_answered_while_our_own_request_is_open(gateway: Bench, station: ScriptedStation) -> None:
    order = asyncio.create_task(gateway.order("Reset", {"type": "Soft"}))
    await station.expect("Reset")
    assert (await station.starts(1, "VALID"))["transactionId"] > 0
    await station.answer({"status": "Accepted"})
    assert (await order).response == {"status": "Accepted"}
