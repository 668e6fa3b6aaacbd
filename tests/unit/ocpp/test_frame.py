"""OCPP-J frames: what is read out of well-formed, odd and broken texts, and what is written."""

from __future__ import annotations

import json

import msgspec
import pytest

from gateway.ocpp.frame import (
    BrokenCall,
    Call,
    CallError,
    CallResult,
    Garbage,
    read_frame,
    write_call,
    write_error,
    write_result,
)


def call(text: bytes) -> Call:
    frame = read_frame(text)
    assert isinstance(frame, Call), frame
    return frame


@pytest.mark.parametrize(
    ("text", "message_id", "payload"),
    [
        (b'[2,"1","Heartbeat",{}]', "1", b"{}"),
        (b' [ 2 , "1" , "Heartbeat" , {"a": [1]} ] ', "1", b'{"a": [1]}'),
        (b'[2,"1","Heartbeat",null]', "1", b"null"),
        (b'[2,"1","Heartbeat"]', "1", b""),
        (b'[2,"1","Heartbeat",{},"more"]', "1", b"{}"),
        (b'[2,17,"Heartbeat",{}]', 17, b"{}"),
        (b'[2,1.5,"Heartbeat",{}]', 1.5, b"{}"),
        (b'[2,"' + b"x" * 200 + b'","Heartbeat",{}]', "x" * 200, b"{}"),
        (b'[2.0,"1","Heartbeat",{}]', "1", b"{}"),
        (b'[2,"1\x00","Heartbeat",{"idTag":"A\x00"}]', "1\x00", b'{"idTag":"A\\u0000"}'),
        (b'[2,"1\x00","Heartbeat"]', "1\x00", b""),
        ('[2,"ü","Heartbeat",{}]'.encode(), "ü", b"{}"),
    ],
)
def test_calls_are_read_tolerantly(text: bytes, message_id: object, payload: bytes) -> None:
    frame = call(text)
    assert (frame.message_id, frame.action, bytes(frame.payload)) == (message_id, "Heartbeat", payload)


def test_the_payload_is_kept_byte_for_byte() -> None:
    payload = b'{"b": 1.50, "a":"\\u00e9", "b" : 2}'
    assert bytes(call(b'[2,"1","X",' + payload + b"]").payload) == payload


def test_only_raw_control_characters_are_escaped() -> None:
    frame = call(b'[2,"1\n","X",\n{"b": 1.10, "a":"A\x02\\"\t" , "c":[1e3]}]\n')
    assert frame.message_id == "1\n"
    assert bytes(frame.payload) == b'{"b": 1.10, "a":"A\\u0002\\"\\u0009" , "c":[1e3]}'


@pytest.mark.parametrize("end", [b"]", b" ] \n"])
@pytest.mark.parametrize("payload", [rb'{"b": 1.10, "a":"\ud83d \ud83d\udd0c"}', rb'[1.10, "\udfff"]'])
def test_half_a_character_in_the_payload_is_left_to_its_reader(payload: bytes, end: bytes) -> None:
    frame = call(b'[2,"\\ud83d\\udd0c","X", ' + payload + end)
    assert (frame.message_id, bytes(frame.payload)) == ("\U0001f50c", payload)


def test_a_control_character_in_a_very_long_message_is_a_blank() -> None:
    long = b"x" * 300_000
    frame = call(b'[2,"1","X",{"a":1.10,"b":"\x00' + long + b'"}]')
    assert bytes(frame.payload) == b'{"a":1.10,"b":" ' + long + b'"}'


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        (b'[3,"1",{"status":"Accepted"}]', {"status": "Accepted"}),
        (b'[3,"1",null]', {}),
        (b'[3,"1"]', {}),
        (b"[3,1,{}]", {}),
        (b'[3,"1",["odd"]]', ["odd"]),
        (b'[3,"1",{"data":"a\x01"}]', {"data": "a\x01"}),
        (b'[3,"1",{"data":"\\u00e9\\ud800"}]', {"data": "é?"}),
        (b'[3,"1",{"a":[1e999,-1e999,{"b":NaN}],"c":1.5}]', {"a": [None, None, {"b": None}], "c": 1.5}),
    ],
)
def test_results_are_read_tolerantly(text: bytes, payload: object) -> None:
    assert read_frame(text) == CallResult("1", payload)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b'[4,"1","NotSupported","no",{"a":1}]', CallError("1", "NotSupported", "no", {"a": 1})),
        (b'[4,"1","NotSupported","no"]', CallError("1", "NotSupported", "no", {})),
        (b'[4,"1","NotSupported"]', CallError("1", "NotSupported", "", {})),
        (b'[4,"1"]', CallError("1", "GenericError", "", {})),
        (b"[4,1,5,null,null]", CallError("1", "5", "null", None)),
    ],
)
def test_errors_may_have_two_to_five_elements(text: bytes, error: CallError) -> None:
    assert read_frame(text) == error


