"""What a station says: the realistic mix of one charging session, and a day of one station.

A message is JSON text made at the moment it is sent. The mix is 16 messages, ten of them MeterValues with ten samples
(1.4 kB). Readings vary as a real meter's do, so that no server gains by seeing the same text again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench.station import Station

MIX_MESSAGES = 16
METER_VALUES_IN_MIX = 10
SESSIONS_A_DAY = 4
SESSION_SECONDS = 3 * 3600
METER_SECONDS = 60
HEARTBEAT_SECONDS = 300

Message = Callable[[Station, str], str]

_noise = random.Random(1)
_MUST_CONTAIN = {"BootNotification": b"Accepted", "Authorize": b"Accepted", "StartTransaction": b"transactionId"}
_SAMPLE = '{"value":"%s","context":"Sample.Periodic","format":"Raw","measurand":"%s",%s"location":"Outlet","unit":"%s"}'
_SAMPLED = ",".join(
    [
        _SAMPLE % ("%d", "Energy.Active.Import.Register", "", "Wh"),
        _SAMPLE % ("%.1f", "Power.Active.Import", "", "W"),
        *(_SAMPLE % ("%.2f", "Current.Import", f'"phase":"L{phase}",', "A") for phase in (1, 2, 3)),
        *(_SAMPLE % ("%.1f", "Voltage", f'"phase":"L{phase}-N",', "V") for phase in (1, 2, 3)),
        _SAMPLE % ("%.1f", "Temperature", "", "Celsius"),
        _SAMPLE.replace("Outlet", "EV") % ("%d", "SoC", "", "Percent"),
    ]
)
_METER_VALUES = (
    '{"connectorId":1,"transactionId":%s,"meterValue":[{"timestamp":"%s","sampledValue":[' + _SAMPLED + "]}]}"
)


def call(station: Station, action: str, payload: str) -> str:
    """A CALL with a fresh message id, shaped like the UUIDs that stations use."""
    station.sequence += 1
    station.awaited = f"{station.prefix}{station.sequence:012x}"
    station.must_contain = _MUST_CONTAIN.get(action, b"")
    return f'[2,"{station.awaited}","{action}",{payload}]'


def boot(station: Station, now: str) -> str:
    return call(
        station,
        "BootNotification",
        f'{{"chargePointVendor":"Wallbox Works","chargePointModel":"WW-22","chargePointSerialNumber":"{station.name}",'
        '"firmwareVersion":"2.14.0","iccid":"","imsi":"","meterType":"three-phase"}',
    )


def heartbeat(station: Station, now: str) -> str:
    return call(station, "Heartbeat", "{}")


def authorize(station: Station, now: str) -> str:
    return call(station, "Authorize", f'{{"idTag":"{station.id_tag}"}}')


def start(station: Station, now: str) -> str:
    return call(
        station,
        "StartTransaction",
        f'{{"connectorId":1,"idTag":"{station.id_tag}","meterStart":{station.register_wh},"timestamp":"{now}"}}',
    )


def meter_values(station: Station, now: str) -> str:
    amps = 15.5 + _noise.random()
    volts = 229.0 + 3 * _noise.random()
    station.register_wh += int(amps * volts * 3 / 60)
    station.charge_percent = min(100, station.charge_percent + 1)
    readings = (
        station.register_wh, 3 * amps * volts, amps, amps + 0.11, amps - 0.07, volts, volts + 0.8, volts - 0.6,
        31 + _noise.random(), station.charge_percent,
    )  # fmt: skip
    return call(station, "MeterValues", _METER_VALUES % (station.transaction_id, now, *readings))


def stop(station: Station, now: str) -> str:
    station.charge_percent = 20
    return call(
        station,
        "StopTransaction",
        f'{{"transactionId":{station.transaction_id},"idTag":"{station.id_tag}","meterStop":{station.register_wh},'
        f'"timestamp":"{now}","reason":"Local"}}',
    )


def status(text: str) -> Message:
    """The maker of a StatusNotification of connector 1 with this status."""

    def say(station: Station, now: str) -> str:
        return call(
            station,
            "StatusNotification",
            f'{{"connectorId":1,"errorCode":"NoError","status":"{text}","timestamp":"{now}"}}',
        )

    return say


MIX: tuple[Message, ...] = (
    boot,
    status("Available"),
    authorize,
    start,
    status("Charging"),
    *(meter_values,) * METER_VALUES_IN_MIX,
    stop,
)


def day_of_a_station(offset_seconds: float, share_of_day: float = 1.0) -> list[tuple[float, Message]]:
    """The messages of one day as (second of the day, maker), in order; a smaller share shortens the day's end."""
    said: list[tuple[float, Message]] = [(float(second), heartbeat) for second in range(0, 86_400, HEARTBEAT_SECONDS)]
    for session in range(SESSIONS_A_DAY):
        plugged = 3600 + session * 86_400 / SESSIONS_A_DAY
        said += [(plugged, status("Preparing")), (plugged + 5, authorize), (plugged + 8, start)]
        said.append((plugged + 9, status("Charging")))
        said += [(plugged + 10 + second, meter_values) for second in range(60, SESSION_SECONDS, METER_SECONDS)]
        ended = plugged + SESSION_SECONDS
        said += [(ended, stop), (ended + 1, status("Finishing")), (ended + 30, status("Available"))]
    shifted = ((second + offset_seconds, message) for second, message in said if second <= 86_400 * share_of_day)
    return sorted(shifted, key=lambda entry: entry[0])


def text_now() -> str:
    """The time now as a station writes it."""
    return text_of(time.time())


def text_of(seconds: float) -> str:
    """RFC 3339 UTC with milliseconds of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer_to_call(text: bytes) -> str:
    """What a plain station answers when the server calls it: the usual things, NotImplemented to the rest."""
    _, message_id, action, _ = json.loads(text)
    payload = _ANSWERS.get(action)
    if payload is None:
        return f'[4,"{message_id}","NotImplemented","",{{}}]'
    return f'[3,"{message_id}",{payload}]'


_ANSWERS = {
    "GetConfiguration": '{"configurationKey":[{"key":"HeartbeatInterval","readonly":false,"value":"300"}],'
    '"unknownKey":[]}',
    "ChangeConfiguration": '{"status":"Accepted"}',
    "TriggerMessage": '{"status":"Rejected"}',
    "GetLocalListVersion": '{"listVersion":-1}',
    "SetChargingProfile": '{"status":"Accepted"}',
    "ClearChargingProfile": '{"status":"Unknown"}',
}
