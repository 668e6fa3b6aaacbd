"""Which measurements does load management want of a station, and how often, given what it has and what it refused?

The least that is needed is asked for: what a station reports already is left as it is, its list is made longer by as
little as can be (one that was given many measurands booted for ever), and after a refusal the power is asked for in
place of the current, once. Whatever people wrote for these keys beats this (`desired_settings()`).
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.rules.capabilities import items_of, whole_number
from gateway.rules.desired_settings import Known, Trial

INTERVAL_KEY, MEASURANDS_KEY = "MeterValueSampleInterval", "MeterValuesSampledData"
WANTED_SECONDS = 10
MOST_SECONDS = 30  # what comes less often is too old to be used
CURRENT, POWER, ENERGY = "Current.Import", "Power.Active.Import", "Energy.Active.Import.Register"


def measurements_wanted(known: Known) -> Mapping[str, str]:
    """The wanted value of both keys; where the station's own will do, that one."""
    return {INTERVAL_KEY: _interval(known), MEASURANDS_KEY: _measurands(known)}


def _interval(known: Known) -> str:
    reported = known.reported.get(INTERVAL_KEY.casefold())
    value = (reported.value if reported is not None else None) or ""
    return value if 0 < (whole_number(value) or 0) <= MOST_SECONDS else str(WANTED_SECONDS)


def _measurands(known: Known) -> str:
    reported = known.reported.get(MEASURANDS_KEY.casefold())
    value = (reported.value if reported is not None else None) or ""
    held = items_of(value)
    trial = known.trials.get(MEASURANDS_KEY.casefold())
    tells_load = POWER if trial is not None and _current_was_refused(trial, known) else CURRENT
    if all(_has(held, one) for one in (tells_load, ENERGY)):
        return value
    # ours first: a list that is longer than the station allows is cut at its end
    return ",".join((tells_load, ENERGY, *(one for one in held if not _has((tells_load, ENERGY), one))))


def _current_was_refused(trial: Trial, known: Known) -> bool:
    """True when this firmware took only a list without the current, or was asked for the power already."""
    if trial.firmware_version != known.firmware_version:
        return False
    asked = items_of(trial.desired)
    if not _has(asked, CURRENT):
        return _has(asked, POWER)
    if trial.accepted is not None:
        return not _has(items_of(trial.accepted), CURRENT)
    return trial.result in ("Rejected", "error")


def _has(items: tuple[str, ...], measurand: str) -> bool:
    return measurand.casefold() in {item.casefold() for item in items}
