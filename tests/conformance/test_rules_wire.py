"""Rules 2.1: frames that are broken or unusual, error codes in both directions, time-outs, message ids."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.site_under_test import CERTIFICATION, STATION, Bench, bench
from tests.fakes.scripted_station import NOW, CallError, ScriptedStation

STRICT = '[[station]]\nid = "CP-1"\nstrict = true\n'
NOT_FRAMES = [
    "",
    " ",
    "nonsense",
    "null",
    "true",
    "42",
    '"text"',
    "{}",
    '{"2": "Heartbeat"}',
    "[]",
    "[[]]",
    "[2]",
    "[3]",
    "[4]",
    "[null, null, null, null]",
    '[2, null, "Heartbeat", {}]',
    '[2, {}, "Heartbeat", {}]',
    '[2, [], "Heartbeat", {}]',
    '[2, true, "Heartbeat", {}]',
    '[1, "a", "Heartbeat", {}]',
    '[5, "a", "Heartbeat", {}]',
    '[-2, "a", "Heartbeat", {}]',
    '["2", "a", "Heartbeat", {}]',
    '[2, "a", "Heartbeat", {}',
    '[2, "a", "Heartbeat", {}]]',
    '[2, "a", "Heartbeat", {"a": }]',
    '[3, "nobody asked", {"status": "Accepted"}]',
    '[4, "nobody asked", "InternalError", "", {}]',
    '[3, "nobody asked"]',
    '[4, "nobody asked"]',
    "[" * 100_000,
    '{"a":' * 100_000,
    "9" * 10_000,
    b"\x00\x01\x02",
]
BROKEN_CALLS = [
    '[2, "a"]',
    '[2, "a", 7]',
    '[2, "a", null, {}]',
    '[2, "a", {}, "Heartbeat"]',
    '[2, "a", ["Heartbeat"], {}]',
]


@pytest.mark.parametrize("text", NOT_FRAMES, ids=lambda text: repr(text[:24]))
async def test_what_is_no_frame_costs_nothing(station: ScriptedStation, text: str | bytes) -> None:
    answered = len(station.texts)
    await station.send(text)
    assert await station.say("Heartbeat", {}) == {"currentTime": "2027-01-15T08:00:00.000Z"}
    assert len(station.texts) == answered + 1  # of the heartbeat: garbage is never answered


async def test_text_that_is_not_utf8_ends_the_connection_and_nothing_else(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await station.send(b'[2, "a", "Heartbeat", {"\xff\xfe": 1}]')
    assert (await station.hung_up())[0] == 1007  # RFC 6455 8.1
    async with gateway.station() as back:
        assert await back.stops(transaction) == {}


@pytest.mark.parametrize("text", BROKEN_CALLS)
async def test_a_broken_call_with_an_id_is_refused(station: ScriptedStation, text: str) -> None:
    refused = await station.say_text(text, message_id="a")
    assert (refused.code, refused.details) == ("FormationViolation", {})
    assert await station.say("Heartbeat", {})


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Dance", {}, "NotImplemented"),
        ("heartbeat", {}, "NotImplemented"),
        ("", {}, "NotImplemented"),
        ("Reset", {"type": "Hard"}, "NotSupported"),
        ("Authorize", {}, "ProtocolError"),
        ("Authorize", {"idTag": {}}, "TypeConstraintViolation"),
        ("Authorize", {"idTag": None}, "ProtocolError"),
        ("Authorize", "VALID", "TypeConstraintViolation"),
        ("Authorize", ["VALID"], "TypeConstraintViolation"),
        ("DataTransfer", {"data": "x"}, "ProtocolError"),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError"}, "ProtocolError"),
        (
            "StatusNotification",
            {"connectorId": 1, "errorCode": "NoError", "status": "Odd"},
            "PropertyConstraintViolation",
        ),
    ],
)
async def test_error_codes(station: ScriptedStation, action: str, payload: object, code: str) -> None:
    refused = await station.say(action, payload)
    assert isinstance(refused, CallError)
    assert (refused.code, refused.details) == (code, {})
    assert len(refused.description) <= 255
    assert await station.say("Heartbeat", {})


@pytest.mark.parametrize(
    ("action", "payload", "code"),
    [
        ("Heartbeat", {"extra": 1}, "FormationViolation"),
        ("Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
        ("Authorize", {"idTag": 7}, "TypeConstraintViolation"),
        ("MeterValues", {"connectorId": 1, "meterValue": []}, "OccurenceConstraintViolation"),
        ("MeterValues", {"connectorId": "1", "meterValue": []}, "TypeConstraintViolation"),
        ("StopTransaction", {"transactionId": 1, "timestamp": NOW}, "ProtocolError"),
    ],
)
async def test_error_codes_of_a_strict_station(tmp_path: Path, action: str, payload: object, code: str) -> None:
    async with bench(tmp_path, more=STRICT) as gateway, gateway.station() as station:
        refused = await station.say(action, payload)
        assert isinstance(refused, CallError), refused
        assert refused.code == code


@pytest.mark.parametrize("secret", ["hunter2", "\\ud800"])
async def test_a_refusal_repeats_no_value(station: ScriptedStation, secret: str) -> None:
    await station.send(f'[2, "a", "Authorize", {{"idTag": ["{secret}"]}}]')
    answer = station.will_be_answered("a")
    assert secret not in (await answer).description


@pytest.mark.parametrize("payload", ["{}", "null", "[]", None])
async def test_rule_2_1_07_an_empty_payload_in_many_shapes(station: ScriptedStation, payload: str | None) -> None:
    text = '[2, "a", "Heartbeat"]' if payload is None else f'[2, "a", "Heartbeat", {payload}]'
    assert "currentTime" in await station.say_text(text, message_id="a")


@pytest.mark.parametrize("message_id", [17, 0, -1, 2.5, "", "x" * 400, "ä\n\t\u2028", 2**63, 10**25])
async def test_rule_2_1_05_a_message_id_comes_back_unchanged(station: ScriptedStation, message_id: object) -> None:
    assert "currentTime" in await station.say("Heartbeat", {}, message_id=message_id)


@pytest.mark.parametrize(
    "text", ['[2,"a","Heartbeat",{}]', ' \r\n[ 2 , "a",\t"Heartbeat" , { } ]\n', '[2,"a","Heartbeat",{},{}]']
)
async def test_blanks_and_more_elements_do_not_matter(station: ScriptedStation, text: str) -> None:
    assert "currentTime" in await station.say_text(text, message_id="a")


async def test_fragments_and_binary_frames_are_read_too(station: ScriptedStation) -> None:
    answer = station.will_be_answered("a", "Heartbeat")
    await station.socket.send(['[2,"a",', '"Heart', 'beat",{}]'])
    assert "currentTime" in await answer
    answer = station.will_be_answered("b", "Heartbeat")
    await station.socket.send(b'[2,"b","Heartbeat",{}]')
    assert "currentTime" in await answer


async def test_rule_2_1_09_a_ping_is_answered_at_once(station: ScriptedStation) -> None:
    async with asyncio.timeout(5):
        await (await station.socket.ping(b"\x00\xff"))


async def test_many_requests_in_one_breath_are_answered_in_order(station: ScriptedStation) -> None:
    answers = [station.will_be_answered(number, "Heartbeat") for number in range(200)]
    for number in range(200):
        await station.send(f'[2,{number},"Heartbeat",{{}}]')
    await asyncio.gather(*answers)
    assert [json.loads(text)[1] for text in station.texts[-200:]] == list(range(200))


async def test_rule_2_1_08_a_transaction_message_with_a_usable_core_is_answered(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert (await station.say("StartTransaction", {"connectorId": 1, "idTag": "VALID"}))["transactionId"] > 0
    assert await station.say("StopTransaction", {"transactionId": 1}) == {}
    assert await station.say("MeterValues", {"connectorId": 1, "meterValue": "?"}) == {}
    kept = await gateway.rows("SELECT action FROM quarantine ORDER BY id")
    assert [row["action"] for row in kept] == ["StartTransaction", "StopTransaction", "MeterValues"]


@pytest.mark.parametrize(
    ("error", "code", "description"),
    [
        (["NotSupported", "no", {}], "NotSupported", "no"),
        (["FormatViolation", "", {}], "FormatViolation", ""),
        (["OccurrenceConstraintViolation", "two r", {}], "OccurrenceConstraintViolation", "two r"),
        (["GenericError"], "GenericError", ""),
        (["GenericError", "four elements"], "GenericError", "four elements"),
        (["MadeUpByVendor", "x", {"a": [1]}], "MadeUpByVendor", "x"),
        ([], "GenericError", ""),
        ([7, None], "7", "null"),
    ],
)
async def test_rule_2_1_06_a_refusal_of_the_station_is_a_result(
    gateway: Bench, station: ScriptedStation, error: list[Any], code: str, description: str
) -> None:
    order = asyncio.create_task(gateway.order("ClearCache", {}))
    await station.expect("ClearCache")
    assert station._open is not None
    await station.send(json.dumps([4, station._open.message_id, *error]))
    outcome = await order
    assert (outcome.status, outcome.code, outcome.description) == ("call_error", code, description)


@pytest.mark.parametrize("answer", [{}, None, [], "text", {"status": 7}, {"status": "Sideways"}, {"more": {}}])
async def test_an_answer_that_breaks_the_schema_is_shown_with_a_warning(
    gateway: Bench, station: ScriptedStation, answer: object
) -> None:
    _, outcome = await gateway.sends(station, "Reset", {"type": "Soft"}, answered=answer)
    assert outcome.status == "answered"
    assert outcome.warning


async def test_rule_2_1_04_one_request_of_ours_at_a_time(gateway: Bench, station: ScriptedStation) -> None:
    orders = [asyncio.create_task(gateway.order("UnlockConnector", {"connectorId": one})) for one in (1, 2, 3)]
    for connector in (1, 2, 3):
        assert await station.expect("UnlockConnector") == {"connectorId": connector}
        assert await station.say("Heartbeat", {})  # ours is open, theirs is answered
        assert station.requests.empty()
        await station.answer({"status": "Unlocked"})
    assert {(await order).status for order in orders} == {"answered"}


async def test_rule_2_1_04_a_late_answer_is_not_taken_for_the_next(gateway: Bench, station: ScriptedStation) -> None:
    gateway.wait_for_answers(seconds=0.05)
    assert (await gateway.order("UnlockConnector", {"connectorId": 1})).status == "unanswered"
    await station.expect("UnlockConnector")
    late = station._open
    gateway.wait_for_answers(seconds=60)
    order = asyncio.create_task(gateway.order("Reset", {"type": "Soft"}))
    await station.expect("Reset")
    next_one, station._open = station._open, late
    await station.answer({"status": "Unlocked"})
    station._open = next_one
    await station.answer({"status": "Rejected"})
    assert (await order).response == {"status": "Rejected"}


async def test_one_slow_station_delays_no_other(tmp_path: Path) -> None:
    async with (
        bench(tmp_path, more=STATION + '[[station]]\nid = "CP-2"\n') as gateway,
        gateway.station("CP-1") as slow,
        gateway.station("CP-2") as quick,
    ):
        waiting = asyncio.create_task(gateway.order("ClearCache", {}))
        await slow.expect("ClearCache")
        order = asyncio.create_task(gateway.order("ClearCache", {}, station="CP-2"))
        await quick.expect("ClearCache")
        await quick.answer({"status": "Accepted"})
        assert (await order).status == "answered"
        assert not waiting.done()
        await slow.answer({"status": "Rejected"})
        assert (await waiting).response == {"status": "Rejected"}


async def test_a_line_that_breaks_during_a_request_ends_the_wait(gateway: Bench) -> None:
    async with gateway.station() as station:
        order = asyncio.create_task(gateway.order("ClearCache", {}))
        await station.expect("ClearCache")
        station.cut()
        async with asyncio.timeout(5):
            assert (await order).status == "unanswered"
    await gateway.gone()
    assert (await gateway.order("ClearCache", {})).status == "not_connected"


async def test_a_message_over_the_bound_ends_the_connection_and_nothing_else(tmp_path: Path) -> None:
    async with bench(tmp_path, ocpp=CERTIFICATION + "\nmax_frame_bytes = 65536") as gateway:
        async with gateway.station() as station:
            await station.send("[" + "1," * 40_000 + "1]")
            assert (await station.hung_up())[0] == 1009
        async with gateway.station() as station:
            assert await station.say("Heartbeat", {})
