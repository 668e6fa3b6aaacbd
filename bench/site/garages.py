"""The wiring of two real garages: which constraint each outlet loads and how much of it, from acnportal's networks.

Outlets there lie between two lines. The constraints add currents as phasors; here, as in the gateway, they are added by
amount, which is never less: what fits here fits there. The package is imported, but only its networks are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

VOLTS = 208.0
FIRST_FLOOR_KW = 12  # JPL's smaller transformer; the cap is that of the larger one


@dataclass(frozen=True, slots=True)
class Garage:
    """`rows`: by outlet, the constraints it loads, one named as often as it counts; `room`: of each, in amperes."""

    site: str
    cap_kw: float
    rows: dict[str, tuple[int, ...]]
    room: list[float]


def garage(site: str, cap_kw: float) -> Garage:
    """A garage with a transformer of so many kW."""
    network = _networks()[site](cap_kw)
    matrix = numpy.abs(numpy.asarray(network.constraint_matrix))
    scales = [4 if ((row % 1) > 0).any() else 1 for row in matrix]
    rows = {
        name: tuple(
            place for place, scale in enumerate(scales) for _ in range(round(float(matrix[place, column]) * scale))
        )
        for column, name in enumerate(network.station_ids)
    }
    room = [float(most) * scale for most, scale in zip(network.magnitudes, scales, strict=True)]
    return Garage(site, cap_kw, rows, room)


def _networks() -> dict[str, Callable[[float], Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from acnportal.acnsim.network.sites import caltech_acn, jpl_acn
    return {
        "caltech": lambda cap: caltech_acn(basic_evse=True, voltage=VOLTS, transformer_cap=cap),
        "jpl": lambda cap: jpl_acn(
            basic_evse=True, voltage=VOLTS, first_transformer_cap=FIRST_FLOOR_KW, third_fourth_transformer_cap=cap
        ),
    }
