"""Mends one value of a station's JSON towards the shape its schema asks for, and names every mending it did.

Decides only what a value can mean: a number written as text, a lone object for a list, a status in lower case, a text
that is too long. What can mean nothing is left out if it is optional, and left alone if the schema needs it, so that
the check afterwards tells. Meter samples whose measurand, unit or phase is unknown are left out whole, because
without that word they would pass for imported Wh. It does not know which actions there are (`gateway.ocpp.repair`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import TypeAlias

import msgspec

from gateway.model.instants import SECOND, Instant, text_of
from gateway.ocpp.v16.schemas import Items, Number, Record, Shape, Text

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


def fold(text: str) -> str:
    """The form in which names and listed values are compared: no case, blanks, dots, dashes or underscores."""
    return text.lower().translate(_SEPARATORS).strip()


def plain_text(value: JSON) -> str | None:
    """A scalar as text, as JSON would write it; None for lists, objects, null and what JSON cannot write."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= _MOST_BITS else None
        case float():
            return repr(value) if isfinite(value) else None
    return None


def choice_meant(name: str, text: str, choices: tuple[str, ...]) -> str | None:
    """The listed value that `text` means for the property `name`, by other spelling or other word; None: none."""
    folded = fold(text)
    for choice in choices:
        if fold(choice) == folded:
            return choice
    other_word = _OTHER_WORDS.get(name, {}).get(folded)
    return other_word if other_word in choices else None


def mended(shape: Shape, value: JSON, name: str, noted: list[str]) -> JSON:
    """The value in its schema's shape, or None when it cannot mean anything there; quirks are appended to `noted`."""
    match shape:
        case Record():
            return mended_record(shape, value, noted) if isinstance(value, dict) else None
        case Items():
            return _mended_items(shape, value, name, noted)
        case Text():
            return _mended_text(shape, value, name, noted)
        case Number():
            return _mended_number(shape, value, name, noted)
    return _mended_flag(value, noted)


def mended_record(shape: Record, raw: Mapping[str, JSON], noted: list[str]) -> dict[str, JSON]:
    """The known properties of an object, each mended; mandatory ones that mean nothing stay as they are."""
    kept: dict[str, JSON] = {}
    for given, value in raw.items():
        name = given if given in shape.properties else _name_meant(given, shape, raw)
        if name is None or name in kept:
            noted.append("unknown_property")
            continue
        if name != given:
            noted.append("property_name_spelling")
        if value is None:
            noted.append("null_property")
            continue
        part = mended(shape.properties[name], value, name, noted)
        if part is not None:
            kept[name] = part
        elif name in shape.required:
            kept[name] = value
        else:
            noted.append(_left_out(name, value))
    return kept


_SEPARATORS = str.maketrans("", "", " ._-")
_MOST_BITS = 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?")

_OTHER_WORDS: Mapping[str, Mapping[str, str]] = {
    # OCPP 1.5 knew only Occupied, from plugging in to plugging out. Charging ends no transaction (unlike Available),
    # announces no end or next car (unlike Finishing, Preparing), and counts as load. None opens a transaction.
    # The security white paper itself mixes UploadFailed and UploadFailure.
    "status": {"occupied": "Charging", "uploadfailed": "UploadFailure", "uploadfailure": "UploadFailed"},
    "errorCode": {"": "NoError"},
    "unit": {
        "hz": "Hertz",
        "%": "Percent",
        "°c": "Celsius",
        "c": "Celsius",
        "watt": "W",
        "watts": "W",
        "amp": "A",
        "amps": "A",
        "ampere": "A",
        "volt": "V",
        "volts": "V",
    },
}
# What stands for a word that is not listed, where the specification has a word for "something else"
_OTHERWISE: Mapping[str, tuple[str, str]] = {
    "errorCode": ("OtherError", "unknown_error_code"),
    "reason": ("Other", "unknown_reason"),
    "context": ("Other", "unknown_context"),
}
_UNKNOWN_WORDS: Mapping[str, str] = {
    "measurand": "unknown_measurand",
    "unit": "unknown_unit",
    "phase": "unknown_phase",
    "location": "unknown_location",
    "format": "unknown_format",
}
_NOT_A_LIST: Mapping[str, str] = {
    "meterValue": "meter_value_not_a_list",
    "transactionData": "transaction_data_not_a_list",
    "sampledValue": "sampled_value_not_a_list",
}
_WATT_HOURS = frozenset({"meterStart", "meterStop"})
# These have one unit only, so an unknown word for it changes nothing
_ONE_UNIT = frozenset({"Frequency", "SoC", "RPM", "Power.Factor"})


def _name_meant(given: str, shape: Record, raw: Mapping[str, JSON]) -> str | None:
    """The property that a name in another spelling means, unless the object has it in the right one too."""
    name = _by_folded_name(tuple(shape.properties)).get(fold(given))
    return name if name not in raw else None


@lru_cache(maxsize=256)
def _by_folded_name(names: tuple[str, ...]) -> Mapping[str, str]:
    return {fold(name): name for name in names}


def _left_out(name: str, value: JSON) -> str:
    if isinstance(value, str) and not value.strip():
        return "empty_property"
    return _UNKNOWN_WORDS.get(name, "unreadable_property")


