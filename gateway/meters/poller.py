"""Reads the Modbus meters of one line in turn: currents and powers at every interval, energy once a minute.

Each meter has a timetable that does not drift. Who was late is asked first; who does not answer is asked ever more
rarely, so that it costs the others little. A line on which nobody answers is closed and opened again. It does not judge
what was read; it writes into `latest`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.meters.bus import AnswerTooShort, LineDown, MeterRefused, MeterSilent
from gateway.meters.latest import Latest
from gateway.meters.models import sunspec
from gateway.meters.plans import MeterPlan
from gateway.meters.registers import (
    Block,
    RegisterTable,
    Value,
    blocks_for,
    energy_values,
    fast_values,
    measured,
    turned_round,
)
from gateway.model.instants import Instant

ENERGY_SECONDS = 60.0
RESET_SECONDS = 20.0
"""So long nobody on the line answered: it is closed and opened again."""
_LONGEST_WAIT_SECONDS = 15.0
"""So rarely a silent meter is asked while others on the line answer; when there are none, after _SHORT_WAIT_SECONDS."""
_SHORT_WAIT_SECONDS = 2.0
_LONGEST_REOPENING_SECONDS = 30.0
_SMALL_REQUEST = 10


class OpenLine(Protocol):
    """What is asked of a line (`bus.Line`)."""

    @property
    def is_open(self) -> bool: ...

    async def read(
        self, unit: int, function: int, address: int, count: int, *, gap_seconds: float = 0.0
    ) -> list[int]: ...


@dataclass(slots=True)
class Turn:
    """One meter's timetable, and what was learned about it since the line was opened."""

    plan: MeterPlan
    table: RegisterTable | None
    due: float
    energy_due: float
    first: float
    failures: int = 0  # in a row
    small: bool = False  # asks for few registers at once: the meter may not take more
    proved: bool = False  # it has answered with requests of this size
    asked_at: float = -math.inf


async def poll(
    meters: Sequence[MeterPlan],
    latest: Latest,
    *,
    open_line: Callable[[], AbstractAsyncContextManager[OpenLine]],
    wall_clock: Callable[[], Instant],
) -> None:
    """Read these meters of one line until cancelled."""
    failures = 0
    while True:
        try:
            async with open_line() as line:
                failures = 0
                await _ask_in_turn(line, meters, latest, wall_clock)
        except LineDown as down:
            failures += 1
            for meter in meters:
                latest.failed(meter.name, "line", str(down))
        await asyncio.sleep(_waiting(failures, _LONGEST_REOPENING_SECONDS))


async def _ask_in_turn(
    line: OpenLine, meters: Sequence[MeterPlan], latest: Latest, wall_clock: Callable[[], Instant]
) -> None:
    """Ask until the line is gone or nobody on it answers any more."""
    loop = asyncio.get_running_loop()
    now = loop.time()
    turns = [Turn(plan, plan.model.registers, now, now, now) for plan in meters]
    heard_at = now
    while line.is_open and loop.time() - heard_at < RESET_SECONDS:
        turn = min(turns, key=lambda turn: (turn.due, turn.asked_at))
        await asyncio.sleep(turn.due - loop.time())
        turn.asked_at = loop.time()
        try:
            await _read(line, turn, latest, wall_clock)
        except (MeterSilent, MeterRefused, AnswerTooShort) as error:
            if isinstance(error, MeterRefused):
                heard_at = loop.time()  # it is there
            _learn_from(error, turn)
            latest.failed(turn.plan.name, _kind(error), str(error))
            others_answer = any(other.failures == 0 and other.proved for other in turns if other is not turn)
            _put_off(turn, error, loop.time(), most=_LONGEST_WAIT_SECONDS if others_answer else _SHORT_WAIT_SECONDS)
        else:
            heard_at = loop.time()
            turn.failures, turn.proved = 0, True
            turn.due = _next_slot(turn.first, turn.plan.interval_seconds, loop.time())


