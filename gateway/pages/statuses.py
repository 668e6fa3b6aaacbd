"""The words of OCPP for a connector's status and for what is wrong with it, said plainly (OCPP 1.6 7.7, 7.6)."""

from __future__ import annotations

from gateway.pages.visit import Visit
from gateway.pages.worded import worded
from gateway.pages.words import mark

_STATUSES = {
    "Available": mark("Free"),
    "Preparing": mark("Preparing"),
    "Charging": mark("Charging"),
    "SuspendedEVSE": mark("Paused by the station"),
    "SuspendedEV": mark("Paused by the car"),
    "Finishing": mark("Finishing"),
    "Reserved": mark("Reserved"),
    "Unavailable": mark("Out of service"),
    "Faulted": mark("Faulted"),
}
_TONES = {
    "Charging": "good",
    "SuspendedEVSE": "warning",
    "SuspendedEV": "warning",
    "Unavailable": "warning",
    "Faulted": "bad",
}
_ERRORS = {
    "ConnectorLockFailure": mark("the plug cannot be locked"),
    "EVCommunicationError": mark("the car and the station do not understand each other"),
    "GroundFailure": mark("earth fault"),
    "HighTemperature": mark("too hot inside"),
    "InternalError": mark("a fault inside the station"),
    "LocalListConflict": mark("the local list contradicts what the gateway says"),
    "OtherError": mark("another fault"),
    "OverCurrentFailure": mark("too much current"),
    "OverVoltage": mark("voltage too high"),
    "PowerMeterFailure": mark("the meter cannot be read"),
    "PowerSwitchFailure": mark("the contactor does not switch"),
    "ReaderFailure": mark("the card reader does not work"),
    "ResetFailure": mark("restarting failed"),
    "UnderVoltage": mark("voltage too low"),
    "WeakSignal": mark("weak radio signal"),
}


def status_text(visit: Visit, status: object) -> str:
    """A connector's status in words; None: it has told none."""
    if status is None:
        return visit.gettext("Not told yet")
    return worded(visit, _STATUSES, status)


def status_tone(status: object) -> str:
    """The class of a badge that shows the status."""
    return _TONES.get(str(status), "")


def error_text(visit: Visit, code: object) -> str:
    """What is wrong with a connector; empty for NoError."""
    if code in (None, "", "NoError"):
        return ""
    return worded(visit, _ERRORS, code)
