"""Quirks of shape and wording: what is mended, counted per station, and answered all the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.store.meter_frames import unpack
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import NOW, CallError, ScriptedStation

REGISTER = "Energy.Active.Import.Register"


async def sent(station: ScriptedStation, sampled: Any, **more: Any) -> Any:
    return await station.say(
        "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": sampled}], **more}
    )


async def reconstructed_wh(gateway: Bench, station: ScriptedStation, transaction: int) -> int:
    """What the gateway read from the values of the session: the next start ends it without a stop."""
    await station.starts(1, "OTHER", meter=900_000, at="2027-01-15T12:00:00Z")
    return int((await gateway.transaction(transaction))["meter_stop_wh"])


async def test_quirk_3_04_meter_value_as_object(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    value = {"timestamp": NOW, "sampledValue": {"value": "1700"}}
    assert await station.say("MeterValues", {"connectorId": 1, "transactionId": transaction, "meterValue": value}) == {}
    assert gateway.quirks() == {"meter_value_not_a_list", "sampled_value_not_a_list"}
    assert await reconstructed_wh(gateway, station, transaction) == 1700


async def test_quirk_3_05_empty_sampled_value(gateway: Bench, station: ScriptedStation) -> None:
    assert await sent(station, []) == {}
    assert "empty_sampled_value" in gateway.quirks()
    two = [{"timestamp": NOW, "sampledValue": []}, {"timestamp": NOW, "sampledValue": [{"value": "1"}]}]
    assert await station.say("MeterValues", {"connectorId": 1, "meterValue": two}) == {}
    assert await station.say("MeterValues", {"connectorId": 1, "meterValue": []}) == {}


@pytest.mark.parametrize("value", [1700, 1700.0, "1700", 1.7e3])
async def test_quirk_3_06_numeric_value(gateway: Bench, station: ScriptedStation, value: object) -> None:
    transaction = await station.charges(1)
    assert await sent(station, [{"value": value}], transactionId=transaction) == {}
    assert await reconstructed_wh(gateway, station, transaction) == 1700


@pytest.mark.parametrize(
    "sample",
    [
        {"value": "50", "unit": "Hz", "measurand": "Frequency"},
        {"value": "50", "unit": "Hertz", "measurand": "Frequency"},
        {"value": "50", "unit": "Furlong"},
        {"value": "50", "measurand": "Power.Apparent.Import"},
        {"value": "50", "unit": "°C", "measurand": "Temperature"},
        {"value": "50", "phase": "L4"},
        {"value": "50", "location": "Moon"},
        {"value": "50", "context": "Whenever"},
    ],
)
async def test_quirk_3_07_unknown_words_in_samples_are_answered_and_kept(
    gateway: Bench, station: ScriptedStation, sample: dict[str, str]
) -> None:
    transaction = await station.charges(1)
    assert await sent(station, [sample, {"value": "1700"}], transactionId=transaction) == {}
    values, _ = await gateway.values_of(transaction)
    assert values[0]["sampledValue"][0] == sample
    if sample.keys() & {"phase"} or sample.get("measurand") or sample.get("unit") == "Furlong":
        assert await reconstructed_wh(gateway, station, transaction) == 1700  # and not 50


async def test_quirk_3_08_an_error_code_outside_the_list(gateway: Bench, station: ScriptedStation) -> None:
    assert await station.shows(1, "Faulted", errorCode="Error") == {}
    shown = await gateway.connector(1)
    assert (shown["status"], shown["error_code"], shown["info"]) == ("Faulted", "OtherError", "Error")
    assert gateway.quirks() == {"unknown_error_code"}


async def test_quirk_3_08_the_status_occupied_of_ocpp_1_5(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    assert await station.shows(1, "Occupied") == {}
    assert (await gateway.connector(1))["status"] == "Charging"
    assert (await gateway.transaction(transaction))["open"] is True
    assert gateway.quirks() == {"status_occupied"}


async def test_quirk_3_09_over_long_strings_in_boot(gateway: Bench, station: ScriptedStation) -> None:
    booted = await station.boots(
        chargePointVendor="Schneider Electric Industries SAS",
        chargePointSerialNumber="3N204150999C1B20000500000000000123",
        firmwareVersion="v" * 80,
    )
    assert booted["status"] == "Accepted"
    assert gateway.quirks() == {"text_too_long"}
    (row,) = await gateway.rows("SELECT vendor, serial_number FROM stations WHERE station = 'CP-1'")
    assert row == {"vendor": "Schneider Electric I", "serial_number": "3N204150999C1B20000500000"}


@pytest.mark.parametrize("tag", ["VALID\x10\x0e", "VALID\x00", "VALID" + " " * 30, "\x02VALID\x03"])
async def test_quirk_3_10_trailing_bytes_on_a_tag(gateway: Bench, station: ScriptedStation, tag: str) -> None:
    assert (await station.authorizes(tag))["status"] == "Accepted"
    transaction = (await station.starts(1, tag))["transactionId"]
    assert (await station.stops(transaction, idTag=tag))["idTagInfo"]["status"] == "Accepted"
    assert (await gateway.transaction(transaction))["open"] is False


async def test_quirk_3_10_raw_control_bytes_inside_the_json(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    told = f'"transactionId":{transaction},"idTag":"VALID\x10\x0e","meterStop":2000,"timestamp":"{NOW}"'
    text = f'[2,"a","StopTransaction",{{{told}}}]'
    answer = await station.say_text(text, message_id="a", action="StopTransaction")
    assert answer == {"idTagInfo": {"status": "Accepted"}}
    assert (await gateway.transaction(transaction))["open"] is False


async def test_quirk_3_10_a_tag_longer_than_twenty_is_matched_by_its_first_twenty(
    gateway: Bench, station: ScriptedStation
) -> None:
    started = await station.starts(1, "0123456789ABCDEF0123-4567-89", meter=0)
    stopped = await station.stops(started["transactionId"], idTag="0123456789abcdef0123-9999")
    assert stopped == {"idTagInfo": {"status": "Invalid"}}
    assert (await gateway.transaction(started["transactionId"]))["id_tag"] == "0123456789ABCDEF0123"
    assert "idtag_too_long" in gateway.quirks()


@pytest.mark.parametrize("tag", ["04A2FF19", "DEADBEEF00112233"])
async def test_quirk_3_11_the_remote_tag_goes_out_as_the_operator_wrote_it(
    gateway: Bench, station: ScriptedStation, tag: str
) -> None:
    accepted = {"status": "Accepted"}
    got, outcome = await gateway.sends(station, "RemoteStartTransaction", {"idTag": tag}, answered=accepted)
    assert got == {"idTag": tag}
    await station.starts(1, tag.lower())  # Alfen and others fold the hex digits
    assert (await gateway.events("transaction.started"))[0]["remote_start_command"] == outcome.command_id


@pytest.mark.parametrize("number", [9223372036854775807, 2**64, -17, "12345678901234567890", "abc", None, 1.5])
async def test_quirk_3_12_odd_transaction_ids_in_meter_values(
    gateway: Bench, station: ScriptedStation, number: object
) -> None:
    transaction = await station.charges(1)
    assert await sent(station, [{"value": "1700"}], transactionId=number) == {}
    assert await reconstructed_wh(gateway, station, transaction) == 1700


@pytest.mark.parametrize("number", [-1, 0, "-1", None])
async def test_quirk_3_13_a_stop_without_transaction_id(
    gateway: Bench, station: ScriptedStation, number: object
) -> None:
    transaction = (await station.starts(1, "VALID"))["transactionId"]
    stopped = await station.say("StopTransaction", {"transactionId": number, "meterStop": 2000, "timestamp": NOW})
    assert stopped == {}
    assert (await gateway.transaction(transaction))["open"] is False


async def test_quirk_3_14_a_stop_of_a_transaction_never_seen(gateway: Bench, station: ScriptedStation) -> None:
    assert await station.stops(77, meter=4321) == {}
    assert (await gateway.transaction(77))["meter_stop_wh"] == 4321


@pytest.mark.parametrize("message_ids", [("a", "a"), ("a", "b")])
async def test_quirk_3_15_starts_and_stops_are_repeated(
    gateway: Bench, station: ScriptedStation, message_ids: tuple[str, str]
) -> None:
    starts = [await station.starts(1, "VALID", message_id=one) for one in message_ids]
    assert starts[0] == starts[1]
    assert starts[0]["idTagInfo"]["status"] == "Accepted"
    number = starts[0]["transactionId"]
    assert [await station.stops(number, message_id="s" + one) for one in message_ids] == [{}, {}]
    assert len(await gateway.transactions()) == 1


async def test_quirk_3_16_timestamps_without_zone(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\nutc_offset_minutes = 120\n'
    async with bench(tmp_path, more=more) as gateway, gateway.station() as station:
        number = (await station.starts(at="2027-01-15T09:30:00"))["transactionId"]
        assert (await gateway.transaction(number))["start_time"] == "2027-01-15T07:30:00.000Z"
        number = (await station.starts(2, "OTHER", at="2027-01-15T09:30:00Z"))["transactionId"]
        assert (await gateway.transaction(number))["start_time"] == "2027-01-15T09:30:00.000Z"


async def test_quirk_3_16_without_a_setting_it_is_utc(gateway: Bench, station: ScriptedStation) -> None:
    number = (await station.starts(at="2027-01-15T07:30:00"))["transactionId"]
    assert (await gateway.transaction(number))["start_time"] == "2027-01-15T07:30:00.000Z"


@pytest.mark.parametrize(
    "written",
    [
        "2027-01-15T10:30:00+03",
        "2027-01-15T10:30:00+03:00",
        "2027-01-15T10:30:00.000+0300",
        "2027-01-15 07:30:00 UTC",
        "20270115T073000Z",
    ],
)
async def test_quirk_3_17_offsets_in_many_formats(gateway: Bench, station: ScriptedStation, written: str) -> None:
    number = (await station.starts(at=written))["transactionId"]
    assert (await gateway.transaction(number))["start_time"] == "2027-01-15T07:30:00.000Z"


@pytest.mark.parametrize("written", ["yesterday", "", "2027-13-45T99:99:99Z", "0001-01-01T00:00:00Z", 7, None])
async def test_quirk_3_18_an_unreadable_time_is_the_receipt(
    gateway: Bench, station: ScriptedStation, written: object
) -> None:
    told = {"connectorId": 1, "idTag": "VALID", "meterStart": 0, "timestamp": written}
    number = (await station.say("StartTransaction", told))["transactionId"]
    recorded = await gateway.transaction(number)
    assert (recorded["start_time"], recorded["anomalies"]) == ("2027-01-15T08:00:00.000Z", ["unreadable_timestamp"])


async def test_quirk_3_18_local_time_marked_as_utc_is_seen_as_skew(gateway: Bench, station: ScriptedStation) -> None:
    await station.shows(1, "Available", timestamp="2027-01-15T10:00:00Z")
    (row,) = await gateway.rows("SELECT clock_offset_ms FROM stations WHERE station = 'CP-1'")
    assert row["clock_offset_ms"] == 2 * 3600 * 1000
    await station.shows(1, "Charging", timestamp="2027-01-15T08:00:00Z")  # the first Boot.conf set the clock
    assert (await gateway.connector(1))["status"] == "Charging"


async def test_quirk_3_19_our_times_are_the_plainest_there_are(gateway: Bench, station: ScriptedStation) -> None:
    gateway.clock.now += 1
    for told in (await station.boots(), await station.say("Heartbeat", {})):
        assert told["currentTime"] == "2027-01-15T08:00:00.000Z"


async def test_quirk_3_20_kilowatt_hours_reported_as_watt_hours(tmp_path: Path) -> None:
    more = '[[station]]\nid = "CP-1"\nenergy_scale = 1000\n'
    async with bench(tmp_path, more=more) as gateway, gateway.station() as station:
        number = (await station.starts(1, "VALID", meter=7))["transactionId"]
        await station.stops(number, meter=19)
        recorded = await gateway.transaction(number)
        assert (recorded["meter_start_wh"], recorded["energy_wh"]) == (7000, 12000)
        number = (await station.starts(1, "VALID", meter=19, at="2027-01-15T09:00:00Z"))["transactionId"]
        await sent(station, [{"value": "25"}], transactionId=number)
        assert await reconstructed_wh(gateway, station, number) == 25000


@pytest.mark.parametrize(
    "samples",
    [
        [
            {"value": "1.7", "unit": "kWh", "measurand": REGISTER},
            {"value": "3.5", "unit": "kW", "measurand": "Power.Active.Import"},
        ],
        [
            {"value": value, "phase": phase, "measurand": REGISTER}
            for phase, value in (("L1", "500"), ("L2", "0.6e3"), ("L3", "600"))
        ],
        [{"value": "500", "phase": "L1", "measurand": REGISTER}, {"value": "1700", "measurand": REGISTER}],
        [{"value": "9", "context": "Transaction.Begin"}, {"value": "1700", "context": "Sample.Periodic"}],
        [{"value": "1699", "context": "Sample.Periodic"}, {"value": "1700", "context": "Transaction.End"}],
        [{"value": "1700"}, {"value": "32.0", "measurand": "Current.Import", "unit": "A", "phase": "L1"}],
    ],
)
async def test_quirk_3_21_the_energy_among_many_samples(
    gateway: Bench, station: ScriptedStation, samples: list[dict[str, str]]
) -> None:
    transaction = await station.charges(1)
    assert await sent(station, samples, transactionId=transaction) == {}
    assert gateway.quirks() == set()
    assert await reconstructed_wh(gateway, station, transaction) == 1700


@pytest.mark.parametrize("suffix", ["", "-N"])
async def test_quirk_3_22_phases_labelled_either_way_and_a_lone_neutral(
    gateway: Bench, station: ScriptedStation, suffix: str
) -> None:
    transaction = await station.charges(1)
    samples = [{"value": "850", "phase": f"{line}{suffix}", "measurand": REGISTER} for line in ("L1", "L2")]
    samples.append({"value": "7777", "phase": "N", "measurand": REGISTER})
    samples.append({"value": "16", "phase": "L1-N", "measurand": "Current.Import"})
    samples.append({"value": "230", "phase": "L1", "measurand": "Voltage"})
    assert await sent(station, samples, transactionId=transaction) == {}
    assert await reconstructed_wh(gateway, station, transaction) == 1700


async def test_quirk_3_29_a_reboot_in_the_middle_of_a_session(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1, "VALID", meter=1000)
    await sent(station, [{"value": "1700"}], transactionId=transaction)
    async with gateway.station() as back:  # and it forgot everything
        await back.boots()
        await back.shows(1, "Preparing")
        started = await back.starts(1, "VALID", meter=1750, at="2027-01-15T08:05:00Z")
        assert started["idTagInfo"]["status"] == "Accepted"
        assert started["transactionId"] != transaction
    assert (await gateway.transaction(transaction))["meter_stop_wh"] == 1700


async def test_quirk_3_32_configuration_values_as_numbers_and_keys_in_other_case(
    gateway: Bench, station: ScriptedStation
) -> None:
    keys = [
        {"key": "heartbeatinterval", "readonly": "false", "value": 60},
        {"key": "LocalPreAuthorize", "readonly": True, "value": True},
        {"key": "StationPassword", "readonly": False, "value": "hunter2"},
    ]
    _, outcome = await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})
    assert outcome.warning
    known = await gateway.configuration()
    assert (known["heartbeatinterval"]["value"], known["heartbeatinterval"]["readonly"]) == ("60", False)
    assert (known["LocalPreAuthorize"]["value"], known["LocalPreAuthorize"]["readonly"]) == ("true", True)
    assert "hunter2" not in str(known) + str(outcome)
    assert "hunter2" not in str(await gateway.rows("SELECT data FROM events"))


async def test_quirk_3_33_a_refused_measurand_list_changes_nothing_here(
    gateway: Bench, station: ScriptedStation
) -> None:
    wanted = {"key": "MeterValuesSampledData", "value": "Energy.Active.Import.Register,SoC"}
    for answer in ("Rejected", "NotSupported"):
        _, outcome = await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": answer})
        assert outcome.response == {"status": answer}
    assert await gateway.configuration() == {}
    assert station.requests.empty()  # nothing is written of our own accord


async def test_quirk_3_34_reservation_zero_is_none(gateway: Bench, station: ScriptedStation) -> None:
    started = await station.starts(1, "VALID", reservationId=0)
    assert started["idTagInfo"]["status"] == "Accepted"
    assert (await gateway.transaction(started["transactionId"]))["reservation_id"] is None


@pytest.mark.parametrize(("connector", "used"), [(1, 0), (2, None)])
async def test_quirk_3_34_unless_there_is_a_reservation_zero(
    gateway: Bench, station: ScriptedStation, connector: int, used: int | None
) -> None:
    wanted = {"reservationId": 0, "connectorId": 1, "expiryDate": "2027-01-15T09:00:00Z", "idTag": "VALID"}
    await gateway.sends(station, "ReserveNow", wanted, answered={"status": "Accepted"})
    started = await station.starts(connector, "OTHER", reservationId=0)
    assert (await gateway.transaction(started["transactionId"]))["reservation_id"] == used
    assert len(await gateway.reservations()) == (1 if used is None else 0)


async def test_quirk_3_34_reservation_zero_in_the_start_of_another_reservation(
    gateway: Bench, station: ScriptedStation
) -> None:
    wanted = {"connectorId": 1, "expiryDate": "2027-01-15T09:00:00Z", "idTag": "VALID"}
    got, _ = await gateway.sends(station, "ReserveNow", wanted, answered={"status": "Accepted"})
    started = await station.starts(1, "VALID", reservationId=0)
    assert (await gateway.transaction(started["transactionId"]))["reservation_id"] == got["reservationId"]
    assert await gateway.reservations() == []


async def test_quirk_3_35_reboot_required_is_remembered(gateway: Bench, station: ScriptedStation) -> None:
    wanted = {"key": "MaxCurrent", "value": "16"}
    await gateway.sends(station, "ChangeConfiguration", wanted, answered={"status": "RebootRequired"})
    _, outcome = await gateway.sends(
        station, "ChangeAvailability", {"connectorId": 1, "type": "Operative"}, answered={"status": "Rejected"}
    )
    assert outcome.status == "answered"
    assert (await gateway.configuration())["MaxCurrent"]["reboot_required"] is True
    await station.boots()
    assert (await gateway.configuration())["MaxCurrent"]["reboot_required"] is False


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("MeterValues", {"connectorId": 1, "meterValue": {"timestamp": NOW, "sampledValue": [{"value": "1"}]}}),
        ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": [{"value": 1}]}]}),
        ("StatusNotification", {"connectorId": 1, "errorCode": "Error", "status": "Faulted"}),
        ("BootNotification", {"chargePointVendor": "x" * 21, "chargePointModel": "m"}),
        ("StopTransaction", {"transactionId": 1, "meterStop": 1, "timestamp": NOW, "idTag": "x" * 21}),
    ],
)
async def test_nothing_is_mended_for_a_strict_station(tmp_path: Path, action: str, payload: dict[str, Any]) -> None:
    more = '[[station]]\nid = "CP-1"\nstrict = true\n'
    async with bench(tmp_path, more=more) as gateway, gateway.station() as station:
        assert isinstance(await station.say(action, payload), CallError)
        assert gateway.quirks() == set()


async def test_quirks_are_counted_per_station_and_kept(tmp_path: Path) -> None:
    two = '[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n'
    for _ in range(2):
        async with (
            bench(tmp_path, more=two) as gateway,
            gateway.station("CP-1") as odd,
            gateway.station("CP-2") as neat,
        ):
            for station, value in ((odd, 7), (neat, "7")):
                assert await sent(station, [{"value": value}]) == {}
    async with bench(tmp_path, more=two) as gateway:
        kept = await gateway.rows("SELECT station, quirk, times FROM quirks")
    assert kept == [{"station": "CP-1", "quirk": "numeric_value", "times": 2}]


async def test_the_raw_text_of_a_mended_message_is_what_is_kept(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    payload = json.dumps(
        {"connectorId": 1, "meterValue": {"timestamp": NOW, "sampledValue": {"value": 1.50, "odd": None}}}
    )
    await station.say_text(f'[2,"a","MeterValues",{payload}]', message_id="a", action="MeterValues")
    await station.stops(transaction)
    (row,) = await gateway.rows("SELECT encoding, body FROM meter_frames")
    assert unpack(row["encoding"], row["body"]) == payload.encode()
