"""Looks after what the store of images has: are all bytes there and whole, which does nobody need, what was abandoned?

A damaged or missing file makes its images unusable at once, and a good copy that is imported makes them usable again.
Everything is read again once a week, slowly; whether files are there and have their size is looked at every hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from dataclasses import dataclass, field
from typing import NamedTuple

from firmware_store.images import Examination, Look, Verdict
from firmware_store.incoming import clear_incoming
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.operations.keep_images import image_store, tell_change
from gateway.operations.site import Site
from gateway.store import firmware_images
from gateway.store.database import StoreUnavailable
from gateway.store.firmware_images import ImageRow
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

COMPONENT = "firmware"
GATEWAY = "gateway"
ABANDONED_SECONDS = 7 * 86_400.0
CHECK_EVERY_SECONDS = 7 * 86_400.0

_LOOK_EVERY_SECONDS = 3600.0
_PAUSE_SECONDS = 0.2  # after every few megabytes of the weekly check
_SETTLE_SECONDS = 1.0  # several changes at once are one look


@dataclass(slots=True)
class Found:
    """What a check of the whole store found: image ids."""

    whole: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)  # and why
    healed: list[str] = field(default_factory=list)


class _Seen(NamedTuple):
    verdict: Verdict
    reason: str
    of: Look | None


async def keep_images(site: Site) -> None:
    """For ever: what stands at the beginning of this file."""
    while True:
        seen = site.images.changed.generation
        try:
            await clear(site)
            await look_at_sizes(site)
            await collect_garbage(site)
            await check_images(site, older_than_seconds=CHECK_EVERY_SECONDS, pause_seconds=_PAUSE_SECONDS)
            await report(site)
        except StoreUnavailable as error:
            logger.error("firmware images could not be looked after: %s", error)
        except OSError as error:
            logger.error("the store of firmware images cannot be used: %s", error)
            site.health.report(COMPONENT, f"the store of images cannot be used: {error.strerror or error}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                await site.images.changed.newer_than(seen)
                await asyncio.sleep(_SETTLE_SECONDS)


async def clear(site: Site) -> None:
    """Take away imports that were abandoned, and at the start what a kill left."""
    now = site.wall_clock()
    removed = await asyncio.to_thread(
        clear_incoming,
        image_store(site),
        now_seconds=now / SECOND,
        abandoned_seconds=ABANDONED_SECONDS,
        starting=not site.images.cleared,
        in_use=frozenset(site.images.arriving),
    )
    site.images.cleared = True
    if removed:
        logger.info("%d files of firmware images that never became whole were removed", removed)


async def look_at_sizes(site: Site) -> None:
    """Quickly: is there a file of the right size for every image?"""
    store, now = image_store(site), site.wall_clock()
    rows = [row for row in await site.database.write(firmware_images.kept) if row.damaged_at is None]
    looks = await asyncio.to_thread(lambda: {row.sha256: store.look(row.sha256) for row in rows})
    for sha256, size in {row.sha256: row.size for row in rows}.items():
        look = looks[sha256]
        if look is None:
            await _note(site, sha256, _Seen("missing", "its file is missing", None), now)
        elif look.size != size:
            reason = f"its file has {look.size} bytes instead of {size}"
            await _note(site, sha256, _Seen("damaged", reason, look), now)


async def check_images(
    site: Site, *, older_than_seconds: float = 0.0, pause_seconds: float = 0.0, now: Instant | None = None
) -> Found:
    """Read all bytes again that were not for so long, in a thread; what is found counts at once.

    What is known to be damaged is read again only when everything is (0).
    """
    now = site.wall_clock() if now is None else now
    due_before = seconds_later(now, -older_than_seconds)
    found = Found()
    async with site.images.checking:
        rows = await site.database.write(firmware_images.kept)
        for sha256, same in itertools.groupby(sorted(rows, key=lambda row: row.sha256), key=lambda row: row.sha256):
            images = list(same)
            known = older_than_seconds > 0 and images[0].damaged_at is not None
            if known or min(row.checked_at for row in images) > due_before:
                continue
            seen = await _examine(site, sha256, pause_seconds=pause_seconds)
            changed = await _note(site, sha256, seen, site.wall_clock())
            for row in images:
                if seen.verdict == "whole":
                    (found.healed if row.image_id in changed else found.whole).append(row.image_id)
                else:
                    found.damaged[row.image_id] = seen.reason
    return found


async def collect_garbage(site: Site) -> list[str]:
    """Take bytes away that neither an image nor a campaign needs; returns their digests."""
    now, store = site.wall_clock(), image_store(site)

    def remove(needed: set[str]) -> list[str]:
        return [digest for digest in list(store.digests()) if digest not in needed and store.remove(digest)]

    def unit(db: Writing) -> None:
        for row in firmware_images.note_removed(db, firmware_images.digests_needed(db), now):
            tell_change(db, "removed", row, actor=GATEWAY, now=now)

    async with site.images.placing:
        needed = await site.database.write(firmware_images.digests_needed)
        removed = await asyncio.to_thread(remove, needed)
        await site.database.write(unit)
    for digest in removed:
        logger.info("the bytes of firmware %s were removed: nobody needs them", digest)
    return removed


async def report(site: Site) -> None:
    """Tell the component `firmware`: well, or which images are damaged."""
    rows = [row for row in await site.database.write(firmware_images.kept) if row.damaged_at is not None]
    site.health.report(COMPONENT, _ailment(rows))


async def _examine(site: Site, sha256: str, *, pause_seconds: float) -> _Seen:
    examination = await asyncio.to_thread(Examination, image_store(site), sha256)
    try:
        more = True
        while more:
            more = await asyncio.to_thread(examination.step)
            await asyncio.sleep(pause_seconds)
    finally:
        examination.close()
    assert examination.verdict is not None
    return _Seen(examination.verdict, examination.reason, examination.looked_at)


async def _note(site: Site, sha256: str, seen: _Seen, now: Instant) -> list[str]:
    """Write what was seen of these bytes; the ids of the images for which that is news."""
    whole = seen.verdict == "whole"

    def unit(db: Writing) -> list[str]:
        news = [row for row in firmware_images.with_digest(db, sha256) if (row.damaged_at is not None) == whole]
        for row in news:
            changed = row._replace(damaged_at=None if whole else now)
            tell_change(db, "healed" if whole else "damaged", changed, actor=GATEWAY, now=now, detail=seen.reason)
        (firmware_images.found_whole if whole else firmware_images.found_damaged)(db, sha256, now)
        return [row.image_id for row in news]

    async with site.images.placing:
        if image_store(site).look(sha256) != seen.of:
            return []  # another copy was put in its place meanwhile
        news = await site.database.write(unit)
    if news and not whole:
        logger.error("firmware %s is damaged: %s; import it again (images %s)", sha256, seen.reason, ", ".join(news))
    return news


def _ailment(damaged: list[ImageRow]) -> str | None:
    if not damaged:
        return None
    names = ", ".join(f"{row.image_id} ({row.file_name})" for row in damaged[:5])
    return f"{len(damaged)} images are damaged or missing: {names}; import them again"
