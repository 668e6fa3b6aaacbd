"""What the API says of the links to fleet managers, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.fleet_commands import Status
from gateway.model.journal import STREAMS
from gateway.operations.try_upstream import StepName
from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    LIST_OF_TEXTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

_STREAM = object_with(
    {
        "acked": COUNT,
        "newest": COUNT,
        "backlog": COUNT,
        "oldest_unacknowledged_time": TIME_OR_NULL,
        "in_window": COUNT,
    }
)
_HOST = object_with({"state": TEXT, "timestamp": TEXT})

UPSTREAMS: dict[str, Schema] = {
    "Upstream": object_with(
        {
            "name": TEXT,
            "host": TEXT,
            "port": COUNT,
            "tls": FLAG,
            "required": FLAG,
            "connected": FLAG,
            "connected_since": TIME_OR_NULL,
            "protocol": {"enum": ["5", "3.1.1", None]},
            "session": COUNT_OR_NULL,
            "trouble": TEXT_OR_NULL,
            "alarms": LIST_OF_TEXTS,
            "hosts": {"type": "object", "additionalProperties": _HOST},
            "epoch": TEXT,
            "streams": object_with(dict.fromkeys(STREAMS, _STREAM)),
        }
    ),
    "UpstreamCollection": collection("Upstream"),
    "UpstreamTest": object_with(
        {
            "name": TEXT,
            "host": TEXT,
            "port": COUNT,
            "works": FLAG,
            "steps": list_of(object_with({"step": {"enum": list(get_args(StepName))}, "works": FLAG, "text": TEXT})),
        }
    ),
    "FleetCommand": object_with(
        {
            "command_id": TEXT,
            "type": TEXT,
            "station": TEXT_OR_NULL,
            "actor": TEXT,
            "status": {"enum": list(get_args(Status))},
            "error": TEXT_OR_NULL,
            "detail": TEXT_OR_NULL,
            "received_time": TIME,
            "finished_time": TIME_OR_NULL,
        }
    ),
    "FleetCommandCollection": collection("FleetCommand"),
    "Forgotten": object_with({"name": TEXT, "topics": LIST_OF_TEXTS}),
}
