"""Which way a payload goes: decoded at once, repaired, rescued by its core, or refused with the right code."""

from __future__ import annotations

import json
import sys

import msgspec
import pytest

from gateway.ocpp import repair
from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.repair import JSON, Repaired
from gateway.ocpp.v16.from_station import (
    Authorize,
    BootNotification,
    Heartbeat,
    MeterValue,
    MeterValues,
    OtherStatus,
    SampledValue,
    StartTransaction,
    StopTransaction,
)
from gateway.ocpp.v16.reading import Refusal, Request, read_request

START = b'{"connectorId":1,"idTag":"ABC","meterStart":5,"timestamp":"2024-01-01T00:00:00Z"}'
STOP = {"meterStop": 9, "timestamp": "2024-01-01T00:00:00Z", "transactionId": 3}


def refused(code: ErrorCode, description: str) -> Refusal:
    return Refusal(code=code, description=description)


@pytest.mark.parametrize("strict", [True, False])
def test_a_valid_payload_is_decoded(strict: bool) -> None:
    expected = StartTransaction(connector_id=1, id_tag="ABC", meter_start=5, timestamp="2024-01-01T00:00:00Z")
    assert read_request("StartTransaction", START, strict=strict) == Request(expected)
    assert read_request("StartTransaction", msgspec.Raw(START), strict=strict) == Request(expected)


def test_absent_optional_properties_are_none_and_lists_are_tuples() -> None:
    raw = b'{"connectorId":0,"meterValue":[{"timestamp":"t","sampledValue":[{"value":"1","unit":"Hertz"}]}]}'
    read = read_request("MeterValues", raw, strict=True)
    sample = SampledValue(value="1", unit="Hertz")
    assert read == Request(
        MeterValues(connector_id=0, meter_value=(MeterValue(timestamp="t", sampled_value=(sample,)),))
    )
    assert sample.phase is None


def test_untouched_requests_share_one_empty_tuple() -> None:
    first = read_request("Heartbeat", b"{}", strict=False)
    second = read_request("StartTransaction", START, strict=False)
    assert isinstance(first, Request)
    assert isinstance(second, Request)
    assert first.quirks is second.quirks
    assert not first.quarantined


def test_a_missing_payload_is_a_protocol_error_in_strict_mode() -> None:
    assert read_request("Heartbeat", b"", strict=True) == refused(ErrorCode.PROTOCOL_ERROR, "the payload is missing")
    assert read_request("Heartbeat", b"", strict=False) == Request(Heartbeat())
    assert read_request("Authorize", b"", strict=False) == refused(ErrorCode.PROTOCOL_ERROR, "idTag: missing")


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("raw", [b"null", b" null ", b"{}"])
def test_null_and_nothing_count_as_an_empty_object(raw: bytes, strict: bool) -> None:
    assert read_request("Heartbeat", raw, strict=strict) == Request(Heartbeat())
    assert read_request("Authorize", raw, strict=strict) == refused(ErrorCode.PROTOCOL_ERROR, "idTag: missing")


@pytest.mark.parametrize("strict", [True, False])
def test_unknown_and_unsupported_actions_differ(strict: bool) -> None:
    assert read_request("MakeCoffee", b"{}", strict=strict) == refused(ErrorCode.NOT_IMPLEMENTED, "unknown action")
    assert read_request("Reset", b"{", strict=strict) == refused(
        ErrorCode.NOT_SUPPORTED, "this action is for charge points"
    )


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b'{"idTag":"A",}',
        b'{"idTag":NaN}',
        b'{"idTag":"\xff"}',
        b'{"idTag":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_a_formation_violation(raw: bytes, strict: bool) -> None:
    expected = refused(ErrorCode.FORMATION_VIOLATION, "payload: not readable as JSON")
    assert read_request("Authorize", raw, strict=strict) == expected


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("raw", [b"[{}]", b'"A"', b"7", b"true"])
def test_a_payload_that_is_no_object_is_a_formation_violation(raw: bytes, strict: bool) -> None:
    expected = refused(ErrorCode.TYPE_CONSTRAINT_VIOLATION, "payload: expected an object")
    assert read_request("Authorize", raw, strict=strict) == expected


def test_a_whole_pair_of_surrogates_is_a_character() -> None:
    assert read_request("Authorize", b'{"idTag":"\\ud83d\\udd0c"}', strict=True) == Request(
        Authorize(id_tag="\U0001f50c")
    )
    read = read_request("Authorize", b'{"idTag":"\\ud83d\\udd0c","x":1}', strict=True)
    assert read == refused(ErrorCode.FORMATION_VIOLATION, "x: unknown property")


@pytest.mark.parametrize("half", [r"\ud83d", r"\uDBFF", r"\udfff", r"\uDC00\ud83d"])
def test_half_a_surrogate_pair_is_replaced_and_named(half: str) -> None:
    raw = json.dumps(STOP | {"idTag": "HALF"}).replace("HALF", half).encode()
    expected = StopTransaction(
        meter_stop=9, timestamp="2024-01-01T00:00:00Z", transaction_id=3, id_tag="\ufffd" * half.count("\\")
    )
    assert read_request("StopTransaction", raw, strict=False) == Request(expected, ("half_character",))
    unreadable = refused(ErrorCode.FORMATION_VIOLATION, "payload: not readable as JSON")
    assert read_request("StopTransaction", raw, strict=True) == unreadable


