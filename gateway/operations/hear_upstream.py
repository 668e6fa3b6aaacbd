"""What comes from a fleet manager over one link, and who heeds it: acknowledgements, commands, documents, its state.

Nothing that comes can end the link or hold up the site; what cannot be understood is counted and told.
"""

from __future__ import annotations

import asyncio
import json
import logging

from gateway.model.links import LinkLike, Message
from gateway.operations.heed_documents import heed_document
from gateway.operations.obey_fleet import obey
from gateway.operations.upstream_now import UpstreamNow
from gateway.rules.delivery import Ack
from gateway.rules.fleet_acks import ack_of
from gateway.store import outgoing_events
from gateway.store.database import StoreUnavailable

logger = logging.getLogger(__name__)

_MOST_HOSTS = 50
_MOST_HOST_BYTES = 4096
_DOCUMENT = "des/"
_STORE_AWAY_SECONDS = 2.0


async def hear(now: UpstreamNow, link: LinkLike) -> None:
    """Until the link is lost: heed what comes, one after the other."""
    async for message in link.messages():
        if not message.retain:  # what the broker kept says nothing about who is there
            now.heard_at, now.silent_links = asyncio.get_running_loop().time(), 0
            now.alarm("silent", None)
        await _heed_until_stored(now, message)


async def _heed_until_stored(now: UpstreamNow, message: Message) -> None:
    """Heed it; while the store cannot be used it waits, and so do those behind it, which cannot pass it."""
    while True:
        try:
            await _heed(now, message)
            return
        except StoreUnavailable as error:
            logger.error("what %s said cannot be stored: %s", now.name, error, extra={"upstream": now.name})
        except Exception as error:
            # a fault of ours; kept by the broker, the message would come again with each link and fail again
            logger.error("a message of %s on %s failed", now.name, message.topic, exc_info=error)
            message.ack()
            return
        await asyncio.sleep(_STORE_AWAY_SECONDS)


async def _heed(now: UpstreamNow, message: Message) -> None:
    host = now.topics.host_of(message.topic)
    suffix = now.topics.suffix_of(message.topic)
    now.site.health.counters.increase(
        "upstream_messages_received_total", upstream=now.name, channel=(suffix or "host").partition("/")[0][:10]
    )
    if host is not None:
        _note_host(now, host, message)
    elif suffix == "ack":
        await _heed_ack(now, message)
    elif suffix == "cmd":
        await obey(now, message)
    elif suffix is not None and suffix.startswith(_DOCUMENT):
        await heed_document(now, suffix.removeprefix(_DOCUMENT), message)
    else:
        message.ack()


async def _heed_ack(now: UpstreamNow, message: Message) -> None:
    message.ack()  # the next one says the same and more
    ack = ack_of(message.payload)
    if isinstance(ack, str):
        now.alarm("ack", f"an acknowledgement cannot be understood: {ack}")
    elif ack.epoch != now.delivery.epoch:
        if not message.retain:
            now.alarm("epoch", f"{ack.stream} was acknowledged in epoch {ack.epoch[:40]!r}, which is not ours")
    else:
        await _count(now, ack)


async def _count(now: UpstreamNow, ack: Ack) -> None:
    delivery = now.delivery
    flow = delivery.flows[ack.stream]
    newest = flow.last_sent
    if ack.upto > newest:
        newest = (await now.site.database.write(outgoing_events.newest))[ack.stream]
    heard = flow.heard(ack.upto, gap=ack.gap, newest=newest, now=asyncio.get_running_loop().time())
    if heard == "ahead":
        now.alarm(
            "ahead",
            f"it has {ack.stream} up to {ack.upto}, and the journal ends at {newest}: this is an older state of the"
            " database; restore it as a backup, so that a new epoch begins",
        )
        return
    for name in ("ack", "ahead", "epoch"):
        now.alarm(name, None)
    if heard == "went_back":
        now.site.health.counters.increase("upstream_rewinds_total", upstream=now.name)
    delivery.batch = ack.batch
    delivery.pace.ask(ack.most_per_second)
    now.wake.set()


def _note_host(now: UpstreamNow, host: str, message: Message) -> None:
    """A consumer says whether it is there; an older word than the one we have says nothing."""
    message.ack()
    try:
        state = json.loads(message.payload) if len(message.payload) <= _MOST_HOST_BYTES else None
    except (ValueError, RecursionError):
        state = None
    if not isinstance(state, dict):
        now.hosts.pop(host, None)
        return
    known = now.hosts.get(host)
    if known is not None and str(state.get("timestamp", "")) < str(known.get("timestamp", "")):
        return
    if known is not None or len(now.hosts) < _MOST_HOSTS:
        now.hosts[host] = {"state": str(state.get("state"))[:40], "timestamp": str(state.get("timestamp", ""))[:40]}
