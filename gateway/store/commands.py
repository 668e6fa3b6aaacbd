"""The inbox of commands and their outcomes, and what is remembered of remote starts until the session begins."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from gateway.model.identities import CommandId, FoldedTag, StationId
from gateway.model.instants import Instant
from gateway.store.writing import Writing


class Asked(NamedTuple):
    """A command as it was sent and what became of it; `outcome` is None while it runs. Secrets are masked."""

    command_id: CommandId
    station: StationId
    action: str
    actor: str
    request: Mapping[str, object]
    outcome: Mapping[str, object] | None


def find(db: Writing, command_id: CommandId) -> Asked | None:
    """The command with this id, None when there is none (any more)."""
    return next(iter(_asked(db, "command_id = ?", command_id)), None)


def running(db: Writing) -> list[Asked]:
    """Commands that have no outcome, oldest first."""
    return _asked(db, "status = ?", "running")


def accept(
    db: Writing,
    command_id: CommandId,
    station: StationId,
    *,
    action: str,
    request: Mapping[str, object],
    actor: str,
    now: Instant,
) -> bool:
    """Put a command into the inbox; False when this id is already there. `request` has its secrets masked."""
    return (
        db.execute(
            "INSERT OR IGNORE INTO commands (command_id, station, action, request, actor, asked_at, status)"
            " VALUES (?, ?, ?, ?, ?, ?, 'running')",
            (command_id, station, action, json.dumps(request), actor, now),
        ).rowcount
        == 1
    )


def finish(db: Writing, command_id: CommandId, *, status: str, outcome: Mapping[str, object], now: Instant) -> None:
    """Write what became of a command."""
    db.execute(
        "UPDATE commands SET status = ?, outcome = ?, finished_at = ? WHERE command_id = ?",
        (status, json.dumps(outcome), now, command_id),
    )


def last_asked(db: Writing, station: StationId, action: str, request: Mapping[str, object]) -> Instant | None:
    """When the station was last sent exactly this request, or None."""
    row = db.execute(
        "SELECT max(asked_at) FROM commands WHERE station = ? AND action = ? AND request = ?"
        " AND status NOT IN ('not_connected', 'refused')",
        (station, action, json.dumps(request)),
    ).fetchone()
    return None if row is None else row[0]


def end_interrupted(db: Writing, *, now: Instant) -> int:
    """Commands that were running when the gateway died: their outcome is honestly unknown. Returns how many."""
    return db.execute(
        "UPDATE commands SET status = 'unknown', finished_at = ? WHERE status = 'running'", (now,)
    ).rowcount


def expect_remote_start(
    db: Writing,
    command_id: CommandId,
    station: StationId,
    *,
    connector: int | None,
    folded_tag: FoldedTag,
    now: Instant,
) -> None:
    """The station is asked for a RemoteStartTransaction: a session with this tag may follow, even before it answers."""
    db.execute(
        "INSERT OR REPLACE INTO remote_starts VALUES (?, ?, ?, ?, ?)", (command_id, station, connector, folded_tag, now)
    )


def take_remote_start(db: Writing, station: StationId, *, connector: int, folded_tag: FoldedTag) -> CommandId | None:
    """The command that asked for the session that starts now, if any; it is expected no longer."""
    row = db.execute(
        "SELECT command_id FROM remote_starts WHERE station = ? AND folded_tag = ?"
        " AND (connector IS NULL OR connector = ?) ORDER BY asked_at LIMIT 1",
        (station, folded_tag, connector),
    ).fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM remote_starts WHERE command_id = ?", row)
    return CommandId(row[0])


def waiting_for(db: Writing, station: StationId, *, connector: int, folded_tag: FoldedTag) -> list[CommandId]:
    """The commands that a session with this tag on this connector may come of, oldest first."""
    rows = db.execute(
        "SELECT command_id FROM remote_starts WHERE station = ? AND folded_tag = ?"
        " AND (connector IS NULL OR connector = ?) ORDER BY asked_at",
        (station, folded_tag, connector),
    )
    return [CommandId(row[0]) for row in rows]


def drop_remote_start(db: Writing, command_id: CommandId) -> None:
    """Nothing will come of this command."""
    db.execute("DELETE FROM remote_starts WHERE command_id = ?", (command_id,))


def drop_remote_starts(db: Writing, station: StationId, *, connector: int, asked_before: Instant) -> int:
    """The connector is free again: starts asked for it earlier did not come about. Returns how many."""
    return db.execute(
        "DELETE FROM remote_starts WHERE station = ? AND (connector IS NULL OR connector = ?) AND asked_at < ?",
        (station, connector, asked_before),
    ).rowcount


def drop_old_remote_starts(db: Writing, *, asked_before: Instant) -> int:
    """Remote starts that were never used within the connection time-out. Returns how many."""
    return db.execute("DELETE FROM remote_starts WHERE asked_at < ?", (asked_before,)).rowcount


def asked_since(
    db: Writing, station: StationId, *, actions: Collection[str], since: Instant, actor: str | None = None
) -> bool:
    """Was the station asked for one of these since then, by `actor` or (None) by anybody?"""
    places = ", ".join("?" * len(actions))
    row = db.execute(
        f"SELECT 1 FROM commands WHERE asked_at >= ? AND station = ? AND action IN ({places})"
        " AND (? IS NULL OR actor = ?) LIMIT 1",
        (since, station, *actions, actor, actor),
    ).fetchone()
    return row is not None


def newest_asked(db: Writing, station: StationId, action: str, *, most: int) -> list[tuple[str, dict[str, object]]]:
    """(actor, request) of the newest of these that may have reached the station, newest first."""
    rows = db.execute(
        "SELECT actor, request FROM commands WHERE station = ? AND action = ?"
        " AND status NOT IN ('not_connected', 'refused') ORDER BY asked_at DESC LIMIT ?",
        (station, action, most),
    )
    return [(actor, json.loads(request)) for actor, request in rows]


def expected_starts(db: Writing, station: StationId) -> int:
    """How many remote starts of the station may still come about."""
    (count,) = db.execute("SELECT count(*) FROM remote_starts WHERE station = ?", (station,)).fetchone()
    return int(count)


def _asked(db: Writing, where: str, parameter: str) -> list[Asked]:
    rows = db.execute(
        "SELECT command_id, station, action, actor, request, CASE WHEN finished_at IS NULL THEN NULL ELSE outcome END"
        f" FROM commands WHERE {where} ORDER BY asked_at",
        (parameter,),
    )
    return [
        Asked(
            CommandId(command_id),
            StationId(station),
            action,
            actor,
            json.loads(request),
            None if outcome is None else json.loads(outcome),
        )
        for command_id, station, action, actor, request, outcome in rows
    ]
