"""Rows of the firmware that a fleet manager's document names: is it in the store, and which campaigns were made."""

from __future__ import annotations

from typing import NamedTuple

from gateway.model.instants import Instant
from gateway.store.writing import Writing


class FleetImage(NamedTuple):
    """One entry of the document. `version`: of the document, when its campaigns were looked at last."""

    entry: str
    upstream: str
    version: int
    image_id: str | None
    error: str | None
    tries: int
    due_at: Instant


_COLUMNS = ", ".join(FleetImage._fields)


def every(db: Writing) -> dict[str, FleetImage]:
    """All rows by their entry."""
    return {row[0]: FleetImage(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM fleet_images")}


def find(db: Writing, entry: str) -> FleetImage | None:
    """The row of an entry, or None."""
    row = db.execute(f"SELECT {_COLUMNS} FROM fleet_images WHERE entry = ?", (entry,)).fetchone()
    return None if row is None else FleetImage(*row)


def save(db: Writing, row: FleetImage) -> None:
    """Insert the row, or put it in place of the one of its entry."""
    db.execute(f"INSERT OR REPLACE INTO fleet_images ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def forget(db: Writing, entry: str) -> None:
    """No document has the entry any more; its campaigns are nobody's."""
    db.execute("DELETE FROM fleet_images WHERE entry = ?", (entry,))
    db.execute("DELETE FROM fleet_campaigns WHERE entry = ?", (entry,))


def add_campaign(db: Writing, campaign_id: str, entry: str) -> None:
    """A campaign was made for an entry."""
    db.execute("INSERT INTO fleet_campaigns VALUES (?, ?)", (campaign_id, entry))


def campaigns_of(db: Writing, entry: str) -> list[str]:
    """The campaigns of an entry, oldest first."""
    rows = db.execute(
        "SELECT f.campaign_id FROM fleet_campaigns AS f JOIN campaigns AS c USING (campaign_id)"
        " WHERE f.entry = ? ORDER BY c.created_at, c.campaign_id",
        (entry,),
    )
    return [campaign_id for (campaign_id,) in rows]
