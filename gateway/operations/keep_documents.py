"""The loop of desired-state documents: settles those that wait for their time or are to be fetched, and tells news.

Upstreams that have gone from the configuration are treated as if they had taken their documents away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gateway.model.instants import SECOND, Instant
from gateway.operations import apply_gateway
from gateway.operations.fetch_documents import clear_leftovers
from gateway.operations.report_documents import report, report_news
from gateway.operations.settle_documents import settle_document, withdraw
from gateway.operations.site import Site
from gateway.store import events, fleet_documents
from gateway.store.writing import Writing

_LOOK_SECONDS = 60.0  # the clock may be set meanwhile
_REST_SECONDS = 5.0  # many changes make one report
_SHARE = 50.0  # the store is asked for reports at most one part in so many of the time
_BREATH_SECONDS = 0.2
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
    now = site.wall_clock()
    await site.database.write(lambda db: _forget_gone(db, site, now))
    cursor = await site.database.write(events.newest_id)
    await apply_gateway.begin(site)
    await clear_leftovers(site)
    if not site.configuration.upstreams:
        await asyncio.Event().wait()  # nothing will ever come
    reports = _Reports(changed=True)
    while True:
        seen, now = site.journal_signal.generation, site.wall_clock()
        news = await site.database.write(lambda db, after=cursor, now=now: _news(db, after, now))  # type: ignore[misc]
        cursor = news.cursor
        for upstream, doc in news.due:
            await settle_document(site, upstream, doc, fetch=True)
            if upstream in site.documents.upstreams:
                await report(site, site.documents.upstreams[upstream], doc)
        reports.changed = reports.changed or news.reports
        if reports.are_due():
            await reports.tell(site)
        await _wait(site, seen, news.next_due, reports)


@dataclass(slots=True)
class _Reports:
    """Whether reports may have changed since they were told; telling them takes the store no more than a share."""

    changed: bool = False
    not_before: float = float("-inf")

    def are_due(self) -> bool:
        """They have changed, and were not told just now."""
        return self.changed and self.wait_seconds() <= 0

    def wait_seconds(self) -> float:
        """How long until they may be told again."""
        return self.not_before - asyncio.get_running_loop().time()

    async def tell(self, site: Site) -> None:
        """Tell them, and rest the longer the longer it took."""
        loop, self.changed = asyncio.get_running_loop(), False
        begun = loop.time()
        await report_news(site)
        self.not_before = loop.time() + max(_REST_SECONDS, _SHARE * (loop.time() - begun))


def _news(db: Writing, after: int, now: Instant) -> _News:
    cursor, happened = events.of_kinds(db, _TOLD, after=after, most=_EVENTS_AT_ONCE)
    due = [(row.upstream, row.doc) for row in fleet_documents.due(db, now)]
    return _News(due, fleet_documents.next_due(db, now), bool(happened) or cursor < after, cursor)


async def _wait(site: Site, seen: int, due: Instant | None, reports: _Reports) -> None:
    """Until the journal grew, the next document is due, or reports that have changed may be told."""
    wait = _LOOK_SECONDS if due is None else min(_LOOK_SECONDS, max(0.0, (due - site.wall_clock()) / SECOND))
    if reports.changed:
        wait = min(wait, max(0.0, reports.wait_seconds()))
    try:
        async with asyncio.timeout(wait):
            await site.journal_signal.newer_than(seen)
    except TimeoutError:
        return
    await asyncio.sleep(_BREATH_SECONDS)


def _forget_gone(db: Writing, site: Site, now: Instant) -> None:
    names = {upstream.name for upstream in site.configuration.upstreams}
    for row in fleet_documents.every(db):
        if row.upstream not in names:
            withdraw(db, site, row.upstream, row.doc, now)
