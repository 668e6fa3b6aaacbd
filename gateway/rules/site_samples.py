"""What did a site meter show in a minute? The mean of what was read, of each value where it is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from gateway.model.meters import Measured, Phases


def mean_of(read: Sequence[Measured]) -> Measured:
    """The mean of the readings; energy registers are the newest. Nothing is known of no readings."""
    return Measured(
        amps=_phases([one.amps for one in read]),
        volts=_phases([one.volts for one in read]),
        watts=_phases([one.watts for one in read]),
        total_watts=_mean(one.total_watts for one in read),
        energy_import_wh=_newest([one.energy_import_wh for one in read]),
        energy_export_wh=_newest([one.energy_export_wh for one in read]),
    )


def _phases(read: Sequence[Phases]) -> Phases:
    return _mean(one[0] for one in read), _mean(one[1] for one in read), _mean(one[2] for one in read)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _newest(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