@pytest.mark.parametrize("text", [b'[2,"1"]', b'[2,"1",{}]', b'[2,"1",null,{}]', b'[2,"1","\\ud800",{}]'])
def test_a_call_without_action_can_be_refused_by_its_id(text: bytes) -> None:
    frame = read_frame(text)
    assert isinstance(frame, BrokenCall)
    assert frame.message_id == "1"


@pytest.mark.parametrize(
    ("start", "message_id"),
    [
        (b'[2,"1","X",', "1"),
        (b' [ 2.0 , "\\"a\x01\\\\" , "X" , ', '"a\x01\\'),
        (b"[2,17,", 17),
        (b'[2,-1.5e0,"X",{"a":', -1.5),
    ],
)
@pytest.mark.parametrize("nested", [b"[" * 5000 + b"]" * 5000, b'{"a":' * 100_000])
def test_a_call_nested_too_deeply_can_be_refused_by_its_id(start: bytes, message_id: object, nested: bytes) -> None:
    assert read_frame(start + nested) == BrokenCall(message_id, "nested too deeply")  # type: ignore[arg-type]


@pytest.mark.parametrize("digits", [b"9" * 5000, b"-" + b"9" * 5000])
def test_a_number_of_thousands_of_digits_costs_a_request_no_answer(digits: bytes) -> None:
    assert call(b'[2,"1","X",{"a":"\x01","b":' + digits + b"}]").message_id == "1"
    assert read_frame(b'[2,"1",' + digits + b",{}]") == BrokenCall("1", "a CALL is [2, id, action, payload]")
    assert read_frame(b"[2," + digits + b',"X",{"a":"\\udc00"}]') == Garbage("no message id")
    assert call(b"[2," + b"9" * 400 + b',"X",{}]').message_id == int("9" * 400)


@pytest.mark.parametrize("start", [b'[3,"1",', b'[2,"\\udc00","X",', b"[2,1e999,", b"[2,true,"])
def test_what_is_nested_too_deeply_and_has_no_usable_id_is_garbage(start: bytes) -> None:
    assert read_frame(start + b"[" * 100_000) == Garbage("nested too deeply")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"ping",
        b"{}",
        b"[]",
        b"5",
        b"[2]",
        b"[3]",
        b'[5,"1",{}]',
        b'[true,"1",{}]',
        b"[null]",
        b'[[2],"1",{}]',
        b'[2,null,"X",{}]',
        b'[2,true,"X",{}]',
        b'[2,1e999,"X",{}]',
        b'[2,-1e999,"X"]',
        b'[2,NaN,"X",{}]',
        b'[2,Infinity,"X",{}]',
        b'[2,1e999,"X",{"a":"\x00"}]',
        b'[2,{},"X",{}]',
        b'[2,"\\udc00","X",{}]',
        b'[2,"1","X",{}',
        b'[2,"1","X",{"a":}]',
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b"[2," + b"9" * 5000 + b',"X",{}]x',
    ],
)
def test_garbage_is_named_and_never_raises(text: bytes) -> None:
    assert isinstance(read_frame(text), Garbage)


def test_what_can_be_parsed_but_not_written_again_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise RecursionError

    monkeypatch.setattr("gateway.ocpp.frame.json.dumps", refuse)
    assert read_frame(b'[2,"1","X",{"a":NaN}]') == BrokenCall("1", "nested too deeply")


def test_what_is_written() -> None:
    assert write_call("1", "Reset", {"type": "Soft"}) == b'[2,"1","Reset",{"type":"Soft"}]'
    assert write_result(17, {}) == b"[3,17,{}]"
    assert write_result("1", msgspec.json.decode(b'{"a":"\xc3\xa9"}')) == '[3,"1",{"a":"é"}]'.encode()
    assert write_error("1", "InternalError", "") == b'[4,"1","InternalError","",{}]'


def test_a_description_fits_the_standard() -> None:
    assert json.loads(write_error("1", "GenericError", "x" * 300))[3] == "x" * 255
