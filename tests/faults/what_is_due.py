"""What a central system owes whoever sends it a text: an answer, nothing, or the end of the connection.

Written from OCPP-J 1.6 and RFC 6455 alone, without a look at the gateway's own reading.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Key = tuple[str, object]
_ESCAPED_CONTROL = re.compile(rb"\\[\x00-\x1f]")
_MOST_DIGITS = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """Exactly one CALLRESULT or CALLERROR with this id."""

    key: Key


@dataclass(frozen=True, slots=True)
class Refusal:
    """Exactly one CALLERROR with this id: a request without a usable action."""

    key: Key


@dataclass(frozen=True, slots=True)
class Perhaps:
    """Nobody can say, a reader need not follow it: at most one answer."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No answer at all. `reply_to` is set where it answers a request of ours, with the kind of message."""

    reply_to: str | None = None
    kind: int = 0


Due = Answer | Refusal | Perhaps | Nothing


def due(text: bytes) -> Due:
    """What is due for a text that is UTF-8 and not too long."""
    if _ESCAPED_CONTROL.search(text):
        return Perhaps()  # a reader that forgives raw control characters may read it
    try:
        message = json.loads(text.decode("utf-8-sig"), strict=False, parse_int=_number)
    except ValueError:
        return Nothing()
    except RecursionError:
        return Perhaps()
    if not isinstance(message, list) or not message:
        return Nothing()
    kind = message[0]
    if isinstance(kind, bool) or kind not in (2, 3, 4) or len(message) < 2:
        return Nothing()
    key = key_of(message[1])
    if key is None:
        return Nothing()
    if kind != 2:
        return Nothing(str(message[1]), int(kind))
    if len(message) < 3 or not isinstance(message[2], str) or not _can_be_sent(message[2]):
        return Refusal(key)
    return Answer(key)


def key_of(message_id: object) -> Key | None:
    """How a message id is compared; None when it cannot be sent back."""
    if isinstance(message_id, str):
        return ("text", message_id) if _can_be_sent(message_id) else None
    if isinstance(message_id, bool) or not isinstance(message_id, int | float):
        return None
    try:
        number = float(message_id)
    except OverflowError:
        return "number", message_id
    return ("number", number) if abs(number) != float("inf") and number == number else None


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float("inf")  # more is nothing to send back


def _can_be_sent(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
