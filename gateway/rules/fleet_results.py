"""What is told of a fleet manager's command: the document on `up/res`, and the member of the journal's event.

Every document is complete: who missed the ones before needs none of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.model.clipping import clipped
from gateway.model.fleet_commands import Ended, Status
from gateway.model.instants import Instant, text_of

# brokers take packets of 128 KiB and more; a document has two members that may be large
LARGEST_MEMBER_BYTES = 49_152
_LONGEST_TEXT_BYTES = 4096
_LONGEST_CODE_BYTES = 200

Document = Mapping[str, object]


def under_way(
    command_id: str, kind: str, status: Status, *, received_at: Instant, started_at: Instant | None
) -> Document:
    """It is accepted, or has begun."""
    return {
        "id": command_id,
        "type": kind,
        "status": status,
        "received_at": text_of(received_at),
        **({} if started_at is None else {"started_at": text_of(started_at)}),
    }


def over(before: Document, ended: Ended, now: Instant) -> Document:
    """It has ended, after what was told `before`."""
    told: dict[str, object] = {**before, "status": ended.status}
    if ended.response is not None:
        told["response"] = _bounded(ended.response)
    if ended.error is not None:
        told["error"] = {
            "code": clipped(ended.error.code, most_bytes=_LONGEST_CODE_BYTES),
            "description": clipped(ended.error.description, most_bytes=_LONGEST_TEXT_BYTES),
        }
    more = {name: _bounded(value) for name, value in ended.more.items()}
    return {**told, **more, "finished_at": text_of(now)}


def for_journal(result: Document, *, upstream: str, actor: str) -> Document:
    """The same for the journal, where commands of others stand as well: `command_id` is the fleet manager's own."""
    named = {"command_id": result["id"], "fleet_command_id": result["id"], "upstream": upstream, "actor": actor}
    return {**named, **{name: value for name, value in result.items() if name != "id"}}


def _bounded(value: object) -> object:
    if not isinstance(value, Mapping):
        return clipped(value, most_bytes=_LONGEST_TEXT_BYTES)
    size_bytes = len(json.dumps(value).encode())
    return value if size_bytes <= LARGEST_MEMBER_BYTES else {"left_out_bytes": size_bytes}
