"""Vendor quirks: what each is mended to, under which name, and what is usable of messages beyond mending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.ocpp.repair import NO_TIMESTAMP, NO_TRANSACTION, QUIRKS, UNKNOWN_WH, repair, usable_core
from gateway.ocpp.v16.actions import ACTIONS, sent_by_station
from gateway.ocpp.v16.mending import JSON, choice_meant, fold, mended, plain_text
from gateway.ocpp.v16.schemas import Flag, Items, Number, Record, Shape, Text, shape_of, violations

AT = "2024-05-01T12:00:00Z"
SN: dict[str, Any] = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
START: dict[str, Any] = {"connectorId": 1, "idTag": "ABC", "meterStart": 5, "timestamp": AT}
STOP: dict[str, Any] = {"transactionId": 7, "meterStop": 9, "timestamp": AT}
BOOT: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M"}


def sample(**attributes: Any) -> dict[str, Any]:
    return {"value": "1", **attributes}


def meter(*samples: Any) -> dict[str, Any]:
    return {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": list(samples)}]}


def stop(*samples: Any) -> dict[str, Any]:
    return STOP | {"transactionData": [{"timestamp": AT, "sampledValue": list(samples)}]}


GOOD = sample(unit="kWh")

# action, what the station sends, what becomes of it, under which names
MENDED: list[tuple[str, Any, Any, tuple[str, ...]]] = [
    ("Heartbeat", None, {}, ("null_payload",)),
    ("Heartbeat", [], {}, ("empty_list_payload",)),
    ("Heartbeat", {"uptime": 5}, {}, ("unknown_property",)),
    # names
    ("Authorize", {"idtag": "A"}, {"idTag": "A"}, ("property_name_spelling",)),
    ("Authorize", {"id_tag": "A"}, {"idTag": "A"}, ("property_name_spelling",)),
    ("Authorize", {"IdTag": "B", "idTag": "A"}, {"idTag": "A"}, ("unknown_property",)),
    ("Authorize", {"IdTag": "A", "idtag": "B"}, {"idTag": "A"}, ("property_name_spelling", "unknown_property")),
    ("MeterValues", meter(sample(Unit="kWh", quality=1)), meter(GOOD), ("property_name_spelling", "unknown_property")),
    # null, empty, unreadable
    ("StatusNotification", SN | {"info": None, "vendorId": None}, SN, ("null_property",)),
    ("StopTransaction", STOP | {"reason": ""}, STOP, ("empty_property",)),
    ("StartTransaction", START | {"reservationId": "none"}, START, ("unreadable_property",)),
    ("StatusNotification", SN | {"info": ["x"]}, SN, ("unreadable_property",)),
    ("StopTransaction", STOP | {"transactionData": "none"}, STOP, ("unreadable_property",)),
    # meter values (quirk table: object for list, empty list, numeric value)
    ("MeterValues", meter(GOOD) | {"meterValue": meter(GOOD)["meterValue"][0]}, meter(GOOD),
     ("meter_value_not_a_list",)),
    ("StopTransaction", STOP | {"transactionData": stop(GOOD)["transactionData"][0]}, stop(GOOD),
     ("transaction_data_not_a_list",)),
    ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": AT, "sampledValue": GOOD}]}, meter(GOOD),
     ("sampled_value_not_a_list",)),
    ("MeterValues", {"connectorId": 1, "meterValue": [*meter()["meterValue"], *meter(GOOD)["meterValue"]]}, meter(GOOD),
     ("empty_sampled_value",)),
    ("MeterValues", {"connectorId": 1, "meterValue": [None, {"timestamp": AT}, *meter(GOOD)["meterValue"]]},
     meter(GOOD), ("empty_sampled_value",)),
    ("StopTransaction", stop(), STOP | {"transactionData": []}, ("empty_sampled_value",)),
    ("MeterValues", meter(None, {}, {"value": None}, {"unit": "kWh"}, "7", GOOD), meter(GOOD),
     ("sample_without_value", "null_property")),
    ("MeterValues", meter({"value": 12.5}, {"value": 3}), meter({"value": "12.5"}, {"value": "3"}), ("numeric_value",)),
    ("StopTransaction", stop({"value": True}), stop({"value": "true"}), ("numeric_value",)),
    ("MeterValues", meter({"value": {"a": [1]}}), meter({"value": '{"a":[1]}'}), ("numeric_value",)),
    # words of samples
    ("MeterValues", meter(sample(measurand="frequency", unit="Hz")), meter(sample(measurand="Frequency", unit="Hertz")),
     ("choice_spelling",)),
    ("MeterValues", meter(sample(unit="KWH"), sample(unit="wh")), meter(GOOD, sample(unit="Wh")), ("choice_spelling",)),
    ("MeterValues", meter(sample(phase="l1n", context="sample clock", location="OUTLET", format="RAW")),
     meter(sample(phase="L1-N", context="Sample.Clock", location="Outlet", format="Raw")), ("choice_spelling",)),
    ("MeterValues", meter(sample(phase="", unit=" ")), meter(sample()), ("empty_property",)),
    ("MeterValues", meter(sample(measurand="Door.Open"), GOOD), meter(GOOD), ("unknown_measurand",)),
    ("MeterValues", meter(sample(phase="L9"), GOOD), meter(GOOD), ("unknown_phase",)),
    ("MeterValues", meter(sample(unit="MWh"), GOOD), meter(GOOD), ("unknown_unit",)),
    ("MeterValues", meter(sample(measurand="SoC", unit="Pct"), GOOD), meter(sample(measurand="SoC"), GOOD),
     ("unknown_unit",)),
    ("StopTransaction", stop(sample(measurand="Frequency", unit="Hertz")), stop(sample(measurand="Frequency")),
     ("unknown_unit",)),
    ("MeterValues", meter(sample(location="Roof", format="OCMF")), meter(sample()),
     ("unknown_location", "unknown_format")),
    ("MeterValues", meter(sample(context="Boot")), meter(sample(context="Other")), ("unknown_context",)),
    # status and error code
    ("StatusNotification", SN | {"status": "suspendedEv"}, SN | {"status": "SuspendedEV"}, ("choice_spelling",)),
    ("StatusNotification", SN | {"status": "Occupied"}, SN | {"status": "Charging"}, ("status_occupied",)),
    ("StatusNotification", SN | {"errorCode": "Error"}, SN | {"errorCode": "OtherError", "info": "Error"},
     ("unknown_error_code",)),
    ("StatusNotification", SN | {"errorCode": "E1", "info": "fan"},
     SN | {"errorCode": "OtherError", "info": "fan (E1)"}, ("unknown_error_code",)),
    ("StatusNotification", SN | {"errorCode": "E1", "info": "i" * 46},
     SN | {"errorCode": "OtherError", "info": "i" * 46}, ("unknown_error_code",)),
    ("StatusNotification", SN | {"errorCode": "e" * 60}, SN | {"errorCode": "OtherError", "info": "e" * 50},
     ("unknown_error_code",)),
    ("StatusNotification", {"connectorId": 1, "ErrorCode": 17, "status": "Available"},
     SN | {"errorCode": "OtherError", "info": "17"}, ("property_name_spelling", "unknown_error_code")),
    ("StatusNotification", SN | {"errorCode": {}}, SN | {"errorCode": "OtherError"}, ("unknown_error_code",)),
    ("StatusNotification", SN | {"errorCode": "noerror"}, SN, ("choice_spelling",)),
    ("StatusNotification", SN | {"errorCode": ""}, SN, ("choice_spelling",)),
    ("FirmwareStatusNotification", {"status": "installed"}, {"status": "Installed"}, ("choice_spelling",)),
    ("LogStatusNotification", {"status": "UploadFailed"}, {"status": "UploadFailure"}, ("choice_spelling",)),
    ("DiagnosticsStatusNotification", {"status": "UploadFailure"}, {"status": "UploadFailed"}, ("choice_spelling",)),
    ("StopTransaction", STOP | {"reason": "evDisconnected"}, STOP | {"reason": "EVDisconnected"}, ("choice_spelling",)),
    ("StopTransaction", STOP | {"reason": "Timeout"}, STOP | {"reason": "Other"}, ("unknown_reason",)),
    # texts
    ("BootNotification", BOOT | {"chargePointSerialNumber": "s" * 34}, BOOT | {"chargePointSerialNumber": "s" * 25},
     ("text_too_long",)),
    ("BootNotification", BOOT | {"meterSerialNumber": 12345}, BOOT | {"meterSerialNumber": "12345"},
     ("number_for_text",)),
    ("StatusNotification", SN | {"vendorErrorCode": 0}, SN | {"vendorErrorCode": "0"}, ("number_for_text",)),
    ("StatusNotification", SN | {"timestamp": 1714564800}, SN | {"timestamp": "2024-05-01T12:00:00.000Z"},
     ("numeric_timestamp",)),
    ("StatusNotification", SN | {"timestamp": 1714564800250.0}, SN | {"timestamp": "2024-05-01T12:00:00.250Z"},
     ("numeric_timestamp",)),
    ("StatusNotification", SN | {"timestamp": 12}, SN, ("unreadable_property",)),
    ("StatusNotification", SN | {"timestamp": True}, SN, ("unreadable_property",)),
    ("Authorize", {"idTag": 4711}, {"idTag": "4711"}, ("number_for_text",)),
    ("Authorize", {"idTag": "AB\x10\x0e"}, {"idTag": "AB"}, ("idtag_control_characters",)),
    ("Authorize", {"idTag": " AB "}, {"idTag": "AB"}, ("idtag_blanks",)),
    ("Authorize", {"idTag": "x" * 19 + " yz"}, {"idTag": "x" * 19}, ("idtag_too_long",)),
    ("DataTransfer", {"vendorId": "v", "data": {"a": 1}}, {"vendorId": "v", "data": '{"a":1}'}, ("data_not_text",)),
    ("DataTransfer", {"vendorId": "v", "data": 1.5}, {"vendorId": "v", "data": "1.5"}, ("data_not_text",)),
    ("DataTransfer", {"vendorId": "v", "data": ["\ud800"]}, {"vendorId": "v"}, ("unreadable_property",)),
    # numbers
    ("StatusNotification", SN | {"connectorId": "1"}, SN, ("text_for_number",)),
    ("StatusNotification", SN | {"connectorId": " 1.0 "}, SN, ("text_for_number",)),
    ("StatusNotification", SN | {"connectorId": 1.0}, SN, ("float_for_integer",)),
    ("StatusNotification", SN | {"connectorId": True}, SN, ("boolean_for_number",)),
    ("StartTransaction", START | {"meterStart": 5.75}, START, ("float_for_integer", "fractional_watt_hours")),
    ("StopTransaction", STOP | {"meterStop": "9.75"}, STOP, ("text_for_number", "fractional_watt_hours")),
    ("StopTransaction", STOP | {"transactionId": "9223372036854775807"}, STOP | {"transactionId": 2**63 - 1},
     ("text_for_number",)),
    ("StopTransaction", STOP | {"transactionId": "-1"}, STOP | {"transactionId": -1}, ("text_for_number",)),
]  # fmt: skip


@pytest.mark.parametrize(("action", "sent", "becomes", "quirks"), MENDED)
def test_mending(action: str, sent: Any, becomes: Any, quirks: tuple[str, ...]) -> None:
    repaired = repair(action, sent)
    assert (repaired.payload, repaired.quirks) == (becomes, quirks)
    again = repair(action, becomes)
    assert (again.payload, again.quirks) == (becomes, ())


def test_the_given_payload_is_not_changed() -> None:
    sent: dict[str, JSON] = {"connectorId": "1", "meterValue": {"timestamp": AT, "sampledValue": {"value": 1, "x": 2}}}
    repair("MeterValues", sent)
    assert sent == {"connectorId": "1", "meterValue": {"timestamp": AT, "sampledValue": {"value": 1, "x": 2}}}


@pytest.mark.parametrize("transaction_id", [-1, 0, -77, 2**63 - 1])
def test_any_whole_number_is_a_transaction_id(transaction_id: int) -> None:
    assert repair("StopTransaction", STOP | {"transactionId": transaction_id}).quirks == ()


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("StatusNotification", SN | {"status": "Dancing"}),
        ("StatusNotification", SN | {"status": {}}),
        ("StatusNotification", SN | {"connectorId": "one"}),
        ("StatusNotification", SN | {"connectorId": 1.5}),
        ("StartTransaction", START | {"meterStart": False}),
        ("StartTransaction", START | {"meterStart": float("inf")}),
        ("StartTransaction", START | {"meterStart": []}),
        ("StartTransaction", START | {"idTag": ["A"]}),
        ("StartTransaction", START | {"idTag": 1 << 2000}),
        ("Authorize", {"idTag": float("nan")}),
        ("MeterValues", {"connectorId": 1, "meterValue": "none"}),
        ("SignCertificate", {"csr": "c" * 5501}),
        ("Heartbeat", "text"),
        ("Heartbeat", [1]),
        ("Reset", {"type": "soft", "x": None}),
        ("Unknown", {"a": 1}),
    ],
)
def test_what_means_nothing_stays_for_the_schema_check(action: str, payload: Any) -> None:
    repaired = repair(action, payload)
    assert repaired.quirks == ()
    assert repaired.payload is payload or repaired.payload == payload


def test_every_quirk_is_described_and_happens() -> None:
    happened = {quirk for *_, quirks in MENDED for quirk in quirks}
    of_answers = {"not_a_list", "unreadable_element", "flag_not_boolean"}  # shapes that only answers have
    of_reading = {"half_character", "too_long_to_mend", "unknown_status"}  # see test_reading
    assert happened | of_answers | of_reading == set(QUIRKS)
    assert not happened & of_answers
    assert all(text.endswith(".") and text[0].isupper() for text in QUIRKS.values())


def test_no_two_listed_values_are_folded_together() -> None:
    def check(shape: Shape) -> None:
        match shape:
            case Record():
                assert len({fold(name) for name in shape.properties}) == len(shape.properties)
                for part in shape.properties.values():
                    check(part)
            case Items():
                check(shape.each)
            case Text():
                assert len({fold(choice) for choice in shape.choices}) == len(shape.choices)

    for action in filter(sent_by_station, ACTIONS):
        check(shape_of(action, "request"))


# --- shapes of answers, which the same mending reads


def test_configuration_answers_with_numbers_and_booleans() -> None:
    noted: list[str] = []
    sent: JSON = {
        "configurationKey": {"Key": "A", "readonly": "False", "value": 5},
        "unknownKey": [None, "B"],
    }
    assert mended(shape_of("GetConfiguration", "response"), sent, "", noted) == {
        "configurationKey": [{"key": "A", "readonly": False, "value": "5"}],
        "unknownKey": ["B"],
    }
    assert set(noted) == {
        *("not_a_list", "property_name_spelling", "flag_not_boolean", "number_for_text", "unreadable_element")
    }


@pytest.mark.parametrize(
    ("value", "flag", "quirks"),
    [
        (True, True, []),
        (1, True, ["flag_not_boolean"]),
        ("0", False, ["flag_not_boolean"]),
        ("x", None, []),
        ({}, None, []),
    ],
)
def test_flags(value: JSON, flag: bool | None, quirks: list[str]) -> None:
    noted: list[str] = []
    assert mended(Flag(), value, "readonly", noted) is flag
    assert noted == quirks


@pytest.mark.parametrize(("value", "number"), [(16.5, 16.5), ("16.5", 16.5), ("16", 16), (16, 16), ("x", None)])
def test_numbers_that_may_have_decimals(value: JSON, number: float | None) -> None:
    assert mended(Number(whole=False, step=None), value, "limit", []) == number


def test_words_and_texts() -> None:
    assert choice_meant("unit", "hz", ("Wh",)) is None
    assert plain_text(None) is None
    assert plain_text(False) == "false"


# --- what is usable of messages beyond mending

USABLE: list[tuple[str, Any, Any]] = [
    ("StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 5},
     {"connectorId": 1, "idTag": "A", "meterStart": 5, "timestamp": NO_TIMESTAMP}),
    ("StartTransaction", START | {"meterStart": None}, START | {"meterStart": UNKNOWN_WH}),
    ("StartTransaction", START | {"meterStart": "lots", "reservationId": 3},
     START | {"meterStart": UNKNOWN_WH, "reservationId": 3}),
    ("StartTransaction", {"connectorId": "2"},
     {"connectorId": 2, "idTag": "", "meterStart": UNKNOWN_WH, "timestamp": NO_TIMESTAMP}),
    ("StartTransaction", START | {"connectorId": "x"}, None),
    ("StopTransaction", {"transactionId": "7"}, STOP | {"meterStop": UNKNOWN_WH, "timestamp": NO_TIMESTAMP}),
    ("StopTransaction", {"meterStop": 9, "timestamp": AT}, STOP | {"transactionId": NO_TRANSACTION}),
    ("StopTransaction", STOP | {"transactionId": "x", "reason": "local"},
     STOP | {"transactionId": NO_TRANSACTION, "reason": "Local"}),
    ("StopTransaction", {"transactionId": 7, "transactionData": [{"sampledValue": [{"value": 3}]}, 5]},
     {"transactionId": 7, "meterStop": UNKNOWN_WH, "timestamp": NO_TIMESTAMP,
      "transactionData": [{"timestamp": NO_TIMESTAMP, "sampledValue": [{"value": "3"}]}]}),
    ("StopTransaction", {}, None),
    ("StopTransaction", {"transactionId": {}}, None),
    ("MeterValues", {"connectorId": 1, "transactionId": 7},
     {"connectorId": 1, "transactionId": 7,
      "meterValue": [{"timestamp": NO_TIMESTAMP, "sampledValue": [{"value": ""}]}]}),
    ("MeterValues", meter(),
     {"connectorId": 1, "meterValue": [{"timestamp": NO_TIMESTAMP, "sampledValue": [{"value": ""}]}]}),
    ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": {}, "sampledValue": [GOOD]}]},
     {"connectorId": 1, "meterValue": [{"timestamp": NO_TIMESTAMP, "sampledValue": [GOOD]}]}),
    ("MeterValues", {"meterValue": meter(GOOD)["meterValue"]}, None),
    ("StatusNotification", {"connectorId": 1, "status": "available", "info": None}, SN),
    ("StatusNotification", {"connectorId": 1}, None),
    ("StatusNotification", SN | {"status": "Dancing"}, None),
    ("Heartbeat", {"x": 1}, {}),
    ("Heartbeat", None, {}),
    ("Heartbeat", "text", None),
    ("BootNotification", {}, {"chargePointVendor": "unknown", "chargePointModel": "unknown"}),
    ("BootNotification", {"chargePointVendor": "V", "iccid": {}},
     {"chargePointVendor": "V", "chargePointModel": "unknown"}),
    ("SecurityEventNotification", {"type": "StartupOfTheDevice"},
     {"type": "StartupOfTheDevice", "timestamp": NO_TIMESTAMP}),
    ("SecurityEventNotification", {"timestamp": AT}, {"type": "unknown", "timestamp": AT}),
    ("SecurityEventNotification", {}, None),
    ("FirmwareStatusNotification", {"status": "idle", "x": 1}, {"status": "Idle"}),
    ("SignedFirmwareStatusNotification", {"status": "Idle", "requestId": "x"}, {"status": "Idle"}),
    ("DiagnosticsStatusNotification", {"status": "Busy"}, None),
    ("LogStatusNotification", {"requestId": 4}, None),
    ("Authorize", {}, None),
    ("SignCertificate", {"csr": "c" * 5501}, None),
    ("Unknown", {"a": 1}, None),
]  # fmt: skip


@pytest.mark.parametrize(("action", "sent", "core"), USABLE)
def test_the_usable_core(action: str, sent: Any, core: Any) -> None:
    assert usable_core(action, sent) == core
    assert usable_core(action, repair(action, sent).payload) == core
    if core is not None:
        assert violations(action, "request", core) is None


def test_what_stands_for_untold_is_no_reading_and_no_number() -> None:
    assert (NO_TIMESTAMP, UNKNOWN_WH, NO_TRANSACTION) == ("", -1, -1)


@pytest.mark.parametrize("nest", [lambda deep: [deep], lambda deep: {"a": deep}])
def test_deep_nesting_is_no_exception(nest: Callable[[JSON], JSON]) -> None:
    deep: JSON = 1
    for _ in range(5000):
        deep = nest(deep)
    assert repair("DataTransfer", {"vendorId": "v", "data": deep}).quirks in (
        ("unreadable_property",),
        ("data_not_text",),
    )
    assert usable_core("MeterValues", {"connectorId": 1, "meterValue": deep}) is not None
