"""Files as the servers for stations hand them over, and the links by which they came."""

from __future__ import annotations

import hashlib
import itertools
import secrets
from pathlib import Path

from firmware_store.tickets import Received
from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.operations.keep_uploads import incoming_folder, keep_upload
from gateway.operations.site import Site
from gateway.store import transfer_links

_numbers = itertools.count(1)


async def upload_link(
    site: Site,
    station: str = "CP-1",
    *,
    kind: transfer_links.LinkKind = "diagnostics",
    command_id: str | None = None,
    reason: str | None = None,
) -> int:
    """A link by which the station may upload."""
    now, command = site.wall_clock(), None if command_id is None else CommandId(command_id)
    token = secrets.token_bytes(32)
    return await site.database.write(
        lambda db: transfer_links.add(
            db, token, StationId(station), kind, scheme="http", actor="test", now=now,
            expires_at=Instant(now + 10**12), reason=reason, command_id=command,
        )
    )  # fmt: skip


def received(site: Site, link_id: int, content: bytes, *, file_name: str = "log.txt", size: int = -1) -> Received:
    """A file that is complete in the incoming folder; `size`: as it is said, without writing so much."""
    path: Path = incoming_folder(site) / f"part-{next(_numbers)}"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return Received(link_id, path, file_name, len(content) if size < 0 else size, digest, "http", "192.0.2.7")


async def uploaded(site: Site, content: bytes = b"all is well\n", *, station: str = "CP-1", **link: str) -> None:
    """The station has uploaded one file by a link of its own."""
    link_id = await upload_link(site, station, **link)  # type: ignore[arg-type]
    await keep_upload(site, received(site, link_id, content))
