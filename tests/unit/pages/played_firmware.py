"""Images in the store and stations that they fit, for the screens of firmware."""

from __future__ import annotations

from firmware_store.manifest import Manifest, document_of
from gateway.store.writing import Writing
from tests.simulation.rollout_stage import store_image
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON

ODD = "CP/7 <b>\"é{x}' 🔌"


async def add_image(reader: Reader, image_id: str = "img-2", **manifest: object) -> None:
    """An approved image of vendor Maker, for models Post*, version 2.0 unless told otherwise."""
    usual = document_of(Manifest("Maker", ("Post*",), "2.0", file_name="post.bin"))
    told = {**usual, **manifest}
    await reader.site.database.write(lambda db: store_image(db, image_id, told))


async def add_station(reader: Reader, name: str, *, vendor: str = "Maker", version: str = "1.0") -> None:
    """A station that has told what it is."""

    def unit(db: Writing) -> None:
        db.execute(
            "INSERT INTO stations (station, origin, admission, vendor, model, firmware_version, booted_at, created_at)"
            " VALUES (?, 'api', 'accepted', ?, 'Post 7', ?, ?, ?)",
            (name, vendor, version, NOON, NOON),
        )

    await reader.site.database.write(unit)
