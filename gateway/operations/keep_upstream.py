"""The loop of one upstream: connect, tell the birth, deliver, hear; and when the link is lost, wait and connect again.

Whatever happens to one upstream, the site and the other upstreams go on. When to try again is decided by
`rules.reconnecting`, what is sent by `deliver_events`, what is heard by `hear_upstream`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

from gateway.configuration import Upstream
from gateway.model.instants import SECOND
from gateway.model.links import (
    Broker,
    Connect,
    LinkLike,
    LinkLost,
    NoRoom,
    NotLinked,
    PublishRefused,
    SubscribeRefused,
    TooLarge,
    Will,
)
from gateway.operations.deliver_events import Courier, NewEpoch
from gateway.operations.hear_upstream import hear
from gateway.operations.heed_documents import report_again
from gateway.operations.live_telemetry import tell_live
from gateway.operations.site import Site
from gateway.operations.tell_birth import offline, tell_birth
from gateway.operations.upstream_now import UpstreamNow
from gateway.operations.watch_client_certificate import renewed, state_of_files
from gateway.rules import reconnecting
from gateway.rules.delivery import Delivery
from gateway.rules.fleet_topics import Topics, encoded
from gateway.store import outgoing_events, upstreams
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing
from gateway.upstream.link import Connector

logger = logging.getLogger(__name__)

_STORE_EVERY_SECONDS = 10.0
_GOODBYE_SECONDS = 2.0
_ROOM_SECONDS = 0.02
_TAKEN_OVER = "somebody else connects with this gateway's id: is there a copy of this machine?"
_KEEPS_BREAKING = "link after link breaks soon: perhaps somebody else connects with this gateway's id"
_OFF_SECONDS = 60.0  # away for longer than this, the gateway comes back together with others


def loops_of(site: Site, connect: Connect | None = None) -> dict[str, Callable[[Site], Awaitable[None]]]:
    """A loop for each upstream of the configuration, by name; `connect` None: over MQTT."""
    return {
        f"link to {settings.name}": partial(keep_upstream, settings=settings, connect=connect or Connector())
        for settings in site.configuration.upstreams
    }


async def keep_upstream(
    site: Site, settings: Upstream, *, connect: Connect, share: Callable[[], float] = random.random
) -> None:
    """For ever: keep the link to one upstream, and everything that goes over it. `share` draws a number below 1."""
    loop = asyncio.get_running_loop()
    now, linked_before = await _begin(site, settings)
    site.fleet.upstreams[settings.name] = now
    off = site.wall_clock() - site.latest_known > _OFF_SECONDS * SECOND
    state = reconnecting.at_start(loop.time(), linked_before=linked_before and off)
    while True:
        await asyncio.sleep(
            reconnecting.waiting_seconds(
                state,
                loop.time(),
                share(),
                most_seconds=settings.backoff_max_seconds,
                start_jitter_seconds=settings.start_jitter_seconds,
            )
        )
        try:
            link = await _linked(now, connect)
        except (NotLinked, StoreUnavailable) as error:
            state = reconnecting.when_not_linked(
                state, bad_credentials=isinstance(error, NotLinked) and error.bad_credentials
            )
            _away(now, str(error))
            continue
        state = reconnecting.when_linked(state, loop.time())
        lost = await _while_linked(now, link)
        if now.forgotten:
            await _stay_away(now)
        state = reconnecting.when_lost(state, loop.time(), taken_over=lost.taken_over)
        _away(now, lost.reason)
        now.alarm("taken over", _TAKEN_OVER if state.taken_over else None)
        now.alarm("keeps breaking", _KEEPS_BREAKING if state.keeps_breaking and not state.taken_over else None)


async def _begin(site: Site, settings: Upstream) -> tuple[UpstreamNow, bool]:
    """The upstream as it is on disk, and whether it was ever connected."""

    def unit(db: Writing) -> tuple[Delivery, bool]:
        row = upstreams.begin(db, settings.name)
        delivery = Delivery.of(outgoing_events.epoch_of(db), upstreams.acknowledged(db, settings.name))
        return delivery, row.connected_at is not None

    delivery, linked_before = await site.database.write(unit)
    topics = Topics(settings.topic_root, site.configuration.site.id)
    now = UpstreamNow(site, settings, topics, delivery)
    now.noted |= set(await site.database.write(lambda db: upstreams.retained(db, settings.name)))
    now.retained |= now.noted
    return now, linked_before


async def _linked(now: UpstreamNow, connect: Connect) -> LinkLike:
    now.session = await now.site.database.write(lambda db: upstreams.next_session(db, now.name))
    will = Will(now.topics.up("state"), offline(now.session, "the connection was lost"))
    now.files_shown = await asyncio.to_thread(state_of_files, now.settings)
    link = await connect(broker_of(now.settings, client_id=encoded(now.site.configuration.site.id)), will)
    try:
        await link.subscribe([now.topics.down("#")])
    except (SubscribeRefused, LinkLost) as error:
        await link.close()
        raise NotLinked(f"{now.topics.down('#')} cannot be subscribed: {error}") from error
    except BaseException:
        await link.close()
        raise
    with contextlib.suppress(SubscribeRefused, LinkLost):  # whether consumers are there is only good to know
        await link.subscribe([now.topics.hosts()])
    return link


def broker_of(settings: Upstream, *, client_id: str) -> Broker:
    """How the upstream's broker is greeted."""
    assert settings.port is not None, "filled in by the loader"
    return Broker(
        settings.host,
        settings.port,
        settings.tls,
        settings.ca,
        settings.chain,
        settings.key_file,
        settings.username,
        settings.password_file,
        client_id,
    )


