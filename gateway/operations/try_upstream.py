"""Does the way to a fleet manager's broker work? One step after the other, in words, for somebody who sets it up.

It connects under a client id of its own, so that the running gateway keeps its link and its session, says nothing that
counts (fleet managers ignore `up/test`) and leaves nothing behind in the broker. It does not know whether a fleet
manager listens: only a command and its answer show that.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Literal

from gateway.configuration import Configuration, Upstream
from gateway.model.clocks import RawClock
from gateway.model.instants import Instant, text_of
from gateway.model.links import (
    Broker,
    LinkLike,
    LinkLost,
    NotLinked,
    PublishRefused,
    SubscribeRefused,
    TooLarge,
    Will,
)
from gateway.operations.keep_upstream import broker_of
from gateway.rules.fleet_topics import Topics, encoded
from gateway.upstream.link import connect
from gateway.upstream.sockets import reach
from gateway.upstream.tls import plain_words, read_files

PATIENCE_SECONDS = 10.0
StepName = Literal["clock", "name", "tcp", "tls", "mqtt", "subscribe", "publish"]
_Way = Callable[[Broker], Coroutine[None, None, str]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried: whether it works, and what there is to say about it."""

    step: StepName
    works: bool
    text: str


async def try_upstream(
    configuration: Configuration, settings: Upstream, *, now: Instant, clock: RawClock
) -> AsyncGenerator[Step, None]:
    """Each step as it is done. The first that fails is the last, but `publish` is tried whatever `subscribe` says."""
    yield Step("clock", True, _words_about(clock, now))
    broker = broker_of(settings, client_id=f"{encoded(configuration.site.id)}-test")
    topics = Topics(settings.topic_root, configuration.site.id)
    ways: list[tuple[StepName, _Way]] = [("name", _resolve), ("tcp", _reach)]
    if broker.tls:
        ways.append(("tls", _shake_hands))
    for name, way in ways:
        step = await _tried(name, way(broker))
        yield step
        if not step.works:
            return
    try:
        link = await connect(
            broker, Will(topics.up("test"), b""), session_expiry_seconds=0, patience_seconds=PATIENCE_SECONDS
        )
    except NotLinked as error:
        yield Step("mqtt", False, error.reason)
        return
    try:
        yield Step("mqtt", True, _greeting(link))
        yield await _tried("subscribe", _subscribe(link, topics))
        yield await _tried("publish", _publish(link, topics, now))
    finally:
        await link.close()


async def _tried(name: StepName, way: Coroutine[None, None, str]) -> Step:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Step(name, True, await way)
    except TimeoutError:
        return Step(name, False, f"no answer within {PATIENCE_SECONDS:g} s")
    except (NotLinked, LinkLost, SubscribeRefused, PublishRefused) as error:
        return Step(name, False, error.reason)
    except TooLarge as error:
        return Step(name, False, str(error))
    except OSError as error:
        return Step(name, False, plain_words(error))


def _words_about(clock: RawClock, now: Instant) -> str:
    if clock.synchronised:
        return f"{text_of(now)}, kept by a time service"
    return f"{text_of(now)}, kept by no time service: an expiry that is a time of day cannot be judged"


async def _resolve(broker: Broker) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(broker.host, broker.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    return f"{broker.host} is {', '.join(addresses)}"


async def _reach(broker: Broker) -> str:
    with await _connected(replace(broker, tls=False)) as sock:
        host, port, *_ = sock.getpeername()
    return f"{host}, port {port}, takes connections"


async def _shake_hands(broker: Broker) -> str:
    with await _connected(broker) as tls:
        assert isinstance(tls, ssl.SSLSocket)
        certificate, version = tls.getpeercert() or {}, tls.version()
    subject, issuer = _common_name(certificate.get("subject")), _common_name(certificate.get("issuer"))
    shown = "" if broker.chain is None else f"; ours is shown: {broker.chain}"
    return f"{version}; certificate of {subject}, signed by {issuer}, good until {certificate.get('notAfter')}{shown}"


async def _connected(broker: Broker) -> socket.socket:
    shown = read_files(broker) if broker.tls else None
    return await reach(broker, shown, patience_seconds=PATIENCE_SECONDS, silence_seconds=int(PATIENCE_SECONDS))


def _common_name(name: object) -> str:
    """Of a name as `getpeercert` gives it: groups of (key, value)."""
    groups = name if isinstance(name, tuple) else ()
    parts = {key: value for group in groups for key, value in group}
    return str(parts.get("commonName") or parts.get("organizationName") or "nobody")


def _greeting(link: LinkLike) -> str:
    limits = f"packets up to {link.max_packet_bytes} bytes, {link.receive_max} messages at once"
    if link.protocol == "5":
        return f"the broker lets us in and speaks MQTT 5; {limits}"
    return f"the broker lets us in, but speaks MQTT 3.1.1: it cannot say that it refuses a message; {limits}"


async def _subscribe(link: LinkLike, topics: Topics) -> str:
    await link.subscribe([topics.down("#")])
    return f"{topics.down('#')} is granted (some brokers grant what they do not deliver: send a ping command)"


async def _publish(link: LinkLike, topics: Topics, now: Instant) -> str:
    topic = topics.up("test")
    payload = json.dumps({"test": True, "at": text_of(now)}).encode()
    try:
        await link.publish(topic, payload, content_type="application/json")
    except PublishRefused as error:
        raise PublishRefused(f"{topic} is refused: {error.reason}; may this user publish on up/#?") from error
    return f"a message on {topic} was taken"
