"""How a document stands, as its fleet manager and people are told: what became of it, at each station, and overrides.

A report is made anew from the database each time, so it tells also what stations have done since. The same report is
not told twice on its own account.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from gateway.model.fleet_documents import DOCUMENTS, Override, Told, Wrong
from gateway.model.instants import Instant, text_of
from gateway.operations.document_kinds import KINDS
from gateway.operations.documents_now import Telling
from gateway.operations.site import Site
from gateway.store import fleet_documents
from gateway.store.fleet_documents import DocumentRow
from gateway.store.writing import Writing

Document = dict[str, object]

MOST_BYTES = 100 * 1024  # brokers take no more
_MOST_SHOWN = 1000


async def report(site: Site, upstream: Telling, doc: str, *, again: bool = False) -> None:
    """Tell the upstream how its document stands, if that is news or is to be told `again`."""
    found = await site.database.write(lambda db: _told(db, site, upstream.name, doc))
    if found is None:
        return
    payload = _bounded(_document(*found))
    if again or site.documents.told.get((upstream.name, doc)) != payload:
        site.documents.told[upstream.name, doc] = payload
        upstream.say(f"rep/{doc}", payload, retain=True)


async def report_news(site: Site) -> None:
    """Tell every upstream what has changed about its documents."""
    rows = await site.database.write(fleet_documents.every)
    for row in rows:
        upstream = site.documents.upstreams.get(row.upstream)
        if upstream is not None:
            await report(site, upstream, row.doc)


def say_unknown(upstream: Telling, doc: str) -> None:
    """There is no such document."""
    why = Wrong("unknown_document", "doc", "expected one of " + ", ".join(DOCUMENTS))
    document = _document(DocumentRow(upstream.name, doc, "rejected", None, None, Instant(0), (why,)), Told())
    upstream.say(f"rep/{doc}", msgspec.json.encode(document), retain=True)


async def describe_documents(site: Site) -> list[Document]:
    """For people: every document of every upstream, with the age of what is applied."""
    now = site.wall_clock()

    def unit(db: Writing) -> list[tuple[DocumentRow, Told]]:
        rows = fleet_documents.every(db)
        return [(row, _told_of(db, site, row)) for row in rows]

    return [
        {
            "upstream": row.upstream,
            **_document(row, told),
            "owner": "site" if row.status == "withdrawn" or row.applied_version is None else "fleet",
            "heard_at": text_of(row.heard_at),
            "due_at": None if row.due_at is None else text_of(row.due_at),
            "age_seconds": None if row.applied_at is None else max(0, (now - row.applied_at) // 1_000_000),
        }
        for row, told in await site.database.write(unit)
    ]


def _told(db: Writing, site: Site, upstream: str, doc: str) -> tuple[DocumentRow, Told] | None:
    row = fleet_documents.find(db, upstream, doc)
    if row is None:
        return None
    return row, _told_of(db, site, row)


def _told_of(db: Writing, site: Site, row: DocumentRow) -> Told:
    return Told() if row.applied_version is None else KINDS[row.doc].tell(db, site, row.upstream)


def _document(row: DocumentRow, told: Told) -> Document:
    return {
        "doc": row.doc,
        "version": row.version,
        "status": row.status,
        "errors": [{"code": wrong.code, "path": wrong.path, "detail": wrong.detail} for wrong in row.errors],
        "per_station": dict(told.per_station),
        "overrides": _overrides(told.overrides),
        "applied_at": None if row.applied_at is None else text_of(row.applied_at),
        "applied_version": row.applied_version,
    }


def _overrides(overrides: Iterable[Override]) -> list[Mapping[str, object]]:
    return [
        {**one.what, "who": one.who, "when": None if one.when is None else text_of(one.when), "override": True}
        for one in overrides
    ]


def _bounded(document: Document) -> bytes:
    """The report with its lists cut until it fits; how many there are is told where they are cut."""
    most = _MOST_SHOWN
    while True:
        cut = dict(document)
        for name in ("per_station", "overrides", "errors"):
            cut = _cut(cut, name, most)
        payload = msgspec.json.encode(cut)
        if len(payload) <= MOST_BYTES or most == 1:
            return payload
        most //= 2


def _cut(document: Document, name: str, most: int) -> Document:
    value = document[name]
    if isinstance(value, dict) and len(value) > most:
        return {**document, name: dict(list(value.items())[:most]), f"{name}_count": len(value)}
    if isinstance(value, list) and len(value) > most:
        return {**document, name: value[:most], f"{name}_count": len(value)}
    return document
