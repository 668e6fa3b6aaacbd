"""What tests of the store of images ask of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from firmware_store.manifest import Manifest
from gateway.configuration import Configuration
from gateway.configuration_keys import Firmware
from gateway.operations.import_images import receiving
from gateway.operations.keep_images import Wanted, image_store, take_image
from gateway.operations.site import Site
from gateway.store.firmware_images import ImageRow


def limited(configuration: Configuration, megabytes: int) -> Configuration:
    """The same with so little room for images."""
    return replace(configuration, firmware=Firmware(images_limit_mb=megabytes))


def files(site: Site) -> list[str]:
    """Every file that the store has, by its path in it."""
    directory = image_store(site).directory
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


async def taken(site: Site, content: bytes, *, version: str = "1", file_name: str = "f.bin") -> ImageRow:
    """An image with this content, approved."""
    async with receiving(site) as arriving:
        arriving.write(content)
        arrived = arriving.finish()
        manifest = Manifest("Vendor", ("M",), version, file_name)
        return (await take_image(site, arrived, Wanted(manifest, "me", "api"))).row


async def changes(site: Site) -> Sequence[tuple[Any, ...]]:
    """(change, version, detail) of the events about images, oldest first."""
    rows = await site.readers.rows(
        "SELECT data ->> 'change', data ->> 'version', data ->> 'detail' FROM events"
        " WHERE kind = 'firmware.image_changed' ORDER BY id"
    )
    return [tuple(row) for row in rows]