def _mended_items(shape: Items, value: JSON, name: str, noted: list[str]) -> list[JSON] | None:
    if isinstance(value, dict):
        noted.append(_NOT_A_LIST.get(name, "not_a_list"))
        value = [value]
    if not isinstance(value, list):
        return None
    mend = _ELEMENTS.get(name, _mended_element)
    return [part for part in (mend(shape.each, element, noted) for element in value) if part is not None]


def _mended_element(shape: Shape, value: JSON, noted: list[str]) -> JSON:
    part = mended(shape, value, "", noted)
    if part is None:
        noted.append("unreadable_element")
    return part


def _mended_meter_value(shape: Shape, value: JSON, noted: list[str]) -> JSON:
    """One meter value with at least one usable sample, or None."""
    part = mended(shape, value, "", noted)
    samples = part.get("sampledValue") if isinstance(part, dict) else None
    if isinstance(samples, list) and samples:
        return part
    noted.append("empty_sampled_value")
    return None


def _mended_sample(shape: Shape, value: JSON, noted: list[str]) -> JSON:
    """One sample, or None when it has no value or would be taken for something it is not."""
    quirks: list[str] = []
    part = mended(shape, value, "", quirks)
    noted.extend(quirks)
    if not isinstance(part, dict) or not isinstance(part.get("value"), str):
        noted.append("sample_without_value")
        return None
    if "unknown_measurand" in quirks or "unknown_phase" in quirks:
        return None
    if "unknown_unit" in quirks and part.get("measurand") not in _ONE_UNIT:
        return None
    return part


_ELEMENTS: Mapping[str, Callable[[Shape, JSON, list[str]], JSON]] = {
    "meterValue": _mended_meter_value,
    "transactionData": _mended_meter_value,
    "sampledValue": _mended_sample,
}


def _mended_text(shape: Text, value: JSON, name: str, noted: list[str]) -> str | None:
    if shape.choices:
        return _mended_choice(shape, value, name, noted)
    if name == "timestamp":
        return _mended_timestamp(value, noted)
    if isinstance(value, str):
        text = value
    else:
        free = shape.max_length is None and name in ("value", "data")
        found = _json_text(value) if free else plain_text(value)
        if found is None:
            return None
        noted.append("numeric_value" if free and name == "value" else "data_not_text" if free else "number_for_text")
        text = found
    if name in ("idTag", "parentIdTag"):
        text = _mended_tag(text, noted)
    if shape.max_length is not None and len(text) > shape.max_length:
        if name == "csr":  # half a certificate request is none
            return None
        noted.append("idtag_too_long" if name in ("idTag", "parentIdTag") else "text_too_long")
        text = text[: shape.max_length].rstrip() if name in ("idTag", "parentIdTag") else text[: shape.max_length]
    return text


def _mended_tag(text: str, noted: list[str]) -> str:
    without_control = _CONTROL.sub("", text)
    if without_control != text:
        noted.append("idtag_control_characters")
    trimmed = without_control.strip()
    if trimmed != without_control:
        noted.append("idtag_blanks")
    return trimmed


def _mended_choice(shape: Text, value: JSON, name: str, noted: list[str]) -> str | None:
    text = plain_text(value)
    if text in shape.choices:
        return text
    meant = choice_meant(name, text, shape.choices) if text is not None else None
    if meant is not None:
        noted.append("status_occupied" if fold(text or "") == "occupied" else "choice_spelling")
        return meant
    if name not in _OTHERWISE or (text is not None and not text.strip()):
        return None
    otherwise, quirk = _OTHERWISE[name]
    noted.append(quirk)
    return otherwise


def _mended_timestamp(value: JSON, noted: list[str]) -> str | None:
    """Text as it is (`ocpp.timestamps` reads it); seconds or milliseconds since 1970 as text, if in 2000 to 2100."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for unit in (SECOND, SECOND // 1000):
        if 946_684_800 * SECOND <= value * unit <= 4_102_444_800 * SECOND:
            noted.append("numeric_timestamp")
            return text_of(Instant(int(value * unit)))
    return None


def _mended_number(shape: Number, value: JSON, name: str, noted: list[str]) -> int | float | None:
    if isinstance(value, bool):
        if name != "connectorId":
            return None  # a meter that reads `false` is not at 0 Wh
        noted.append("boolean_for_number")
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and not shape.whole):
        return value
    exact = _exact(value)
    if exact is None:
        return None
    whole = exact == exact.to_integral_value()
    if not whole and shape.whole and name not in _WATT_HOURS:
        return None
    noted.append("text_for_number" if isinstance(value, str) else "float_for_integer")
    if whole:
        return int(exact)
    if not shape.whole:
        return float(exact)
    noted.append("fractional_watt_hours")
    return int(exact)


def _exact(value: JSON) -> Decimal | None:
    if isinstance(value, float):
        return Decimal(value) if isfinite(value) else None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def _mended_flag(value: JSON, noted: list[str]) -> bool | None:
    if isinstance(value, bool):
        return value
    flag = {"true": True, "1": True, "false": False, "0": False}.get(fold(plain_text(value) or ""))
    if flag is not None:
        noted.append("flag_not_boolean")
    return flag


def _json_text(value: JSON) -> str | None:
    """Any JSON value as text; None when it cannot be written."""
    text = plain_text(value)
    if text is not None or not isinstance(value, dict | list):
        return text
    try:
        return msgspec.json.encode(value).decode()
    except (RecursionError, OverflowError, ValueError):
        return None
