"""What upstreams still wait for, and telling what was deleted before they had it."""

from __future__ import annotations

import logging

from gateway.configuration import Configuration
from gateway.operations.site import Site
from gateway.rules.retention import Claims
from gateway.store import dropped_ranges, upstreams
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)


def claims_of(db: Writing, configuration: Configuration) -> Claims:
    """What the upstreams of the configuration wait for, others no longer."""
    return upstreams.claims(
        db,
        required=[upstream.name for upstream in configuration.upstreams if upstream.required],
        all_names=[upstream.name for upstream in configuration.upstreams],
    )


async def tell_drops(site: Site) -> None:
    """One event of the journal for each stream and reason; what every upstream is beyond needs no explanation."""
    now = site.wall_clock()

    def unit(db: Writing) -> list[tuple[str, str, int]]:
        told = dropped_ranges.tell(db, now=now)
        dropped_ranges.forget(db, claims_of(db, site.configuration))
        return told

    for stream, reason, count in await site.database.write(unit):
        site.health.counters.increase("journal_dropped_total", count, stream=stream, reason=reason)
        logger.warning("%d events of stream %s were not kept until everybody had them: %s", count, stream, reason)
