"""What the API says of load limits, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.web.schema_parts import NUMBER, TEXT, TIME, TIME_OR_NULL, Schema, collection, object_with

_THREE: Schema = {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 3, "maxItems": 3}
_AMPS_OR_THREE: Schema = {"anyOf": [{"type": "number", "minimum": 0}, _THREE]}

LIMITS: dict[str, Schema] = {
    "Limit": object_with(
        {
            "circuit": TEXT,
            "source": TEXT,
            "limit_amps": _THREE,
            "until": TIME_OR_NULL,
            "set_by": TEXT,
            "set_time": TIME_OR_NULL,
        }
    ),
    "LimitChange": {
        "type": "object",
        "properties": {
            "limit_amps": _AMPS_OR_THREE,
            "limit_watts": NUMBER,
            "until": {"anyOf": [TIME, {"type": "null"}]},
            "source": {"type": "string", "minLength": 1, "maxLength": 40},
        },
        "additionalProperties": False,
    },
    "LimitCollection": collection("Limit"),
}
