"""One station's connection over a real socket: turns, our own requests, back-pressure, and every way it can end."""

from __future__ import annotations

import asyncio
import json
from collections import deque

import pytest

from gateway.model.calls import Answered, CallErrored, NotConnected, Unanswered
from gateway.model.identities import StationId
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call, write_result
from gateway.stations import connection as shell
from gateway.stations.connection import StationConnection
from tests.unit.stations.opened_door import RawStation, echo, masked, opened_door, raw_station, until


def asks(message_id: object, action: str = "Heartbeat", payload: object | None = None) -> bytes:
    return json.dumps([2, message_id, action, payload or {}]).encode()


def answers(frame: tuple[int, bytes]) -> object:
    opcode, text = frame
    assert opcode == 1
    return json.loads(text)


async def nothing_comes(station: RawStation) -> None:
    """The gateway has nothing to say now: the next thing it sends is the answer to a ping."""
    station.send(b"anything?", opcode=9)
    assert await station.frame() == (10, b"anything?")


class Withheld:
    """Answers nothing until told to."""

    def __init__(self) -> None:
        self.asked: deque[tuple[StationConnection, Call]] = deque()

    def __call__(self, connection: StationConnection, call: Call) -> None:
        if call.action == "Heartbeat":
            echo(connection, call)
        else:
            self.asked.append((connection, call))

    def answer(self) -> None:
        echo(*self.asked.popleft())


async def test_pings_and_requests_are_answered_while_a_call_of_ours_is_open() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        call = asyncio.create_task(door.connection().call("Reset", {"type": "Soft"}, patience_seconds=60))
        assert answers(await station.frame()) == [2, "our-1", "Reset", {"type": "Soft"}]
        await nothing_comes(station)
        station.send(asks("1"))
        assert answers(await station.frame()) == [3, "1", {"action": "Heartbeat"}]
        station.send(b'[3,"our-1",{"status":"Accepted"}]')
        assert await call == Answered({"status": "Accepted"})


async def test_our_calls_go_one_at_a_time() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        calls = [
            asyncio.create_task(door.connected.call(StationId("CP1"), action, {}, patience_seconds=60))
            for action in ("A", "B", "C")
        ]
        for number, action in enumerate("ABC", 1):
            assert answers(await station.frame()) == [2, f"our-{number}", action, {}]
            await nothing_comes(station)
            station.send(f'[4,"our-{number}","NotSupported","","{action}"]'.encode())
        assert await asyncio.gather(*calls) == [CallErrored("NotSupported", "", action) for action in "ABC"]


async def test_a_time_out_frees_the_queue_and_the_late_answer_is_dropped() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        connection = door.connection()
        first = asyncio.create_task(connection.call("A", {}, patience_seconds=0.05))
        second = asyncio.create_task(connection.call("B", {}, patience_seconds=60))
        assert answers(await station.frame()) == [2, "our-1", "A", {}]
        with pytest.raises(Unanswered, match=r"within 0\.05 s"):
            await first
        assert answers(await station.frame()) == [2, "our-2", "B", {}]
        station.send(b'[3,"our-1",{"late":true}]')
        station.send(b'[3,"our-2",{"late":false}]')
        assert await second == Answered({"late": False})
        assert connection.dropped == 1


async def test_a_caller_that_gives_up_does_not_hold_up_the_next() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        connection = door.connection()
        first, second, third = (
            asyncio.create_task(connection.call(action, {}, patience_seconds=600)) for action in "ABC"
        )
        assert answers(await station.frame()) == [2, "our-1", "A", {}]
        second.cancel()
        first.cancel()
        assert answers(await station.frame()) == [2, "our-2", "C", {}]
        station.send(b'[3,"our-2",{}]')
        assert await third == Answered({})


