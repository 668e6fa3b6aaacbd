"""What is doubtful when the gateway's memory and its stations went apart: it died, or an older state was restored.

`AFTER_RESTORE` is the table of what a restored backup can no longer vouch for: a part that keeps what stations hold or
tell has its row there. Commands that were under way have no row: they are heeded as if the station had not answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.model.instants import Instant
from gateway.operations.heed_results import heed
from gateway.operations.orders import Order, Result
from gateway.operations.site import Site
from gateway.store import (
    campaigns,
    charging_profiles,
    commands,
    configuration_keys,
    fallback_profiles,
    fleet_commands,
    limits_sent,
    local_lists,
    one_time_codes,
    reservations,
    transfer_links,
    web_sessions,
)
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

AFTER_RESTORE: tuple[Callable[[Writing, Instant], None], ...] = (
    campaigns.doubt_everything,
    charging_profiles.doubt_everything,
    configuration_keys.doubt_everything,
    fallback_profiles.doubt_everything,
    fleet_commands.doubt_everything,
    limits_sent.doubt_everything,
    local_lists.doubt_everything,
    one_time_codes.doubt_everything,
    reservations.doubt_everything,
    transfer_links.doubt_everything,
    web_sessions.doubt_everything,
)


async def heed_interrupted(site: Site, interrupted: list[commands.Asked], *, now: Instant) -> None:
    """At the start: a fault of ours with one of them is told, and keeps neither the others nor the gateway waiting."""
    for asked in interrupted:
        try:
            await site.database.write(lambda db, asked=asked: _heed(db, site, asked, now))  # type: ignore[misc]
        except StoreUnavailable:
            raise
        except Exception as error:
            extra = {"station": asked.station, "action": asked.action}
            logger.error("what came of %s could not be noted", asked.action, exc_info=error, extra=extra)


def end_interrupted(db: Writing, site: Site, *, now: Instant) -> int:
    """Commands without an outcome: their stations may have done them, as when they do not answer. Returns how many."""
    for asked in commands.running(db):
        _heed(db, site, asked, now)
    return commands.end_interrupted(db, now=now)


def doubt_everything(db: Writing, *, now: Instant) -> None:
    """This is an older state of the database: stations were told other things since."""
    for doubt in AFTER_RESTORE:
        doubt(db, now)


def _heed(db: Writing, site: Site, asked: commands.Asked, now: Instant) -> None:
    order = Order(asked.command_id, asked.station, asked.action, asked.request, asked.actor)
    heed(db, site, order, Result("unanswered"), now)
