"""Rows of campaigns and of their stations: how far the update of each is, and what the gateway took out of service.

What a state means and what follows it is decided by `rules/firmware_rollout`. Marks that time limits are counted from
are moved when the clock is set, and by the time for which the gateway did not run.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple, get_args

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.firmware_rollout import ENDED, STATES, Failure, State
from gateway.rules.rollout_course import CAMPAIGN_STATES, CampaignState
from gateway.rules.rollout_policy import KEYS as POLICY_KEYS
from gateway.store.writing import Writing

__all__ = ["CAMPAIGN_STATES", "FAILURES", "POLICY_KEYS", "STATES", "CampaignRow", "StationRow"]

FAILURES: tuple[str, ...] = get_args(Failure)


class CampaignRow(NamedTuple):
    """One row of `campaigns`; `policy` is JSON, complete."""

    campaign_id: str
    name: str
    image_id: str
    policy: str
    state: CampaignState
    why: str | None
    wave: int
    wave_at: Instant
    accepted_failures: int
    source: str
    created_by: str
    created_at: Instant
    approved_by: str | None
    approved_at: Instant | None
    finished_at: Instant | None


class StationRow(NamedTuple):
    """One row of `campaign_stations`; lists and objects are JSON texts."""

    campaign_id: str
    station: StationId
    wave: int
    named: int
    state: State
    since: Instant
    counted_from: Instant
    failure: Failure | None
    detail: str | None
    tries: int
    link_id: int | None
    command_id: str | None
    version_before: str | None
    booted_before: Instant | None
    asks: int
    asked_at: Instant | None
    healthy_from: Instant | None
    version_after: str | None
    drained: str | None
    out_before: str | None
    settings: str | None
    changed_settings: str | None

    @property
    def drained_connectors(self) -> tuple[int, ...]:
        """Connectors that the gateway took out of service and has not put back."""
        return tuple(json.loads(self.drained or "[]"))

    @property
    def out_connectors(self) -> tuple[int, ...]:
        """Connectors that were out of service before the update, by somebody else's wish."""
        return tuple(json.loads(self.out_before or "[]"))


_CAMPAIGN = ", ".join(CampaignRow._fields)
_STATION = ", ".join(StationRow._fields)
_ENDED = ", ".join(f"'{state}'" for state in sorted(ENDED))


def add(db: Writing, row: CampaignRow) -> None:
    """A new campaign."""
    places = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO campaigns ({_CAMPAIGN}) VALUES ({places})", row)


def add_station(
    db: Writing,
    campaign_id: str,
    station: str,
    *,
    wave: int,
    named: bool,
    state: State,
    detail: str | None,
    version: str | None,
    now: Instant,
) -> None:
    """A station takes part; `named` by a person."""
    db.execute(
        "INSERT INTO campaign_stations (campaign_id, station, wave, named, state, since, counted_from, detail, tries,"
        " version_before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, 0, ?8)",
        (campaign_id, station, wave, named, state, now, detail, version),
    )


def find(db: Writing, campaign_id: str) -> CampaignRow | None:
    """The campaign, or None."""
    return next(iter(_campaigns(db, "campaign_id = ?", campaign_id)), None)


def followed(db: Writing) -> list[CampaignRow]:
    """Campaigns that are not over, oldest first."""
    return _campaigns(db, "finished_at IS NULL")


def stations_of(db: Writing, campaign_id: str) -> list[StationRow]:
    """Its stations in the order of their turn."""
    return _stations(db, "campaign_id = ? ORDER BY wave, station", campaign_id)


def find_station(db: Writing, campaign_id: str, station: str) -> StationRow | None:
    """One station of a campaign, or None."""
    return next(iter(_stations(db, "campaign_id = ? AND station = ?", campaign_id, station)), None)


def to_restore(db: Writing) -> list[StationRow]:
    """Stations of which the gateway still has connectors out of service, whatever became of their campaign."""
    return _stations(db, "drained IS NOT NULL")


