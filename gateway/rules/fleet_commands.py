"""What does a fleet manager's command ask, and is it accepted? Reading is strict, members nobody knows are ignored.

It knows the envelope and the arguments of each type; which stations and circuits there are is told by the caller. What
a command means for a station (`fleet_orders`) and until when it may begin (`fleet_terms`) are other files' questions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeGuard

from gateway.model.fleet_commands import Command, Complaint, Ended, IfOffline, Term, Unclear
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import Instant
from gateway.model.journal import STREAMS
from gateway.rules.secrecy import masked

LARGEST_BYTES = 262_144
MOST_WAITING = 1000  # of one upstream, not yet ended
MOST_WAITING_BYTES = 16_000_000
_LONGEST_NAME = 128
_LONGEST_TEXT = 256
_DEEPEST = 24
_GREATEST = 2**31 - 1
_LONGEST_SECONDS = 366 * 86_400

Members = Mapping[str, object]


def object_in(payload: bytes) -> dict[str, object] | None:
    """The JSON object that the payload is; None when it is none (NaN, 1e999 and half a surrogate pair are no JSON)."""
    try:
        document = json.loads(payload.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
        if b"\\u" in payload:
            json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def read(document: Members, *, size_bytes: int) -> Command | Unclear | None:
    """The command; None when it has no usable id, so that nobody could be told."""
    command_id, kind = document.get("id"), document.get("type")
    if not _is_text(command_id, _LONGEST_NAME):
        return None
    named = kind if _is_text(kind, _LONGEST_NAME) else ""
    if size_bytes > LARGEST_BYTES:
        words = f"expected no more than {LARGEST_BYTES} bytes, got {size_bytes}"
        return Unclear(command_id, named, Complaint("too_large", words))
    if _is_deeper(document, _DEEPEST):
        words = f"expected no more than {_DEEPEST} objects and lists inside each other"
        return Unclear(command_id, named, Complaint("bad_request", words))
    if not named:
        words = f"type: expected a text of 1 to {_LONGEST_NAME} printable characters"
        return Unclear(command_id, named, Complaint("bad_request", words))
    mistakes: list[str] = []
    command = _read(command_id, named, document, mistakes)
    if mistakes:
        return Unclear(command_id, named, Complaint("bad_request", "; ".join(mistakes)))
    complaint = _complaint_about(command)
    return command if complaint is None else Unclear(command_id, named, complaint)


def digest_of(document: Members) -> str:
    """What tells one body from another under the same id: what is to be done, and to what.

    Times and names of a command may differ when it is sent again. Secrets are left out: a digest would betray them.
    """
    asked = {name: document.get(name) or None for name in ("type", "target", "args")}
    return text_digest(masked(asked))


def text_digest(document: object) -> str:
    """The same text for the same JSON data, of fixed length."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def may_be_stored(args: Members) -> bool:
    """False when the arguments hold a secret: they are kept in memory only."""
    return masked(args) == args


