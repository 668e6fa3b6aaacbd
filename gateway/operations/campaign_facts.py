"""What is known of the stations of campaigns, put together inside a unit of work for the rules of rollouts.

What the loop has seen with its own eyes since the gateway started (how long a station is here, since when no byte went
out) is in `Noticed`, by a clock that is never set. What follows from all that is decided by the rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.operations.known_settings import find_capabilities
from gateway.operations.known_stations import is_known
from gateway.operations.site import Site
from gateway.rules.capabilities import Capabilities
from gateway.rules.firmware_rollout import OUT, Fetched, Row, Seen
from gateway.rules.rollout_begin import Moment, Place, Use
from gateway.rules.rollout_fit import Image, Plate, image_of, request_for
from gateway.rules.rollout_policy import Policy, read_policy
from gateway.rules.station_jobs import FAMILIES, Job
from gateway.store import (
    campaigns,
    commands,
    configuration_keys,
    connectors,
    firmware_images,
    reservations,
    security_events,
    station_jobs,
    stations,
    transactions,
    transfer_links,
)
from gateway.store.campaigns import CampaignRow, StationRow
from gateway.store.writing import Writing

_UPDATES = FAMILIES["firmware"]
_OTHER_JOB_SECONDS = 3600.0
_REBOOT_SECONDS = 300.0
_SIGNATURE_REFUSED = ("InvalidFirmwareSignature", "InvalidFirmwareSigningCertificate")


@dataclass(slots=True)
class Noticed:
    """Since when, by the loop's clock: `here` per station (of one connection), `bytes` per link, `failed` per job."""

    at: float = 0.0
    here: dict[StationId, tuple[object, float]] = field(default_factory=dict)
    bytes: dict[int, tuple[int, float]] = field(default_factory=dict)
    failed: dict[int, float] = field(default_factory=dict)

    def look(self, site: Site, at: float) -> None:
        """Who is connected now. Of a connection that is new to us its own time counts, as far as it can be believed."""
        self.at = at
        connections = site.connected.all()
        for station in self.here.keys() - connections.keys():
            del self.here[station]
        for station, connection in connections.items():
            known = self.here.get(station)
            if known is None or known[0] is not connection:
                age = max(0.0, min((site.wall_clock() - connection.since) / SECOND, at))
                self.here[station] = (connection, at - age)

    def learn(self, seen: Mapping[StationId, Seen]) -> None:
        """What a tick has read: since when nothing moves."""
        links = [(one.link_id, one.fetched.served) for one in seen.values() if one.fetched and one.link_id is not None]
        known = self.bytes
        self.bytes = {
            link_id: known[link_id] if link_id in known and known[link_id][0] == served else (served, self.at)
            for link_id, served in links
        }
        jobs = [one.job.job_id for one in seen.values() if one.job is not None and one.job.result == "failed"]
        self.failed = {job_id: self.failed.get(job_id, self.at) for job_id in jobs}


@dataclass(slots=True)
class Premises:
    """What is out of service because of rollouts, and how many connectors each station has; `out` grows in a tick."""

    out: set[StationId]
    connectors: Mapping[StationId, int]

    def place_of(self, station: StationId) -> Place:
        """The rest of the site, seen from this station."""
        others = self.out - {station}
        return Place(
            frozenset(others),
            sum(self.connectors.get(other, 1) for other in others),
            self.connectors.get(station, 1),
            max(1, sum(self.connectors.values())),
        )


def premises_of(db: Writing) -> Premises:
    """The site as it is."""
    told = connectors.numbers(db)
    known = {row.station for row in stations.every(db).values() if row.admission == "accepted"} | told.keys()
    out = set(campaigns.stations_under_way(db, tuple(OUT)))
    return Premises(out, {station: len(told.get(station, ())) or 1 for station in known})


@lru_cache(maxsize=64)
def policy_in(text: str) -> Policy:
    """A policy as it was kept; it was read strictly before."""
    policy = read_policy(json.loads(text))
    assert isinstance(policy, Policy), policy
    return policy


@lru_cache(maxsize=64)
def image_in(image_id: str, manifest: str) -> Image:
    """The facts of an image as it was kept."""
    return image_of(image_id, json.loads(manifest))


def find_image(db: Writing, site: Site, image_id: str) -> tuple[Image | None, str | None]:
    """The image's facts, and why nobody may have it now; it may be gone as a whole."""
    row = firmware_images.find(db, image_id)
    if row is None:
        return None, "it is not in the store any more"
    required = site.configuration.firmware.require_verified
    return image_in(row.image_id, row.manifest), firmware_images.why_unusable(row, require_verified=required)


def plate_of(db: Writing, site: Site, station: str) -> Plate | None:
    """What a known station told of itself."""
    row = stations.find(db, station)
    if not is_known(site.configuration, station, row):
        return None
    return Plate(None, None, None) if row is None else Plate(row.vendor, row.model, row.firmware_version)


def row_of(row: StationRow, now: Instant) -> Row:
    """A station of a campaign for the rules: marks become ages, which are never negative."""
    return Row(
        station=row.station,
        state=row.state,
        elapsed=_age(row.counted_from, now) or 0.0,
        wave=row.wave,
        failure=row.failure,
        tries=row.tries,
        asks=row.asks,
        asked=_age(row.asked_at, now),
        healthy=_age(row.healthy_from, now),
        version_before=row.version_before,
        booted_before=row.booted_before,
        drained=row.drained_connectors,
        out_before=row.out_connectors,
        named=bool(row.named),
    )


