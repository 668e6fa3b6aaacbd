"""Firmware that a fleet manager's document names with its digest: fetched into the store, then rolled out by campaigns.

The document says what shall be; fetching is resumed for as long as it says so, and the campaigns run by themselves,
also for days without a link. A station that comes later gets a campaign of its own; one that was in a campaign of the
same entry is not asked again until another version of the document comes, which lets those that failed try once more.
Entries without a digest are `update_firmware`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from firmware_store.incoming import StoreFull, TooLarge
from firmware_store.manifest import Announced, read_manifest
from gateway.model.identities import StationId
from gateway.model.instants import Instant, seconds_later
from gateway.operations.apply_firmware import entries_in_force, manifest_of
from gateway.operations.campaign_facts import Noticed
from gateway.operations.document_turn import actor_of
from gateway.operations.import_images import InUse, WrongBytes, import_from_url
from gateway.operations.plan_campaigns import CannotCreate, Wishes, create_campaign, make_plan, wish
from gateway.operations.site import Site
from gateway.rules.fleet_firmware import WantedFirmware, entry_id, wanted_of
from gateway.rules.rollout_policy import Policy, read_policy
from gateway.rules.waiting_time import waiting_seconds
from gateway.store import campaigns, fleet_documents, fleet_images, stations
from gateway.store.database import StoreUnavailable
from gateway.store.fleet_images import FleetImage
from gateway.store.writing import Writing
from gateway.upstream.fetch import NotFetched

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 60.0
_PAUSE_SECONDS = 5.0
_PATIENCE_SECONDS = 3600.0
_LEAST_WAIT_SECONDS, _MOST_WAIT_SECONDS = 30.0, 3600.0


async def roll_out_documents(site: Site) -> None:
    """For ever: after each change of the journal, and once a minute. A slow server keeps nothing else waiting."""
    seen, fetching = 0, set[str]()

    async def fetch(upstream: str, entry: WantedFirmware) -> None:
        try:
            await _fetch(site, upstream, entry)
        except StoreUnavailable as error:
            logger.error("firmware %s of %s has to wait: %s", entry.version, upstream, error)
        finally:
            fetching.discard(entry_id(entry))

    async with asyncio.TaskGroup() as group:
        while True:
            try:
                for upstream, entry in await _missing(site):
                    if entry_id(entry) not in fetching:
                        fetching.add(entry_id(entry))
                        group.create_task(fetch(upstream, entry), name=f"firmware {entry.version} of {upstream}")
            except StoreUnavailable as error:
                logger.error("the firmware of fleet managers has to wait: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    seen = await site.journal_signal.newer_than(seen)
            await asyncio.sleep(_PAUSE_SECONDS)
            seen = site.journal_signal.generation


async def look_at_documents(site: Site) -> None:
    """Once, and wait for it: begin and end what the document wants begun and ended, fetch what is due."""
    await asyncio.gather(*(_fetch(site, upstream, entry) for upstream, entry in await _missing(site)))


async def _missing(site: Site) -> list[tuple[str, WantedFirmware]]:
    now = site.wall_clock()
    return await site.database.write(lambda db: _follow(db, now=now, site=site))


def _follow(db: Writing, *, site: Site, now: Instant) -> list[tuple[str, WantedFirmware]]:
    """Rows as the document says, campaigns begun and ended; what is to be fetched now."""
    upstream, version, wanted = _wanted(db)
    rows = fleet_images.every(db)
    for name in rows.keys() - wanted.keys():
        _give_up(db, site, rows[name])
    for name in wanted:
        row = rows.get(name)
        if row is None:
            fleet_images.save(db, FleetImage(name, upstream, version, None, None, 0, now))
        elif row.version != version:
            _try_again(db, site, row)
            fleet_images.save(db, row._replace(version=version, upstream=upstream, tries=0, due_at=now))
    _begin_all(db, site, now)
    rows = fleet_images.every(db)
    return [
        (upstream, entry) for name, entry in wanted.items() if rows[name].image_id is None and rows[name].due_at <= now
    ]


def _wanted(db: Writing) -> tuple[str, int, dict[str, WantedFirmware]]:
    """(the upstream, the version of its document, its entries with a digest by their ids)."""
    found = fleet_documents.body_in_force(db, "firmware")
    if found is None:
        return "", 0, {}
    row = fleet_documents.find(db, found[0], "firmware")
    version = 0 if row is None or row.applied_version is None else row.applied_version
    return found[0], version, {entry_id(entry): entry for entry in entries_in_force(db) if entry.sha256 is not None}


async def _fetch(site: Site, upstream: str, entry: WantedFirmware) -> None:
    name, read = entry_id(entry), read_manifest(manifest_of(entry))
    assert isinstance(read, Announced), read  # it was read before the document was applied
    image_id, error = None, None
    who = actor_of(upstream)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            image_id = await import_from_url(
                site, entry.url, read.manifest, entry.sha256, entry.size_bytes, actor=who, source=upstream
            )
    except TimeoutError:
        error = "it did not come in time; what has come is kept, and it goes on later"
        logger.warning("firmware %s of %s: %s", entry.version, upstream, error)
    except (NotFetched, WrongBytes, InUse, TooLarge, StoreFull, OSError) as trouble:
        error = str(trouble)
        logger.warning("firmware %s of %s: %s", entry.version, upstream, error)
    now = site.wall_clock()

    def unit(db: Writing) -> None:
        row = fleet_images.find(db, name)
        if row is not None:
            wait = waiting_seconds(row.tries + 1, least=_LEAST_WAIT_SECONDS, most=_MOST_WAIT_SECONDS)
            due_at = seconds_later(now, wait)
            fleet_images.save(db, row._replace(image_id=image_id, error=error, tries=row.tries + 1, due_at=due_at))
            _begin_all(db, site, now)

    await site.database.write(unit)


def _begin_all(db: Writing, site: Site, now: Instant) -> None:
    """A campaign for each entry whose image is here, with the stations that have none yet."""
    wanted = _wanted(db)[2]
    if not wanted:
        return
    every, rows = entries_in_force(db), fleet_images.every(db)
    meant: dict[str, list[StationId]] = {}
    for station, known in stations.every(db).items():
        entry = wanted_of(every, station=station, vendor=known.vendor, model=known.model)
        if entry is not None and entry.sha256 is not None and known.admission == "accepted":
            meant.setdefault(entry_id(entry), []).append(StationId(station))
    for name, entry in wanted.items():
        row = rows.get(name)
        if row is None or row.image_id is None or (entry.not_before is not None and entry.not_before > now):
            continue
        error = _begin(db, site, row, entry, meant.get(name, ()))
        if error != row.error:
            fleet_images.save(db, row._replace(error=error))


def _begin(db: Writing, site: Site, row: FleetImage, entry: WantedFirmware, meant: Iterable[StationId]) -> str | None:
    """Make a campaign when it has somebody to update; why that cannot be, in words."""
    assert row.image_id is not None
    asked = {
        one.station for number in fleet_images.campaigns_of(db, row.entry) for one in campaigns.stations_of(db, number)
    }
    new = tuple(station for station in meant if station not in asked)
    if not new:
        return row.error
    policy = read_policy(entry.policy or {}, heartbeat_seconds=site.configuration.ocpp.heartbeat_seconds)
    assert isinstance(policy, Policy), policy  # it was read before the document was applied
    name = f"{entry.version} ({row.upstream})"[:64]
    wishes = Wishes(name, row.image_id, new, policy)
    try:
        plan = make_plan(db, site, wishes, Noticed())
        fitting = tuple(one.station for one in plan.stations if one.misfit is None)
        if not fitting:
            return row.error
        campaign_id = create_campaign(
            db,
            site,
            Wishes(name, row.image_id, fitting, policy),
            actor=actor_of(row.upstream),
            source=row.upstream,
        )
    except CannotCreate as error:
        return str(error)
    fleet_images.add_campaign(db, campaign_id, row.entry)
    logger.info("campaign %s of %s begins: firmware %s", campaign_id, row.upstream, entry.version)
    return None


def _give_up(db: Writing, site: Site, row: FleetImage) -> None:
    """The document has the entry no more: nobody else is asked; what is under way goes on."""
    for campaign_id in fleet_images.campaigns_of(db, row.entry):
        wish(db, site, campaign_id, "abort", actor=actor_of(row.upstream))  # one that is over says so
    fleet_images.forget(db, row.entry)


def _try_again(db: Writing, site: Site, row: FleetImage) -> None:
    """Another version of the document has the same entry: those that failed may try once more."""
    for campaign_id in fleet_images.campaigns_of(db, row.entry):
        campaign = campaigns.find(db, campaign_id)
        if campaign is not None and campaign.state in ("halted", "finished"):
            wish(db, site, campaign_id, "retry", actor=actor_of(row.upstream))  # none failed: it stays as it is
