"""Statement S2 at the door: without the gateway, fallbacks and the worst background stay below every limit.

Here is decided whether a description of the site is refused, which key is blamed, and how the sum is shown. The sum
itself is that of `check_fallbacks()`; stations are given, the file's or those that are adopted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.configuration_files import Node, Place, Step, is_written, place_of
from gateway.configuration_keys import Configuration
from gateway.configuration_outlets import NOT_TRIED, circuits_of, outlets_of, why_unlimited
from gateway.model.circuits import PHASES, VOLTS, Circuit, Outlet, circuits_above, supply_phases
from gateway.rules.safe_assumptions import FallbackCheck, FallbackSum, check_fallbacks, worst_background

_HAIR = 1e-6  # amperes


@dataclass(frozen=True, slots=True)
class Unsafe:
    """What cannot be: `stations` whose fallback would have to be 0, or (none) the circuit whose limit is too low."""

    stations: tuple[str, ...]
    circuit: str
    needed_amps: float
    arithmetic: str


def unsafe_in_file(configuration: Configuration) -> Iterator[tuple[Place, str, str]]:
    """The mistakes of a file whose keys agree otherwise: the place, what was expected and what is there."""
    reasons = {
        station.id: reason
        for station in configuration.stations
        if (reason := why_unlimited(configuration, station, NOT_TRIED, connectors=station.connectors))
    }
    for wrong in find_unsafe(configuration, _outlets_in_file(configuration), reasons):
        yield _mistake(configuration, wrong, configuration.written)


def load_notes(configuration: Configuration) -> Iterator[tuple[tuple[Step, ...], str]]:
    """What is allowed and yet worth knowing, for a file without mistakes: where it stands, and a sentence."""
    if not configuration.circuits:
        return
    if not configuration.ocpp.automatic_calls:
        yield ("ocpp", "automatic_calls"), "load limits are off, as the gateway asks nothing of stations by itself"
        return
    for position, circuit in enumerate(configuration.circuits):
        written = is_written(configuration.written, "circuit", position, "background_worst_amps")
        if circuit.parent is None and circuit.meter is None and not written:
            yield ("circuit", position), "no meter and no background_worst_amps: what else hangs on it counts as 0 A"
    for position, station in enumerate(configuration.stations):
        reason = why_unlimited(configuration, station, NOT_TRIED, connectors=station.connectors)
        if station.circuit is None:
            yield ("station", position), "no circuit: nothing limits it, and what it draws counts as background"
        elif reason:
            yield ("station", position), f"it cannot be limited ({reason}): it counts with max_amps"
    check = check_fallbacks(circuits_of(configuration), _outlets_in_file(configuration))
    if not check.fits:
        yield ("load", "fallbacks_may_become_zero"), f"the fallback of {', '.join(check.to_zero)} counts as 0"


def _outlets_in_file(configuration: Configuration) -> tuple[Outlet, ...]:
    return tuple(
        outlet
        for station in configuration.stations
        for outlet in outlets_of(configuration, station, range(1, station.connectors + 1))
    )


def worst_case(configuration: Configuration) -> str:
    """What comes together without the gateway on the fullest phase of each circuit, in words."""
    fullest: dict[str, FallbackSum] = {}
    for row in check_fallbacks(circuits_of(configuration), _outlets_in_file(configuration)).rows:
        other = fullest.get(row.circuit)
        if other is None or _room(row) < _room(other):
            fullest[row.circuit] = row
    return ", ".join(
        f"{circuit.name} {row.fallback_amps + row.background_amps:g} of {row.limit_amps:g} A"
        for circuit in configuration.circuits
        for row in (fullest[circuit.name],)
    )


def _room(row: FallbackSum) -> float:
    return row.limit_amps - row.fallback_amps - row.background_amps


def find_unsafe(
    configuration: Configuration,
    outlets: Sequence[Outlet],
    reasons: Mapping[str, str],
    *,
    before: FallbackCheck | None = None,
) -> tuple[Unsafe, ...]:
    """Why these outlets are refused; none: they are not.

    `reasons`: by station, why it can be held to no limit. `before`: only what is worse than it was then counts.
    """
    if not configuration.ocpp.automatic_calls:
        return ()  # under certification nobody is limited, and a certification rig has no fuse to protect
    circuits = circuits_of(configuration)
    check = check_fallbacks(circuits, outlets)
    known = {circuit.name: circuit for circuit in circuits}
    used = {(row.circuit, row.phase): row.fallback_amps for row in before.rows} if before is not None else {}
    broken = [
        (row.circuit, row.phase - 1)
        for row in check.rows
        if not row.fits and row.fallback_amps > used.get((row.circuit, row.phase), -1.0) + _HAIR
    ]
    if not broken:
        return ()
    sums = _Sums(configuration, known, outlets, reasons)
    hopeless = [row for row in broken if sums.unlimited(*row) > known[row[0]].limit_amps[row[1]] + _HAIR]
    if hopeless:
        named = dict.fromkeys(name for name, _ in hopeless)
        return tuple(sums.limit_too_low(name, [phase for at, phase in hopeless if at == name]) for name in named)
    if configuration.load.fallbacks_may_become_zero:
        return ()
    zero = tuple(dict.fromkeys(each.station for each in outlets if each.key in check.to_zero))
    return (Unsafe(zero, broken[0][0], 0.0, sums.of_rows(broken)),)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Shows how much of what comes together on a phase of a circuit."""

    configuration: Configuration
    known: Mapping[str, Circuit]
    outlets: Sequence[Outlet]
    reasons: Mapping[str, str]

    def unlimited(self, name: str, phase: int) -> float:
        """The background and what cannot be limited."""
        amps = sum(each.max_amps for each in self._on(name, phase) if each.mode == "D")
        return amps + worst_background(self.known)[name][phase]

    def limit_too_low(self, name: str, phases: Sequence[int]) -> Unsafe:
        """The circuit does not even bear what is there when every fallback is 0."""
        needed = max(self.unlimited(name, phase) for phase in phases)
        return Unsafe((), name, needed, self.of_rows([(name, phase) for phase in phases], only_unlimited=True))

    def of_rows(self, rows: Sequence[tuple[str, int]], *, only_unlimited: bool = False) -> str:
        """The sums of these rows; phases with the same sum are told together."""
        phases_of: dict[tuple[str, str], list[int]] = {}
        for name, phase in rows:
            phases_of.setdefault((name, self._of_row(name, phase, only_unlimited)), []).append(phase + 1)
        return "; ".join(f"{name}, {_phases(phases)}: {text}" for (name, text), phases in phases_of.items())

    def _of_row(self, name: str, phase: int, only_unlimited: bool) -> str:
        amounts: dict[tuple[bool, float], list[Outlet]] = {}
        for each in self._on(name, phase):
            unlimited = each.mode == "D"
            amps = each.max_amps if unlimited else each.fallback_amps
            if amps > 0 and (unlimited or not only_unlimited):
                amounts.setdefault((unlimited, amps), []).append(each)
        parts = [self._part(amps, found) for (_, amps), found in sorted(amounts.items())]
        background = worst_background(self.known)[name][phase]
        if background > 0:
            parts.append(f"background {background:g} A{self._of_background(name, phase)}")
        total = background + sum(amps * len(found) for (_, amps), found in amounts.items())
        return f"{' + '.join(parts)} = {total:g} A, limit {self.known[name].limit_amps[phase]:g} A"

    def _part(self, amps: float, found: Sequence[Outlet]) -> str:
        stations = list(dict.fromkeys(each.station for each in found))
        if found[0].mode != "D":
            return f"{len(found)} x {amps:g} A"
        why = ", ".join(f"{each} cannot be limited: {self.reasons.get(each, 'mode D')}" for each in stations[:3])
        more = f" and {len(stations) - 3} more" if len(stations) > 3 else ""
        return f"{len(found)} x {amps:g} A ({why}{more})"

    def _of_background(self, name: str, phase: int) -> str:
        circuit = self.known[name]
        if worst_background(self.known)[name][phase] > circuit.background_worst_amps[phase] + _HAIR:
            return " (of the circuits below)"
        written = ("circuit", _position(self.configuration, name), "background_worst_amps")
        is_half = circuit.background_worst_amps[phase] == circuit.limit_amps[phase] / 2
        by_default = circuit.metered and is_half and not is_written(self.configuration.written, *written)
        return " (half the limit, as background_worst_amps is not written)" if by_default else ""

    def _on(self, name: str, phase: int) -> list[Outlet]:
        return [
            each
            for each in self.outlets
            if name in circuits_above(self.known, each.circuit) and phase in supply_phases(each.phase_rotation)
        ]


