"""Live telemetry for one upstream: what stations measure now, sent at once and perhaps lost, while somebody asked.

A lease says until when and of which stations; it is never durable. What is durable is in stream `meter`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import msgspec

from gateway.model.instants import text_of
from gateway.model.journal import JournalEvent, payload_of
from gateway.operations.site import Site
from gateway.operations.upstream_now import UpstreamNow
from gateway.operations.watch_meters import meter_documents
from gateway.rules.fleet_topics import encoded
from gateway.rules.live_lease import lease_of
from gateway.store import outgoing_events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

_EVERY_SECONDS = 2.0
_MOST_FRAMES = 500

Document = dict[str, object]


def begin_live(now: UpstreamNow, *, seconds: float | None, stations: Collection[str] | None) -> Document:
    """Send live telemetry for some time; asking again prolongs it. What is granted."""
    at = asyncio.get_running_loop().time()
    now.lease = lease_of(seconds=seconds, stations=None if stations is None else frozenset(stations), now=at)
    return {"seconds": round(now.lease.until - at), "stations": None if stations is None else sorted(stations)}


def end_live(now: UpstreamNow) -> None:
    """Send no more of it."""
    now.lease = None


async def tell_live(now: UpstreamNow) -> None:
    """For ever: while the lease holds, what was measured since the last look, of stations and of the site."""
    loop, told_upto = asyncio.get_running_loop(), -1
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        if now.lease is None or not now.lease.holds(loop.time()):
            now.lease, told_upto = None, -1
            continue
        try:
            told_upto, frames = await now.site.database.write(lambda db, upto=told_upto: _newest(db, upto))  # type: ignore[misc]
        except StoreUnavailable:
            continue
        for frame in frames:
            if now.lease is not None and now.lease.covers(frame.station):
                now.say(f"live/{encoded(frame.station or '')}", _sample(frame), qos=0)
        if now.lease is not None and now.lease.covers(None):
            now.say("live/_site", msgspec.json.encode(_of_site(now.site)), qos=0)


def _newest(db: Writing, told_upto: int) -> tuple[int, list[JournalEvent]]:
    """Frames that were not told yet; at the beginning of a lease none."""
    newest = outgoing_events.newest(db)["meter"]
    if told_upto < 0 or newest == told_upto:
        return newest, []
    frames = outgoing_events.after(db, "meter", max(told_upto, newest - _MOST_FRAMES), most=_MOST_FRAMES)
    return newest, [frame for frame in frames if frame.station]


def _sample(frame: JournalEvent) -> bytes:
    return msgspec.json.encode(
        {
            "time": text_of(frame.recorded_at),
            "station": frame.station,
            "connector": frame.connector,
            "data": payload_of(frame.data),
        }
    )


def _of_site(site: Site) -> Document:
    """The meters of the site as they were read last, and the stations that are connected."""
    meters = meter_documents(site) if site.configuration.meters else []
    data = {"connected": sorted(site.connected.all()), "meters": meters}
    return {"time": text_of(site.wall_clock()), "station": None, "data": data}
