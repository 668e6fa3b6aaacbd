"""Repairs a station's payload before it is checked: known vendor quirks are mended and named, nothing else is touched.

`repair` brings a payload as near to its schema as its meaning allows; `usable_core` is the last resort for messages
that must be answered all the same, because a CALLERROR makes a station drop billing data (OCPP 1.6 3.7.1). The shapes
come from the official schemas. This file does not know what a message is for, nor keeps the raw text: its caller does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.ocpp.v16.actions import sent_by_station
from gateway.ocpp.v16.mending import JSON, fold, mended, mended_record, plain_text
from gateway.ocpp.v16.schemas import shape_of

__all__ = ["JSON", "NO_TIMESTAMP", "NO_TRANSACTION", "QUIRKS", "UNKNOWN_WH", "Repaired", "repair", "usable_core"]

# What `usable_core` puts where the schema wants a value and the station gave none
NO_TIMESTAMP: Final = ""  # use the time of receipt
UNKNOWN_WH: Final = -1  # of meterStart and meterStop: not told. A wrong 0 would be billed
NO_TRANSACTION: Final = -1  # as stations write when they never learned the number (OCPP 1.6 errata 3.18)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A payload after mending; `quirks` are keys of QUIRKS, in order of first use, empty if nothing was mended."""

    payload: JSON
    quirks: tuple[str, ...]


def repair(action: str, payload: JSON) -> Repaired:
    """The payload of a station's request with every known quirk mended; never raises, a second time changes nothing.

    A mandatory value that means nothing stays as it is, for the schema check to name.
    """
    noted: list[str] = []
    if payload is None or payload == []:  # [] is how some write an empty object
        noted.append("null_payload" if payload is None else "empty_list_payload")
        payload = {}
    if isinstance(payload, dict) and sent_by_station(action):
        whole = mended_record(shape_of(action, "request"), payload, noted)
        if "unknown_error_code" in noted:
            _keep_error_code(payload, whole)
        payload = whole
    return Repaired(payload, tuple(dict.fromkeys(noted)))


def usable_core(action: str, payload: JSON) -> JSON | None:
    """What can be used of a payload that `repair` could not make valid; None: nothing, or not worth a special case.

    The result passes the schema. What is missing is filled in as told above; no readable sample is one of value "".
    """
    defaults = _DEFAULTS.get(action)
    raw = repair(action, payload).payload
    if defaults is None or not isinstance(raw, dict):
        return None
    shape = shape_of(action, "request")
    kept = {name: part for name, part in raw.items() if mended(shape.properties[name], part, name, []) is not None}
    if not kept and action not in _TELLING_WHEN_EMPTY:
        return None
    core = dict(defaults) | kept
    for name in ("meterValue", "transactionData"):
        if name in core:
            core[name] = _with_timestamps(core[name])
    if not core.get("meterValue", True):
        core["meterValue"] = _NO_READING
    return core if set(shape.required) <= set(core) else None


def _keep_error_code(raw: Mapping[str, JSON], whole: dict[str, JSON]) -> None:
    """The station's own error code goes into `info`, if it fits there (50 characters)."""
    codes = [value for name, value in raw.items() if fold(name) == "errorcode"]
    code = plain_text(raw.get("errorCode", codes[0]))
    info = whole.get("info")
    if not code:
        return
    if not isinstance(info, str) or not info:
        whole["info"] = code[:50]
    elif len(info) + len(code) + 3 <= 50:
        whole["info"] = f"{info} ({code})"


def _with_timestamps(meter_values: JSON) -> JSON:
    """The meter values, each with a timestamp, if only the one that stands for none."""
    elements = meter_values if isinstance(meter_values, list) else []
    return [
        element | {"timestamp": NO_TIMESTAMP} if not isinstance(element.get("timestamp"), str) else element
        for element in elements
        if isinstance(element, dict)
    ]


