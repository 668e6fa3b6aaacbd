"""Addresses of the gateway's own store in requests to load firmware or to upload: filled in where none is written.

`PLACES` says where an address stands in which request. What an address is good for is `give_links`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.model.calls import Payload
from gateway.model.instants import text_of
from gateway.operations.follow_jobs import address_in, fill_in_request_id
from gateway.operations.give_links import CannotLink, UploadKind, link_for_upload, link_to_image
from gateway.operations.orders import Order, Outcome
from gateway.operations.site import Site
from gateway.store import firmware_images
from gateway.store.writing import Writing

# (the member that holds it, its name)
PLACES: Mapping[str, tuple[str | None, str]] = MappingProxyType(
    {
        "GetDiagnostics": (None, "location"),
        "GetLog": ("log", "remoteLocation"),
        "SignedUpdateFirmware": ("firmware", "location"),
        "UpdateFirmware": (None, "location"),
    }
)


def fill_in_update(db: Writing, site: Site, order: Order) -> Payload:
    """UpdateFirmware with an image of the store: its address, and now as the time. Raises CannotLink."""
    if order.image is None:
        return order.payload
    filled = {"retrieveDate": text_of(site.wall_clock()), **order.payload}
    if "location" not in filled:
        filled["location"] = _image_location(db, site, order, order.image)
    return filled


def fill_in_signed_update(db: Writing, site: Site, order: Order) -> Payload:
    """SignedUpdateFirmware: the number, and of an image of the store its address and signature. Raises CannotLink."""
    written = order.payload.get("firmware", {})
    if order.image is not None and isinstance(written, Mapping):
        firmware = {"retrieveDateTime": text_of(site.wall_clock()), **written}
        if "location" not in firmware:
            firmware["location"] = _image_location(db, site, order, order.image)
        firmware = {**_signature(db, order.image), **firmware}
        order = replace(order, payload={**order.payload, "firmware": firmware})
    return fill_in_request_id(db, site, order)


def fill_in_diagnostics(db: Writing, site: Site, order: Order) -> Payload:
    """GetDiagnostics: a place to upload to."""
    if "location" in order.payload:
        return order.payload
    return {**order.payload, "location": _upload_location(db, site, order, "diagnostics")}


def fill_in_log(db: Writing, site: Site, order: Order) -> Payload:
    """GetLog: the number, and a place to upload to."""
    written = order.payload.get("log", {})
    if isinstance(written, Mapping) and "remoteLocation" not in written:
        log = {**written, "remoteLocation": _upload_location(db, site, order, "log")}
        order = replace(order, payload={**order.payload, "log": log})
    return fill_in_request_id(db, site, order)


def with_given_address(outcome: Outcome, action: str, *, asked: Payload, sent: Payload) -> Outcome:
    """The outcome for whoever asked: the address that was filled in is told, and nowhere else."""
    address = address_in(sent)
    if outcome.request is None or address is None or address_in(asked) is not None or action not in PLACES:
        return outcome
    holder, name = PLACES[action]
    if holder is None:
        return replace(outcome, request={**outcome.request, name: address})
    held = outcome.request.get(holder)
    assert isinstance(held, Mapping)
    return replace(outcome, request={**outcome.request, holder: {**held, name: address}})


def _image_location(db: Writing, site: Site, order: Order, image_id: str) -> str:
    link = link_to_image(db, site, order.station, image_id, actor=order.actor, command_id=order.command_id)
    return link.location


def _upload_location(db: Writing, site: Site, order: Order, kind: UploadKind) -> str:
    link = link_for_upload(
        db, site, order.station, kind, actor=order.actor, reason=order.reason, command_id=order.command_id
    )
    return link.location


def _signature(db: Writing, image_id: str) -> dict[str, object]:
    """Signature and certificate of the image as they were given; none when it has none."""
    image = firmware_images.find(db, image_id)
    if image is None:
        raise CannotLink(f"no firmware image {image_id!r} is in the store", unknown=True)
    manifest = json.loads(image.manifest)
    found = {"signingCertificate": manifest.get("signing_certificate"), "signature": manifest.get("signature")}
    return {name: value for name, value in found.items() if value is not None}
