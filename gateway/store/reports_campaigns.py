"""Campaigns for people: how each stands, how its stations fare, and what was served to whom.

The documents are those of the HTTP API. Nothing in them is a secret: addresses of images are not kept.
"""

from __future__ import annotations

import json
from sqlite3 import Row
from typing import NamedTuple

from gateway.model.instants import Instant, text_of
from gateway.rules.firmware_rollout import STATES
from gateway.store.readers import Readers

Document = dict[str, object]

_OF_CAMPAIGN = (
    "SELECT c.*, i.manifest, i.sha256, i.file_name, (SELECT json_group_object(state, number) FROM"
    " (SELECT state, count(*) AS number FROM campaign_stations AS s WHERE s.campaign_id = c.campaign_id"
    " GROUP BY state)) AS counts FROM campaigns AS c LEFT JOIN firmware_images AS i USING (image_id)"
)


# Nothing finds the events of one campaign, so those between its first wish and the next wish of anybody after its end
# are read: wishes are few, and have an index.
_HISTORY = """
    WITH first AS (
        SELECT min(id) AS id FROM events INDEXED BY events_with_actor
        WHERE actor IS NOT NULL AND kind = 'campaign.changed' AND data ->> 'campaign_id' = ?1
    ), after AS (
        SELECT min(id) AS id FROM events INDEXED BY events_with_actor WHERE actor IS NOT NULL
        AND id > (SELECT id FROM first)
        AND happened_at > (SELECT finished_at FROM campaigns WHERE campaign_id = ?1)
    )
    SELECT id, happened_at, actor, kind, station, data FROM events
    WHERE id >= coalesce((SELECT id FROM first), 0)
    AND id < min(coalesce((SELECT id FROM after), ?2, 1 << 62), coalesce(?2, 1 << 62))
    AND kind IN ('campaign.changed', 'campaign.station') AND data ->> 'campaign_id' = ?1
    ORDER BY id DESC LIMIT ?3"""


class Page(NamedTuple):
    """Documents, and the place after which the next page begins; None: this was the last."""

    items: list[Document]
    next: int | None


async def page(readers: Readers, *, open: bool | None, after: int, limit: int) -> Page:
    """Newest first; `after` is how many come before."""
    rows = await readers.rows(
        f"{_OF_CAMPAIGN} WHERE ?1 IS NULL OR (c.finished_at IS NULL) = ?1"
        " ORDER BY c.created_at DESC, c.campaign_id LIMIT ?2 OFFSET ?3",
        (open, limit + 1, after),
    )
    items = [_in_short(row) for row in rows[:limit]]
    return Page(items, after + limit if len(rows) > limit else None)


async def find(readers: Readers, campaign_id: str) -> Document | None:
    """One campaign with all its stations; None when there is none."""
    row = await readers.row(f"{_OF_CAMPAIGN} WHERE c.campaign_id = ?", (campaign_id,))
    if row is None:
        return None
    stations = await readers.rows(
        "SELECT s.*, l.sha256, l.size, l.bytes_served, l.served_upto, l.attempts, l.scheme, l.first_at, l.last_at,"
        " l.complete_at, (SELECT firmware_version FROM stations WHERE station = s.station) AS version FROM"
        " campaign_stations AS s LEFT JOIN transfer_links AS l USING (link_id) WHERE s.campaign_id = ?"
        " ORDER BY s.wave, s.station",
        (campaign_id,),
    )
    versions = sorted({one["version_before"] for one in stations if one["version_before"] is not None})
    back = await readers.rows(
        "SELECT image_id, manifest FROM firmware_images WHERE state = 'approved' AND damaged_at IS NULL"
        " AND image_id <> ?3 AND manifest ->> 'vendor' = ?2 AND manifest ->> 'version' IN"
        " (SELECT value FROM json_each(?1)) ORDER BY imported_at DESC",
        (json.dumps(versions), json.loads(row["manifest"] or "{}").get("vendor"), row["image_id"]),
    )
    return {
        **_in_short(row),
        "policy": json.loads(row["policy"]),
        "rollback_images": [_way_back(one) for one in back],
        "stations": [_station(one) for one in stations],
    }


async def history(readers: Readers, campaign_id: str, *, before: int | None, limit: int) -> list[Document]:
    """What the journal tells of a campaign and its stations, newest first; events with ids below `before`."""
    rows = await readers.rows(_HISTORY, (campaign_id, before, limit))
    return [_told(row) for row in rows]


async def count_by_state(readers: Readers) -> dict[str, int]:
    """How many stations of campaigns that are not over are in which state."""
    rows = await readers.rows(
        "SELECT s.state, count(*) AS number FROM campaign_stations AS s JOIN campaigns AS c USING (campaign_id)"
        " WHERE c.finished_at IS NULL GROUP BY s.state",
        (),
    )
    found = {row["state"]: row["number"] for row in rows}
    return {state: found.get(state, 0) for state in STATES}


def _told(row: Row) -> Document:
    data = json.loads(row["data"])
    return {
        "event_id": row["id"],
        "time": text_of(row["happened_at"]),
        "actor": row["actor"],
        "station": row["station"],
        "state": data["state"],
        "wave": data["wave"],
        "failure": data.get("failure"),
        "why": data.get("why") if row["station"] is None else data.get("detail"),
    }


def _in_short(row: Row) -> Document:
    counts = json.loads(row["counts"] or "{}")
    manifest = json.loads(row["manifest"] or "{}")
    return {
        "campaign_id": row["campaign_id"],
        "name": row["name"],
        "image_id": row["image_id"],
        "version": manifest.get("version"),
        "sha256": row["sha256"],
        "file_name": row["file_name"],
        "state": row["state"],
        "why": row["why"],
        "wave": row["wave"],
        "counts": {state: counts[state] for state in STATES if state in counts},
        "source": row["source"],
        "created_by": row["created_by"],
        "created_time": text_of(row["created_at"]),
        "approved_by": row["approved_by"],
        "approved_time": _time(row["approved_at"]),
        "finished_time": _time(row["finished_at"]),
    }


def _station(row: Row) -> Document:
    return {
        "station": row["station"],
        "wave": row["wave"],
        "state": row["state"],
        "since": text_of(row["since"]),
        "failure": row["failure"],
        "detail": row["detail"],
        "tries": row["tries"],
        "version_before": row["version_before"],
        "version": row["version"],
        "command_id": row["command_id"],
        "drained": json.loads(row["drained"] or "[]"),
        "changed_settings": json.loads(row["changed_settings"] or "{}"),
        "served": None if row["sha256"] is None else _served(row),
    }


def _served(row: Row) -> Document:
    """Which bytes the gateway gave to the station in the newest try, and when."""
    return {
        "sha256": row["sha256"],
        "size": row["size"],
        "bytes_served": row["bytes_served"],
        "served_upto": row["served_upto"],
        "attempts": row["attempts"],
        "scheme": row["scheme"],
        "first_time": _time(row["first_at"]),
        "last_time": _time(row["last_at"]),
        "complete_time": _time(row["complete_at"]),
    }


def _way_back(row: Row) -> Document:
    manifest = json.loads(row["manifest"])
    return {
        "image_id": row["image_id"],
        "version": manifest.get("version"),
        "downgrade_allowed": bool(manifest.get("downgrade_allowed")),
    }


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else text_of(instant)
