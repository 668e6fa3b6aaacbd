"""Events on their way to one upstream over one link: read from the journal, published in order, never queued.

What is said goes first, then the streams in the order of their importance, as far as the window and the broker allow.
Nothing here is believed to have arrived before the upstream acknowledges it (`rules.delivery`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import NamedTuple

import msgspec

from gateway.model.journal import STREAMS, JournalEvent
from gateway.model.links import LinkLike, LinkLost, NoRoom, PublishRefused, TooLarge
from gateway.operations.upstream_now import UpstreamNow
from gateway.rules import envelopes
from gateway.rules.delivery import Flow
from gateway.store import outgoing_events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_EVENTS_AT_ONCE = 256
_SILENT_SECONDS = 300.0  # events are unacknowledged and nothing at all is heard: the link may be dead both ways
_LONGEST_SILENT_SECONDS = 3600.0  # when other links did not help
_TELL_SILENCE_SECONDS = 60.0
_STORE_AWAY_SECONDS = 2.0


class NewEpoch(Exception):
    """The journal was replaced by another one: what is known of the delivery is no longer true."""


class _Read(NamedTuple):
    epoch: str
    events: dict[str, list[JournalEvent]]  # by stream


class Courier:
    """The delivery of one upstream while one link lasts."""

    def __init__(self, now: UpstreamNow, link: LinkLike) -> None:
        self._now = now
        self._link = link
        self._read: dict[str, deque[JournalEvent]] = {stream: deque() for stream in STREAMS}
        self._read_upto = {stream: now.delivery.flows[stream].last_sent for stream in STREAMS}
        self._exhausted_at = dict.fromkeys(STREAMS, -1)  # generation of the journal at which nothing more was there
        self._in_flight = dict.fromkeys(STREAMS, 0)

    async def run(self) -> None:
        """Until the link is lost (LinkLost) or the journal is another one (NewEpoch)."""
        wake, loop = self._now.wake, asyncio.get_running_loop()
        while True:
            wake.clear()
            self.say()
            await self._send()
            self._heed_silence(loop.time())
            try:
                async with asyncio.timeout_at(self._next_look(loop.time())):
                    await wake.wait()
            except TimeoutError:
                pass

    def say(self) -> None:
        """Publish what waits to be said, as far as the broker has room."""
        unsaid = self._now.unsaid
        while unsaid and (unsaid[0].qos == 0 or self._link.room() > 0):
            said = unsaid.popleft()
            self._publish(said.topic, said.payload, retain=said.retain, qos=said.qos, correlation=said.correlation)
            if said.retain:
                self._now.retained.add(said.topic)

    async def _send(self) -> None:
        """Send what there is and what may be sent; the journal is asked once for all streams."""
        while True:
            for stream, flow in self._now.delivery.with_room():
                while self._read_on(stream, flow) and flow.room() and self._may_send():
                    self._publish_next(stream, flow)
            if not self._may_send() or not await self._read_more():
                return
            self.say()

    def _may_send(self) -> bool:
        waits = self._now.delivery.pace.waits_until(asyncio.get_running_loop().time())
        return self._link.room() > 0 and waits is None

    def _read_on(self, stream: str, flow: Flow) -> bool:
        """Is the next event of the stream read already? What was read is not next when the flow went elsewhere."""
        if self._read_upto[stream] != flow.last_sent:
            self._read[stream].clear()
            self._read_upto[stream], self._exhausted_at[stream] = flow.last_sent, -1
        return bool(self._read[stream])

    async def _read_more(self) -> bool:
        """Read on in the journal; False when no stream that has room has more."""
        site, flows = self._now.site, self._now.delivery.flows
        generation = site.journal_signal.generation
        asked = {
            stream: flow.last_sent
            for stream, flow in self._now.delivery.with_room()
            if not self._read_on(stream, flow) and self._exhausted_at[stream] != generation
        }
        if not asked:
            return False

        def unit(db: Writing) -> _Read:
            events = {
                stream: outgoing_events.after(db, stream, upto, most=_EVENTS_AT_ONCE) for stream, upto in asked.items()
            }
            return _Read(outgoing_events.epoch_of(db), events)

        try:
            read = await site.database.write(unit)
        except StoreUnavailable:  # others tell that; the link stays, and what was read already is on its way
            await asyncio.sleep(_STORE_AWAY_SECONDS)
            self._now.wake.set()
            return False
        if read.epoch != self._now.delivery.epoch:
            raise NewEpoch
        for stream, events in read.events.items():
            if flows[stream].last_sent == asked[stream]:  # otherwise it went back meanwhile
                self._read[stream].extend(events)
                self._exhausted_at[stream] = -1 if events else generation
        return any(read.events.values())

    def _publish_next(self, stream: str, flow: Flow) -> None:
        """The next event, or several in one message where the upstream asked for that."""
        read, now = self._read[stream], self._now
        chosen: list[tuple[JournalEvent, bytes]] = []
        size_bytes, last = 0, flow.last_sent
        most = min(flow.room(), now.delivery.pace.at_once()) if now.delivery.batch else 1
        while read and len(chosen) < most:
            payload = self._payload(read[0], after=last)
            if chosen and size_bytes + len(payload) > self._most_bytes():
                break
            event = read.popleft()
            chosen.append((event, payload))
            size_bytes, last = size_bytes + len(payload) + 1, event.sequence
        stations = {event.station for event, _ in chosen}
        topic = now.topics.event(stream, stations.pop() if len(stations) == 1 else None)
        if len(chosen) == 1:
            content, body = envelopes.EVENT_CONTENT, chosen[0][1]
        else:
            content, body = envelopes.BATCH_CONTENT, b"[" + b",".join(payload for _, payload in chosen) + b"]"
        self._publish(topic, body, content_type=content, stream=stream, first=chosen[0][0].sequence)
        at = asyncio.get_running_loop().time()
        for event, payload in chosen:
            flow.sent(event.sequence, len(payload), at)
        self._read_upto[stream] = last
        now.delivery.pace.sent(len(chosen), at)
        now.site.health.counters.increase("upstream_events_sent_total", len(chosen), upstream=now.name, stream=stream)

    def _payload(self, event: JournalEvent, *, after: int) -> bytes:
        try:
            document, payload = self._encoded(event, after)
        except RecursionError:  # how deep is too deep depends on who reads: it must not hold up all that follow
            left_out = msgspec.json.encode({"left_out_bytes": len(event.data)})
            document, payload = self._encoded(event._replace(data=left_out), after)
        if len(payload) > self._most_bytes():
            document = envelopes.cut(document, size_bytes=len(payload), most_bytes=self._most_bytes())
            payload = msgspec.json.encode(document)
        return payload

    def _encoded(self, event: JournalEvent, after: int) -> tuple[envelopes.Document, bytes]:
        epoch, site = self._now.delivery.epoch, self._now.site.configuration.site.id
        document = envelopes.envelope_of(event, epoch=epoch, site=site, after=after)
        return document, msgspec.json.encode(document)

    def _most_bytes(self) -> int:
        return min(envelopes.MOST_BYTES, self._link.max_packet_bytes - envelopes.PACKET_OVERHEAD_BYTES)

    def _publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        qos: int = 1,
        content_type: str | None = None,
        correlation: bytes | None = None,
        stream: str | None = None,
        first: int = 0,
    ) -> None:
        try:
            done = self._link.publish(
                topic, payload, qos=qos, retain=retain, content_type=content_type, correlation=correlation
            )
        except TooLarge:
            self._now.alarm("too large", f"the broker takes no message of {len(payload)} bytes: {topic}")
            return
        except NoRoom:  # of live telemetry only: room for the rest was asked for
            return
        if stream is not None:
            self._in_flight[stream] += 1
        if qos:
            done.add_done_callback(partial(self._published, topic, stream, first))

    def _published(self, topic: str, stream: str | None, first: int, done: asyncio.Future[None]) -> None:
        """The broker answered; that it took the event does not say that anybody has it."""
        if stream is not None:
            self._in_flight[stream] -= 1
            self._now.delivery.flows[stream].published(first, asyncio.get_running_loop().time())
        error = None if done.cancelled() else done.exception()
        refused = f"refused {stream or self._now.topics.channel_of(topic)}"
        if isinstance(error, PublishRefused):
            self._now.alarm(refused, f"the broker refuses what is published on {topic}: {error.reason}")
        elif error is None:
            self._now.alarm(refused, None)
        self._now.wake.set()

    def _heed_silence(self, now: float) -> None:
        for stream, flow in self._now.delivery.flows.items():
            ends_at = flow.silence_ends_at(in_flight=self._in_flight[stream])
            if ends_at is not None and ends_at <= now:
                flow.no_answer(now)
                self._now.wake.set()
                self._now.site.health.counters.increase("upstream_rewinds_total", upstream=self._now.name)
        self._heed_long_silence(now)

    def _heed_long_silence(self, now: float) -> None:
        """A link over which nobody answers may be dead both ways; rarer and rarer, if another one did not help."""
        silent_since = self._silent_since()
        if silent_since is None:
            return
        if now >= silent_since + _TELL_SILENCE_SECONDS:
            self._now.alarm("silent", "the broker takes what is sent, and no fleet manager acknowledges it")
        if now >= silent_since + self._patience_seconds():
            self._now.silent_links += 1
            raise LinkLost(f"nothing was heard for {now - silent_since:.0f} s while events wait to be acknowledged")

    def _patience_seconds(self) -> float:
        return min(_SILENT_SECONDS * 2.0 ** min(self._now.silent_links, 8), _LONGEST_SILENT_SECONDS)

    def _silent_since(self) -> float | None:
        """Since when somebody should have said something; None: nothing is waited for."""
        waiting_since = self._now.delivery.waiting_since()
        return None if waiting_since is None else max(waiting_since, self._now.heard_at)

    def _next_look(self, now: float) -> float | None:
        """When to look again although nothing woke us."""
        delivery, silent_since = self._now.delivery, self._silent_since()
        looks = [flow.silence_ends_at(in_flight=self._in_flight[stream]) for stream, flow in delivery.flows.items()]
        looks.append(delivery.pace.waits_until(now))
        if silent_since is not None:
            told = "silent" in self._now.alarms
            looks.append(silent_since + (self._patience_seconds() if told else _TELL_SILENCE_SECONDS))
        known = [look for look in looks if look is not None]
        return max(now, min(known)) if known else None
