"""Reads one meter once, on a line that nobody else uses: what it says, or in words why it says nothing.

Loading this file loads the libraries of the lines. Whether a line is free is not known here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.meters.bus import AnswerTooShort, LineDown, MeterRefused, MeterSilent, open_line
from gateway.meters.cutting import Cut, Garbled
from gateway.meters.listener import open_stream
from gateway.meters.plans import MeterPlan
from gateway.meters.poller import OpenLine, find_table, read_values
from gateway.meters.registers import RegisterTable, energy_values, fast_values, measured, turned_round
from gateway.meters.scan import fits
from gateway.model.meters import Measured


class Unread(Exception):
    """The meter says nothing that can be used; the text says why."""


async def read_once(plan: MeterPlan) -> tuple[Measured, bool]:
    """Its values, and whether they can be those of the mains. Raises Unread; whoever calls bounds the time."""
    try:
        values = await (_hear(plan) if plan.model.talks_by_itself else _ask(plan))
    except (LineDown, MeterSilent, MeterRefused, AnswerTooShort) as reason:
        raise Unread(str(reason)) from reason
    plausible = plan.model.talks_by_itself or fits(values)
    return turned_round(values) if plan.inverted else values, plausible


async def _ask(plan: MeterPlan) -> Measured:
    async with open_line(plan.place) as line:
        table = plan.model.registers or await find_table(line, plan.unit)
        try:
            return await _values(line, plan.unit, table, small=False)
        except (AnswerTooShort, MeterSilent, MeterRefused):  # perhaps it takes short requests only
            return await _values(line, plan.unit, table, small=True)


async def _values(line: OpenLine, unit: int, table: RegisterTable, *, small: bool) -> Measured:
    registers = await read_values(line, unit, table, fast_values(table), small=small)
    values = measured(table, registers)
    if not energy_values(table):
        return values
    try:
        registers = await read_values(line, unit, table, energy_values(table), small=small)
    except (MeterSilent, MeterRefused, AnswerTooShort):
        return values  # the currents are good all the same
    energy = measured(table, registers)
    return replace(values, energy_import_wh=energy.energy_import_wh, energy_export_wh=energy.energy_export_wh)


async def _hear(plan: MeterPlan) -> Measured:
    cut = plan.model.cut
    assert cut is not None, "a model that talks by itself"
    buffer = b""
    async with open_stream(plan.place) as stream:
        while True:
            buffer += await stream.read()
            found, buffer = _first_whole(cut, buffer)
            if found is not None:
                return found


def _first_whole(cut: Callable[[bytes], Cut], buffer: bytes) -> tuple[Measured | None, bytes]:
    """What the first whole telegram says, and what is left of the buffer."""
    while True:
        try:
            found = cut(buffer)
        except Garbled as garbled:
            buffer = garbled.rest
        else:
            return found.measured, found.rest
