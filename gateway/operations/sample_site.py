"""Keeps once a minute what the site meters showed and what load limits made of it, as events of stream `meter`.

Only readings that may be believed count. A minute that the store cannot take is lost: samples bill nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

import msgspec

from gateway.model.instants import Instant, text_of
from gateway.model.meters import Measured
from gateway.operations.explain_load import describe_site
from gateway.operations.site import Site
from gateway.operations.watch_meters import judged, values_of
from gateway.rules.site_samples import mean_of
from gateway.store import meter_frames
from gateway.store.database import StoreUnavailable

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
_LOOKS = 60
_OF_CIRCUIT = ("limit_amps", "measured_amps", "allotted_amps", "mode")

Document = dict[str, object]


@dataclass(slots=True)
class _Heard:
    """What was read of one meter in this minute; the loop's time of the newest."""

    read: list[Measured] = field(default_factory=list)
    newest_seconds: float | None = None


async def sample_site(site: Site) -> None:
    """For ever: a sample each minute."""
    heard = {meter.name: _Heard() for meter in site.configuration.meters}
    while True:
        begun = site.wall_clock()
        for one in heard.values():
            one.read.clear()
        for _ in range(_LOOKS):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            _look(site, heard)
        await _keep(site, _document(site, heard, begun))


def _look(site: Site, heard: dict[str, _Heard]) -> None:
    for meter in site.configuration.meters:
        now, one = judged(site, meter), heard[meter.name]
        if now.reading is not None and now.trust == "fresh" and now.reading.loop_seconds != one.newest_seconds:
            one.newest_seconds = now.reading.loop_seconds
            one.read.append(now.reading.measured)


def _document(site: Site, heard: dict[str, _Heard], begun: Instant) -> Document:
    circuits = describe_site(site)["circuits"] if site.load.tick is not None else []
    assert isinstance(circuits, list)
    return {
        "from": text_of(begun),
        "to": text_of(site.wall_clock()),
        "meters": [
            {
                "meter": meter.name,
                "trust": judged(site, meter).trust,
                "readings": len(heard[meter.name].read),
                **values_of(mean_of(heard[meter.name].read)),
            }
            for meter in site.configuration.meters
        ],
        "circuits": [
            {"circuit": circuit["name"], **{name: circuit[name] for name in _OF_CIRCUIT}} for circuit in circuits
        ],
    }


async def _keep(site: Site, document: Document) -> None:
    body, now = msgspec.json.encode(document), site.wall_clock()
    try:
        await site.database.write(lambda db: meter_frames.append_of_site(db, now, body))
    except StoreUnavailable as error:
        logger.warning("a sample of the site could not be stored: %s", error)
