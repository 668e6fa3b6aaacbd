"""The links to fleet managers as documents for people: the connection, what ails it, how far each stream is stored there.

What a fleet manager has is what it acknowledged; what a broker took says nothing. Nothing secret is told.
"""

from __future__ import annotations

from gateway.configuration import Upstream
from gateway.model.instants import Instant, text_of
from gateway.operations.site import Site
from gateway.operations.upstream_now import UpstreamNow, port_of
from gateway.rules.delivery import STREAMS
from gateway.store import outgoing_events, upstreams
from gateway.store.writing import Writing

Document = dict[str, object]


async def describe_upstreams(site: Site) -> list[Document]:
    """Every configured upstream, in the order of the configuration."""
    wanted = site.configuration.upstreams
    if not wanted:
        return []
    running = dict(site.fleet.upstreams)
    acked = {name: now.delivery.acked() for name, now in running.items()}

    def unit(db: Writing) -> tuple[str, list[dict[str, Document]]]:
        found = [_streams(db, acked.get(one.name) or upstreams.acknowledged(db, one.name)) for one in wanted]
        return outgoing_events.epoch_of(db), found

    epoch, streams = await site.database.write(unit)
    return [
        _document(settings, running.get(settings.name), epoch, of_upstream)
        for settings, of_upstream in zip(wanted, streams, strict=True)
    ]


def _document(settings: Upstream, now: UpstreamNow | None, epoch: str, streams: dict[str, Document]) -> Document:
    for stream, document in streams.items():
        document["in_window"] = len(now.delivery.flows[stream].unacked) if now is not None else 0
    link = now.link if now is not None else None
    return {
        "name": settings.name,
        "host": settings.host,
        "port": port_of(settings),
        "tls": settings.tls,
        "required": settings.required,
        "connected": link is not None,
        "connected_since": _text(now.connected_since if now is not None else None),
        "protocol": link.protocol if link is not None else None,
        "session": now.session if now is not None else None,
        "trouble": now.trouble if now is not None else "not begun yet",
        "alarms": list(now.alarms.values()) if now is not None else [],
        "hosts": dict(now.hosts) if now is not None else {},
        "epoch": epoch,
        "streams": streams,
    }


def _streams(db: Writing, acked: dict[str, int]) -> dict[str, Document]:
    """How far each stream is; what was deleted before it was acknowledged is no backlog any more."""
    newest = outgoing_events.newest(db)
    found: dict[str, Document] = {}
    for stream in STREAMS:
        oldest = outgoing_events.oldest_after(db, stream, acked[stream])
        found[stream] = {
            "acked": acked[stream],
            "newest": newest[stream],
            "backlog": 0 if oldest is None else newest[stream] - oldest[0] + 1,
            "oldest_unacknowledged_time": None if oldest is None else text_of(oldest[1]),
        }
    return found


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