def stations_under_way(db: Writing, states: Collection[State]) -> dict[StationId, str]:
    """The stations of all campaigns that are in one of these states, and in which campaign."""
    places = ", ".join("?" * len(states))
    rows = db.execute(f"SELECT station, campaign_id FROM campaign_stations WHERE state IN ({places})", tuple(states))
    return {StationId(station): campaign_id for station, campaign_id in rows}


def goes_first(db: Writing, station: str) -> tuple[str, str] | None:
    """(id, name) of the campaign that may ask the station: one that did, else the oldest that is let run."""
    row = db.execute(
        "SELECT campaign_id, name FROM campaign_stations AS s JOIN campaigns AS c USING (campaign_id)"
        f" WHERE station = ? AND finished_at IS NULL AND s.state NOT IN ({_ENDED})"
        " AND (s.state <> 'waiting' OR c.state = 'running')"
        " ORDER BY s.state = 'waiting', created_at, campaign_id LIMIT 1",
        (station,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def update(db: Writing, campaign_id: str, **changes: object) -> None:
    """Change these columns of a campaign."""
    _update(db, "campaigns", changes, "campaign_id = ?", (campaign_id,))


def update_station(db: Writing, campaign_id: str, station: str, **changes: object) -> None:
    """Change these columns of a station of a campaign."""
    _update(db, "campaign_stations", changes, "campaign_id = ? AND station = ?", (campaign_id, station))


def set_drained(db: Writing, campaign_id: str, station: str, connectors: Iterable[int]) -> None:
    """From now on these are the connectors that the gateway has to put back into service."""
    kept = sorted(set(connectors))
    update_station(db, campaign_id, station, drained=json.dumps(kept) if kept else None)


def move_marks(db: Writing, micros: int) -> None:
    """The clock was set, or the gateway did not run for so long: time limits do not count that."""
    db.execute("UPDATE campaigns SET wave_at = wave_at + ? WHERE finished_at IS NULL", (micros,))
    db.execute(
        "UPDATE campaign_stations SET counted_from = counted_from + ?1, asked_at = asked_at + ?1,"
        f" healthy_from = healthy_from + ?1 WHERE state NOT IN ({_ENDED})",
        (micros,),
    )


def doubt_everything(db: Writing, now: Instant) -> None:
    """A backup was restored: stations were asked for other things since, so none begins before a person looked."""
    why = "an older state of the database was restored"
    db.execute(
        "UPDATE campaigns SET state = 'paused', why = ? WHERE finished_at IS NULL AND state IN ('running', 'waiting')",
        (why,),
    )


def delete_old(db: Writing, *, finished_before: Instant) -> int:
    """Forget campaigns that were over by then, except where a station is still to be put back into service."""
    old = (
        "SELECT campaign_id FROM campaigns WHERE finished_at < ? AND campaign_id NOT IN"
        " (SELECT campaign_id FROM campaign_stations WHERE drained IS NOT NULL)"
    )
    db.execute(f"DELETE FROM campaign_stations WHERE campaign_id IN ({old})", (finished_before,))
    return db.execute(f"DELETE FROM campaigns WHERE campaign_id IN ({old})", (finished_before,)).rowcount


def _update(db: Writing, table: str, changes: Mapping[str, object], where: str, parameters: tuple[object, ...]) -> None:
    columns = ", ".join(f"{name} = ?" for name in changes)
    db.execute(f"UPDATE {table} SET {columns} WHERE {where}", (*changes.values(), *parameters))


def _campaigns(db: Writing, where: str, *parameters: object) -> list[CampaignRow]:
    rows = db.execute(f"SELECT {_CAMPAIGN} FROM campaigns WHERE {where} ORDER BY created_at, campaign_id", parameters)
    return [CampaignRow(*row) for row in rows]


def _stations(db: Writing, where: str, *parameters: object) -> list[StationRow]:
    rows: Iterable[tuple[Any, ...]] = db.execute(f"SELECT {_STATION} FROM campaign_stations WHERE {where}", parameters)
    return [StationRow(*row) for row in rows]
