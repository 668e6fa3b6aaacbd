"""What is to hold from now on (`dn/des/{document}`), and what becomes of it (`up/rep/{document}`).

Details: docs/fleet-documents.md.
"""

from __future__ import annotations

from gateway.contract.shapes import (
    ANYTHING,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME_OR_NULL,
    WHOLE,
    WHOLE_OR_NULL,
    Schema,
    always,
    list_of,
    object_with,
    one_of,
    told,
)

_VERSION: Schema = {"type": "integer", "minimum": 1}


def _document(name: str, members: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    envelope: dict[str, Schema] = {"doc": always(name), "version": told(_VERSION, "only rises"), "base_version": WHOLE}
    return object_with({**envelope, **members}, optional=("base_version", *optional))


DOCUMENTS: dict[str, tuple[str, Schema]] = {
    "auth-list": (
        "Who may charge. With base_version only what differs from that version.",
        _document(
            "auth-list",
            {
                "entries": list_of(
                    object_with(
                        {"id_tag": TEXT, "status": TEXT, "parent_id_tag": TEXT_OR_NULL, "expiry_date": TIME_OR_NULL},
                        optional=("status", "parent_id_tag", "expiry_date"),
                    )
                ),
                "deleted": TEXTS,
            },
            ("deleted",),
        ),
    ),
}

REPORT = object_with(
    {
        "doc": TEXT,
        "version": WHOLE_OR_NULL,
        "status": one_of("pending", "applied", "partial", "rejected"),
        "errors": list_of(ANYTHING),
        "applied_at": TIME_OR_NULL,
        "per_station": ANYTHING,
    },
    optional=("per_station",),
)
