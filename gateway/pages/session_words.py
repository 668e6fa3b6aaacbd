"""What reasons, anomalies and meter values of sessions are called by people. Unknown values are shown as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.pages.visit import Visit
from gateway.pages.worded import worded
from gateway.pages.words import mark

_REASONS = {
    "EmergencyStop": mark("Emergency stop was pressed"),
    "EVDisconnected": mark("Cable was unplugged from the car"),
    "HardReset": mark("Station was reset (hard)"),
    "Local": mark("Stopped at the station"),
    "Other": mark("Other reason"),
    "PowerLoss": mark("Power was lost"),
    "Reboot": mark("Station restarted"),
    "Remote": mark("Stopped from afar"),
    "SoftReset": mark("Station was reset (soft)"),
    "UnlockCommand": mark("Connector was unlocked"),
    "DeAuthorized": mark("Card is no longer allowed"),
}


class Anomaly(NamedTuple):
    """Something remarkable: a few words for a list, and what it means."""

    short: str
    meaning: str


_ANOMALIES: dict[str, tuple[str, str]] = {
    "unreadable_timestamp": (
        mark("Time unreadable"),
        mark("The station wrote a time that nobody can read. The time of receipt was taken instead."),
    ),
    "clock_not_set": (
        mark("Station clock not set"),
        mark("The station's clock was not set. Its times are not those of the day; the time of receipt tells better."),
    ),
    "clock_ahead": (
        mark("Station clock ahead"),
        mark("The station's clock was ahead of the gateway's. The times of this session may be off."),
    ),
    "connector_out_of_range": (
        mark("Unusual connector"),
        mark("The station named a connector that it should not have."),
    ),
    "meter_start_unknown": (
        mark("No meter reading at the start"),
        mark(
            "The station told no meter reading at the start. The first one measured in the session was taken, if any."
        ),
    ),
    "meter_start_out_of_range": (
        mark("Odd meter reading at the start"),
        mark("The meter reading at the start cannot be true. The first one measured in the session was taken, if any."),
    ),
    "meter_stop_unknown": (
        mark("No meter reading at the end"),
        mark("The station told no meter reading at the end, so the energy is not certain."),
    ),
    "meter_went_backwards": (
        mark("Meter went backwards"),
        mark("The meter reading at the end is lower than at the start. The meter was changed, or it counts wrongly."),
    ),
    "stopped_before_start": (
        mark("Ends before it begins"),
        mark("The time of the end is before the time of the start. The station's clock was set in between."),
    ),
    "stopped_without_transaction_id": (
        mark("End without a number"),
        mark("The station ended a session without saying which. This was the only one that fitted."),
    ),
    "stop_without_start": (
        mark("Start unknown"),
        mark("The station told the end of a session whose start the gateway never heard of."),
    ),
    "transaction_of_another_station": (
        mark("Number of another station"),
        mark("The station ended a session under a number that belongs to another station."),
    ),
    "reconstructed": (
        mark("End was worked out"),
        mark("The station never told the end. The gateway worked it out from what it heard last."),
    ),
    "next_session_began": (
        mark("Next session began"),
        mark("The end was worked out because the next session began at the same connector."),
    ),
    "connector_free": (
        mark("Connector was free"),
        mark("The end was worked out because the station told that the connector was free."),
    ),
    "station_removed": (
        mark("Station was removed"),
        mark("The end was worked out because the station was removed from the gateway."),
    ),
    "late_stop": (
        mark("End told late"),
        mark("The station told the end after the gateway had worked it out; what the station said counts."),
    ),
}


def reason_text(visit: Visit, session: Mapping[str, object]) -> str:
    """Why a session ended; empty while it runs or where nobody said."""
    reason = session.get("reason")
    return "" if not reason else worded(visit, _REASONS, reason)


def anomalies_of(visit: Visit, session: Mapping[str, object]) -> list[Anomaly]:
    """What was remarkable about a session."""
    listed = session.get("anomalies")
    named = [str(each) for each in listed] if isinstance(listed, list) else []
    words = [_ANOMALIES.get(name, (name, "")) for name in named]
    return [Anomaly(visit.gettext(short), visit.gettext(meaning) if meaning else "") for short, meaning in words]


class Reading(NamedTuple):
    """A meter value: when the station took it (its own text), when it came, and its samples in one line each."""

    taken: str
    received: str
    samples: list[str]


def readings_of(values: object) -> list[Reading]:
    """Meter values of a transaction, as the station wrote them, however odd."""
    listed = values if isinstance(values, list) else []
    return [_reading(value) for value in listed if isinstance(value, dict)]


def _reading(value: Mapping[str, object]) -> Reading:
    sampled = value.get("sampledValue")
    samples = [sampled] if isinstance(sampled, dict) else sampled if isinstance(sampled, list) else []
    taken = value.get("timestamp")
    lines = [_sample(each) for each in samples if isinstance(each, dict) and each.get("format") != "SignedData"]
    return Reading("" if taken is None else str(taken), str(value.get("received_time") or ""), lines)


def _sample(sample: Mapping[str, object]) -> str:
    """Measurand, phase, value and unit, with OCPP's defaults where the station left them out."""
    measurand = sample.get("measurand") or "Energy.Active.Import.Register"
    unit = sample.get("unit") or ("Wh" if str(measurand).startswith("Energy.") else "")
    named = [measurand, sample.get("phase"), sample.get("location"), sample.get("context")]
    name = " · ".join(str(each) for each in named if each)
    return f"{name}: {sample.get('value', '')} {unit}".rstrip()
