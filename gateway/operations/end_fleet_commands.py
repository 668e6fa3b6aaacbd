"""Ends of fleet managers' commands: the row and the event in one commit, whoever found out that it is over."""

from __future__ import annotations

from gateway.model.fleet_commands import Ended
from gateway.model.instants import Instant
from gateway.rules import fleet_results
from gateway.store import events, fleet_commands
from gateway.store.fleet_commands import FleetRow, Result
from gateway.store.writing import Writing


def end(db: Writing, row: FleetRow, ended: Ended, now: Instant) -> Result:
    """Write how it ended and tell it in the journal; what is told of it."""
    result = fleet_results.over(row.result, ended, now)
    fleet_commands.finish(db, row.number, status=ended.status, result=result, now=now)
    tell(db, result, upstream=row.upstream, actor=row.actor, station=row.station, now=now)
    return result


def tell(db: Writing, result: Result, *, upstream: str, actor: str, station: str | None, now: Instant) -> None:
    """The event of an end. `station`: a known one."""
    data = fleet_results.for_journal(result, upstream=upstream, actor=actor)
    events.append(db, "command.finished", station=station, happened_at=now, recorded_at=now, data=data)
