"""A document's way from heard to applied: whether it is news, whose it is, when it is due, and what became of it.

The decisions are those of `rules.fleet_documents`. All of a document is applied in one unit of work, with its row and
its event, so a kill leaves it either applied or waiting; each unit looks whether it is still the same one that waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.model.fleet_documents import Applied, DocumentStatus, Manifest, Wrong
from gateway.model.instants import Instant
from gateway.operations.document_kinds import KINDS
from gateway.operations.document_turn import Applying, Kind, mistakes_in
from gateway.operations.fetch_documents import fetch_body
from gateway.operations.site import Site
from gateway.rules import fleet_documents as rules
from gateway.rules.security_profiles import is_clock_behind
from gateway.store import events, fleet_documents
from gateway.store.database import StoreUnavailable
from gateway.store.fleet_documents import DocumentRow
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_MOST_ERRORS_IN_EVENT = 20


@dataclass(frozen=True, slots=True)
class Heard:
    """A document that came from an upstream; `manifest` holds no secrets once it is to be kept."""

    upstream: str
    manifest: Manifest
    digest: str
    now: Instant
    clock_known: bool


def is_news(db: Writing, site: Site, heard: Heard) -> bool:
    """Is there anything to write down? What only comes again is not."""
    return not isinstance(_decide(db, site, heard), rules.Repeated)


def hear(db: Writing, site: Site, heard: Heard) -> None:
    """Write down what came: that it waits for its time, or why it is rejected."""
    decision = _decide(db, site, heard)
    doc = heard.manifest.doc
    match decision:
        case rules.Rejected(why):
            reject(db, site, heard.upstream, doc, (why,), heard.now, heard=heard)
        case rules.Due(at):
            _take_over(db, site, heard.upstream, doc, heard.now)
            row = _row(db, heard.upstream, doc, heard.now)
            again = (row.version, row.digest) == (heard.manifest.version, heard.digest)
            fleet_documents.save(
                db,
                replace(
                    row, status="pending", version=heard.manifest.version, digest=heard.digest, heard_at=heard.now,
                    errors=row.errors if again else (), waiting=heard.manifest, due_at=at, tries=0,
                ),
            )  # fmt: skip


def reject(
    db: Writing, site: Site, upstream: str, doc: str, errors: Sequence[Wrong], now: Instant, heard: Heard | None = None
) -> None:
    """Write down that it is rejected. What was applied before stays; told in the journal unless it is no news."""
    before = _row(db, upstream, doc, now)
    version, digest = (None, None) if heard is None else (heard.manifest.version, heard.digest)
    row = replace(
        before, status="rejected", version=version, digest=digest, heard_at=now,
        errors=fleet_documents.bounded(errors), waiting=None, due_at=None, tries=0,
    )  # fmt: skip
    fleet_documents.save(db, row)
    if (row.status, row.version, row.errors) != (before.status, before.version, before.errors):
        _tell(db, row, now)


def withdraw(db: Writing, site: Site, upstream: str, doc: str, now: Instant) -> None:
    """The fleet has no such document any more: what was applied stays, and is the site's to change."""
    before = fleet_documents.find(db, upstream, doc)
    if before is None or before.status == "withdrawn":
        return
    if before.applied_version is not None:
        KINDS[doc].withdraw(db, site, upstream, now)
    row = DocumentRow(upstream, doc, "withdrawn", before.version, None, now, body=before.body)
    fleet_documents.save(db, row)
    _tell(db, row, now)


async def settle_document(site: Site, upstream: str, doc: str, *, fetch: bool) -> None:
    """Apply the upstream's document if it waits and its time has come; `fetch`: also one that is elsewhere."""
    now, kind = site.wall_clock(), KINDS[doc]
    row = await site.database.write(lambda db: fleet_documents.find(db, upstream, doc))
    if row is None or row.waiting is None or row.due_at is None or row.due_at > now:
        return
    body = row.waiting.body
    if body is None:
        if not fetch:
            return
        fetched = await fetch_body(site, row.waiting)
        if isinstance(fetched, Wrong):
            await site.database.write(lambda db: _try_again(db, row, fetched, now))
            return
        if isinstance(fetched, tuple):
            await site.database.write(lambda db: _refuse(db, row, fetched, now))
            return
        body = await kind.prepare(site, fetched)
    try:
        wanted = await asyncio.to_thread(kind.read, site, body, delta=row.waiting.base_version is not None)
        ready = _Ready(row, replace(row.waiting, body=body), wanted, is_clock_known(site))
        status = await site.database.write(lambda db: _apply(db, site, kind, ready, now))
        logger.info("document %s version %s of %s: %s", doc, row.version, upstream, status)
    except StoreUnavailable:
        raise
    except Exception as error:
        # it stays in the broker and would come again with each connection
        logger.error("document %s version %s of %s", doc, row.version, upstream, exc_info=error)
        fault = (Wrong("internal_error", "", "the gateway failed to apply it, and its log says why"),)
        await site.database.write(lambda db: _refuse(db, row, fault, now))


def is_clock_known(site: Site) -> bool:
    """Is the clock good enough to say that something has expired?"""
    behind = is_clock_behind(site.wall_clock(), latest_known=site.latest_known)
    return site.clock_quality().quality != "unsynced" and not behind


@dataclass(frozen=True, slots=True)
class _Ready:
    """A document that was read; `wanted` is what its file makes of it, or tuple[Wrong, ...]."""

    row: DocumentRow
    manifest: Manifest
    wanted: Any
    clock_known: bool


