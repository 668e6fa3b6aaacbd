"""What real brokers do only in odd hours, played by a script: to refuse, to fall silent, to send rubbish."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.model.links import LinkLost, NotLinked, PublishRefused, SubscribeRefused
from gateway.upstream.link import connect
from gateway.upstream.link_in_use import OWN_RECEIVE_MAX
from tests.fakes.scripted_broker import (
    CONNACK,
    CONNECT,
    DISCONNECT,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    Line,
    Packet,
    scripted_broker,
)
from tests.upstream.linking import WILL, broker_at, heard, linked, open_files, until

PROTOCOL_5, PROTOCOL_311 = 5, 4


def version_of(connect_packet: Packet) -> int:
    """Which version of MQTT a CONNECT speaks."""
    assert connect_packet.body[:6] == b"\x00\x04MQTT"
    return connect_packet.body[6]


async def refused_by(port: int, **terms: float) -> NotLinked:
    """Why there is no link."""
    with pytest.raises(NotLinked) as caught:
        await connect(broker_at(port), WILL, patience_seconds=terms.get("patience_seconds", 10))
    return caught.value


async def test_what_we_ask_for_in_the_greeting() -> None:
    greetings: list[bytes] = []

    async def script(line: Line) -> None:
        greetings.append((await line.greet()).body)
        await line.until_hung_up()

    async with scripted_broker(script) as port:
        link = await connect(broker_at(port), WILL, keepalive_seconds=45, session_expiry_seconds=86400)
        await link.close()
    (body,) = greetings
    assert version_of(Packet(CONNECT, 0, body)) == PROTOCOL_5
    flags = body[7]
    assert flags & 0b0000_0010 == 0  # the session is not begun anew
    assert flags & 0b0011_1100 == 0b0010_1100  # a will at QoS 1, retained
    assert body[8:10] == (45).to_bytes(2, "big")
    properties = body[11 : 11 + body[10]]
    assert b"\x11" + (86400).to_bytes(4, "big") in properties  # how long the session is kept
    assert b"\x21" + (32).to_bytes(2, "big") in properties  # how many messages we bear
    assert b"\x18" + (30).to_bytes(4, "big") in body  # how long the will waits


@pytest.mark.parametrize(
    ("code", "bad_credentials", "words"),
    [
        (0x86, True, "bad user name or password"),
        (0x87, True, "not authorized"),
        (0x8A, True, "banned"),
        (0x88, False, "server unavailable"),
        (0x89, False, "server busy"),
        (0x9F, False, "connection rate exceeded"),
    ],
)
async def test_a_refusal_is_told_with_what_the_broker_adds(code: int, bad_credentials: bool, words: str) -> None:
    async def script(line: Line) -> None:
        await line.greet(code, b"\x1f\x00\x06come\t!")

    async with scripted_broker(script) as port:
        told = await refused_by(port)
    assert told.reason == f"the broker refuses us: {words} (come!)"
    assert (told.refused, told.bad_credentials) == (True, bad_credentials)


@pytest.mark.parametrize("answer", [b"\x00\x84\x00", b"\x00\x01", b""])
async def test_a_broker_without_mqtt_5_is_spoken_to_in_311(answer: bytes) -> None:
    greetings: list[Packet] = []

    async def script(line: Line) -> None:
        greeting = await line.packet()
        greetings.append(greeting)
        if version_of(greeting) == PROTOCOL_311:
            await line.say(CONNACK, b"\x01\x00")
            await line.until_hung_up()
        elif answer:
            await line.say(CONNACK, answer)

    async with scripted_broker(script) as port:
        async with linked(broker_at(port)) as link:
            assert (link.protocol, link.session_present, link.receive_max) == ("3.1.1", True, 20)
        assert [version_of(one) for one in greetings] == [PROTOCOL_5, PROTOCOL_311]
        assert greetings[1].body[7] & 0b0000_0010 == 0  # the session is not begun anew
        async with linked(broker_at(port), protocol="3.1.1") as link:
            assert link.protocol == "3.1.1"
        assert version_of(greetings[2]) == PROTOCOL_311 and len(greetings) == 3


async def test_a_broker_that_was_replaced_by_one_with_mqtt_5_only() -> None:
    async def script(line: Line) -> None:
        greeting = await line.packet()
        if version_of(greeting) == PROTOCOL_5:
            await line.say(CONNACK, b"\x00\x00\x00")
            await line.until_hung_up()
        else:
            await line.say(CONNACK, b"\x00\x01")

    async with scripted_broker(script) as port, linked(broker_at(port), protocol="3.1.1") as link:
        assert link.protocol == "5"


async def test_a_broker_that_always_hangs_up() -> None:
    async def script(line: Line) -> None:
        await line.packet()

    async with scripted_broker(script) as port:
        told = await refused_by(port)
    assert told.reason == "the broker closed the connection instead of answering"
    assert not told.refused


async def test_a_broker_that_never_answers() -> None:
    async with scripted_broker(Line.until_hung_up) as port:
        files = open_files()
        told = await refused_by(port, patience_seconds=0.2)
        assert told.reason == f"no greeting by 127.0.0.1, port {port}, within 0.2 s"
        await until(lambda: open_files() == files, "the script's own end of the connection to be closed")


@pytest.mark.parametrize("tls", [False, True])
async def test_who_stops_connecting_leaves_nothing_behind(tls: bool) -> None:
    arrived = asyncio.Event()

    async def script(line: Line) -> None:
        arrived.set()
        await line.until_hung_up()

    async with scripted_broker(script) as port:
        files = open_files()
        trying = asyncio.create_task(connect(broker_at(port, tls=tls), WILL))
        await arrived.wait()
        trying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await trying
        await until(lambda: open_files() == files, "the script's own end of the connection to be closed")


async def test_an_address_that_swallows_everything_leaves_nothing_behind() -> None:
    with socket.socket() as full:  # nobody accepts: further connections hang
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        files = open_files()
        told = await refused_by(port, patience_seconds=0.2)
        assert told.reason == f"cannot reach 127.0.0.1, port {port}: no answer"
        assert open_files() == files
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connect(broker_at(port), WILL), 0.1)
        assert open_files() == files
        for filler in fillers:
            filler.close()


async def test_a_broker_that_acknowledges_nothing_is_no_broker_for_us() -> None:
    async def script(line: Line) -> None:
        await line.greet(0, b"\x24\x00")
        await line.until_hung_up()

    async with scripted_broker(script) as port:
        files = open_files()
        told = await refused_by(port)
        assert told.reason == "the broker acknowledges no message: it offers QoS 0 only"
        await until(lambda: open_files() == files, "the script's own end of the connection to be closed")


async def test_the_bounds_of_the_broker_count() -> None:
    async def script(line: Line) -> None:
        await line.greet(0, b"\x21\x00\x05" + b"\x27\x00\x00\x01\x00")
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        assert (link.receive_max, link.max_packet_bytes, link.room()) == (5, 256, 5)


async def test_being_taken_over_is_told() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.say(DISCONNECT, b"\x8e\x00")

    async with scripted_broker(script) as port:
        lost = await (await connect(broker_at(port), WILL)).ended
    assert lost.taken_over
    assert lost.reason == "somebody else connected to the broker under our client id"


async def test_a_broker_that_says_why_it_ends_the_connection() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.say(DISCONNECT, b"\x8b\x00")

    async with scripted_broker(script) as port:
        lost = await (await connect(broker_at(port), WILL)).ended
    assert (lost.reason, lost.taken_over) == ("the broker ended the connection: server shutting down", False)


@pytest.mark.parametrize("granted", [b"\x01\x87", b"\x01\x00", b"\x01\x80"])
async def test_a_subscription_that_is_not_granted_at_qos_1(granted: bytes) -> None:
    async def script(line: Line) -> None:
        await line.greet()
        asked = await line.packet()
        assert asked.kind == SUBSCRIBE
        await line.say(SUBACK, asked.body[:2] + b"\x00" + granted)
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        with pytest.raises(SubscribeRefused, match=r"^dn/des/#: "):
            await link.subscribe(["dn/cmd", "dn/des/#"])
        assert not link.ended.done()


async def test_a_subscription_that_is_never_answered() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port), patience_seconds=0.2) as link:
        with pytest.raises(SubscribeRefused, match=r"the broker did not answer within 0\.2 s"):
            await link.subscribe(["dn/#"])


async def test_a_link_that_ends_while_something_was_asked() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.packet()

    async with scripted_broker(script) as port:
        link = await connect(broker_at(port), WILL)
        with pytest.raises(LinkLost):
            await link.subscribe(["dn/#"])


@pytest.mark.parametrize(
    "rubbish",
    [
        (PUBLISH, b"\x00\x10too short", 0),
        (PUBLISH, b"\x00\x02\xff\xfe\x00payload of a topic that is no text", 0),
        (PUBLISH, b"\x00\x01t\x00\x01\x01\xee", 2),
        (15, b"", 0),
        (CONNECT, b"", 0),
    ],
)
async def test_rubbish_ends_the_link(rubbish: tuple[int, bytes, int]) -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.say(*rubbish)
        await line.until_hung_up()

    async with scripted_broker(script) as port:
        files = open_files()
        link = await connect(broker_at(port), WILL)
        async with asyncio.timeout(10):
            lost = await link.ended
        assert "the broker sent" in lost.reason or lost.reason.startswith("the connection broke")
        await until(lambda: open_files() == files, "the script's own end of the connection to be closed")


async def test_acknowledgements_may_come_in_any_order_with_any_code() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        numbers = []
        for _ in range(3):
            body = (await line.packet()).body
            numbers.append(body[3:5])  # behind the topic of one character
        await line.say(PUBACK, numbers[2] + b"\x10")  # nobody has subscribed to it
        await line.say(PUBACK, numbers[0] + b"\x97")
        await line.say(PUBACK, numbers[0])  # nobody waits for it any more
        await line.say(PUBACK, numbers[1])
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        first, second, third = (link.publish("t", b"x") for _ in range(3))
        await second
        assert third.done() and third.exception() is None
        with pytest.raises(PublishRefused, match="quota exceeded"):
            await first
        assert link.room() == link.receive_max


async def test_a_message_that_is_acknowledged_never_does_not_stop_the_numbers() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.packet()  # the one with number 1 waits for ever
        while (packet := await line.packet()).kind == PUBLISH:
            await line.say(PUBACK, packet.body[3:5])

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        link.publish("t", b"")
        client = link.wire._client
        client._last_mid = 65_535 - 3  # as after many hours
        for _ in range(6):
            await link.publish("t", b"")
        assert link.room() == link.receive_max - 1


async def test_the_library_holds_nothing_back() -> None:
    everything = asyncio.Event()

    async def script(line: Line) -> None:
        await line.greet()
        for _ in range(OWN_RECEIVE_MAX["5"]):
            assert (await line.packet()).kind == PUBLISH
        everything.set()
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        while link.room():
            link.publish("t", b"x")
        async with asyncio.timeout(10):
            await everything.wait()


async def test_nothing_more_is_taken_while_we_take_leave() -> None:
    greeted = asyncio.Event()

    async def script(line: Line) -> None:
        await line.greet()
        await greeted.wait()

    async with scripted_broker(script) as port:
        link = await connect(broker_at(port), WILL)
        for _ in range(10):
            link.publish("t", bytes(900_000), qos=0)  # more than the kernel takes
        leaving = asyncio.create_task(link.close())
        await asyncio.sleep(0)
        assert link.room() == 0
        for qos in (0, 1):
            with pytest.raises(LinkLost, match="we are closing the connection"):
                link.publish("t", b"x", qos=qos)
        with pytest.raises(LinkLost, match="we are closing the connection"):
            await link.subscribe(["t"])
        greeted.set()
        await leaving


async def test_messages_without_acknowledgement_are_told_too() -> None:
    async def script(line: Line) -> None:
        await line.greet()
        await line.say(PUBLISH, b"\x00\x01t\x00zero", 0)
        await line.until_hung_up()

    async with scripted_broker(script) as port, linked(broker_at(port)) as link:
        (message,) = await heard(link, 1)
        message.ack()
        assert message.payload == b"zero"