def what_is_expected(wrong: Unsafe, *, in_watts: bool = False) -> str:
    """What is expected instead, with the sum; for a key of the circuit or of a station."""
    if not wrong.stations:
        least = math.ceil(wrong.needed_amps * 3 * VOLTS) if in_watts else wrong.needed_amps
        return f"a limit of at least {least:g} for {wrong.circuit}, as so much cannot be limited ({wrong.arithmetic})"
    shown = ", ".join(wrong.stations[:12]) + (", ..." if len(wrong.stations) > 12 else "")
    return (
        f"fallback_amps = 0 for {shown}, or a smaller worst case: without the gateway the fuse would not hold"
        f" ({wrong.arithmetic}; see also fallbacks_may_become_zero in [load])"
    )


def _mistake(configuration: Configuration, wrong: Unsafe, tree: Node) -> tuple[Place, str, str]:
    if wrong.stations:
        position = [each.id for each in configuration.stations].index(wrong.stations[0])
        place = place_of(tree, "station", position, "fallback_amps")
        return place, what_is_expected(wrong), f"{configuration.stations[position].fallback_amps:g}"
    position = _position(configuration, wrong.circuit)
    circuit = configuration.circuits[position]
    if circuit.limit_watts is not None and circuit.limit_watts < min(circuit.limit_amps) * 3 * VOLTS:
        place = place_of(tree, "circuit", position, "limit_watts")
        return place, what_is_expected(wrong, in_watts=True), f"{circuit.limit_watts:g}"
    return place_of(tree, "circuit", position, "limit_amps"), what_is_expected(wrong), f"{min(circuit.limit_amps):g}"


def _position(configuration: Configuration, name: str) -> int:
    return next(index for index, circuit in enumerate(configuration.circuits) if circuit.name == name)


def _phases(phases: Sequence[int]) -> str:
    if len(phases) == len(PHASES):
        return "each phase"
    return f"phase {phases[0]}" if len(phases) == 1 else "phases " + " and ".join(str(phase) for phase in phases)
