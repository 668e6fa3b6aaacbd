"""What the API says of site meters, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.meters import Trust
from gateway.web.schema_parts import (
    COUNT,
    LIST_OF_TEXTS,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME_OR_NULL,
    Schema,
    collection,
    object_with,
)

_NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_PHASES: Schema = {"type": "array", "items": _NUMBER_OR_NULL, "minItems": 3, "maxItems": 3}

METERS: dict[str, Schema] = {
    "Meter": object_with(
        {
            "name": TEXT,
            "model": TEXT,
            "trust": {"enum": list(get_args(Trust))},
            "reason": TEXT_OR_NULL,
            "age_seconds": _NUMBER_OR_NULL,
            "read_time": TIME_OR_NULL,
            **dict.fromkeys(("amps", "volts", "watts"), _PHASES),
            **dict.fromkeys(("total_watts", "energy_import_wh", "energy_export_wh"), _NUMBER_OR_NULL),
            "interval_seconds": NUMBER,
            "circuits": LIST_OF_TEXTS,
            "reads": COUNT,
            "errors": {"type": "object", "additionalProperties": COUNT},
        }
    ),
    "MeterCollection": collection("Meter"),
}
