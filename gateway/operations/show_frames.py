"""Shows people what a station and the gateway said to each other; the reading is done in a thread.

Which messages, and how they are shown without secrets, is decided in `rules/shown_frames`.
"""

from __future__ import annotations

import asyncio

from gateway.model.identities import StationId
from gateway.operations.site import Site
from gateway.rules.shown_frames import ShownFrame, Wish, shown_frames

__all__ = ["ShownFrame", "Wish", "newest_frames"]


async def newest_frames(site: Site, station: str, wish: Wish) -> list[ShownFrame]:
    """The newest messages of a station that are wanted, newest first; none when nothing is kept of it."""
    kept = site.frames.of_station(StationId(station))
    return await asyncio.to_thread(shown_frames, kept, wish)
