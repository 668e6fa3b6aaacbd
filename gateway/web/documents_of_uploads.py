"""What the API says of uploads, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.operations.ask_for_diagnostics import LOG_TYPES
from gateway.web.schema_parts import (
    COUNT,
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    object_with,
)

UPLOADS: dict[str, Schema] = {
    "Upload": object_with(
        {
            "upload_id": COUNT,
            "station": TEXT,
            "kind": {"enum": ["diagnostics", "log"]},
            "reason": TEXT_OR_NULL,
            "command_id": TEXT_OR_NULL,
            "link_id": COUNT,
            "file_name": TEXT,
            "size": COUNT,
            "sha256": TEXT,
            "scheme": {"enum": ["http", "https", "ftp", "ftps"]},
            "address": TEXT,
            "forwarding": {"enum": ["waiting", "done", "given_up", None]},
            "forward_to": TEXT_OR_NULL,
            "forward_tries": COUNT,
            "forward_error": TEXT_OR_NULL,
            "empty": FLAG,
            "received_time": TIME,
            "forward_time": TIME_OR_NULL,
            "missing_time": TIME_OR_NULL,
        }
    ),
    "UploadCollection": collection("Upload"),
    "DiagnosticsWish": object_with(
        {
            "log": {"enum": list(LOG_TYPES), "default": "diagnostics"},
            "from": {**TIME, "description": "nothing that is older"},
            "to": {**TIME, "description": "nothing that is newer"},
            "reason": {**TEXT, "maxLength": 500, "description": "why, in your words; kept with what is uploaded"},
        },
        optional=("log", "from", "to", "reason"),
    ),
}
