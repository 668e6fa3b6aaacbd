"""Commands of fleet managers: each id once, what is to be done until it begins, and what was told of it.

A row without `finished_at` has not ended; only its status says how far it is. Every function runs inside a unit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from typing import NamedTuple

from gateway.model.fleet_commands import Command, IfOffline, Status, Term
from gateway.model.instants import Instant
from gateway.store.writing import Writing

MOST_REMEMBERED = 500_000  # beyond, the oldest that have ended are forgotten before their time

Result = Mapping[str, object]


class NewRow(NamedTuple):
    """A command that has just come. `station`: a known one."""

    upstream: str
    id: str
    type: str
    station: str | None
    actor: str
    digest: str
    size_bytes: int
    correlation: bytes | None = None
    if_offline: IfOffline = "reject"
    superseding: str | None = None
    term: Term = Term()


class FleetRow(NamedTuple):
    """A command as it stands. `result` is what was told of it last."""

    number: int
    upstream: str
    id: str
    type: str
    station: str | None
    actor: str
    digest: str
    if_offline: IfOffline
    received_at: Instant
    term: Term
    status: Status
    result: Result
    finished_at: Instant | None
    correlation: bytes | None


_COLUMNS = (
    "number, upstream, id, type, station, actor, digest, if_offline, received_at, expires_at, boot_id, ends_at_ms,"
    " by_clock, believable, status, result, finished_at,"
    " correlation"
)


def find(db: Writing, upstream: str, command_id: str) -> FleetRow | None:
    """The command with this id of this upstream, None when there is none (any more)."""
    return next(iter(_rows(db, "upstream = ? AND id = ?", upstream, command_id)), None)


def unfinished(db: Writing) -> list[FleetRow]:
    """Commands that have not ended, in order of arrival."""
    return _rows(db, "finished_at IS NULL ORDER BY number")


def size_of_unfinished(db: Writing, upstream: str) -> tuple[int, int]:
    """How many commands of this upstream have not ended, and their bytes."""
    count, size_bytes = db.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM fleet_commands INDEXED BY fleet_commands_open"
        " WHERE finished_at IS NULL AND upstream = ?",
        (upstream,),
    ).fetchone()
    return int(count), int(size_bytes)


def waiting_with(db: Writing, upstream: str, key: str) -> list[FleetRow]:
    """Commands of this upstream with this key that have not begun."""
    return _rows(db, "finished_at IS NULL AND status = 'accepted' AND upstream = ? AND superseding = ?", upstream, key)


def insert(db: Writing, new: NewRow, *, status: Status, result: Result, now: Instant, body: str | None = None) -> None:
    """A command that came now: accepted, with what is kept of it (`body`), or ended as it came."""
    number = db.execute(
        "INSERT INTO fleet_commands (upstream, id, type, station, actor, digest, bytes, correlation, if_offline,"
        " superseding, received_at, expires_at, boot_id, ends_at_ms, by_clock, believable, status, body, result,"
        " finished_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *new[:-1],
            now,
            *astuple(new.term),
            status,
            body,
            json.dumps(result),
            None if status == "accepted" else now,
        ),
    ).lastrowid
    assert number is not None
    db.execute("DELETE FROM fleet_commands WHERE number <= ? AND finished_at IS NOT NULL", (number - MOST_REMEMBERED,))


def begin(db: Writing, number: int, result: Result) -> str | None:
    """From now on it may have been done: what is kept of it, which is then forgotten; None: it is not to begin.

    An empty text: it is to begin, and nothing was kept of it.
    """
    row = db.execute("SELECT body FROM fleet_commands WHERE number = ? AND status = 'accepted'", (number,)).fetchone()
    if row is None:
        return None
    db.execute(
        "UPDATE fleet_commands SET status = 'running', body = NULL, result = ? WHERE number = ?",
        (json.dumps(result), number),
    )
    return row[0] or ""


def wait_again(db: Writing, number: int, command: Command, result: Result) -> None:
    """It was certainly not done: it waits for its station as before."""
    db.execute(
        "UPDATE fleet_commands SET status = 'accepted', body = ?, result = ? WHERE number = ? AND status = 'running'",
        (body_of(command), json.dumps(result), number),
    )


def finish(db: Writing, number: int, *, status: Status, result: Result, now: Instant) -> None:
    """It has ended."""
    db.execute(
        "UPDATE fleet_commands SET status = ?, result = ?, body = NULL, finished_at = ? WHERE number = ?",
        (status, json.dumps(result), now, number),
    )


def at(db: Writing, number: int) -> FleetRow | None:
    """The command with this number."""
    return next(iter(_rows(db, "number = ?", number)), None)


def body_of(command: Command) -> str:
    """What is kept of a command until it begins."""
    return json.dumps({"connector": command.connector, "args": command.args})


def with_body(command: Command, body: str) -> Command:
    """The command with what was kept of it."""
    kept = json.loads(body)
    return Command(command.id, command.type, command.station, kept["connector"], kept["args"])


def doubt_everything(db: Writing, now: Instant) -> None:
    """This is an older state: whatever has not ended here may have been done since, and is never done again."""
    db.execute("UPDATE fleet_commands SET status = 'running', body = NULL WHERE finished_at IS NULL")


def _rows(db: Writing, where: str, *parameters: object) -> list[FleetRow]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM fleet_commands WHERE {where}", parameters)
    return [
        FleetRow._make((*row[:9], _term(*row[9:14]), row[14], json.loads(row[15]), *row[16:]))
        for row in rows.fetchall()
    ]


def _term(expires_at: Instant | None, boot_id: str, ends_at_ms: int, by_clock: int, believable: int) -> Term:
    return Term(expires_at, boot_id, ends_at_ms, by_clock=bool(by_clock), believable=bool(believable))
