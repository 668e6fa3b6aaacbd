"""What a simulated station answers to the gateway's CALLs, and what it then really does.

All profiles of the standard (firmware and logs in `simulated_jobs`); what it does not know is NotImplemented. It does
not know how answers travel: `answer` returns the payload and what to do after it was sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from gateway import simulated_jobs
from gateway.simulated_certificates import ACTIONS
from gateway.simulated_charging import VOLTS
from gateway.simulated_jobs import say_how_it_goes
from gateway.simulated_link import Object, Refused
from gateway.simulated_outlet import Outlet, text_of

if TYPE_CHECKING:
    from gateway.simulated_station import SimulatedStation

Answer = tuple[Object, Callable[[], None] | None]
Triggered = Callable[["SimulatedStation", list[Outlet]], None]

_ACCEPTED: Object = {"status": "Accepted"}
_REJECTED: Object = {"status": "Rejected"}


def answer(station: SimulatedStation, action: str, payload: Object) -> Answer:
    """The CALLRESULT payload and what follows it. Raises Refused (a CALLERROR)."""
    known = _ANSWERS.get(action)
    if known is None:
        raise Refused("NotImplemented", f"no {action} here")
    try:
        return known(station, payload)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("FormationViolation", str(error)) from error


def _change_availability(station: SimulatedStation, payload: Object) -> Answer:
    number, operative = _number(payload, "connectorId"), payload["type"] == "Operative"
    if number == 0:
        outlets = station.outlets
    else:
        outlet = _outlet(station, number)
        if outlet is None:
            return _REJECTED, None
        outlets = [outlet]
    scheduled = not operative and any(outlet.visited for outlet in outlets)

    def afterwards() -> None:
        if number == 0:
            station.operative = operative
            station.in_background(station.send_status(None))
        for outlet in outlets:
            station.set_operative(outlet, operative)

    return {"status": "Scheduled"} if scheduled else _ACCEPTED, afterwards


def _change_configuration(station: SimulatedStation, payload: Object) -> Answer:
    return station.settings.answer_change(payload), None


def _get_configuration(station: SimulatedStation, payload: Object) -> Answer:
    return station.settings.answer_get(payload), None


def _certificates(action: str) -> Callable[[SimulatedStation, Object], Answer]:
    def answer_it(station: SimulatedStation, payload: Object) -> Answer:
        return station.settings.certificates.answer(action, payload), None

    return answer_it


def _clear_cache(station: SimulatedStation, payload: Object) -> Answer:
    station.remembered_tags.clear()
    return _ACCEPTED, None


def _data_transfer(station: SimulatedStation, payload: Object) -> Answer:
    return {"status": "UnknownVendorId"}, None


def _local_list_version(station: SimulatedStation, payload: Object) -> Answer:
    enabled = station.settings.yes("LocalAuthListEnabled")
    return station.local_list.answer_version() if enabled else {"listVersion": -1}, None


def _send_local_list(station: SimulatedStation, payload: Object) -> Answer:
    enabled = station.settings.yes("LocalAuthListEnabled")
    return station.local_list.answer_send(payload) if enabled else {"status": "NotSupported"}, None


def _remote_start(station: SimulatedStation, payload: Object) -> Answer:
    id_tag = str(payload["idTag"])
    if payload.get("connectorId") is None:
        may_charge = station.reservations.may_charge
        outlet = next((one for one in station.outlets if one.free() and may_charge(one, id_tag)), None)
    else:
        outlet = _outlet(station, _number(payload, "connectorId"))
    profile = payload.get("chargingProfile")
    if outlet is None or not outlet.free() or not station.reservations.may_charge(outlet, id_tag):
        return _REJECTED, None

    def afterwards() -> None:
        if outlet.free():  # a driver may have been quicker than the answer
            station.start_remotely(outlet, id_tag, profile if isinstance(profile, Mapping) else None)

    return _ACCEPTED, afterwards


def _remote_stop(station: SimulatedStation, payload: Object) -> Answer:
    wanted = _number(payload, "transactionId")
    for outlet in station.outlets:
        if outlet.session is not None and outlet.session.transaction_id == wanted:
            return _ACCEPTED, _ending(outlet, "Remote")
    return _REJECTED, None


def _reset(station: SimulatedStation, payload: Object) -> Answer:
    kind = str(payload["type"])
    if kind not in ("Hard", "Soft"):
        raise ValueError("type must be Hard or Soft")
    return _ACCEPTED, lambda: station.in_background(station.reboot(kind))


def _unlock_connector(station: SimulatedStation, payload: Object) -> Answer:
    outlet = _outlet(station, _number(payload, "connectorId"))
    if outlet is None:
        return {"status": "NotSupported"}, None
    return {"status": "Unlocked"}, _ending(outlet, "UnlockCommand")


def _set_charging_profile(station: SimulatedStation, payload: Object) -> Answer:
    number, profile = _number(payload, "connectorId"), payload["csChargingProfiles"]
    outlet = _outlet(station, number)
    if number != 0 and outlet is None:
        raise Refused("PropertyConstraintViolation", "no such connector")
    if not isinstance(profile, Mapping):
        raise TypeError("csChargingProfiles must be an object")
    status = station.profiles.set(number, profile, None if outlet is None else outlet.running())
    return {"status": status}, _limiting(station)


def _clear_charging_profile(station: SimulatedStation, payload: Object) -> Answer:
    return {"status": station.profiles.clear(payload)}, _limiting(station)


def _get_composite_schedule(station: SimulatedStation, payload: Object) -> Answer:
    number, seconds = _number(payload, "connectorId"), _number(payload, "duration")
    outlet = _outlet(station, number)
    unit = payload.get("chargingRateUnit", "A")
    if (number != 0 and outlet is None) or unit not in ("A", "W"):
        return _REJECTED, None
    now, running = station.wall_clock(), {one.number: one.running() for one in station.outlets}
    periods = station.profiles.periods(number, now, seconds, running, station.habits.most_amps)
    if unit == "W":
        periods = [{**period, "limit": round(float(str(period["limit"])) * VOLTS * 3, 1)} for period in periods]
    schedule = {"duration": seconds, "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    answer = {"connectorId": number, "scheduleStart": text_of(now), "chargingSchedule": schedule}
    return {**_ACCEPTED, **answer}, None


def _limiting(station: SimulatedStation) -> Callable[[], None]:
    def limit() -> None:
        for outlet in station.outlets:
            station.limit(outlet)

    return limit


def _trigger_message(station: SimulatedStation, payload: Object) -> Answer:
    return _trigger(station, payload, _TRIGGERED)


def _extended_trigger_message(station: SimulatedStation, payload: Object) -> Answer:
    return _trigger(station, payload, _EXTENDED_TRIGGERED)


def _trigger(station: SimulatedStation, payload: Object, known: Mapping[str, Triggered]) -> Answer:
    wanted = str(payload["requestedMessage"])
    number = payload.get("connectorId")
    outlets = station.outlets if number is None else [_outlet(station, _number(payload, "connectorId"))]
    found = [outlet for outlet in outlets if outlet is not None]
    if number is not None and not found and not (number == 0 and wanted == "StatusNotification"):
        return _REJECTED, None
    todo = known.get(wanted)
    if todo is None:
        return {"status": "NotImplemented"}, None
    return _ACCEPTED, lambda: todo(station, found)


def _trigger_status(station: SimulatedStation, outlets: list[Outlet]) -> None:
    if len(outlets) != 1 or len(station.outlets) == 1:
        station.in_background(station.send_status(None))
    for outlet in outlets:
        station.in_background(station.send_status(outlet))


def _trigger_meter_values(station: SimulatedStation, outlets: list[Outlet]) -> None:
    for outlet in outlets:
        payload: dict[str, object] = {"connectorId": outlet.number, "meterValue": [station.sample(outlet, "Trigger")]}
        if outlet.session is not None and outlet.session.transaction_id is not None:
            payload["transactionId"] = outlet.session.transaction_id
        station.in_background(station.link.call("MeterValues", payload))


def _ending(outlet: Outlet, reason: str) -> Callable[[], None]:
    def end() -> None:
        outlet.end(reason)

    return end


def _outlet(station: SimulatedStation, number: int) -> Outlet | None:
    return station.outlets[number - 1] if 1 <= number <= len(station.outlets) else None


def _number(payload: Object, name: str) -> int:
    value = payload[name]
    if not isinstance(value, int):
        raise TypeError(f"{name} must be an integer")
    return value


_TRIGGERED_BY_BOTH: dict[str, Triggered] = {
    "BootNotification": lambda station, outlets: station.in_background(station.send_boot()),
    "Heartbeat": lambda station, outlets: station.in_background(station.link.call("Heartbeat", {})),
    "StatusNotification": _trigger_status,
    "MeterValues": _trigger_meter_values,
}
_TRIGGERED: dict[str, Triggered] = {
    **_TRIGGERED_BY_BOTH,
    "DiagnosticsStatusNotification": say_how_it_goes("diagnostics", "DiagnosticsStatusNotification"),
    "FirmwareStatusNotification": say_how_it_goes("firmware", "FirmwareStatusNotification"),
}
_EXTENDED_TRIGGERED: dict[str, Triggered] = {
    **_TRIGGERED_BY_BOTH,
    "FirmwareStatusNotification": say_how_it_goes("firmware", "SignedFirmwareStatusNotification"),
    "LogStatusNotification": say_how_it_goes("log", "LogStatusNotification"),
}

_ANSWERS: dict[str, Callable[[SimulatedStation, Object], Answer]] = {
    "CancelReservation": lambda station, payload: station.reservations.answer_cancel(payload),
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": _clear_cache,
    "ClearChargingProfile": _clear_charging_profile,
    "DataTransfer": _data_transfer,
    "ExtendedTriggerMessage": _extended_trigger_message,
    "GetCompositeSchedule": _get_composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetLocalListVersion": _local_list_version,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ReserveNow": lambda station, payload: station.reservations.answer_reserve(payload),
    "Reset": _reset,
    "SendLocalList": _send_local_list,
    "SetChargingProfile": _set_charging_profile,
    "TriggerMessage": _trigger_message,
    "UnlockConnector": _unlock_connector,
    **simulated_jobs.ANSWERS,
    **{action: _certificates(action) for action in ACTIONS},
}