_NO_READING: Final[JSON] = [{"timestamp": NO_TIMESTAMP, "sampledValue": [{"value": ""}]}]
_TELLING_WHEN_EMPTY = frozenset({"Heartbeat", "BootNotification"})
_DEFAULTS: Mapping[str, Mapping[str, JSON]] = {
    "BootNotification": {"chargePointVendor": "unknown", "chargePointModel": "unknown"},
    "Heartbeat": {},
    "StartTransaction": {"idTag": "", "meterStart": UNKNOWN_WH, "timestamp": NO_TIMESTAMP},
    "StopTransaction": {"transactionId": NO_TRANSACTION, "meterStop": UNKNOWN_WH, "timestamp": NO_TIMESTAMP},
    "MeterValues": {"meterValue": []},
    "StatusNotification": {"errorCode": "NoError"},
    "FirmwareStatusNotification": {},
    "DiagnosticsStatusNotification": {},
    "LogStatusNotification": {},
    "SignedFirmwareStatusNotification": {},
    "SecurityEventNotification": {"type": "unknown", "timestamp": NO_TIMESTAMP},
}

QUIRKS: Mapping[str, str] = {
    "half_character": "Half of a surrogate pair in a text was replaced by the replacement character.",
    "too_long_to_mend": "A message of more than 256 kB was not as OCPP 1.6 wants it; only its mandatory core was used.",
    "null_payload": "The message came with null instead of an object.",
    "empty_list_payload": "The message came with an empty list instead of an empty object.",
    "property_name_spelling": "A property name was written in other letter case or with other separators.",
    "unknown_property": "A property that OCPP 1.6 does not know was left out.",
    "null_property": "A property was given as null; it was taken as absent.",
    "empty_property": "An optional property was given as empty text; it was taken as absent.",
    "unreadable_property": "An optional property meant nothing readable; it was left out.",
    "unreadable_element": "An element of a list meant nothing readable; it was left out.",
    "not_a_list": "A single object was given where a list belongs.",
    "meter_value_not_a_list": "The meterValue was a single object instead of a list.",
    "transaction_data_not_a_list": "The transactionData was a single object instead of a list.",
    "sampled_value_not_a_list": "The sampledValue was a single object instead of a list.",
    "empty_sampled_value": "A meter value without any usable sample was left out.",
    "sample_without_value": "A sample without a value was left out.",
    "numeric_value": "A sampled value was given as number, boolean or object instead of text.",
    "unknown_measurand": "A sample with an unknown measurand was left out; the raw message keeps it.",
    "unknown_unit": "A unit is unknown: the sample was left out unless its measurand has only one unit.",
    "unknown_phase": "A sample with an unknown phase was left out; the raw message keeps it.",
    "unknown_location": "An unknown location of a sample was left out, which means Outlet.",
    "unknown_format": "An unknown format of a sample was left out, which means Raw.",
    "unknown_context": "An unknown reading context was taken as Other.",
    "choice_spelling": "A listed value was written in other letter case, spelling or wording.",
    "status_occupied": "The status Occupied of OCPP 1.5 was taken as Charging.",
    "unknown_error_code": "An unknown error code was taken as OtherError; info keeps the code if there is room.",
    "unknown_status": "The status of a firmware, diagnostics or log notification is unknown; its words were kept.",
    "unknown_reason": "An unknown reason for the end of a transaction was taken as Other.",
    "number_for_text": "A number or boolean was given where text belongs.",
    "text_for_number": "Text was given where a number belongs.",
    "float_for_integer": "A number was written with a decimal point where an integer belongs.",
    "boolean_for_number": "A connector was given as true or false instead of 1 or 0.",
    "flag_not_boolean": "Text or a number was given where true or false belongs.",
    "fractional_watt_hours": "A meter reading had decimals; it was cut to whole Wh.",
    "text_too_long": "A text was longer than OCPP allows and was cut.",
    "idtag_too_long": "An idTag was longer than 20 characters and was cut.",
    "idtag_control_characters": "Control characters in an idTag were removed.",
    "idtag_blanks": "Blanks around an idTag were removed.",
    "numeric_timestamp": "A time was given as seconds or milliseconds since 1970.",
    "data_not_text": "The data of a DataTransfer was no text; it was taken as JSON text.",
}
