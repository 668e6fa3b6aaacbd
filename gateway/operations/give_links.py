"""Gives a station an address in the gateway's own store: an image to fetch, or a place to upload to.

An address is a capability for one station, good for `[firmware] link_hours`. Only the digest of its token is kept, so
an address cannot be told again; whoever asks anew gets another one. Which scheme a station takes is decided by
`rules.transfer_addresses`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant
from gateway.operations.site import Site
from gateway.store.writing import Writing

UploadKind = Literal["diagnostics", "log"]
Scheme = Literal["http", "https", "ftp", "ftps"]


class CannotLink(Exception):
    """No address can be given: no such image, withdrawn, damaged, not approved; the text is for people."""


@dataclass(frozen=True, slots=True)
class GivenLink:
    """`location` holds the token: it goes to the station and to whoever asked, never into log, journal or store."""

    link_id: int
    location: str
    expires_at: Instant
    scheme: Scheme


def link_to_image(
    db: Writing, site: Site, station: StationId, image_id: str, *, actor: str, command_id: CommandId | None = None
) -> GivenLink:
    """An address from which the station can fetch the image; in a unit of work. Raises CannotLink."""
    raise NotImplementedError


def link_for_upload(
    db: Writing,
    site: Site,
    station: StationId,
    kind: UploadKind,
    *,
    actor: str,
    reason: str | None = None,
    command_id: CommandId | None = None,
) -> GivenLink:
    """An address to which the station can upload files; in a unit of work."""
    raise NotImplementedError