async def _read(line: OpenLine, turn: Turn, latest: Latest, wall_clock: Callable[[], Instant]) -> None:
    """One reading into `latest`, with the energy when it is due."""
    loop = asyncio.get_running_loop()
    if turn.table is None:
        turn.table = await find_table(line, turn.plan.unit)
    table, name = turn.table, turn.plan.name
    registers = await read_values(line, turn.plan.unit, table, fast_values(table), small=turn.small)
    values = measured(table, registers)
    values = turned_round(values) if turn.plan.inverted else values
    latest.succeeded(name, values, wall=wall_clock(), loop_seconds=loop.time())
    if loop.time() < turn.energy_due or not energy_values(table):
        return
    turn.energy_due = _next_slot(turn.first, ENERGY_SECONDS, loop.time())
    try:
        registers = await read_values(line, turn.plan.unit, table, energy_values(table), small=turn.small)
    except (MeterSilent, MeterRefused, AnswerTooShort) as error:
        latest.errors[name][_kind(error)] += 1  # the currents are good all the same
        return
    values = measured(table, registers)
    latest.energy(name, turned_round(values) if turn.plan.inverted else values)


async def read_values(
    line: OpenLine, unit: int, table: RegisterTable, values: Iterable[Value], *, small: bool = False
) -> dict[int, int]:
    """The registers of these values, by address, in as few requests as the meter takes."""
    most = min(table.max_registers, _SMALL_REQUEST) if small else table.max_registers
    registers: dict[int, int] = {}
    for block in blocks_for(values, most=most, gap=0 if small else table.max_gap):
        words = await line.read(unit, table.function, block.address, block.count, gap_seconds=table.gap_seconds)
        registers.update(enumerate(words, block.address))
    return registers


async def find_table(line: OpenLine, unit: int) -> RegisterTable:
    """Ask a SunSpec meter for its models. Raises MeterRefused when it has none, MeterSilent when it does not answer."""
    walk = sunspec.find()
    table = await _walk(line, unit, walk)
    if table is None:
        raise MeterRefused(2)
    return table


async def _walk(
    line: OpenLine, unit: int, walk: Generator[Block, Sequence[int] | None, RegisterTable | None]
) -> RegisterTable | None:
    try:
        block = next(walk)
        while True:
            try:
                words: list[int] | None = await line.read(unit, 3, block.address, block.count, gap_seconds=0.02)
            except MeterRefused as refused:
                if not refused.wrong_registers:
                    raise
                words = None
            block = walk.send(words)
    except StopIteration as end:
        table: RegisterTable | None = end.value
        return table


def _learn_from(error: Exception, turn: Turn) -> None:
    """Perhaps the meter takes only short requests; a SunSpec meter may have its models elsewhere since an update."""
    refused = isinstance(error, MeterRefused) and error.wrong_registers
    if refused and turn.plan.model.registers is None:
        turn.table = None
    if isinstance(error, AnswerTooShort) or (not turn.proved and (refused or isinstance(error, MeterSilent))):
        turn.small = not turn.small


def _put_off(turn: Turn, error: Exception, now: float, *, most: float) -> None:
    """Choose when to ask again: at once after a single failure, then ever more rarely; who is busy, as usual."""
    turn.failures += 1
    if isinstance(error, MeterRefused) and not error.wrong_registers:
        turn.due = _next_slot(turn.first, turn.plan.interval_seconds, now)
    elif turn.failures == 1:
        turn.due = now
    else:
        turn.due = now + _waiting(turn.failures - 1, most)


def _kind(error: Exception) -> str:
    match error:
        case MeterRefused():
            return "refused"
        case AnswerTooShort():
            return "garbled"
        case _:
            return "silent"


def _next_slot(first: float, every: float, now: float) -> float:
    """The first moment of the timetable after now: what was missed is not made up for."""
    return first + (math.floor((now - first) / every + 1e-9) + 1) * every


def _waiting(failures: int, most: float) -> float:
    return float(min(most, 2.0 ** min(max(failures - 1, 0), 10)))
