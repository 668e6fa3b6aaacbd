"""Finds the meters on a line: who answers under which address, and which register table fits what it says.

A table fits when it can be read and tells a mains voltage with currents and powers that agree. Several may fit: meters
of one maker share their registers. It changes nothing on the line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from gateway.meters.bus import AnswerTooShort, LineDown, MeterRefused, MeterSilent, open_line
from gateway.meters.catalog import MODELS
from gateway.meters.plans import Parity, Place, SerialLine
from gateway.meters.poller import OpenLine, find_table, read_values
from gateway.meters.registers import fast_values, measured
from gateway.model.meters import Measured

USUAL_BAUDRATES = (9600, 19_200, 38_400)
ALL_BAUDRATES = (*USUAL_BAUDRATES, 57_600, 115_200, 4800, 2400, 1200)
_PATIENCE_SECONDS = 0.25
_LONGEST_FRAME_BITS = 100 * 11
_NOBODY = {4, 10, 11}
"""What converters and servers say for an address behind which there is nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody answers at this place and unit; `models` are those that fit, with what the first of them reads."""

    place: Place
    unit: int
    models: tuple[str, ...]
    measured: Measured | None


def settings_to_try(
    device: str, baudrates: Sequence[int] = USUAL_BAUDRATES, parities: Sequence[Parity] = ("N", "E")
) -> list[SerialLine]:
    """The ways in which a serial line may be set, likely ones first."""
    return [SerialLine(device, baudrate, parity) for baudrate in baudrates for parity in parities]


async def scan(places: Iterable[Place], units: Sequence[int]) -> AsyncIterator[Found | Place]:
    """Each place as it is begun, then who is there; ends after the first place where anybody is.

    Raises LineDown when the first place cannot be opened; a setting that the device refuses later is passed over.
    """
    for position, place in enumerate(places):
        yield place
        found = False
        try:
            async with open_line(place, patience_seconds=_patience_for(place)) as line:
                for unit in units:
                    if await _is_there(line, unit):
                        found = True
                        models, values = await identify(line, unit)
                        yield Found(place, unit, models, values)
        except LineDown:
            if position == 0:
                raise
        if found:
            return


def _patience_for(place: Place) -> float:
    frame_seconds = _LONGEST_FRAME_BITS / place.baudrate if isinstance(place, SerialLine) else 0.0
    return _PATIENCE_SECONDS + frame_seconds


async def identify(line: OpenLine, unit: int) -> tuple[tuple[str, ...], Measured | None]:
    """The models whose registers fit, those first that were read in longer requests, and what the first tells."""
    fitting: list[tuple[int, str, Measured]] = []
    for key, model in MODELS.items():
        if model.talks_by_itself:
            continue
        try:
            table = model.registers or await find_table(line, unit)
            values = measured(table, await read_values(line, unit, table, fast_values(table)))
        except (MeterSilent, MeterRefused, AnswerTooShort):
            continue
        if fits(values):
            fitting.append((-table.max_registers, key, values))
    fitting.sort(key=lambda one: one[0])
    return tuple(key for _, key, _ in fitting), fitting[0][2] if fitting else None


def fits(values: Measured) -> bool:
    """Whether this can be the mains: a voltage on L1 at least, and powers that these currents can carry."""
    volts = values.volts
    if volts[0] is None or not _is_mains(volts[0]) or values.amps[0] is None:
        return False
    for phase in range(3):
        u, i, p = volts[phase] or 0.0, abs(values.amps[phase] or 0.0), values.watts[phase]
        if not (abs(u) < 10 or _is_mains(u)) or i > 6000:
            return False
        if p is not None and not 0.2 * u * i - 60 <= abs(p) <= 1.2 * u * i + 60:
            return False
    return True


def _is_mains(volts: float) -> bool:
    return 95 < volts < 140 or 195 < volts < 265


async def _is_there(line: OpenLine, unit: int) -> bool:
    """Whether anybody answers, be it with a refusal."""
    for function in (4, 3):
        try:
            await line.read(unit, function, 0, 2)
        except MeterRefused as refused:
            if refused.code not in _NOBODY:
                return True
        except AnswerTooShort:
            return True
        except MeterSilent:
            continue
        else:
            return True
    return False
