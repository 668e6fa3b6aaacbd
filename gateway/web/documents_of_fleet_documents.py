"""What the API says of fleet managers' documents, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.fleet_documents import DOCUMENTS, DocumentStatus
from gateway.web.schema_parts import (
    COUNT_OR_NULL,
    TEXT,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

_OVERRIDE: Schema = object_with(
    {"who": TEXT, "when": TIME_OR_NULL, "override": {"const": True}},
    closed=False,
)

FLEET_DOCUMENTS: dict[str, Schema] = {
    "FleetDocument": object_with(
        {
            "upstream": TEXT,
            "doc": {"enum": list(DOCUMENTS)},
            "owner": {"enum": ["fleet", "site"]},
            "version": COUNT_OR_NULL,
            "status": {"enum": list(get_args(DocumentStatus))},
            "errors": list_of(object_with({"code": TEXT, "path": TEXT, "detail": TEXT})),
            "per_station": {"type": "object", "additionalProperties": {"type": "object"}},
            "overrides": list_of(_OVERRIDE),
            "applied_version": COUNT_OR_NULL,
            "applied_at": TIME_OR_NULL,
            "heard_at": TIME,
            "due_at": TIME_OR_NULL,
            "age_seconds": COUNT_OR_NULL,
        }
    ),
    "FleetDocumentCollection": collection("FleetDocument"),
}
