"""Taking the gateway out of a fleet: whatever it left in the broker is taken back, so that no ghost of it stays there.

It works only while the link does. Afterwards the link ends and does not come back in this run: the next birth would
leave everything there again. Events that the fleet manager does not have are not its business.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

from gateway.model.links import LinkLike, LinkLost, NoRoom, PublishRefused, TooLarge
from gateway.operations.site import Site
from gateway.operations.upstream_now import UpstreamNow
from gateway.store import upstreams

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 15.0
_ROOM_SECONDS = 0.05


class CannotForget(Exception):
    """The broker still has something of ours; the text says why."""


async def forget_upstream(site: Site, name: str, *, actor: str) -> list[str] | None:
    """The topics that were cleared; None: no upstream has this name. Raises CannotForget."""
    if name not in {settings.name for settings in site.configuration.upstreams}:
        return None
    now = site.fleet.upstreams.get(name)
    link = now.link if now is not None else None
    if now is None or link is None:
        reason = now.trouble if now is not None else "not begun yet"
        raise CannotForget(f"{name} is not connected ({reason}): what is left in its broker cannot be cleared now")
    kept = await site.database.write(lambda db: upstreams.retained(db, name))
    topics = sorted({*kept, *now.retained, *(said.topic for said in now.unsaid if said.retain)})
    now.forgetting = True
    now.unsaid.clear()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            for topic in topics:
                await _clear(link, topic)
    except (LinkLost, PublishRefused, TooLarge, TimeoutError) as error:
        now.forgetting = False
        raise CannotForget(f"not everything could be cleared: {str(error) or 'the broker does not answer'}") from error
    await _end(now, link)
    logger.warning("%s is forgotten by %s: %d topics were cleared", name, actor, len(topics), extra={"upstream": name})
    return topics


async def _clear(link: LinkLike, topic: str) -> None:
    """An empty retained message takes the one before it away."""
    while True:
        with contextlib.suppress(NoRoom):
            await link.publish(topic, b"", retain=True)
            return
        await asyncio.sleep(_ROOM_SECONDS)


async def _end(now: UpstreamNow, link: LinkLike) -> None:
    now.forgotten = True
    now.retained.clear()
    now.noted.clear()
    await link.close()
    await now.site.database.write(lambda db: upstreams.nothing_retained(db, now.name))