def test_half_a_surrogate_pair_in_a_name_is_replaced_too() -> None:
    raw = START.replace(b"}", b',"\\udfff":1}')
    read = read_request("StartTransaction", raw, strict=False)
    assert isinstance(read, Request)
    assert read.quirks == ("half_character", "unknown_property")


LONG = {"timestamp": "2024-01-01T00:00:00Z", "sampledValue": [{"value": 1}] * 20_000}


def test_a_long_message_that_is_not_valid_is_used_by_its_core_without_a_look_into_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[JSON] = []

    def noted(shape: object, value: JSON, *_: object) -> JSON:
        looked_at.append(value)
        return value

    monkeypatch.setattr(repair, "mended", noted)
    values = {"connectorId": 1, "transactionId": "7", "meterValue": [LONG], "unknown": 1}
    read = read_request("MeterValues", json.dumps(values).encode(), strict=False)
    assert isinstance(read, Request)
    assert isinstance(read.payload, MeterValues)
    assert (read.payload.connector_id, read.payload.transaction_id) == (1, 7)
    assert read.payload.meter_value == (MeterValue(timestamp="", sampled_value=(SampledValue(value=""),)),)
    assert (read.quirks, read.quarantined) == (("too_long_to_mend",), True)
    assert looked_at == [1, 7]


def test_the_core_of_a_long_stop_bills() -> None:
    raw = json.dumps(STOP | {"idTag": "HALF", "reason": "local", "transactionData": [LONG]}).encode()
    read = read_request("StopTransaction", raw.replace(b"HALF", rb"\udfff"), strict=False)
    core = StopTransaction(
        meter_stop=9, timestamp="2024-01-01T00:00:00Z", transaction_id=3, id_tag="\ufffd", reason="Local"
    )
    assert read == Request(core, ("half_character", "too_long_to_mend"), quarantined=True)


def test_a_long_message_with_an_unreadable_part_is_used_without_it() -> None:
    raw = json.dumps(STOP | {"transactionData": [LONG]})[:-1].encode() + b',"idTag":' + b"9" * 4096 + b',"reason":NaN}'
    read = read_request("StopTransaction", raw.replace(b',"reason":NaN', b""), strict=False)
    assert isinstance(read, Request)
    assert isinstance(read.payload, StopTransaction)
    assert read.payload.id_tag is None
    assert isinstance(read_request("StopTransaction", raw, strict=False), Refusal)


def test_a_part_that_python_cannot_read_is_left_out_too() -> None:
    raw = json.dumps(STOP | {"transactionData": [LONG]})[:-1].encode() + b',"idTag":' + b"9" * 4000 + b"}"
    allowed = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(1000)
    try:
        read = read_request("StopTransaction", raw, strict=False)
    finally:
        sys.set_int_max_str_digits(allowed)
    assert isinstance(read, Request)
    assert isinstance(read.payload, StopTransaction)
    assert (read.payload.id_tag, read.payload.meter_stop) == (None, 9)


def test_a_long_valid_message_is_read_whole() -> None:
    text = {"timestamp": "2024-01-01T00:00:00Z", "sampledValue": [{"value": "1"}] * 20_000}
    raw = json.dumps({"connectorId": 1, "meterValue": [text]}).encode()
    for strict in (True, False):
        read = read_request("MeterValues", raw, strict=strict)
        assert isinstance(read, Request)
        assert isinstance(read.payload, MeterValues)
        assert len(read.payload.meter_value[0].sampled_value) == 20_000
        assert read.quirks == ()


@pytest.mark.parametrize(
    ("action", "payload", "strict"),
    [
        ("MeterValues", {"connectorId": 1, "meterValue": [LONG]}, True),
        ("MeterValues", {"meterValue": [LONG]}, False),
        ("Authorize", {"idTag": [LONG]}, False),
        ("DataTransfer", {"vendorId": "v", "data": LONG}, False),
    ],
)
def test_a_long_message_without_a_usable_core_is_refused(action: str, payload: JSON, strict: bool) -> None:
    read = read_request(action, json.dumps(payload).encode(), strict=strict)
    assert read == refused(ErrorCode.FORMATION_VIOLATION, "payload: not valid, and too long to be looked into")


