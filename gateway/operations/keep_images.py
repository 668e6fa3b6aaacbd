"""Firmware images: taken into the store, approved, withdrawn. The one place where bytes and rows come together.

Bytes are in their place and flushed before there is a row about them, and the row is gone or withdrawn before they are
taken away. Whoever does one of the two holds `site.images.placing`, so nothing that just arrived is collected.
Whether bytes are still whole, and whether anybody needs them, is the question of `look_after_images`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec

from firmware_store.images import ImageStore
from firmware_store.incoming import Arrived, Room
from firmware_store.manifest import Manifest, WishedState, document_of, from_document, image_id_of
from gateway.model.instants import Instant, datetime_of
from gateway.operations.site import Site
from gateway.rules.firmware_images import reason_not_to_approve, state_of_new
from gateway.store import events, firmware_images, transfer_links
from gateway.store.database import StoreUnavailable
from gateway.store.firmware_images import ImageRow
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from firmware_store.signatures import Judgement

logger = logging.getLogger(__name__)

Change = Literal["imported", "approved", "withdrawn", "damaged", "healed", "removed"]

_MEGABYTE = 1_000_000


class CannotApprove(Exception):
    """Nobody may approve the image now; the text is for people."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An image that is in the store; `new`: it was not before, or had been withdrawn."""

    row: ImageRow
    new: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who brings an image, from where, and whether it shall be approved at once."""

    manifest: Manifest
    actor: str
    source: str
    state: WishedState = "approved"


def image_store(site: Site) -> ImageStore:
    """The bytes of the images."""
    return ImageStore(site.configuration.data.directory / "firmware")


def room_for_images(site: Site) -> Room:
    """How large the store may become."""
    firmware = site.configuration.firmware
    return Room(image_store(site), firmware.images_limit_mb * _MEGABYTE, firmware.upload_limit_mb * _MEGABYTE)


async def take_image(site: Site, arrived: Arrived, wanted: Wanted) -> Taken:
    """Take a complete file into the store. The same bytes are kept once; those that were damaged are whole again.

    Raises OSError when the disk refuses; then nothing has changed.
    """
    now = site.wall_clock()
    judgement = await _judged(arrived.sha256, wanted.manifest, now)
    row = _row_of(site, arrived, wanted, judgement, now)
    store = image_store(site)
    async with site.images.placing:
        was_there = store.has(arrived.sha256)
        await asyncio.to_thread(store.place, arrived.path, arrived.sha256)
        try:
            taken = await site.database.write(lambda db: _take(db, row, now))
        except StoreUnavailable:
            if not was_there:
                await asyncio.to_thread(store.remove, arrived.sha256)
            raise
    site.images.changed.announce()  # what was damaged may be whole
    _log("imported" if taken.new else "found again", taken.row, wanted.actor)
    return taken


async def take_known_bytes(site: Site, sha256: str, wanted: Wanted) -> Taken | None:
    """An image of bytes that are in the store already; None: they are not, or not whole, and must be sent."""
    now, store = site.wall_clock(), image_store(site)
    judgement = await _judged(sha256, wanted.manifest, now)
    async with site.images.placing:
        look = store.look(sha256)
        if look is None:
            return None
        row = _row_of(site, Arrived(store.path(sha256), sha256, look.size), wanted, judgement, now)

        def unit(db: Writing) -> Taken | None:
            others = firmware_images.with_digest(db, sha256)
            if not others or any(other.damaged_at is not None or other.size != row.size for other in others):
                return None
            return _take(db, row._replace(checked_at=others[0].checked_at), now)

        taken = await site.database.write(unit)
    if taken is not None:
        _log("imported" if taken.new else "found again", taken.row, wanted.actor)
    return taken


async def approve(site: Site, image_id: str, *, actor: str) -> ImageRow | None:
    """Stations may have it from now on; None: there is no such image. Raises CannotApprove."""
    now, required = site.wall_clock(), site.configuration.firmware.require_verified

    def unit(db: Writing) -> ImageRow | None:
        row = firmware_images.find(db, image_id)
        if row is None:
            return None
        reason = reason_not_to_approve(
            state=row.state,
            damaged=row.damaged_at is not None,
            verified=row.verified is not None,
            require_verified=required,
        )
        if reason is not None:
            raise CannotApprove(f"image {image_id} cannot be approved: {reason}")
        if row.state == "approved":
            return row
        return _change_state(db, row, "approved", actor, now)

    row = await site.database.write(unit)
    if row is not None:
        _log("approved", row, actor)
    return row


async def withdraw(site: Site, image_id: str, *, actor: str) -> ImageRow | None:
    """No station can fetch it from the next request on; None: there is no such image."""
    now = site.wall_clock()

    def unit(db: Writing) -> ImageRow | None:
        row = firmware_images.find(db, image_id)
        if row is None or row.state == "withdrawn":
            return row
        transfer_links.end_of_image(db, image_id, now)
        return _change_state(db, row, "withdrawn", actor, now)

    row = await site.database.write(unit)
    if row is not None:
        _log("withdrawn", row, actor)
        site.images.changed.announce()
    return row


def tell_change(db: Writing, change: Change, row: ImageRow, *, actor: str, now: Instant, detail: str = "") -> None:
    """The event of one change of one image, in the unit that makes it."""
    manifest = from_document(msgspec.json.decode(row.manifest))
    data = {
        "change": change,
        "image_id": row.image_id,
        "sha256": row.sha256,
        "size": row.size,
        "vendor": manifest.vendor,
        "models": list(manifest.models),
        "version": manifest.version,
        "state": row.state,
        "verification": row.verification,
        "source": row.source,
        "detail": detail or None,
        "actor": actor,
    }
    events.append(db, "firmware.image_changed", happened_at=now, recorded_at=now, data=data)


async def _judged(sha256: str, manifest: Manifest, now: Instant) -> Judgement:
    from firmware_store import signatures  # its library is large, and few need it

    return await asyncio.to_thread(
        signatures.verify_digest, sha256, manifest.signature, manifest.signing_certificate, now=datetime_of(now)
    )


def _row_of(site: Site, arrived: Arrived, wanted: Wanted, judgement: Judgement, now: Instant) -> ImageRow:
    state = state_of_new(
        wished=wanted.state,
        verified=judgement.scheme is not None,
        require_verified=site.configuration.firmware.require_verified,
    )
    return ImageRow(
        image_id=image_id_of(wanted.manifest, arrived.sha256),
        sha256=arrived.sha256,
        size=arrived.size,
        file_name=wanted.manifest.file_name,
        manifest=msgspec.json.encode(document_of(wanted.manifest)).decode(),
        verified=judgement.scheme,
        verification=judgement.text,
        source=wanted.source,
        imported_by=wanted.actor,
        imported_at=now,
        state=state,
        state_by=wanted.actor,
        state_at=now,
        damaged_at=None,
        checked_at=now,
        removed_at=None,
    )


def _take(db: Writing, row: ImageRow, now: Instant) -> Taken:
    """Write the row of an image whose bytes are in their place; heal every image that has the same bytes."""
    for other in firmware_images.with_digest(db, row.sha256):
        if other.damaged_at is not None:
            tell_change(db, "healed", other._replace(damaged_at=None), actor=row.imported_by, now=now)
    before, checked_at = firmware_images.find(db, row.image_id), row.checked_at
    if before is None or before.state == "withdrawn":
        firmware_images.add(db, row)
        tell_change(db, "imported", row, actor=row.imported_by, now=now)
    elif before.state == "staged" and row.state == "approved":
        row = _change_state(db, before, "approved", row.state_by, now)
    else:
        row = before
    firmware_images.found_whole(db, row.sha256, checked_at)
    return Taken(row._replace(damaged_at=None, checked_at=checked_at), before is None or before.state == "withdrawn")


def _change_state(
    db: Writing, row: ImageRow, state: Literal["approved", "withdrawn"], actor: str, now: Instant
) -> ImageRow:
    firmware_images.set_state(db, row.image_id, state, by=actor, now=now)
    changed = row._replace(state=state, state_by=actor, state_at=now)
    tell_change(db, state, changed, actor=actor, now=now)
    return changed


def _log(word: str, row: ImageRow, actor: str) -> None:
    logger.info("firmware image %s (%s) was %s by %s", row.image_id, row.file_name, word, actor)
