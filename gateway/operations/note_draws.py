"""Notes what cars draw, for load limits, as their stations tell it; of the outlets that the newest plan names alone.

True only while the gateway runs, never stored. What the numbers of a station mean is a rule.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.ocpp.v16.meter_values import energy_register_wh
from gateway.operations.load_now import Draw
from gateway.operations.questions import Question
from gateway.operations.read_meter_bodies import newest_samples
from gateway.operations.site import Site
from gateway.rules.car_currents import currents_of
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Ended, StatusChanged


def note_draw(asked: Question, connector: int, body: bytes) -> None:
    """A MeterValues came: the newest current of this connector, and its energy register."""
    load = asked.site.load
    key = (asked.station, connector)
    if connector == 0 and (asked.station, 2) not in load.outlets:
        key = (asked.station, 1)  # the main meter of a station with one connector
    outlet = load.outlets.get(key)
    if outlet is None:
        return
    samples = newest_samples(body, utc_offset_minutes=asked.treatment.utc_offset_minutes)
    ahead_ms = asked.site.clock_offsets_ms.get(asked.station, 0)
    station_now = Instant(asked.now + ahead_ms * 1000)
    amps = currents_of(samples, lines=len(outlet.phase_rotation), station_now=station_now)
    if amps is not None:
        register = energy_register_wh(samples)
        register_wh = None if register is None else register * asked.treatment.energy_scale
        load.draws[key] = Draw(amps, asyncio.get_running_loop().time(), register_wh)


def forget_when_free(db: Writing, site: Site, what: StatusChanged) -> None:
    """What was measured on a connector says nothing any more when it is free."""
    if what.state.status == "Available":
        _forget(db, site, what.station, int(what.connector))


def forget_when_ended(db: Writing, site: Site, what: Ended) -> None:
    """What was measured in a session says nothing any more when it is over."""
    _forget(db, site, what.session.station, int(what.session.connector))


def _forget(db: Writing, site: Site, station: StationId, connector: int) -> None:
    if (station, connector) in site.load.draws:
        db.then.append(partial(site.load.forget_draw, station, connector))
