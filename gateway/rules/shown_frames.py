"""How are kept OCPP messages shown to people: which of them, and without any secret?

What names itself a secret is masked in its own message, and wherever another message of the same station repeats it.
Of a message that was cut, what stands in an unfinished object is left out: its name may be behind the cut. Texts are
searched as they are shown, so that nobody can guess a secret by searching. It knows no memory and no station.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from gateway.model.frames import Direction, KeptFrame
from gateway.rules.secrecy import SECRET_NAMES, masked, secrets_in

Kind = Literal["call", "result", "error", "unreadable"]
_KINDS: Mapping[bytes, Kind] = {b"2": "call", b"3": "result", b"4": "error"}
_HEAD = re.compile(
    rb'\s*\[\s*([234])\s*,\s*("(?:[^"\\]|\\.){0,255}"|[^\s,"\]]{1,40})\s*(?:,\s*"([A-Za-z0-9]{1,50})")?', re.DOTALL
)
_HINT = re.compile(rf"{SECRET_NAMES}|://", re.IGNORECASE)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)|[{}]', re.DOTALL)


class Wish(NamedTuple):
    """What somebody wants to see. `before`: only frames with a lower id; `words`: anywhere in the text, any case."""

    limit: int
    before: int | None = None
    action: str | None = None
    direction: Direction | None = None
    words: str | None = None


class ShownFrame(NamedTuple):
    """A message as it may be shown. `action`: of an answer, that of the request it answers, if that is still kept."""

    frame: KeptFrame
    kind: Kind
    action: str | None
    message_id: str | None
    text: str


def shown_frames(frames: Sequence[KeptFrame], wish: Wish) -> list[ShownFrame]:
    """The newest of one station's `frames` (given oldest first) that are wanted, newest first."""
    secrets = frozenset[str]().union(*(_secrets_of(frame) for frame in frames))
    found: list[ShownFrame] = []
    for frame, kind, action, message_id in reversed(list(_with_heads(frames))):
        if wish.before is not None and frame.frame_id >= wish.before:
            continue
        if wish.direction not in (None, frame.direction) or wish.action not in (None, action):
            continue
        text = _text_of(frame, secrets)
        if wish.words is not None and wish.words.casefold() not in text.casefold():
            continue
        shown_id = None if message_id is None else str(masked(message_id, secrets=secrets))
        found.append(ShownFrame(frame, kind, action, shown_id, text))
        if len(found) == wish.limit:
            break
    return found


def _with_heads(frames: Sequence[KeptFrame]) -> Iterator[tuple[KeptFrame, Kind, str | None, str | None]]:
    """Each with its kind, action and message id."""
    asked: dict[tuple[Direction, bytes], str] = {}
    for frame in frames:
        head = _HEAD.match(frame.text)
        if head is None:
            yield frame, "unreadable", None, None
            continue
        kind, message_id = _KINDS[head[1]], head[2].strip(b'"').decode("utf-8", "replace")
        action: str | None
        if kind == "call":
            action = None if head[3] is None else head[3].decode("ascii")
            if action is not None:
                asked[frame.direction, head[2]] = action
        else:
            action = asked.get((_other(frame.direction), head[2]))
        yield frame, kind, action, message_id


def _other(direction: Direction) -> Direction:
    return "to_station" if direction == "from_station" else "from_station"


def _secrets_of(frame: KeptFrame) -> frozenset[str]:
    if not _HINT.search(frame.text.decode("utf-8", "replace")):
        return frozenset()
    return secrets_in(_document(frame))


def _document(frame: KeptFrame) -> object:
    """The message as JSON data; None when it is not whole, or cannot be read."""
    if frame.size_bytes > len(frame.text):
        return None
    try:
        return json.loads(frame.text)
    except (ValueError, RecursionError):
        return None


def _text_of(frame: KeptFrame, secrets: frozenset[str]) -> str:
    document = _document(frame)
    if isinstance(document, list):
        return json.dumps(masked(document, secrets=secrets), ensure_ascii=False)
    if frame.size_bytes > len(frame.text):
        begin = _without_unfinished(frame.text.decode("utf-8", "replace"))
        return f"{masked(begin, secrets=secrets)} ... ({frame.size_bytes} bytes)"
    return f"({frame.size_bytes} bytes that are no OCPP message)"


def _without_unfinished(text: str) -> str:
    """Up to the end of the last whole object; without any, up to where the first begins."""
    end = 0
    for token in _TOKEN.finditer(text):
        if token[0] == "}" or (token[0] == "{" and end == 0):
            end = token.end()
    return text[:end]