async def test_an_answering_function_may_call_its_own_station() -> None:
    tasks = []

    def answer(connection: StationConnection, call: Call) -> None:
        async def ask_back() -> None:
            reply = await connection.call("GetConfiguration", {}, patience_seconds=60)
            assert isinstance(reply, Answered)
            connection.reply(call, write_result(call.message_id, reply.payload))

        tasks.append(asyncio.create_task(ask_back()))

    async with opened_door(answer=answer) as door, raw_station(door.port) as station:
        station.send(asks("1", "Authorize"))
        station.send(asks("2", "Authorize"))
        for number in (1, 2):
            assert answers(await station.frame()) == [2, f"our-{number}", "GetConfiguration", {}]
            station.send(f'[3,"our-{number}",{{"n":{number}}}]'.encode())
            assert answers(await station.frame()) == [3, str(number), {"n": number}]
        await asyncio.gather(*tasks)


async def test_the_end_of_the_line_wakes_every_waiting_call_at_once() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        connection = door.connection()
        calls = [asyncio.create_task(connection.call("A", {}, patience_seconds=600)) for _ in range(5)]
        await station.frame()
        station.writer.transport.abort()
        done, _ = await asyncio.wait(calls, timeout=5)
        assert len(done) == 5
        assert {str(call.exception()) for call in done} == {"connection lost"}
        with pytest.raises(NotConnected):
            await connection.call("A", {}, patience_seconds=600)
        await until(lambda: not door.connected.is_connected(StationId("CP1")))
        with pytest.raises(NotConnected):
            await door.connected.call(StationId("CP1"), "A", {}, patience_seconds=600)


async def test_a_newer_connection_wakes_the_calls_of_the_older_at_once() -> None:
    async with opened_door() as door, raw_station(door.port) as old:
        await until(lambda: door.arrived)
        calls = [asyncio.create_task(door.connection().call("A", {}, patience_seconds=600)) for _ in range(3)]
        await old.frame()
        async with raw_station(door.port):
            done, _ = await asyncio.wait(calls, timeout=5)
            assert {str(call.exception()) for call in done} == {"connection closed: replaced by a newer connection"}
            assert len(done) == 3


async def test_too_many_waiting_calls_are_refused() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        connection = door.connection()
        calls = [asyncio.create_task(connection.call("A", {}, patience_seconds=600)) for _ in range(64)]
        await station.frame()
        with pytest.raises(Unanswered, match="too many"):
            await connection.call("A", {}, patience_seconds=600)
        station.writer.transport.abort()
        await asyncio.wait(calls)
        assert all(isinstance(call.exception(), Unanswered) for call in calls)


async def test_the_stations_requests_are_answered_in_order() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld) as door, raw_station(door.port) as station:
        for number, action in enumerate(["Authorize", "Heartbeat", "MeterValues", "Heartbeat"], 1):
            station.send(asks(str(number), action))
        await until(lambda: withheld.asked)
        await nothing_comes(station)
        withheld.answer()
        assert [answers(await station.frame())[1] for _ in range(2)] == ["1", "2"]  # type: ignore[index]
        await until(lambda: withheld.asked)
        withheld.answer()
        assert [answers(await station.frame())[1] for _ in range(2)] == ["3", "4"]  # type: ignore[index]


async def test_thousands_of_requests_behind_a_slow_one_do_no_harm() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld) as door, raw_station(door.port) as station:
        flood = [asks("first", "Authorize"), *(asks(number) for number in range(5000))]
        station.writer.write(b"".join(masked(text) for text in flood))
        await until(lambda: withheld.asked)
        await until(lambda: door.connection()._paused_reading)
        withheld.answer()
        assert answers(await station.frame())[1] == "first"  # type: ignore[index]
        for number in range(5000):
            assert answers(await station.frame())[1] == number  # type: ignore[index]


