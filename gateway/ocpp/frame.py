"""OCPP-J frames: one JSON text to one of CALL, CALLRESULT, CALLERROR or a reason why it is none of them, and back.

Tolerant in reading (OCPP-J 1.6 4.2, errata 3.7): message ids may be numbers or too long, a payload may be null or
missing, a CALLERROR may have three to five elements, texts may hold raw control characters (some stations pad idTags
with them). It knows nothing of actions and payloads: those stay raw JSON here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import msgspec

MessageId = str | int | float

# Of a CALL without a fourth element; OCPP-J 1.6 4.2.1 wants `{}` or null there.
NO_PAYLOAD = b""


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A request. `payload` is the raw JSON of its object, empty when missing; `message_id` is echoed as received."""

    kind: Literal[2]
    message_id: str | int | float
    action: str
    payload: msgspec.Raw = msgspec.Raw(NO_PAYLOAD)


@dataclass(frozen=True, slots=True)
class CallResult:
    """An answer to one of our requests. `payload` is the decoded JSON, `{}` when null or missing."""

    message_id: str
    payload: object


@dataclass(frozen=True, slots=True)
class CallError:
    """A refusal of one of our requests; `details` is whatever JSON the station put there."""

    message_id: str
    code: str
    description: str
    details: object


@dataclass(frozen=True, slots=True)
class BrokenCall:
    """A request too broken to process, but whose id is known, so that it can be refused."""

    message_id: MessageId
    reason: str


@dataclass(frozen=True, slots=True)
class Garbage:
    """Not a frame that asks for anything: counted, never answered (OCPP-J 1.6 4.1.3)."""

    reason: str


Frame = Call | CallResult | CallError | BrokenCall | Garbage

_CALLS: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


def read_frame(text: bytes) -> Frame:
    """Read one message. Never raises."""
    try:
        return _CALLS.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        return _read_unusual(text)
    except RecursionError:
        return Garbage("nested too deeply")


def write_call(message_id: str, action: str, payload: object) -> bytes:
    """The JSON text of a CALL."""
    return msgspec.json.encode((2, message_id, action, payload))


def write_result(message_id: MessageId, payload: object) -> bytes:
    """The JSON text of a CALLRESULT; `payload` is an answer struct or a mapping."""
    return msgspec.json.encode((3, message_id, payload))


def write_error(message_id: MessageId, code: str, description: str) -> bytes:
    """The JSON text of a CALLERROR: five elements, the last an empty object (OCPP-J 1.6 4.2.3)."""
    return msgspec.json.encode((4, message_id, code, description[:255], {}))


def _read_unusual(text: bytes) -> Frame:
    try:
        message = json.loads(text, strict=False)
    except ValueError:
        return Garbage("not JSON")
    if not isinstance(message, list) or not message:
        return Garbage("not a JSON array")
    kind, *rest = message
    if kind not in (2, 3, 4):
        return Garbage("unknown message type")
    if kind != 2 and b"\\u" in text:
        rest = _storable(rest)
    if not rest or not isinstance(rest[0], str | int | float) or isinstance(rest[0], bool):
        return Garbage("no message id")
    message_id = rest[0]
    if kind == 2:
        return _read_unusual_call(message_id, rest[1:])
    if kind == 3:
        return CallResult(str(message_id), {} if len(rest) < 2 or rest[1] is None else rest[1])
    return _read_error(str(message_id), rest[1:])


def _read_unusual_call(message_id: MessageId, rest: list[object]) -> Call | BrokenCall | Garbage:
    if isinstance(message_id, str) and not _is_text(message_id):
        return Garbage("no message id")
    if not rest or not isinstance(rest[0], str) or not _is_text(rest[0]):
        return BrokenCall(message_id, "a CALL is [2, id, action, payload]")
    payload = json.dumps(rest[1]).encode() if len(rest) > 1 else NO_PAYLOAD
    return Call(2, message_id, rest[0], msgspec.Raw(payload))


def _read_error(message_id: str, rest: list[object]) -> CallError:
    texts = [part if isinstance(part, str) else json.dumps(part) for part in rest[:2]]
    code = texts[0] if texts else "GenericError"
    description = texts[1] if len(texts) > 1 else ""
    return CallError(message_id, code, description, rest[2] if len(rest) > 2 else {})


def _is_text(text: str) -> bool:
    """False when half of a surrogate pair is in it: valid in JSON, but nobody can send it back."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(parts: list[object]) -> list[object]:
    """The same JSON values with each half of a surrogate pair replaced: nobody can store or send it on."""
    replaced: list[object] = json.loads(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace"))
    return replaced
