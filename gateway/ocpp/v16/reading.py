"""From the JSON text of a station's payload to a typed request, or to the reason for refusing it.

The fast path decodes straight into the type and runs for nearly every message. Only what it refuses is parsed, repaired
and checked again. A message whose mandatory core is usable is accepted even then, marked `quarantined`: a CALLERROR
makes a station drop billing data (OCPP 1.6 3.7.1). A very long message is not repaired, because all other stations
would wait meanwhile: its core is used at once. A station in strict mode gets the letter of the schema instead.
This file does not know the quirks (`gateway.ocpp.repair`) nor what the gateway does with a request. What only the slow
path needs is loaded by the first message that takes it.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import msgspec

from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.text_mending import LONGEST_LOOKED_INTO_BYTES, without_half_pairs
from gateway.ocpp.v16.actions import ACTIONS
from gateway.ocpp.v16.from_station import REQUEST_TYPES, OtherStatus, StationRequest

if TYPE_CHECKING:
    from gateway.ocpp.repair import JSON

# Structs, not dataclasses: a Request is made for every message, and a frozen dataclass costs five times as much


class Request(msgspec.Struct, frozen=True, gc=False):
    """A typed request; `quirks` names the repairs; `quarantined`: only its mandatory core, keep the raw text."""

    payload: StationRequest
    quirks: tuple[str, ...] = ()
    quarantined: bool = False


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why a call gets a CALLERROR; `description` is at most 255 characters of plain text without any value."""

    code: ErrorCode
    description: str


Read = Request | Refusal


def read_request(action: str, raw: bytes | msgspec.Raw, *, strict: bool) -> Read:
    """The request in the JSON text `raw` (UTF-8; empty or `null` stands for `{}`, OCPP-J 1.6 4.2.1); never raises."""
    decoder = _DECODERS.get(action)
    if decoder is None:
        return _refusal_of_action(action)
    try:
        return Request(decoder.decode(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read_slowly(action, bytes(raw), strict=strict)


_DECODERS = {action: msgspec.json.Decoder(kind) for action, kind in REQUEST_TYPES.items()}


def _refusal_of_action(action: str) -> Refusal:
    """OCPP-J 1.6 table 7: NotImplemented is an action nobody knows, NotSupported one that we do not take."""
    if action in ACTIONS:
        return Refusal(ErrorCode.NOT_SUPPORTED, "this action is for charge points")
    return Refusal(ErrorCode.NOT_IMPLEMENTED, "unknown action")


_UNREADABLE = Refusal(ErrorCode.FORMATION_VIOLATION, "payload: not readable as JSON")
_TOO_LONG = Refusal(ErrorCode.FORMATION_VIOLATION, "payload: not valid, and too long to be looked into")
_LONGEST_PART_BYTES = 4096


def _read_slowly(action: str, raw: bytes, *, strict: bool) -> Read:
    from gateway.ocpp.repair import repair

    if strict and not raw.strip():
        return Refusal(ErrorCode.PROTOCOL_ERROR, "the payload is missing")
    if len(raw) > LONGEST_LOOKED_INTO_BYTES:
        return _TOO_LONG if strict else _read_core(action, raw)
    whole = raw if strict else without_half_pairs(raw)
    try:
        payload = _parsed(whole, strict=strict)
    except (ValueError, RecursionError):
        return _UNREADABLE
    if strict:
        return _converted(action, payload)
    repaired = repair(action, payload)
    quirks = repaired.quirks if whole == raw else ("half_character", *repaired.quirks)
    read = _converted(action, repaired.payload, quirks=quirks)
    return read if isinstance(read, Request) else _rescued(action, repaired.payload, quirks) or read


def _read_core(action: str, raw: bytes) -> Read:
    """What the short parts of a long payload say, without a look into the long ones (the meter data)."""
    whole = without_half_pairs(raw)
    try:
        parts = _parts_of(action).decode(whole)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _UNREADABLE
    core: dict[str, JSON] = {}
    for name in parts.__struct_fields__:
        part = bytes(getattr(parts, name))
        if 0 < len(part) <= _LONGEST_PART_BYTES:
            try:
                core[name] = _parsed(part, strict=False)
            except (ValueError, RecursionError):
                continue
    quirks = ("too_long_to_mend",) if whole == raw else ("half_character", "too_long_to_mend")
    return _rescued(action, core, quirks) or _TOO_LONG


@cache
def _parts_of(action: str) -> msgspec.json.Decoder[msgspec.Struct]:
    """Splits a payload into its properties and passes over what OCPP does not know."""
    from gateway.ocpp.v16.schemas import shape_of

    names = shape_of(action, "request").properties
    absent = msgspec.Raw(b"")
    return msgspec.json.Decoder(msgspec.defstruct(action, [(name, msgspec.Raw, absent) for name in names]))


def _rescued(action: str, payload: JSON, quirks: tuple[str, ...]) -> Request | None:
    from gateway.ocpp.repair import usable_core

    core = usable_core(action, payload)
    read = _converted(action, core, quirks=quirks, quarantined=True) if core is not None else None
    return read if isinstance(read, Request) else _other_status(action, payload, quirks)


_WITH_A_STATUS = frozenset({
    "DiagnosticsStatusNotification", "FirmwareStatusNotification", "LogStatusNotification",
    "SignedFirmwareStatusNotification",
})  # fmt: skip


def _other_status(action: str, payload: JSON, quirks: tuple[str, ...]) -> Request | None:
    """A notification about a job in words that the schema does not list: they are kept as they are."""
    if action not in _WITH_A_STATUS:
        return None
    try:
        return Request(msgspec.convert(payload, OtherStatus), ("unknown_status", *quirks))
    except msgspec.ValidationError:
        return None


def _converted(action: str, payload: JSON, *, quirks: tuple[str, ...] = (), quarantined: bool = False) -> Read:
    from gateway.ocpp.v16.schemas import violations

    violation = violations(action, "request", payload)
    if violation is not None:
        return Refusal(violation.code, violation.description)
    return Request(msgspec.convert(payload, REQUEST_TYPES[action]), quirks, quarantined)


def _parsed(raw: bytes, *, strict: bool) -> JSON:
    """The JSON value of `raw`; strict refuses repeated names, else the last one counts. ValueError, RecursionError."""
    text = raw.decode("utf-8").strip() or "{}"
    pairs_hook = _without_repeats if strict else None
    payload: JSON = json.loads(text, object_pairs_hook=pairs_hook, parse_constant=_refuse_constant)
    if strict and "\\u" in text:  # half a surrogate pair is valid JSON, but nobody could store or send it on
        json.dumps(payload, ensure_ascii=False).encode("utf-8")
    return {} if payload is None else payload


def _without_repeats(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