async def test_who_asks_faster_than_we_answer_is_not_read() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld, answering_queue=8) as door, raw_station(door.port) as station:
        body = {"text": "x" * 1000}
        for number in range(20_000):
            station.writer.write(masked(asks(number, "MeterValues", body)))
        await until(lambda: door.arrived and door.connection()._paused_reading)
        connection = door.connection()
        talk = connection._conversation
        assert talk is not None
        taken = len(talk._waiting)
        assert 8 <= taken < 600, "at most what one read brings"
        async with raw_station(door.port, "/ocpp/CP2") as other:
            other.send(asks("1"))
            assert answers(await other.frame()) == [3, "1", {"action": "Heartbeat"}]
        assert len(talk._waiting) == taken, "nothing was read meanwhile"
        for number in range(2000):
            await until(lambda: withheld.asked)
            withheld.answer()
            assert answers(await station.frame())[1] == number  # type: ignore[index]


async def test_who_does_not_read_our_answers_is_not_read() -> None:
    answered = 0

    def answer(connection: StationConnection, call: Call) -> None:
        nonlocal answered
        answered += connection.station == "CP1"
        connection.reply(call, write_result(call.message_id, {"text": "x" * 10_000}))

    async with opened_door(answer=answer) as door, raw_station(door.port, small_buffers=True) as station:
        everything = 30_000
        for number in range(everything):
            station.send(asks(number))
        await until(lambda: door.arrived and door.connection()._paused_reading)
        before = answered
        async with raw_station(door.port, "/ocpp/CP2") as other:
            for number in range(50):
                other.send(asks(number))
                assert (await other.frame())[0] == 1
        assert answered < everything
        assert answered - before < 9000, "at most what was already in our hands"
        for number in range(answered):
            assert answers(await station.frame())[1] == number  # type: ignore[index]
        await until(lambda: answered > before)


async def test_an_answer_may_be_delayed_for_a_station_that_needs_it() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        door.connection().treatment = Treatment(answer_delay_seconds=0.03)
        began = asyncio.get_running_loop().time()
        station.send(asks("1"))
        station.send(asks("2"))
        assert [answers(await station.frame())[1] for _ in range(2)] == ["1", "2"]  # type: ignore[index]
        assert asyncio.get_running_loop().time() - began >= 0.029


async def test_five_megabytes_are_a_message_like_any_other() -> None:
    async with opened_door() as door, raw_station(door.port) as station:
        station.send(asks("1", "StopTransaction", {"transactionData": "x" * 5_000_000}))
        assert answers(await station.frame()) == [3, "1", {"action": "StopTransaction"}]


async def test_more_than_the_bound_is_refused() -> None:
    async with opened_door(max_frame_bytes=65_536) as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        station.send(b"x" * 65_537)
        opcode, payload = await station.frame()
        assert (opcode, payload[:2]) == (8, b"\x03\xf1")
        assert await station.rest() == b""


@pytest.mark.parametrize(
    "opening",
    [masked(b"\xff"), b"\x83\x80abcd", masked(b"\x03\xe8", opcode=8)],
    ids=["not UTF-8", "no such opcode", "close"],
)
async def test_a_station_that_does_not_hang_up_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, opening: bytes) -> None:
    monkeypatch.setattr(shell, "_CLOSE_PATIENCE_SECONDS", 0.05)
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        station.writer.write(opening)
        assert (await station.frame())[0] == 8
        # the station keeps its side of the socket open
        await until(lambda: door.left)


async def test_ending_needs_no_cooperation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_CLOSE_PATIENCE_SECONDS", 0.05)
    async with opened_door() as door, raw_station(door.port) as station:
        await until(lambda: door.arrived)
        connection = door.connection()
        call = asyncio.create_task(connection.call("Reset", {}, patience_seconds=600))
        await station.frame()
        connection.end(1013, "cannot store now")
        connection.end(1013, "cannot store now")
        with pytest.raises(Unanswered, match="cannot store now"):
            await call
        assert await station.frame() == (8, b"\x03\xf5cannot store now")
        with pytest.raises(NotConnected):
            await connection.call("Reset", {}, patience_seconds=600)
        await until(lambda: door.left)


