"""Notes what cars draw, for load limits, as their stations tell it; of the outlets that the newest plan names alone.

Where no circuit is configured there are none, and this costs nothing. What a station says here can never spoil its
answer: a fault is logged and counted, and the draw stays as old as it is. A session's end and `Available` make the draw
0 at once. True only while the gateway runs, never stored. What the numbers of a station mean is a rule.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.ocpp.v16.meter_values import energy_register_wh
from gateway.operations.load_now import Draw, LoadNow
from gateway.operations.note_clocks import ahead_ms, note_clock
from gateway.operations.questions import Question
from gateway.operations.read_meter_bodies import newest_samples
from gateway.operations.site import Site
from gateway.rules.car_currents import Register, amps_counted, amps_drawn, is_same_count, live_samples
from gateway.store import transactions
from gateway.store.writing import Writing

if TYPE_CHECKING:
    from gateway.operations.draw_consequences import Ended, StatusChanged

logger = logging.getLogger(__name__)

_CLOCK_NOISE_SECONDS = 5.0  # stations' clocks are known no better


def note_draw(asked: Question, connector: int, body: bytes) -> None:
    """A MeterValues came: the newest current of this connector, and its energy register. Never raises."""
    try:
        _note(asked, connector, body)
    except Exception:
        asked.site.health.counters.increase("draw_faults_total")
        logger.exception("a measured draw could not be read", extra={"station": asked.station})


def no_draw_when_free(db: Writing, site: Site, what: StatusChanged) -> None:
    """Nobody is plugged in at a connector that is Available."""
    if what.state.status == "Available":
        db.then.append(partial(_draws_nothing, site.load, what.station, int(what.connector)))


def no_draw_when_ended(db: Writing, site: Site, what: Ended) -> None:
    """Unless the next session runs there already: a late or corrected end says nothing about that one."""
    station, connector = what.session.station, what.session.connector
    if not any(session.connector == connector for session in transactions.open_of_station(db, station)):
        db.then.append(partial(_draws_nothing, site.load, station, int(connector)))


def _note(asked: Question, connector: int, body: bytes) -> None:
    load = asked.site.load
    key = (asked.station, connector)
    if connector == 0 and (asked.station, 2) not in load.outlets:
        key = (asked.station, 1)  # the main meter of a station with one connector
    outlet = load.outlets.get(key)
    if outlet is None:
        return
    told = newest_samples(body, utc_offset_minutes=asked.treatment.utc_offset_minutes)
    newest = max((sample.at for sample in told if sample.at is not None), default=None)
    if newest is not None:
        note_clock(asked.site, asked.station, newest, asked.now)
    samples, age = live_samples(told, now=asked.now, offset_ms=ahead_ms(load, asked.station))
    lines = len(outlet.phase_rotation)
    amps = amps_drawn(samples, lines=lines, most_amps=outlet.max_amps)
    register = energy_register_wh(samples)
    register_wh = None if register is None else float(register * asked.treatment.energy_scale)
    if register_wh is not None:
        at = next((sample.at for sample in samples if sample.at is not None), asked.now)
        counted = _count_on(load, key, Register(register_wh, at), outlet)
        amps = counted if amps is None else amps
    measured_at = asyncio.get_running_loop().time() - (age if age > _CLOCK_NOISE_SECONDS else 0.0)
    before = load.draws.get(key)
    if before is not None and measured_at < before.loop_seconds:
        return
    if register_wh is None and before is not None:
        register_wh = before.energy_register_wh
    if amps is not None:
        load.draws[key] = Draw(amps, measured_at, register_wh)


def _count_on(load: LoadNow, key: tuple[StationId, int], now: Register, outlet: Outlet) -> tuple[float, ...] | None:
    """The mean since the register that is remembered, which moves on when that is long enough ago."""
    before = load.registers.get(key)
    if before is None or not is_same_count(before, now):
        load.registers[key] = now
    if before is None:
        return None
    return amps_counted(before, now, lines=len(outlet.phase_rotation), most_amps=outlet.max_amps)


def _draws_nothing(load: LoadNow, station: StationId, connector: int) -> None:
    outlet = load.outlets.get((station, connector))
    if outlet is not None:
        load.registers.pop((station, connector), None)
        nothing = (0.0,) * len(outlet.phase_rotation)
        load.draws[station, connector] = Draw(nothing, asyncio.get_running_loop().time())
