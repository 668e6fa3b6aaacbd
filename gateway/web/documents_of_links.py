"""What the API says of links to images and places for uploads, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    object_with,
)

LINKS: dict[str, Schema] = {
    "LinkWish": object_with({"station": TEXT}),
    "Link": object_with({"link_id": COUNT, "location": TEXT, "expires_at": TIME}),
    "ServedLink": object_with(
        {
            "link_id": COUNT,
            "station": TEXT,
            "kind": {"enum": ["image", "diagnostics", "log"]},
            "scheme": {"enum": ["http", "https", "ftp", "ftps"]},
            "command_id": TEXT_OR_NULL,
            "actor": TEXT,
            "reason": TEXT_OR_NULL,
            "image_id": TEXT_OR_NULL,
            "sha256": TEXT_OR_NULL,
            "size": COUNT_OR_NULL,
            "file_name": TEXT_OR_NULL,
            "attempts": COUNT,
            "bytes_served": COUNT,
            "served_upto": COUNT,
            "made_time": TIME,
            "expires_time": TIME,
            "ended_time": TIME_OR_NULL,
            "first_time": TIME_OR_NULL,
            "last_time": TIME_OR_NULL,
            "complete_time": TIME_OR_NULL,
        }
    ),
    "ServedLinkCollection": collection("ServedLink"),
}
