"""Keeps decisions of load limits, so that "why?" has an answer for any past moment.

Called after each tick. It never waits: the record is written behind the loop's back, one at a time, and what the store
cannot take now is tried again with a later tick. What is worth keeping is decided in `rules.load_records`.
"""

from __future__ import annotations

import logging

from gateway.operations.load_now import Tick
from gateway.operations.site import Site
from gateway.rules.load_records import Change, changes_since, is_due, line_of
from gateway.store.database import StoreUnavailable
from gateway.store.load_decisions import LoadRecord, keep
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_CHANGES_REMEMBERED = 200


async def record_load(site: Site, before: Tick | None, now: Tick) -> None:
    """Keep this tick when it is due; `before` is the tick before it."""
    noted, at = site.load.recording, now.picture.at_seconds
    fresh = changes_since(None if before is None else before.decision, now.decision)
    noted.changes = (noted.changes + fresh)[-_CHANGES_REMEMBERED:] if fresh else noted.changes
    since = None if noted.at_seconds is None else at - noted.at_seconds
    if noted.under_way or not is_due(noted.changes, since, busy=_is_busy(now)):
        return
    _keep(site, now, noted.changes)


def _is_busy(tick: Tick) -> bool:
    return any(facts.session is not None for facts in tick.picture.connectors)


def _keep(site: Site, tick: Tick, changes: tuple[Change, ...]) -> None:
    noted = site.load.recording
    record = LoadRecord(tick.picture, tick.before, tick.decision)
    line = line_of(changes)

    def unit(db: Writing) -> None:
        keep(db, record, at=tick.at, line=line)

    def done(_: object, error: BaseException | None) -> None:
        noted.under_way = False
        if error is None:
            return
        noted.changes = (changes + noted.changes)[:_CHANGES_REMEMBERED]
        if isinstance(error, StoreUnavailable):
            logger.warning("a decision of load limits could not be recorded: %s", error)
        else:
            logger.error("a decision of load limits could not be recorded", exc_info=error)

    try:
        site.database.submit(unit, done)
    except StoreUnavailable as error:
        logger.warning("a decision of load limits could not be recorded: %s", error)
        return
    # a failed try counts as well: the next one is some seconds away, not with every tick
    noted.under_way, noted.at_seconds, noted.changes = True, tick.picture.at_seconds, ()