# May it begin


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What counts for a new command at the moment of its arrival.

    `unknown`: the station, circuit or action that it names does not exist here. `waiting`: commands of this upstream
    that have not ended, and their size.
    """

    unknown: Complaint | None
    connected: bool
    waiting: int
    waiting_bytes: int
    retained: bool = False


def ended_at_once(
    command: Command | Unclear, around: Surroundings, term: Term | Complaint, *, over: bool
) -> Ended | None:
    """How a new command ends as it comes; None: it is accepted."""
    complaint = _reason_to_reject(command, around, term)
    if complaint is not None:
        return Ended("rejected", error=complaint)
    if over:
        return Ended("expired", error=Complaint("expired", "it came too late"))
    if isinstance(command, Command) and _is_missed(command, around):
        return Ended("rejected", error=Complaint("station_offline", "the station is not connected"))
    return None


def needs_station(kind: str) -> bool:
    """Does a command of this type go to a station?"""
    return kind in _OF_STATIONS


def _reason_to_reject(command: Command | Unclear, around: Surroundings, term: Term | Complaint) -> Complaint | None:
    if isinstance(command, Unclear):
        return command.why
    if around.retained:
        return Complaint("retained", "commands must not be retained: this one may be of any age")
    if around.unknown is not None:
        return around.unknown
    if isinstance(term, Complaint):
        return term
    if around.waiting >= MOST_WAITING or around.waiting_bytes >= MOST_WAITING_BYTES:
        return Complaint("too_many_waiting", f"{around.waiting} commands are waiting already")
    if needs_station(command.type) and command.if_offline == "queue":
        if term.expires_at is None:
            return Complaint("expiry_needed", "a command that may wait for its station needs an expiry")
        if not may_be_stored(command.args):
            return Complaint("not_queueable", "it holds a secret, and secrets are not kept on disk")
    return None


def _is_missed(command: Command, around: Surroundings) -> bool:
    return needs_station(command.type) and command.if_offline == "reject" and not around.connected


# Reading


def _read(command_id: str, kind: str, document: Members, mistakes: list[str]) -> Command:
    target = _object(document, "target", mistakes)
    station = target.get("station")
    if station is not None and not _is_text(station, _LONGEST_TEXT):
        mistakes.append("target.station: expected a station's id")
        station = None
    actor = document.get("actor")
    if actor is not None and not _is_text(actor, _LONGEST_TEXT):
        mistakes.append(f"actor: expected a text of 1 to {_LONGEST_TEXT} printable characters")
        actor = None
    ttl_seconds = document.get("ttl_s")
    if ttl_seconds is not None and not _is_number(ttl_seconds, most=_LONGEST_SECONDS):
        mistakes.append(f"ttl_s: expected seconds from 0 to {_LONGEST_SECONDS}")
        ttl_seconds = None
    command = Command(
        id=command_id,
        type=kind,
        station=station,
        connector=_whole(target, "connector", "target.connector", mistakes),
        args=_object(document, "args", mistakes),
        actor=actor,
        issued_at=_instant(document, "issued_at", mistakes),
        expires_at=_instant(document, "expires_at", mistakes),
        ttl_seconds=ttl_seconds,
        if_offline=_if_offline(document, mistakes),
    )
    if ttl_seconds is not None and document.get("expires_at") is None and document.get("issued_at") is None:
        mistakes.append("ttl_s: expected issued_at beside it, from which it counts, or expires_at")
    return command


def _object(document: Members, name: str, mistakes: list[str]) -> Members:
    value = document.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    mistakes.append(f"{name}: expected an object")
    return {}


def _instant(document: Members, name: str, mistakes: list[str]) -> Instant | None:
    value = document.get(name)
    instant = instant_from_text(value) if isinstance(value, str) else None
    if value is not None and instant is None:
        mistakes.append(f"{name}: expected a time such as 2027-01-31T12:00:00Z")
    return instant


def _whole(document: Members, name: str, shown: str, mistakes: list[str]) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _GREATEST:
        return value
    mistakes.append(f"{shown}: expected a whole number from 0 to {_GREATEST}")
    return None


def _if_offline(document: Members, mistakes: list[str]) -> IfOffline:
    match document.get("if_offline"):
        case None | "reject":
            return "reject"
        case "queue":
            return "queue"
    mistakes.append("if_offline: expected reject or queue")
    return "reject"


def _is_text(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _is_number(value: object, *, most: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most


def _is_deeper(value: object, levels: int) -> bool:
    """Are there more than so many objects and lists inside each other?"""
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(member, levels - 1) for member in members)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _complaint_about(command: Command) -> Complaint | None:
    """What is wrong with the target and the arguments of this type."""
    wrong = _WRONG.get(command.type)
    if wrong is None:
        return Complaint("unknown_type", f"known types are {', '.join(_WRONG)}")
    mistakes = list(wrong(command))
    if needs_station(command.type) and command.station is None:
        mistakes.insert(0, "target.station: expected a station's id")
    return Complaint("bad_request", "; ".join(mistakes)) if mistakes else None


def _wrong_call(command: Command) -> Iterator[str]:
    if not _is_text(command.args.get("action"), _LONGEST_NAME):
        yield "args.action: expected the name of an OCPP request"
    if not isinstance(command.args.get("payload", {}), dict):
        yield "args.payload: expected an object"
    for name in ("image", "reason"):
        told = command.args.get(name)
        if told is not None and not _is_text(told, _LONGEST_TEXT):
            yield f"args.{name}: expected a text"


def _wrong_remote_start(command: Command) -> Iterator[str]:
    id_tag = command.args.get("id_tag")
    if id_tag is not None and not _is_text(id_tag, _LONGEST_TEXT):
        yield "args.id_tag: expected a text"
    profile = command.args.get("charging_profile")
    if profile is not None and not isinstance(profile, dict):
        yield "args.charging_profile: expected an object"


def _wrong_remote_stop(command: Command) -> Iterator[str]:
    number = command.args.get("transaction_id")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int) or abs(number) > _GREATEST):
        yield "args.transaction_id: expected a whole number"


def _wrong_reset(command: Command) -> Iterator[str]:
    if command.args.get("type", "Soft") not in ("Soft", "Hard", "soft", "hard"):
        yield "args.type: expected Soft or Hard"


def _wrong_unlock(command: Command) -> Iterator[str]:
    if not command.connector:
        yield "target.connector: expected the number of a connector, from 1"


def _wrong_limit(command: Command) -> Iterator[str]:
    if not _is_text(command.args.get("circuit"), _LONGEST_TEXT):
        yield "args.circuit: expected the name of a circuit"
    source = command.args.get("source")
    if source is not None and not _is_text(source, _LONGEST_NAME):
        yield "args.source: expected a text"
    elif source == "api":
        yield "args.source: api is the site's own"


def _wrong_resync(command: Command) -> Iterator[str]:
    if command.args.get("stream") not in STREAMS:
        yield "args.stream: expected tx, ops or meter"
    start, since = command.args.get("from"), command.args.get("since")
    if (start is None) == (since is None):
        yield "args: expected either from or since"
    elif start is not None:
        if isinstance(start, bool) or not isinstance(start, int) or not 0 < start < 2**63:
            yield "args.from: expected a sequence number, from 1"
    elif not isinstance(since, str) or instant_from_text(since) is None:
        yield "args.since: expected a time such as 2027-01-31T12:00:00Z"


def _wrong_live(command: Command) -> Iterator[str]:
    seconds = command.args.get("seconds")
    if seconds is not None and not _is_number(seconds, most=_LONGEST_SECONDS):
        yield "args.seconds: expected a number of 0 or more"


def _nothing_wrong(command: Command) -> Iterator[str]:
    yield from ()


_OF_STATIONS: Mapping[str, Callable[[Command], Iterator[str]]] = MappingProxyType(
    {
        "ocpp.call": _wrong_call,
        "station.remote_start": _wrong_remote_start,
        "station.remote_stop": _wrong_remote_stop,
        "station.reset": _wrong_reset,
        "station.unlock": _wrong_unlock,
    }
)
_WRONG: Mapping[str, Callable[[Command], Iterator[str]]] = MappingProxyType(
    {
        **_OF_STATIONS,
        "site.limit.set": _wrong_limit,
        "site.limit.clear": _wrong_limit,
        "ping": _nothing_wrong,
        "resync": _wrong_resync,
        "rebirth": _nothing_wrong,
        "live.start": _wrong_live,
        "live.stop": _nothing_wrong,
    }
)
TYPES = frozenset(_WRONG)