def test_a_name_that_occurs_twice_is_refused_only_when_strict() -> None:
    raw = b'{"idTag":7,"idTag":"ABC"}'
    assert read_request("Authorize", raw, strict=False) == Request(Authorize(id_tag="ABC"))
    assert read_request("Authorize", raw, strict=True) == refused(
        ErrorCode.FORMATION_VIOLATION, "payload: not readable as JSON"
    )


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({}, ErrorCode.PROTOCOL_ERROR),
        ({"idTag": "A", "idTag2": "B"}, ErrorCode.FORMATION_VIOLATION),
        ({"idTag": None}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ({"idTag": 12}, ErrorCode.TYPE_CONSTRAINT_VIOLATION),
        ({"idTag": "A" * 21}, ErrorCode.PROPERTY_CONSTRAINT_VIOLATION),
    ],
)
def test_strict_refuses_by_the_letter(payload: JSON, code: ErrorCode) -> None:
    read = read_request("Authorize", json.dumps(payload).encode(), strict=True)
    assert isinstance(read, Refusal)
    assert read.code is code


def test_strict_refuses_an_empty_list_of_meter_values() -> None:
    read = read_request("MeterValues", b'{"connectorId":1,"meterValue":[]}', strict=True)
    assert read == refused(ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, "meterValue: expected at least 1 element")


def test_a_quirk_is_repaired_and_named() -> None:
    boot = {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S" * 34}
    read = read_request("BootNotification", json.dumps(boot).encode(), strict=False)
    assert isinstance(read, Request)
    assert isinstance(read.payload, BootNotification)
    assert read.payload.charge_point_model == "M"
    assert read.quirks
    assert not read.quarantined
    assert isinstance(read_request("BootNotification", json.dumps(boot).encode(), strict=True), Refusal)


def test_an_empty_list_is_an_empty_object_only_when_tolerant() -> None:
    read = read_request("Heartbeat", b"[]", strict=False)
    assert isinstance(read, Request)
    assert read.payload == Heartbeat()
    assert read.quirks
    assert isinstance(read_request("Heartbeat", b"[]", strict=True), Refusal)


def test_a_stop_with_an_unreadable_register_is_kept_for_quarantine() -> None:
    raw = json.dumps(STOP | {"meterStop": "nine"}).encode()
    read = read_request("StopTransaction", raw, strict=False)
    assert isinstance(read, Request)
    assert isinstance(read.payload, StopTransaction)
    assert (read.payload.transaction_id, read.quarantined) == (3, True)


def unrepaired(action: str, payload: JSON) -> Repaired:
    """A repair that finds a quirk but cannot mend the rest."""
    return Repaired(payload=payload, quirks=("tried",))


def test_what_is_beyond_repair_is_rescued_by_its_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "repair", unrepaired)
    monkeypatch.setattr(repair, "usable_core", lambda action, payload: STOP)
    raw = json.dumps(STOP | {"transactionData": 7}).encode()
    read = read_request("StopTransaction", raw, strict=False)
    core = StopTransaction(meter_stop=9, timestamp="2024-01-01T00:00:00Z", transaction_id=3)
    assert read == Request(core, ("tried",), quarantined=True)
    assert isinstance(read_request("StopTransaction", raw, strict=True), Refusal)


@pytest.mark.parametrize("core", [None, {"meterStop": "nine"}])
def test_without_a_usable_core_the_refusal_names_the_first_fault(monkeypatch: pytest.MonkeyPatch, core: JSON) -> None:
    monkeypatch.setattr(repair, "repair", unrepaired)
    monkeypatch.setattr(repair, "usable_core", lambda action, payload: core)
    raw = json.dumps(STOP | {"transactionData": 7}).encode()
    assert read_request("StopTransaction", raw, strict=False) == refused(
        ErrorCode.TYPE_CONSTRAINT_VIOLATION, "transactionData: expected a list"
    )


@pytest.mark.parametrize(
    ("action", "payload", "expected"),
    [
        ("FirmwareStatusNotification", {"status": "SignatureVerified"}, OtherStatus(status="SignatureVerified")),
        ("DiagnosticsStatusNotification", {"status": "Zipping", "x": 1}, OtherStatus(status="Zipping")),
        (
            "SignedFirmwareStatusNotification",
            {"status": "CertificateVerified", "requestId": "5"},
            OtherStatus(status="CertificateVerified", request_id=5),
        ),
        ("LogStatusNotification", {"status": "Zipping", "requestId": {}}, OtherStatus(status="Zipping")),
    ],
)
def test_a_status_that_is_not_listed_is_kept_in_its_words(action: str, payload: JSON, expected: OtherStatus) -> None:
    read = read_request(action, json.dumps(payload).encode(), strict=False)
    assert isinstance(read, Request)
    assert (read.payload, read.quirks[0], read.quarantined) == (expected, "unknown_status", False)
    assert isinstance(read_request(action, json.dumps(payload).encode(), strict=True), Refusal)


@pytest.mark.parametrize("payload", [{}, {"status": ""}, {"status": 7}, {"status": None}, {"requestId": 4}])
def test_a_notification_without_a_status_is_refused(payload: JSON) -> None:
    read = read_request("LogStatusNotification", json.dumps(payload).encode(), strict=False)
    assert isinstance(read, Refusal)


def test_an_unlisted_status_of_a_connector_is_refused() -> None:
    told = b'{"connectorId":1,"errorCode":"NoError","status":"Dancing"}'
    assert isinstance(read_request("StatusNotification", told, strict=False), Refusal)
