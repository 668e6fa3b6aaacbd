"""What does a car draw now, on each line of its station, by what its station has just measured?

Sources in order of trust: current by phase; current without phase, which every line carries; power by phase; total
power; what the energy register counted. The last two are spread evenly over the wired lines. For a car on one line that
is too little there and too much on the others. Both are safe: its limit is reserved on every line all the same, and
what its line carries beyond is taken for background. To claim the whole on each line would hide background.

Lines that are not told carry what the busiest told one carries: many stations measure L1 alone. What is offered,
exported, said by the car itself, older than half a minute or ten times what the outlet can carry is never a draw.
This file does not know who asks, nor what was drawn before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from gateway.model.circuits import VOLTS
from gateway.model.instants import SECOND, Instant
from gateway.model.measurements import Sample

OLDEST_SECONDS = 30.0
ABSURD_TIMES = 10.0
_MAINS_VOLTS = (180.0, 280.0)  # between a line and neutral
COUNTED_SECONDS = (60.0, 1800.0)  # over less, the register's steps are too coarse

_PER_UNIT: Mapping[str, Mapping[str, float]] = {
    "Current.Import": {"A": 1.0, "mA": 0.001, "kA": 1000.0},
    "Power.Active.Import": {"W": 1.0, "kW": 1000.0, "mW": 0.001, "MW": 1e6},
    "Voltage": {"V": 1.0, "kV": 1000.0, "mV": 0.001},
}
_LINES: Mapping[str | None, int] = {"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2}
_AT_THE_CAR = ("Outlet", "Cable", "Body")


class Register(NamedTuple):
    """An energy register in Wh at a moment of the station's own clock."""

    wh: float
    at: Instant


class _Told(NamedTuple):
    """One measurand: the value without phase, and those by line."""

    whole: float | None
    by_line: Mapping[int, float]


def live_samples(samples: Sequence[Sample], *, now: Instant, offset_ms: int) -> tuple[tuple[Sample, ...], float]:
    """The samples of the newest moment and its age in seconds; none if that is older than OLDEST_SECONDS.

    `offset_ms`: how far the station's clock is ahead. What seems to come from the future only shows that it is further
    ahead than was known. Samples without a readable time count when none has one: they came just now.
    """
    times = [sample.at for sample in samples if sample.at is not None]
    if not times:
        return tuple(samples), 0.0
    newest = max(times)
    age = (now - (newest - offset_ms * 1000)) / SECOND
    if age > OLDEST_SECONDS:
        return (), age
    return tuple(sample for sample in samples if sample.at == newest), max(0.0, age)


def amps_drawn(samples: Sequence[Sample], *, lines: int, most_amps: float) -> tuple[float, ...] | None:
    """Amperes of each of the wired `lines`, never below 0; None if these samples do not tell.

    `most_amps`: what the outlet can carry at most.
    """
    volts = _told(samples, "Voltage")
    current = _told(samples, "Current.Import")
    if current.whole is not None and not current.by_line and volts.whole and volts.whole != _mains(volts.whole):
        current = _Told(None, {})  # direct current, or a voltage between lines
    power = _told(samples, "Power.Active.Import")
    by_phase = {line: watts / _mains(volts.by_line.get(line)) for line, watts in power.by_line.items()}
    spread = None if power.whole is None else power.whole / (VOLTS * lines)
    for found, kilo in (
        (_by_line(current.by_line, lines), 1.0),
        (_same(current.whole, lines), 1.0),
        (_by_line(by_phase, lines), 1000.0),
        (_same(spread, lines), 1000.0),
    ):
        believed = _believed(found, ABSURD_TIMES * most_amps, kilo)
        if believed is not None:
            return believed
    return None


def is_same_count(before: Register, after: Register) -> bool:
    """True while it is too early to count on from the later register."""
    return 0 <= after.at - before.at < COUNTED_SECONDS[0] * SECOND


def amps_counted(before: Register, after: Register, *, lines: int, most_amps: float) -> tuple[float, ...] | None:
    """The mean between two registers; None when too little or too much time lies between, or one was set back."""
    seconds = (after.at - before.at) / SECOND
    counted = after.wh - before.wh
    if not COUNTED_SECONDS[0] <= seconds <= COUNTED_SECONDS[1] or counted < 0:
        return None
    return _believed(_same(counted * 3600 / seconds / (VOLTS * lines), lines), ABSURD_TIMES * most_amps, 1.0)


def _told(samples: Sequence[Sample], measurand: str) -> _Told:
    """By line; a plain label wins over the one against neutral, the outlet over the station's inlet."""
    factors = _PER_UNIT[measurand]
    usable = [
        sample
        for sample in samples
        if sample.measurand == measurand and sample.value is not None and sample.unit in factors
    ]
    near = [sample for sample in usable if sample.location in _AT_THE_CAR]
    chosen = near or [sample for sample in usable if sample.location == "Inlet"]
    chosen.sort(key=lambda sample: sample.phase in ("L1", "L2", "L3"))
    whole = [float(_number(sample)) * factors[sample.unit] for sample in chosen if sample.phase is None]
    by_line = {
        _LINES[sample.phase]: float(_number(sample)) * factors[sample.unit]
        for sample in chosen
        if sample.phase in _LINES
    }
    return _Told(whole[-1] if whole else None, by_line)


def _number(sample: Sample) -> Decimal:
    return sample.value or Decimal(0)


def _mains(volts: float | None) -> float:
    low, high = _MAINS_VOLTS
    return volts if volts is not None and low <= volts <= high else VOLTS


def _by_line(amps: Mapping[int, float], lines: int) -> tuple[float, ...] | None:
    """An outlet with one line is fed by whichever the station tells most of."""
    if not amps:
        return None
    busiest = max(amps.values())
    return (busiest,) if lines == 1 else tuple(amps.get(line, busiest) for line in range(lines))


def _same(amps: float | None, lines: int) -> tuple[float, ...] | None:
    return None if amps is None else (amps,) * lines


def _believed(amps: tuple[float, ...] | None, most: float, kilo: float) -> tuple[float, ...] | None:
    """Without what flows out; None if absurd. `kilo`: watts under the name of kilowatts are seen, and are mended."""
    if amps is None:
        return None
    if not max(amps) <= most:
        amps = tuple(one / kilo for one in amps)
    return tuple(max(0.0, one) for one in amps) if max(amps) <= most else None
