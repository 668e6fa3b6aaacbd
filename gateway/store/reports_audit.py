"""The journal by who wanted what: the events that have an actor, newest first. A partial index holds exactly these."""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.model.instants import Instant, text_of
from gateway.store.readers import Readers

Document = dict[str, object]

# Without the index the newest event of somebody who did something a year ago would be looked for in the whole journal.
AUDIT = """SELECT id, happened_at, actor, kind, station, data FROM events INDEXED BY events_with_actor
           WHERE actor IS NOT NULL AND id < :before AND (:actor IS NULL OR actor = :actor)
           AND (:kind IS NULL OR kind = :kind) AND happened_at >= :begin AND happened_at < :end
           ORDER BY id DESC LIMIT :limit"""
_END_OF_TIME = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: `before` this event id, from `begin` on and before `end`; None: any."""

    before: int | None = None
    begin: Instant | None = None
    end: Instant | None = None
    actor: str | None = None
    kind: str | None = None

    def parameters(self, limit: int) -> dict[str, object]:
        """For the statement AUDIT."""
        return {
            "before": _END_OF_TIME if self.before is None else self.before,
            "begin": -_END_OF_TIME if self.begin is None else self.begin,
            "end": _END_OF_TIME if self.end is None else self.end,
            "actor": self.actor,
            "kind": self.kind,
            "limit": limit,
        }


async def page(readers: Readers, wanted: Wanted, *, limit: int) -> list[Document]:
    """At most `limit` events, newest first: event_id, time, actor, kind, station (null: none), data."""
    async with readers.reading() as connection, connection.execute(AUDIT, wanted.parameters(limit)) as cursor:
        rows = list(await cursor.fetchall())
    return [
        {
            "event_id": row["id"],
            "time": text_of(row["happened_at"]),
            "actor": row["actor"],
            "kind": row["kind"],
            "station": row["station"],
            "data": json.loads(row["data"]),
        }
        for row in rows
    ]
