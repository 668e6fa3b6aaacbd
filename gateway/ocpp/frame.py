"""OCPP-J frames: one JSON text to one of CALL, CALLRESULT, CALLERROR or a reason why it is none of them, and back.

Tolerant in reading (OCPP-J 1.6 4.2, errata 3.7): message ids may be numbers or too long, a payload may be null or
missing, a CALLERROR may have three to five elements, texts may hold raw control characters (some stations pad idTags
with them; they are escaped, the rest of the payload stays byte for byte). It knows nothing of actions and payloads:
those stay raw JSON here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

import msgspec

from gateway.ocpp.text_mending import with_escaped_controls, without_half_pairs

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
        return _read_again(text)


def write_call(message_id: str, action: str, payload: object) -> bytes:
    """The JSON text of a CALL."""
    return msgspec.json.encode((2, message_id, action, payload))


def write_result(message_id: MessageId, payload: object) -> bytes:
    """The JSON text of a CALLRESULT; `payload` is an answer struct or a mapping."""
    return msgspec.json.encode((3, message_id, payload))


def write_error(message_id: MessageId, code: str, description: str) -> bytes:
    """The JSON text of a CALLERROR: five elements, the last an empty object (OCPP-J 1.6 4.2.3)."""
    return msgspec.json.encode((4, message_id, code, description[:255], {}))


_NO_ID = Garbage("no message id")
_TOO_DEEP = "nested too deeply"
_MOST_DIGITS = 400
_START_OF_CALL = re.compile(rb'\s*\[\s*2(?:\.0*)?\s*,\s*("(?:[^"\\]|\\.)*+"|[-+.0-9eE]{1,400})\s*,', re.DOTALL)


def _read_again(text: bytes) -> Frame:
    """What is not a CALL by the letter: one with unusual characters, another frame, or none."""
    escaped = with_escaped_controls(text)
    whole = without_half_pairs(escaped)
    if whole != text:
        try:
            frame = _with_its_own_payload(_CALLS.decode(whole), whole, escaped)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            frame = None
        if frame is not None:
            return frame
    try:
        return _read_unusual(text)
    except RecursionError:
        return _read_deep(text)


def _with_its_own_payload(frame: Call, whole: bytes, text: bytes) -> Call | None:
    """The call read from `whole`, with the payload as it is in `text`; None when they differ before the payload."""
    if whole == text:
        return frame
    payload = bytes(frame.payload)
    end = len(whole.rstrip()[:-1].rstrip())  # without the last bracket
    start = end - len(payload)
    if not whole.endswith(payload, 0, end) or whole[:start] != text[:start]:
        return None
    return Call(2, frame.message_id, frame.action, msgspec.Raw(text[start:end]))


def _read_deep(text: bytes) -> BrokenCall | Garbage:
    """Too deep to be read: the id at its beginning is enough to refuse a request."""
    start = _START_OF_CALL.match(text)
    message_id = json.loads(start[1], strict=False) if start is not None else None
    if message_id is None or not _is_message_id(message_id):
        return Garbage(_TOO_DEEP)
    return BrokenCall(message_id, _TOO_DEEP)


def _read_unusual(text: bytes) -> Frame:
    try:
        message = json.loads(text, strict=False, parse_int=_whole_number)
    except ValueError:
        return Garbage("not JSON")
    if not isinstance(message, list) or not message:
        return Garbage("not a JSON array")
    kind, *rest = message
    if kind not in (2, 3, 4):
        return Garbage("unknown message type")
    if kind != 2:
        rest = _finite(_storable(rest) if b"\\u" in text else rest)
    if not rest or not isinstance(rest[0], str | int | float) or not _is_message_id(rest[0]):
        return _NO_ID
    message_id = rest[0]
    if kind == 2:
        return _read_unusual_call(message_id, rest[1:])
    if kind == 3:
        return CallResult(str(message_id), {} if len(rest) < 2 or rest[1] is None else rest[1])
    return _read_error(str(message_id), rest[1:])


def _whole_number(digits: str) -> int | float:
    """A number of thousands of digits costs its message nothing: it is infinite, as 1e999 is."""
    return int(digits) if len(digits) <= _MOST_DIGITS else inf


def _read_unusual_call(message_id: MessageId, rest: list[object]) -> Call | BrokenCall:
    if not rest or not isinstance(rest[0], str) or not _is_text(rest[0]):
        return BrokenCall(message_id, "a CALL is [2, id, action, payload]")
    payload = json.dumps(rest[1]).encode() if len(rest) > 1 else NO_PAYLOAD
    return Call(2, message_id, rest[0], msgspec.Raw(payload))


def _read_error(message_id: str, rest: list[object]) -> CallError:
    texts = [part if isinstance(part, str) else json.dumps(part) for part in rest[:2]]
    code = texts[0] if texts else "GenericError"
    description = texts[1] if len(texts) > 1 else ""
    return CallError(message_id, code, description, rest[2] if len(rest) > 2 else {})


def _is_message_id(value: MessageId) -> bool:
    """True when it can be echoed: a text that can be sent, or a finite number (1e999 is infinite)."""
    if isinstance(value, str):
        return _is_text(value)
    return not isinstance(value, bool) and (isinstance(value, int) or isfinite(value))


def _is_text(text: str) -> bool:
    """False when half of a surrogate pair is in it: valid in JSON, but nobody can send it back."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: Any) -> Any:
    """The same JSON value with null for each number that JSON cannot write: 1e999, and what others call NaN."""
    match value:
        case float():
            return value if isfinite(value) else None
        case list():
            return [_finite(part) for part in value]
        case dict():
            return {name: _finite(part) for name, part in value.items()}
    return value


def _storable(parts: list[object]) -> list[object]:
    """The same JSON values with each half of a surrogate pair replaced: nobody can store or send it on."""
    replaced: list[object] = json.loads(json.dumps(parts, ensure_ascii=False).encode("utf-8", "replace"))
    return replaced
