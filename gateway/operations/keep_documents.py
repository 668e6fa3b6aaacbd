"""The loop of desired-state documents: settles those that wait for their time or are to be fetched, and tells news.

Upstreams that have gone from the configuration are treated as if they had taken their documents away.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant
from gateway.operations import apply_gateway
from gateway.operations.report_documents import report_news
from gateway.operations.settle_documents import settle_document, withdraw
from gateway.operations.site import Site
from gateway.store import events, fleet_documents
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0  # the clock may be set meanwhile
_REST_SECONDS = 5.0  # many changes make one report
# what may change a report
_TOLD = (
    "command.finished", "document.applied", "firmware.status", "id_tag.changed", "id_tags.imported",
    "local_list.changed", "local_list.doubted", "station.booted", "station.provisioned", "station.removed",
)  # fmt: skip
_EVENTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class _News:
    """What is to be done: documents that are due, when the next is, and whether reports may have changed."""

    due: list[tuple[str, str]]
    next_due: Instant | None
    reports: bool
    cursor: int


async def keep_documents(site: Site) -> None:
    """For ever: apply what is due, fetch what is elsewhere, tell what has changed."""
    now, cursor = site.wall_clock(), 0
    await site.database.write(lambda db: _forget_gone(db, site, now))
    await apply_gateway.begin(site)
    if not site.configuration.upstreams:
        await asyncio.Event().wait()  # nothing will ever come
    while True:
        seen, now = site.journal_signal.generation, site.wall_clock()
        news = await site.database.write(lambda db, after=cursor, now=now: _news(db, after, now))  # type: ignore[misc]
        cursor = news.cursor
        for upstream, doc in news.due:
            async with site.documents.turn:
                await settle_document(site, upstream, doc, fetch=True)
        if news.due or (news.reports and site.documents.upstreams):
            await report_news(site)
        await _wait(site, seen, news.next_due)


def _news(db: Writing, after: int, now: Instant) -> _News:
    cursor, happened = events.of_kinds(db, _TOLD, after=after, most=_EVENTS_AT_ONCE)
    due = [(row.upstream, row.doc) for row in fleet_documents.due(db, now)]
    return _News(due, fleet_documents.next_due(db, now), bool(happened) or cursor < after, cursor)


async def _wait(site: Site, seen: int, due: Instant | None) -> None:
    """Until the journal grew or the next document is due, and a little longer."""
    wait = _LOOK_SECONDS if due is None else min(_LOOK_SECONDS, max(0.0, (due - site.wall_clock()) / SECOND))
    try:
        async with asyncio.timeout(wait):
            await site.journal_signal.newer_than(seen)
        await asyncio.sleep(min(_REST_SECONDS, wait))
    except TimeoutError:
        pass


def _forget_gone(db: Writing, site: Site, now: Instant) -> None:
    names = {upstream.name for upstream in site.configuration.upstreams}
    for row in fleet_documents.every(db):
        if row.upstream not in names:
            withdraw(db, site, row.upstream, row.doc, now)
