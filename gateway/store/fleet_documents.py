"""Desired-state documents, one row per upstream and document: the newest that was heard, and what is applied."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.model.fleet_documents import Body, DocumentStatus, Manifest, Wrong
from gateway.model.instants import Instant
from gateway.rules.fleet_documents import MOST_ERRORS
from gateway.store.writing import Writing

_COLUMNS = (
    "upstream, doc, status, version, digest, heard_at, errors, waiting, due_at, tries, applied_version,"
    " applied_digest, applied_at, body"
)


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """`version` None: what was heard last could not be read. `waiting` and `due_at` only while pending.

    `body`: what was applied last, also after it was taken away (then `applied_version` is None).
    """

    upstream: str
    doc: str
    status: DocumentStatus
    version: int | None
    digest: str | None
    heard_at: Instant
    errors: tuple[Wrong, ...] = ()
    waiting: Manifest | None = None
    due_at: Instant | None = None
    tries: int = 0
    applied_version: int | None = None
    applied_digest: str | None = None
    applied_at: Instant | None = None
    body: Body | None = None


def find(db: Writing, upstream: str, doc: str) -> DocumentRow | None:
    """The upstream's document, None when it never sent one."""
    row = db.execute(f"SELECT {_COLUMNS} FROM fleet_documents WHERE upstream = ? AND doc = ?", (upstream, doc))
    found = row.fetchone()
    return None if found is None else _row(found)


def every(db: Writing) -> list[DocumentRow]:
    """All of them, by upstream and document."""
    return [_row(row) for row in db.execute(f"SELECT {_COLUMNS} FROM fleet_documents ORDER BY upstream, doc")]


def body_in_force(db: Writing, doc: str) -> tuple[str, Body] | None:
    """The upstream whose document is applied, and its body; for documents that belong to one upstream."""
    row = db.execute(
        """SELECT upstream, body FROM fleet_documents
           WHERE doc = ? AND applied_version IS NOT NULL AND body IS NOT NULL ORDER BY applied_at DESC LIMIT 1""",
        (doc,),
    ).fetchone()
    return None if row is None else (row[0], json.loads(row[1]))


def last_body(db: Writing, doc: str) -> Body | None:
    """The body that was applied last, also when its upstream has taken it away or lost it to another one."""
    row = db.execute(
        "SELECT body FROM fleet_documents WHERE doc = ? AND body IS NOT NULL ORDER BY heard_at DESC LIMIT 1", (doc,)
    ).fetchone()
    return None if row is None else json.loads(row[0])


def forget_bodies(db: Writing, doc: str, *, but: str) -> None:
    """What other upstreams applied before has been replaced."""
    db.execute("UPDATE fleet_documents SET body = NULL WHERE doc = ? AND upstream <> ?", (doc, but))


def is_any(db: Writing) -> bool:
    """Did any upstream ever send one?"""
    return db.execute("SELECT 1 FROM fleet_documents LIMIT 1").fetchone() is not None


def is_in_force(db: Writing, doc: str) -> bool:
    """Is a document of this name applied?"""
    row = db.execute(
        "SELECT 1 FROM fleet_documents WHERE doc = ? AND applied_version IS NOT NULL LIMIT 1", (doc,)
    ).fetchone()
    return row is not None


def others(db: Writing, upstream: str, doc: str) -> list[str]:
    """Other upstreams that have this document: something of it is applied, or waits."""
    rows = db.execute(
        """SELECT upstream FROM fleet_documents WHERE doc = ? AND upstream <> ?
           AND (applied_version IS NOT NULL OR status = 'pending') ORDER BY upstream""",
        (doc, upstream),
    )
    return [name for (name,) in rows]


def save(db: Writing, row: DocumentRow) -> None:
    """Keep the row as it is now."""
    db.execute(
        f"INSERT OR REPLACE INTO fleet_documents ({_COLUMNS}) VALUES ({', '.join('?' * 14)})",
        (
            row.upstream, row.doc, row.status, row.version, row.digest, row.heard_at,
            msgspec.json.encode(row.errors).decode(),
            None if row.waiting is None else msgspec.json.encode(row.waiting).decode(),
            row.due_at, row.tries, row.applied_version, row.applied_digest, row.applied_at,
            None if row.body is None else msgspec.json.encode(row.body).decode(),
        ),
    )  # fmt: skip


def bounded(errors: Sequence[Wrong]) -> tuple[Wrong, ...]:
    """The first mistakes, and one that says how many more there are."""
    if len(errors) <= MOST_ERRORS:
        return tuple(errors)
    return (*errors[:MOST_ERRORS], Wrong("more", "", f"{len(errors) - MOST_ERRORS} more mistakes"))


def due(db: Writing, now: Instant) -> list[DocumentRow]:
    """Those that wait and whose time has come."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM fleet_documents WHERE status = 'pending' AND due_at <= ? ORDER BY due_at", (now,)
    )
    return [_row(row) for row in rows]


def next_due(db: Writing, now: Instant) -> Instant | None:
    """When the next of the others is to be tried."""
    (at,) = db.execute(
        "SELECT min(due_at) FROM fleet_documents WHERE status = 'pending' AND due_at > ?", (now,)
    ).fetchone()
    return None if at is None else Instant(at)


def _row(row: Sequence[Any]) -> DocumentRow:
    found = dict(zip(_COLUMNS.split(", "), row, strict=True))
    errors: list[Mapping[str, str]] = json.loads(found["errors"])
    found["errors"] = tuple(Wrong(**error) for error in errors)
    found["waiting"] = None if found["waiting"] is None else Manifest(**json.loads(found["waiting"]))
    found["body"] = None if found["body"] is None else json.loads(found["body"])
    return DocumentRow(**found)
