"""The keys of load limits as circuits and outlets: what gateway.toml and a station's settings mean to the engine.

Here is decided which limit is the lower one, how a station can be held to a limit and what stands in the way of that.
Whether all of it is safe is asked in `configuration_safety`; which stations there are at run time is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.configuration_keys import Circuit, Configuration, ScheduledLimit, StationSettings
from gateway.model import circuits as nouns
from gateway.model.circuits import VOLTS
from gateway.model.limiting import Limiting

NOT_TRIED = Limiting()


def circuits_of(configuration: Configuration) -> tuple[nouns.Circuit, ...]:
    """The tree of fuses, each with the lower of its limits in amperes and in watts."""
    return tuple(
        nouns.Circuit(
            name=circuit.name,
            limit_amps=limit_of(circuit),
            parent=circuit.parent,
            metered=circuit.meter is not None,
            background_worst_amps=circuit.background_worst_amps or nouns.NO_AMPS,
            unbalance_limit_amps=circuit.unbalance_limit_amps,
        )
        for circuit in configuration.circuits
    )


def limit_of(limit: Circuit | ScheduledLimit) -> nouns.Amps:
    """Amperes per phase: the lower of limit_amps and a third of limit_watts at 230 V; one of them is there."""
    by_power = None if limit.limit_watts is None else limit.limit_watts / (3 * VOLTS)
    if limit.limit_amps is None:
        assert by_power is not None
        return (by_power, by_power, by_power)
    one, two, three = limit.limit_amps
    return (one, two, three) if by_power is None else (min(one, by_power), min(two, by_power), min(three, by_power))


def why_unlimited(
    configuration: Configuration, settings: StationSettings, limiting: Limiting, *, connectors: int
) -> str | None:
    """Why the station can be held to no limit, so that it counts with all it can draw (mode D); None: it can."""
    if not configuration.ocpp.automatic_calls:
        return "automatic_calls is false"
    if settings.quiet:
        return "it is quiet"
    mode = limiting.mode if settings.load_mode == "auto" else settings.load_mode
    if mode == "D":
        return f"load_mode is {settings.load_mode}" if settings.load_mode == "D" else limiting.reason
    if mode == "C" and connectors > 1:
        return f"it has one limit for {connectors} connectors"
    return None


def outlets_of(
    configuration: Configuration, settings: StationSettings, connectors: Iterable[int], limiting: Limiting = NOT_TRIED
) -> tuple[nouns.Outlet, ...]:
    """The station's connectors as part of the site; none when no circuit feeds it (it is not managed)."""
    if settings.circuit is None or not configuration.circuits:
        return ()
    numbers = sorted(set(connectors))
    unlimited = why_unlimited(configuration, settings, limiting, connectors=len(numbers))
    mode = limiting.mode if settings.load_mode == "auto" else settings.load_mode
    least, most, fallback = _currents(settings)
    return tuple(
        nouns.Outlet(
            station=settings.id,
            connector=number,
            circuit=_circuit_of(configuration, settings.circuit),
            phase_rotation=settings.phase_rotation,
            min_amps=least,
            max_amps=most,
            fallback_amps=fallback,
            priority=settings.priority,
            weight=settings.weight,
            eco=settings.eco,
            no_resume=settings.no_resume,
            mode="D" if unlimited else mode,
            starts_at_zero=limiting.starts_at_zero,
            step_amps=limiting.step_amps,
        )
        for number in numbers
    )


def odd_settings(configuration: Configuration, settings: StationSettings) -> tuple[str, ...]:
    """What was well when it was set and no longer agrees with the file, and what is done instead."""
    found = []
    if settings.circuit is not None and configuration.circuits:
        circuit = _circuit_of(configuration, settings.circuit)
        if circuit != settings.circuit:
            found.append(f"{settings.id}: its circuit {settings.circuit} is no longer there: it counts below {circuit}")
        if (settings.min_amps, settings.max_amps, settings.fallback_amps) != (currents := _currents(settings)):
            least, most, fallback = currents
            found.append(
                f"{settings.id}: its currents do not agree: it counts with min_amps {least:g}, max_amps {most:g},"
                f" fallback_amps {fallback:g}"
            )
    return tuple(found)


def _circuit_of(configuration: Configuration, name: str) -> str:
    """The circuit of that name; when it is no longer there the top, which feeds every station."""
    if name in {circuit.name for circuit in configuration.circuits}:
        return name
    return next((circuit.name for circuit in configuration.circuits if circuit.parent is None), name)


def _currents(settings: StationSettings) -> tuple[float, float, float]:
    """Least, most and fallback, such that 0 < least <= most and the fallback is 0 or lies between them."""
    most = settings.max_amps or 0.1
    least = min(settings.min_amps or 6.0, most)
    return least, most, settings.fallback_amps if least <= settings.fallback_amps <= most else 0.0
