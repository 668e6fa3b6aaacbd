"""Looks after the site meters: judges each one's newest reading, keeps health up to date, and tells the journal.

A change of trust is told when it has lasted a while, once. What load limits make of it is not decided here.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from gateway.configuration import Meter
from gateway.meters.catalog import find_model, key_of
from gateway.model.instants import Instant, text_of
from gateway.model.meters import Judged, Measured, Phases, Trust
from gateway.operations.site import Site
from gateway.rules.meter_trust import Expectations, how_trusted
from gateway.store import events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 1.0
LASTING_SECONDS = 5.0
"""So long a new trust must last before it is told."""

Document = dict[str, object]


@dataclass(slots=True)
class _Seen:
    """What was told of a meter last, and what it has been since."""

    told: Trust | None
    now: Trust
    since_seconds: float
    since: Instant


def judged(site: Site, meter: Meter) -> Judged:
    """The newest reading of this meter and what it is worth now."""
    return how_trusted(site.meters.of(meter.name), expectations(site, meter), asyncio.get_running_loop().time())


def expectations(site: Site, meter: Meter) -> Expectations:
    """What the configuration says of a meter."""
    model = find_model(meter.model)
    measured = [circuit for circuit in site.configuration.circuits if circuit.meter == meter.name]
    return Expectations(
        interval_seconds=meter.interval_seconds,
        fuse_amps=max((max(circuit.limit_amps) for circuit in measured), default=None),
        may_export=meter.may_export,
        phase_currents=model.phase_currents if model else True,
    )


async def watch_meters(site: Site) -> None:
    """For ever: every second, look at every meter."""
    seen: dict[str, _Seen] = {}
    begun = asyncio.get_running_loop().time()
    while True:
        for meter in site.configuration.meters:
            now = judged(site, meter)
            if not _has_just_begun(site, meter, begun):
                ailment = None if now.trust == "fresh" else f"{now.trust}: {now.reason}"
                site.health.report(f"meter {meter.name}", ailment)
            await _tell(site, meter, now, seen)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _has_just_begun(site: Site, meter: Meter, begun: float) -> bool:
    """Nothing was read yet and nothing failed: no reason for an alarm in the first seconds."""
    heard = site.meters.of(meter.name)
    nothing = heard.reading is None and heard.failure is None
    return nothing and asyncio.get_running_loop().time() - begun < LASTING_SECONDS


async def _tell(site: Site, meter: Meter, now: Judged, seen: dict[str, _Seen]) -> None:
    loop_seconds, wall = asyncio.get_running_loop().time(), site.wall_clock()
    one = seen.setdefault(meter.name, _Seen(None, now.trust, loop_seconds, wall))
    if now.trust != one.now:
        one.now, one.since_seconds, one.since = now.trust, loop_seconds, wall
    if now.trust == one.told or loop_seconds - one.since_seconds < LASTING_SECONDS:
        return
    data = {"meter": meter.name, "model": meter.model, "before": one.told, "trust": now.trust, "reason": now.reason}

    def unit(db: Writing) -> None:
        events.append(db, "meter.trust_changed", happened_at=one.since, recorded_at=wall, data=data)

    try:
        await site.database.write(unit)
    except StoreUnavailable:
        return  # it is told when writing works again, if it is still so
    level = logging.INFO if now.trust == "fresh" else logging.WARNING
    logger.log(level, "meter %s is %s: %s", meter.name, now.trust, now.reason or "it can be believed")
    one.told = now.trust


def meter_documents(site: Site) -> list[Document]:
    """Every configured meter for people: its newest reading, what it is worth, how its tries went."""
    return [_document(site, meter) for meter in site.configuration.meters]


def _document(site: Site, meter: Meter) -> Document:
    now = judged(site, meter)
    reading = now.reading
    return {
        "name": meter.name,
        "model": key_of(meter.model) or meter.model,
        "trust": now.trust,
        "reason": now.reason,
        "age_seconds": None if now.age_seconds is None else round(now.age_seconds, 3),
        "read_time": text_of(reading.read_at) if reading else None,
        **values_of(reading.measured if reading else Measured()),
        "interval_seconds": meter.interval_seconds,
        "circuits": [circuit.name for circuit in site.configuration.circuits if circuit.meter == meter.name],
        "reads": site.meters.reads[meter.name],
        "errors": dict(site.meters.errors[meter.name]),
    }


def values_of(measured: Measured) -> Document:
    """What a meter measured, for people; null where it does not tell."""
    return {
        "amps": _rounded(measured.amps),
        "volts": _rounded(measured.volts),
        "watts": _rounded(measured.watts),
        "total_watts": _round(measured.total_watts),
        "energy_import_wh": _round(measured.energy_import_wh),
        "energy_export_wh": _round(measured.energy_export_wh),
    }


def _rounded(values: Phases) -> list[float | None]:
    return [_round(value) for value in values]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