def moment_of(
    db: Writing, site: Site, station: StationId, noticed: Noticed, place: Place, *, besides: tuple[str | None, ...] = ()
) -> Moment:
    """Who uses the station now, and what else counts; `besides`: the command of the update in question."""
    now, connection, here = site.wall_clock(), site.connected.get(station), noticed.here.get(station)
    age = 0.0 if here is None or here[0] is not connection else noticed.at - here[1]
    return Moment(
        use=Use(
            {number: state.status for number, state in connectors.all_of_station(db, station).items()},
            busy=frozenset(session.connector for session in transactions.open_of_station(db, station)),
            expected_starts=commands.expected_starts(db, station),
            reservations=len(reservations.active(db, station)),
        ),
        connected_seconds=None if connection is None else age,
        accepted=connection is None or not connection.treatment.pending,
        other_job=station_jobs.moved_since(
            db, station, _UPDATES, seconds_later(now, -_OTHER_JOB_SECONDS), besides=besides
        ),
        rebooting=commands.asked_since(db, station, actions=("Reset",), since=seconds_later(now, -_REBOOT_SECONDS)),
        place=place,
    )


def seen_of(
    db: Writing, site: Site, campaign: CampaignRow, row: StationRow, image: Image, noticed: Noticed, place: Place,
    *, besides: str | None = None,
) -> Seen:  # fmt: skip
    """Everything that is known of a station of a campaign now."""
    station = stations.find(db, row.station)
    capabilities = find_capabilities(db, row.station)
    asked = None if row.command_id is None else commands.find(db, CommandId(row.command_id))
    outcome = {} if asked is None else asked.outcome or {}
    job = None if row.command_id is None else _job(db, row.station, CommandId(row.command_id))
    wanted = "StatusNotification" if row.state == "checking" else "BootNotification"
    return Seen(
        moment=moment_of(db, site, row.station, noticed, place, besides=(besides, row.command_id)),
        plate=plate_of(db, site, row.station),
        booted_at=None if station is None else station.booted_at,
        booted=None if station is None else _age(station.booted_at, site.wall_clock()),
        command=str(outcome["status"]) if "status" in outcome else None,
        interrupted=asked is not None and asked.outcome is None,
        action_sent=None if asked is None else asked.action,
        action=request_for(
            image, security_extension=capabilities.security_extension, unsupported=capabilities.unsupported
        ),
        job=job,
        failed_for=None
        if job is None or job.result != "failed"
        else noticed.at - noticed.failed.get(job.job_id, noticed.at),
        link_id=row.link_id,
        fetched=_fetched(db, row, noticed),
        signature_refused=row.command_id is not None
        and security_events.told_since(db, row.station, _SIGNATURE_REFUSED, CommandId(row.command_id)),
        may_trigger=_may_trigger(capabilities, wanted),
        stale=_stale(db, row, None if station is None else station.booted_at),
        settings_read=_settings_read(
            db, site, row, capabilities, None if station is None else station.firmware_version
        ),
    )


def _age(mark: Instant | None, now: Instant) -> float | None:
    return None if mark is None else max(0, now - mark) / SECOND


def _job(db: Writing, station: StationId, command_id: CommandId) -> Job | None:
    """The job of our request, or what the station began by itself since."""
    ours = station_jobs.of_command(db, command_id)
    if ours is None:
        return None
    newer = [
        job
        for job in station_jobs.newest(db, station, _UPDATES)
        if job.job_id > ours.job_id and job.result not in ("refused", "not_sent")
    ]
    return newer[0] if newer and ours.result not in ("refused", "not_sent") else ours


def _fetched(db: Writing, row: StationRow, noticed: Noticed) -> Fetched | None:
    link = None if row.link_id is None else transfer_links.find(db, row.link_id)
    if link is None or not link.size:
        return None
    known = noticed.bytes.get(link.link_id)
    quiet = noticed.at - known[1] if known is not None and known[0] == link.bytes_served else 0.0
    return Fetched(link.served_upto, link.size, quiet if link.bytes_served else None, link.bytes_served)


def _may_trigger(capabilities: Capabilities, message: str) -> bool:
    without = {"TriggerMessage", f"TriggerMessage {message}"} & set(capabilities.unsupported)
    return not without and capabilities.has_profile("RemoteTrigger") is not False


def _stale(db: Writing, row: StationRow, booted_at: Instant | None) -> tuple[int, ...]:
    if booted_at is None or booted_at == row.booted_before:
        return ()
    told = connectors.all_of_station(db, row.station)
    return tuple(sorted(number for number, state in told.items() if number > 0 and state.received_at < booted_at))


def _settings_read(
    db: Writing, site: Site, row: StationRow, capabilities: Capabilities, version: str | None
) -> bool | None:
    if row.settings is None or "GetConfiguration" in capabilities.unsupported:
        return None
    reading = configuration_keys.newest_reading(db, row.station)
    if reading is not None and reading.firmware_version == version and reading.how != "failed":
        return True
    return False if site.configuration.ocpp.automatic_calls else None
