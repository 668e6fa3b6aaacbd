"""Gives a station an address in the gateway's own store: an image to fetch, or a place to upload to.

An address is a capability for one station, good for `[firmware] link_hours`. Only the digest of its token is kept, so
an address cannot be told again; whoever asks anew gets another one. Which scheme a station takes is decided by
`rules.transfer_addresses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from gateway.model.identities import CommandId, StationId
from gateway.model.instants import Instant, seconds_later
from gateway.operations.known_settings import find_capabilities
from gateway.operations.known_stations import is_known, settings_in_force
from gateway.operations.machine_names import outward_address
from gateway.operations.site import Site
from gateway.rules.desired_settings import kind_fits
from gateway.rules.transfer_addresses import (
    Scheme,
    digest_of,
    host_in_address,
    image_address,
    scheme_for,
    token_of,
    upload_address,
)
from gateway.store import firmware_images, stations, transfer_links
from gateway.store.stations import StationRow
from gateway.store.writing import Writing

UploadKind = Literal["diagnostics", "log"]


class CannotLink(Exception):
    """No address can be given; the text is for people. `unknown`: there is no such image or station."""

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown


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
    image = firmware_images.find(db, image_id)
    if image is None:
        raise CannotLink(f"no firmware image {image_id!r} is in the store", unknown=True)
    required = site.configuration.firmware.require_verified
    reason = firmware_images.why_unusable(image, require_verified=required)
    if reason is not None:
        raise CannotLink(f"firmware image {image_id} cannot be used: {reason}")
    scheme, token, now, expires_at = _chosen(db, site, station)
    host, port = _reached_at(site, station, scheme)
    link_id = transfer_links.add_to_image(
        db,
        digest_of(token),
        station,
        image_id,
        scheme=scheme,
        actor=actor,
        now=now,
        expires_at=expires_at,
        command_id=command_id,
    )
    location = image_address(scheme, host, port, token=token, file_name=image.file_name)
    return GivenLink(link_id, location, expires_at, scheme)


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
    """An address to which the station can upload files; in a unit of work. Raises CannotLink."""
    scheme, token, now, expires_at = _chosen(db, site, station)
    host, port = _reached_at(site, station, scheme)
    link_id = transfer_links.add(
        db,
        digest_of(token),
        station,
        kind,
        scheme=scheme,
        actor=actor,
        now=now,
        expires_at=expires_at,
        command_id=command_id,
        reason=reason,
    )
    return GivenLink(link_id, upload_address(scheme, host, port, token=token), expires_at, scheme)


def _chosen(db: Writing, site: Site, station: StationId) -> tuple[Scheme, str, Instant, Instant]:
    """(scheme, token, made at, expires at) of a new link."""
    row = stations.find(db, station)
    if not is_known(site.configuration, station, row):
        raise CannotLink(f"no station {station!r} is known", unknown=True)
    connection = site.connected.get(station)
    scheme = scheme_for(
        find_capabilities(db, station).file_transfer_protocols,
        offered=_ports(site).keys(),
        wished=_wishes(site, station, row),
        on_tls=connection is not None and connection.proof.profile >= 2,
    )
    now = site.wall_clock()
    return scheme, token_of(site.new_id()), now, seconds_later(now, site.configuration.firmware.link_hours * 3600.0)


def _wishes(site: Site, station: StationId, row: StationRow | None) -> tuple[str, ...]:
    """What people wrote about the scheme, the most particular first."""
    own = settings_in_force(site.configuration, station, row).transfer_scheme
    vendor, model = (row.vendor, row.model) if row is not None else (None, None)
    of_models = [
        kind.transfer_scheme
        for kind in reversed(site.configuration.station_models)
        if kind_fits(kind.vendor, vendor) and kind_fits(kind.model, model)
    ]
    return own, *of_models, site.configuration.firmware.transfer_scheme


def _ports(site: Site) -> Mapping[Scheme, int]:
    """The schemes that are offered, and where. Plain HTTP always is."""
    settings = site.configuration.firmware
    found: dict[Scheme, int] = {"http": site.transfers.http_port or settings.port}
    if settings.tls_port is not None:
        found["https"] = site.transfers.https_port or settings.tls_port
    if settings.ftp_port is not None:
        found["ftp"] = settings.ftp_port
        if site.configuration.ocpp.tls is not None:
            found["ftps"] = settings.ftp_port
    public = urlsplit(settings.public_url or "")
    if public.scheme == "https":
        found["https"] = public.port or 443
    elif public.scheme == "http":
        found["http"] = public.port or 80
    return found


def _reached_at(site: Site, station: StationId, scheme: Scheme) -> tuple[str, int]:
    """(host, port) for this station: as the installer says, else where it reaches us now, else our own address."""
    public = urlsplit(site.configuration.firmware.public_url or "").hostname
    connection = site.connected.get(station)
    reached = connection.local_address if connection is not None else None
    host = public or (str(reached[0]) if reached else None) or outward_address() or "127.0.0.1"
    return host_in_address(host), _ports(site)[scheme]
