"""What a station may do with a token, and what became of it: asked by the servers, answered from the store.

The servers (`firmware_store`) know neither stations nor the database. Each question is answered from the rows as they
are now, so that a withdrawn image cannot be fetched from the next request on.
"""

from __future__ import annotations

import logging
from pathlib import Path

from firmware_store.tickets import Download, Received, Served, Ticket, Upload
from gateway.operations.keep_images import image_store
from gateway.operations.keep_uploads import incoming_folder, keep_upload, reserve_bytes
from gateway.operations.site import Site
from gateway.rules.transfer_addresses import digest_of
from gateway.store import events, transfer_links
from gateway.store.transfer_links import LinkRow
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_MEGABYTE = 1_000_000


class TransferDesk:
    """The Desk of this gateway, see `firmware_store.tickets`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def find(self, token: str) -> Ticket | None:
        """What the token allows now."""
        now, required = self._site.wall_clock(), self._site.configuration.firmware.require_verified
        row = await self._site.database.write(
            lambda db: transfer_links.find_good(db, digest_of(token), now, require_verified=required)
        )
        return None if row is None else self._ticket(row)

    async def served(self, served: Served) -> None:
        """Note what went out; the journal is told when a station has all of an image for the first time."""
        now = self._site.wall_clock()

        def unit(db: Writing) -> LinkRow | None:
            complete = transfer_links.note_served(
                db, served.link_id, start=served.start, end=served.end, begins=served.begins, now=now
            )
            link = transfer_links.find(db, served.link_id) if complete else None
            if link is not None:
                data = {
                    "link_id": link.link_id,
                    "command_id": link.command_id,
                    "image_id": link.image_id,
                    "sha256": link.sha256,
                    "size": link.size,
                    "file_name": link.file_name,
                    "scheme": link.scheme,
                    "attempts": link.attempts,
                }
                events.append(db, "firmware.fetched", station=link.station, happened_at=now, recorded_at=now, data=data)
            return link

        link = await self._site.database.write(unit)
        if link is not None:
            logger.info("%s has fetched %s", link.station, link.file_name, extra={"station": link.station})

    async def received(self, received: Received) -> None:
        """Take a file over; raises NoRoom."""
        await keep_upload(self._site, received)

    def _ticket(self, link: LinkRow) -> Ticket:
        site = self._site
        if link.kind == "image":
            assert link.sha256 is not None and link.size is not None and link.file_name is not None
            path: Path = image_store(site).path(link.sha256)
            return Download(link.link_id, link.station, path, link.size, link.sha256, link.file_name)
        most = site.configuration.firmware.upload_limit_mb * _MEGABYTE
        return Upload(link.link_id, link.station, incoming_folder(site), most, reserve_bytes(site))