def _apply(db: Writing, site: Site, kind: Kind, ready: _Ready, now: Instant) -> DocumentStatus | None:
    row = fleet_documents.find(db, ready.row.upstream, ready.row.doc)
    if row is None or not _waits_still(row, ready.row):
        return None  # it is applied already, or another one came meanwhile
    why = rules.why_not_now(
        ready.manifest, row.applied_version, takes_deltas=kind.deltas, now=now, clock_known=ready.clock_known
    )
    wrong = (why,) if why is not None else mistakes_in(ready.wanted)
    if wrong:
        return _end(db, row, Applied(wrong, refused=True), None, now)
    body = ready.manifest.body or {}
    before = fleet_documents.last_body(db, row.doc)
    turn = Applying(
        site, row.upstream, ready.manifest.version, ready.manifest.base_version is not None, body, before, now
    )
    applied = kind.apply(db, turn, ready.wanted)
    if not applied.refused:
        fleet_documents.forget_bodies(db, row.doc, but=row.upstream)
    notes = rules.notes_on(ready.manifest, clock_known=ready.clock_known)
    return _end(db, row, applied, (applied.body or body) if kind.keeps_body else None, now, notes=notes)


def _end(
    db: Writing, row: DocumentRow, applied: Applied, body: Any, now: Instant, *, notes: tuple[Wrong, ...] = ()
) -> DocumentStatus:
    """What became of it, with its event; `notes` are told beside the errors."""
    status = rules.status_of(applied.errors, refused=applied.refused)
    errors = fleet_documents.bounded((*applied.errors, *notes))
    ended = replace(row, status=status, errors=errors, waiting=None, due_at=None, tries=0)
    if not applied.refused:
        ended = replace(ended, applied_version=row.version, applied_digest=row.digest, applied_at=now, body=body)
    fleet_documents.save(db, ended)
    if status != "rejected" or ended.errors != row.errors:  # with each connection it comes again, and is no news
        _tell(db, ended, now)
    return status


def _refuse(db: Writing, row: DocumentRow, errors: tuple[Wrong, ...], now: Instant) -> None:
    found = fleet_documents.find(db, row.upstream, row.doc)
    if found is not None and _waits_still(found, row):
        _end(db, found, Applied(errors, refused=True), None, now)


def _try_again(db: Writing, row: DocumentRow, why: Wrong, now: Instant) -> None:
    found = fleet_documents.find(db, row.upstream, row.doc)
    if found is None or not _waits_still(found, row):
        return
    tries = found.tries + 1
    waits = replace(found, errors=(why,), tries=tries, due_at=rules.again_at(now, tries))
    fleet_documents.save(db, waits)


def _waits_still(found: DocumentRow, row: DocumentRow) -> bool:
    """Is it the same document that waits? Another one may have come meanwhile."""
    return found.status == "pending" and (found.version, found.digest) == (row.version, row.digest)


def _decide(db: Writing, site: Site, heard: Heard) -> rules.Decision:
    row = fleet_documents.find(db, heard.upstream, heard.manifest.doc)
    kind = KINDS[heard.manifest.doc]
    standing = rules.Standing(owner=_owner(db, site, heard.upstream, heard.manifest.doc))
    if row is not None:
        standing = replace(
            standing, heard_version=row.version, heard_digest=row.digest, status=row.status,
            applied_version=row.applied_version, applied_digest=row.applied_digest,
        )  # fmt: skip
    return rules.decide(
        heard.manifest, heard.digest, standing,
        takes_deltas=kind.deltas, now=heard.now, clock_known=heard.clock_known,
    )  # fmt: skip


def _owner(db: Writing, site: Site, upstream: str, doc: str) -> str | None:
    """Another upstream that has the document and does not give way."""
    if KINDS[doc].shared:
        return None
    required = _required(site)
    for other in fleet_documents.others(db, upstream, doc):
        gives_way = rules.takes_over(required=required.get(upstream, False), other_required=required.get(other, False))
        if other in required and not gives_way:
            return other
    return None


def _take_over(db: Writing, site: Site, upstream: str, doc: str, now: Instant) -> None:
    """Others that had the document have it no longer."""
    if KINDS[doc].shared:
        return
    for other in fleet_documents.others(db, upstream, doc):
        before = _row(db, other, doc, now)
        why = Wrong("owned_by_another_upstream", "", f"{upstream} is required and took this document over")
        row = DocumentRow(
            other, doc, "rejected", before.version, before.digest, before.heard_at, (why,), body=before.body
        )
        fleet_documents.save(db, row)
        _tell(db, row, now)


def _required(site: Site) -> dict[str, bool]:
    return {upstream.name: upstream.required for upstream in site.configuration.upstreams}


def _row(db: Writing, upstream: str, doc: str, now: Instant) -> DocumentRow:
    found = fleet_documents.find(db, upstream, doc)
    return found or DocumentRow(upstream, doc, "rejected", None, None, now)


def _tell(db: Writing, row: DocumentRow, now: Instant) -> None:
    data = {
        "upstream": row.upstream,
        "doc": row.doc,
        "version": row.version,
        "status": row.status,
        "errors": [
            {"code": wrong.code, "path": wrong.path, "detail": wrong.detail}
            for wrong in row.errors[:_MOST_ERRORS_IN_EVENT]
        ],
        "applied_version": row.applied_version,
    }
    events.append(db, "document.applied", happened_at=now, recorded_at=now, data=data)