async def _while_linked(now: UpstreamNow, link: LinkLike) -> LinkLost:
    """Everything that goes over one link, until it ends; why it ended."""
    loop, site = asyncio.get_running_loop(), now.site
    now.link, now.trouble, now.connected_since, now.heard_at = link, None, site.wall_clock(), loop.time()
    now.unsaid.clear()
    now.lease = None
    for flow in now.delivery.flows.values():
        flow.linked_anew(loop.time(), asking=now.silent_links > 0)
    now.alarm("certificate", link.renewal_trouble and f"the old client certificate is used: {link.renewal_trouble}")
    logger.info("%s is connected (MQTT %s)", now.name, link.protocol, extra={"upstream": now.name})
    lost = LinkLost("stopped")
    try:
        await site.database.write(lambda db: upstreams.connected(db, now.name, now=site.wall_clock()))
        await tell_birth(now)
        await report_again(now)
        await _all_of(
            Courier(now, link).run, lambda: hear(now, link), lambda: _follow_journal(now),
            lambda: _store_acknowledgements(now), lambda: tell_live(now), lambda: _renew(now),
            lambda: _calm_down(now),
        )  # fmt: skip
    except LinkLost as error:
        lost = error
    except NewEpoch:
        lost = LinkLost("the journal was restored from a backup")
        await _begin_again(now)
    except StoreUnavailable as error:
        lost = LinkLost(f"the store cannot be used: {error}")
    finally:
        now.link = None
        await _take_leave(now, link, lost.reason)
    return lost


async def _all_of(*loops: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run all of them until the first fails, and raise what it raised; or CancelledError, whatever failed.

    A TaskGroup or gather() would do, if they told of a cancellation that comes while one of their tasks fails.
    """
    running = [asyncio.create_task(loop()) for loop in loops]
    try:
        ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    for task in running:
        if task in ended:
            task.result()


async def _follow_journal(now: UpstreamNow) -> None:
    """Wake the courier when the journal grew."""
    seen = 0
    while True:
        seen = await now.site.journal_signal.newer_than(seen)
        now.wake.set()


async def _store_acknowledgements(now: UpstreamNow) -> None:
    """Note on disk how far the upstream is: not each time, because a repeat after a crash is harmless."""
    while True:
        await asyncio.sleep(_STORE_EVERY_SECONDS)
        with contextlib.suppress(StoreUnavailable):  # then it is noted later
            await store_acknowledgements(now)


async def store_acknowledgements(now: UpstreamNow) -> None:
    """Note on disk how far the upstream is now, and what was left in its broker."""
    delivery = now.delivery
    acked, retained = delivery.to_store(), now.retained - now.noted
    if not acked and not retained:
        return

    def unit(db: Writing) -> None:
        if outgoing_events.epoch_of(db) == delivery.epoch:
            upstreams.acknowledge(db, now.name, acked)
        upstreams.retain(db, now.name, retained)

    await now.site.database.write(unit)
    delivery.stored.update(acked)
    now.noted |= retained


async def _calm_down(now: UpstreamNow) -> None:
    """A link that holds takes back what was told of those before it."""
    await asyncio.sleep(reconnecting.STABLE_SECONDS)
    now.alarm("taken over", None)
    now.alarm("keeps breaking", None)


async def _renew(now: UpstreamNow) -> None:
    """Take up a renewed client certificate at a quiet moment."""
    if now.settings.chain is None:
        await asyncio.Event().wait()
    await renewed(now)
    raise LinkLost("the client certificate was renewed")


async def _begin_again(now: UpstreamNow) -> None:
    """The journal is another one: from where it says that this upstream is."""
    fresh, _ = await _begin(now.site, now.settings)
    now.delivery, now.noted = fresh.delivery, fresh.noted
    now.retained |= fresh.retained


async def _take_leave(now: UpstreamNow, link: LinkLike, reason: str) -> None:
    """Say offline and disconnect, when the link still works; note how far the upstream is."""
    with contextlib.suppress(LinkLost, NoRoom, PublishRefused, TooLarge, TimeoutError):
        async with asyncio.timeout(_GOODBYE_SECONDS):
            while not link.ended.done() and not link.room():  # noqa: ASYNC110, nothing tells that there is room
                await asyncio.sleep(_ROOM_SECONDS)
            if not link.ended.done():
                await link.publish(now.topics.up("state"), offline(now.session, reason), retain=True)
    await link.close()
    with contextlib.suppress(StoreUnavailable):
        await store_acknowledgements(now)


async def _stay_away(now: UpstreamNow) -> None:
    """For ever: the gateway is out of this fleet, until it is started again with the upstream in its configuration."""
    _away(now, "forgotten: take its [[upstream]] out of the configuration, or start the gateway again to come back")
    await asyncio.Event().wait()


def _away(now: UpstreamNow, reason: str) -> None:
    news, now.trouble = reason != now.trouble, reason
    now.connected_since = None
    now.report()
    if news:  # an outage of weeks has thousands of tries
        logger.warning("%s is away: %s", now.name, reason, extra={"upstream": now.name})