async def test_an_answer_that_comes_after_the_end_goes_nowhere() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld) as door:
        async with raw_station(door.port) as station:
            station.send(asks("1", "Authorize"))
            station.send(asks("2", "Authorize"))
            await until(lambda: withheld.asked)
        await until(lambda: door.left)
        withheld.answer()
        assert not withheld.asked, "the second request died with the line"


async def test_a_repeat_over_the_next_connection_gets_the_stored_answer() -> None:
    numbers = iter(range(100))

    def answer(connection: StationConnection, call: Call) -> None:
        connection.reply(call, write_result(call.message_id, {"transactionId": next(numbers)}))

    async with opened_door(answer=answer) as door:
        for _ in range(2):
            async with raw_station(door.port) as station:
                station.send(asks("a", "StartTransaction"))
                assert answers(await station.frame()) == [3, "a", {"transactionId": 0}]
        door.connected.forget_answers()
        async with raw_station(door.port) as station:
            station.send(asks("a", "StartTransaction"))
            assert answers(await station.frame()) == [3, "a", {"transactionId": 1}]


async def test_the_memory_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.stations.connected._MOST_REMEMBERED", 3)
    async with opened_door() as door:
        given = [door.connected.answers_given(StationId(name)) for name in "ABCD"]
        assert door.connected.answers_given(StationId("D")) is given[3]
        assert door.connected.answers_given(StationId("B")) is given[1]
        assert door.connected.answers_given(StationId("A")) is not given[0]


async def test_pings_are_sent_when_wanted_and_a_missed_pong_closes_nothing() -> None:
    async with opened_door(ping_interval_seconds=0.02) as door, raw_station(door.port) as station:
        for _ in range(5):
            assert (await station.frame())[0] == 9  # and no pong goes back
        station.send(asks("1"))
        frame = await station.frame()
        while frame[0] == 9:
            frame = await station.frame()
        assert answers(frame) == [3, "1", {"action": "Heartbeat"}]
        assert door.connected.is_connected(StationId("CP1"))


async def test_few_long_messages_are_as_much_as_many_short_ones() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld) as door, raw_station(door.port) as station:
        text = {"text": "x" * 600_000}
        for number in range(20):
            station.send(asks(number, "MeterValues", text))
        await until(lambda: door.arrived and door.connection()._paused_reading)
        talk = door.connection()._conversation
        assert talk is not None
        assert sum(len(message) for _, message in talk._waiting) < 2_500_000
        for number in range(20):
            await until(lambda: withheld.asked)
            withheld.answer()
            assert answers(await station.frame())[1] == number  # type: ignore[index]


async def test_what_waits_behind_an_end_is_never_begun() -> None:
    withheld = Withheld()
    async with opened_door(answer=withheld) as door, raw_station(door.port) as station:
        station.send(asks("1", "StartTransaction"))
        station.send(asks("2", "StartTransaction"))
        await until(lambda: door.arrived and withheld.asked)
        await nothing_comes(station)
        connection, call = withheld.asked.popleft()
        connection.end(1013, "cannot store now")
        station.send(asks("3", "StopTransaction"))
        connection.reply(call, None)
        assert await station.frame() == (8, b"\x03\xf5cannot store now")
        station.send(asks("4", "StopTransaction"))
        station.send(b"\x03\xe8", opcode=8)
        assert await station.rest() == b""
        assert not withheld.asked


async def test_an_independent_client_finds_nothing_to_complain_about() -> None:
    async with opened_door() as door:
        station = await door.station()
        async with station:
            await station.send(asks("1").decode())
            assert json.loads(await station.recv()) == [3, "1", {"action": "Heartbeat"}]
            await station.send(["[2,", '"2",', '"Heartbeat",{}]'])
            assert json.loads(await station.recv()) == [3, "2", {"action": "Heartbeat"}]
            await (await station.ping())
            await station.send("garbage")
            await until(lambda: door.connection().dropped == 1)
        await until(lambda: door.left)
        assert door.left[0].close_code == 1000
