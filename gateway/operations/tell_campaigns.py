"""Campaigns change here: the row, and the event of the journal that tells of it, in one unit.

Whether they change is decided by the rules. A new state of a station also does what belongs to it: an address that is
of no use any more ends, and what the station may have lost with its old firmware is looked at again.
"""

from __future__ import annotations

import json

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.operations.follow_jobs import move
from gateway.operations.site import Site
from gateway.rules.firmware_rollout import ENDED, NOT_BEGUN, STATES, Goes
from gateway.rules.local_list_memory import Memory, when_booted
from gateway.rules.rollout_course import Member, Turn, in_words
from gateway.rules.rollout_health import settings_text
from gateway.rules.station_jobs import Moves
from gateway.store import (
    campaigns,
    charging_profiles,
    configuration_keys,
    events,
    local_lists,
    station_jobs,
    stations,
    transfer_links,
)
from gateway.store.campaigns import CampaignRow, StationRow
from gateway.store.writing import Writing


def turn_campaign(db: Writing, site: Site, campaign: CampaignRow, turn: Turn, *, actor: str, now: Instant) -> None:
    """The campaign has another state, or another wave; it is over when nothing of it is left to be followed."""
    changes: dict[str, object] = {"state": turn.state, "wave": turn.wave, "why": turn.why}
    if turn.wave != campaign.wave or (turn.state == "running" != campaign.state):
        changes["wave_at"] = now
    if turn.state == "finished":
        changes["finished_at"] = now
    campaigns.update(db, campaign.campaign_id, **changes)
    tell_campaign(db, campaign.campaign_id, actor=actor, now=now)


def tell_campaign(db: Writing, campaign_id: str, *, actor: str, now: Instant) -> None:
    """How a campaign stands, for the journal."""
    campaign = campaigns.find(db, campaign_id)
    assert campaign is not None
    data = {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "image_id": campaign.image_id,
        "state": campaign.state,
        "why": campaign.why,
        "wave": campaign.wave,
        "stations": counts_of(campaigns.stations_of(db, campaign_id)),
        "actor": actor,
    }
    events.append(db, "campaign.changed", happened_at=now, recorded_at=now, data=data)


def move_station(
    db: Writing, site: Site, campaign: CampaignRow, row: StationRow, step: Goes, *, actor: str, now: Instant
) -> None:
    """A station of a campaign has another state."""
    in_vain = row.state == "draining" and step.state == "waiting"  # it is not drained again at once
    changes: dict[str, object] = {
        "state": step.state,
        "since": now,
        "counted_from": now,
        "detail": step.detail,
        "failure": step.failure,
        "asks": int(in_vain),
        "asked_at": None,
        "healthy_from": None,
    }
    if step.uncounted:
        changes["tries"] = max(0, row.tries - 1)
    if step.state in NOT_BEGUN | ENDED and row.link_id is not None:
        transfer_links.end(db, row.link_id, now)
    if step.state == "verified":
        changes |= _verified(db, site, row, now)
    if step.state == "done":
        changes |= _done(db, site, row)
    campaigns.update_station(db, row.campaign_id, row.station, **changes)
    tell_station(db, campaign, row.station, actor=actor, now=now)


def tell_station(db: Writing, campaign: CampaignRow, station: StationId, *, actor: str, now: Instant) -> None:
    """How the update of a station stands, for the journal."""
    row = campaigns.find_station(db, campaign.campaign_id, station)
    assert row is not None
    link = None if row.link_id is None else transfer_links.find(db, row.link_id)
    data = {
        "campaign_id": campaign.campaign_id,
        "name": campaign.name,
        "image_id": campaign.image_id,
        "state": row.state,
        "failure": row.failure,
        "detail": row.detail,
        "wave": row.wave,
        "tries": row.tries,
        "command_id": row.command_id,
        "version_before": row.version_before,
        "version_after": row.version_after,
        "sha256": None if link is None else link.sha256,
        "bytes_served": None if link is None else link.bytes_served,
        "changed_settings": json.loads(row.changed_settings or "{}"),
        "actor": actor,
    }
    events.append(db, "campaign.station", station=station, happened_at=now, recorded_at=now, data=data)


def counts_of(rows: list[StationRow]) -> dict[str, int]:
    """How many stations are in which state, without those that have none."""
    found = [row.state for row in rows]
    return {state: found.count(state) for state in STATES if state in found}


def members_of(rows: list[StationRow]) -> list[Member]:
    """The stations for the rules of a campaign's course."""
    return [Member(row.wave, row.state) for row in rows]


def end_aborted(db: Writing, campaign: CampaignRow, rows: list[StationRow], *, actor: str, now: Instant) -> None:
    """An aborted campaign is over when its last station has ended."""
    campaigns.update(db, campaign.campaign_id, finished_at=now, why=in_words(members_of(rows)))
    tell_campaign(db, campaign.campaign_id, actor=actor, now=now)


def _verified(db: Writing, site: Site, row: StationRow, now: Instant) -> dict[str, object]:
    """It runs the new firmware: its list and its charging profiles may be gone, and are looked at again.

    Its job has succeeded, also when the station never says so.
    """
    job = None if row.command_id is None else station_jobs.of_command(db, CommandId(row.command_id))
    if job is not None and job.finished_at is None:
        proven = Moves(job.status, job.stage, "succeeded")
        move(db, site, row.station, job, proven, now, detail="it reports the new version")
    memory = local_lists.find(db, row.station)
    if memory != Memory():
        local_lists.save(db, row.station, when_booted(memory, other_device=False, other_firmware=True))
        data: dict[str, object] = {"reason": "firmware"}
        events.append(db, "local_list.doubted", station=row.station, happened_at=now, recorded_at=now, data=data)
    profiles = charging_profiles.of_station(db, row.station)
    if profiles:
        charging_profiles.doubt(db, profiles)
        data = {
            "action": "firmware",
            "command_id": row.command_id,
            "profiles": sorted({one.profile_id for one in profiles}),
        }
        events.append(
            db, "charging_profiles.uncertain", station=row.station, happened_at=now, recorded_at=now, data=data
        )
    station = stations.find(db, row.station)
    return {"version_after": None if station is None else station.firmware_version}


def _done(db: Writing, site: Site, row: StationRow) -> dict[str, object]:
    """Which settings are not as they were; what people want of them is put right by what cares for settings."""
    may_repair = site.configuration.ocpp.automatic_calls
    reading, station = configuration_keys.newest_reading(db, row.station), stations.find(db, row.station)
    version = None if station is None else station.firmware_version
    if reading is None or reading.firmware_version != version or row.settings is None:
        return {"detail": settings_text(None, may_repair=may_repair)}
    changed = changed_settings(json.loads(row.settings), settings_of(db, row.station))
    detail = settings_text(len(changed), may_repair=may_repair)
    return {"detail": detail, "changed_settings": json.dumps(changed)}


def settings_of(db: Writing, station: StationId) -> dict[str, str | None]:
    """The configuration keys as they were told last, secrets masked."""
    return {key.key: key.value for key in configuration_keys.reported(db, station).values()}


def changed_settings(before: dict[str, str | None], after: dict[str, str | None]) -> dict[str, dict[str, str | None]]:
    """The keys of before that have another value now."""
    folded = {key.casefold(): value for key, value in after.items()}
    return {
        key: {"before": value, "after": folded.get(key.casefold())}
        for key, value in before.items()
        if folded.get(key.casefold()) != value
    }
