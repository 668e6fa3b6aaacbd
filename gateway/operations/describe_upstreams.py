"""The links to fleet managers as they are now: the connection, what ails it, how far each stream is stored there.

What a fleet manager has is what it acknowledged; what a broker took says nothing. Nothing secret is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.configuration import Upstream
from gateway.model.instants import Instant, text_of
from gateway.model.journal import STREAMS
from gateway.model.links import LinkLike
from gateway.operations.site import Site
from gateway.operations.upstream_now import UpstreamNow
from gateway.store import outgoing_events, upstreams
from gateway.store.writing import Writing

Document = dict[str, object]


class StreamState(NamedTuple):
    """How far an upstream has one stream; `oldest_at`: when its oldest unacknowledged event was recorded."""

    acked: int
    newest: int
    backlog: int
    oldest_at: Instant | None


class UpstreamState(NamedTuple):
    """A configured upstream. `now` is None while its loop has not begun."""

    settings: Upstream
    now: UpstreamNow | None
    epoch: str
    streams: Mapping[str, StreamState]

    @property
    def link(self) -> LinkLike | None:
        """The link that works now."""
        return None if self.now is None else self.now.link


async def upstream_states(site: Site) -> list[UpstreamState]:
    """Every configured upstream, in the order of the configuration."""
    wanted = site.configuration.upstreams
    if not wanted:
        return []
    running = dict(site.fleet.upstreams)
    acked = {name: now.delivery.acked() for name, now in running.items()}

    def unit(db: Writing) -> list[UpstreamState]:
        epoch = outgoing_events.epoch_of(db)
        return [
            UpstreamState(
                one,
                running.get(one.name),
                epoch,
                _streams(db, acked.get(one.name) or upstreams.acknowledged(db, one.name)),
            )
            for one in wanted
        ]

    return await site.database.write(unit)


async def describe_upstreams(site: Site) -> list[Document]:
    """The same as documents for people."""
    return [_document(state) for state in await upstream_states(site)]


def _streams(db: Writing, acked: Mapping[str, int]) -> dict[str, StreamState]:
    """How far each stream is; what was deleted before it was acknowledged is no backlog any more."""
    newest = outgoing_events.newest(db)
    found: dict[str, StreamState] = {}
    for stream in STREAMS:
        oldest = outgoing_events.oldest_after(db, stream, acked[stream])
        backlog = 0 if oldest is None else newest[stream] - oldest[0] + 1
        found[stream] = StreamState(acked[stream], newest[stream], backlog, None if oldest is None else oldest[1])
    return found


def _document(state: UpstreamState) -> Document:
    settings, now, link = state.settings, state.now, state.link
    since = now.connected_since if now is not None else None
    return {
        "name": settings.name,
        "host": settings.host,
        "port": settings.port,
        "tls": settings.tls,
        "required": settings.required,
        "connected": link is not None,
        "connected_since": None if since is None else text_of(since),
        "protocol": None if link is None else link.protocol,
        "session": None if now is None else now.session,
        "trouble": "not begun yet" if now is None else now.trouble,
        "alarms": [] if now is None else list(now.alarms.values()),
        "hosts": {} if now is None else dict(now.hosts),
        "epoch": state.epoch,
        "streams": {
            stream: {
                "acked": flow.acked,
                "newest": flow.newest,
                "backlog": flow.backlog,
                "oldest_unacknowledged_time": None if flow.oldest_at is None else text_of(flow.oldest_at),
                "in_window": 0 if now is None else len(now.delivery.flows[stream].unacked),
            }
            for stream, flow in state.streams.items()
        },
    }
