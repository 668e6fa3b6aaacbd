"""The documents about charging profiles as JSON Schema: part of `documents`, in a file of its own for its length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Schema = dict[str, object]

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_COUNT: Schema = {"type": "integer"}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
_FLAG: Schema = {"type": "boolean"}
_OBJECT: Schema = {"type": "object"}


def _document(members: Mapping[str, object], *, optional: Iterable[str] = ()) -> Schema:
    required = [name for name in members if name not in set(optional)]
    return {"type": "object", "properties": dict(members), "additionalProperties": False, "required": required}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


_PROFILE: Mapping[str, object] = {
    "station": _TEXT,
    "connector": _COUNT,
    "charging_profile_id": _COUNT,
    "transaction_id": _COUNT_OR_NULL,
    "profile": {**_OBJECT, "description": "the OCPP object, verbatim"},
}
_PERIOD = _document({"start_seconds": _COUNT, "limit": {"type": ["number", "null"]}, "number_phases": _COUNT_OR_NULL})
_REPORTED = _document({"time": _TIME, "request": _OBJECT, "response": _OBJECT})

CHARGING_SCHEMAS: dict[str, Schema] = {
    "ChargingProfile": _document(_PROFILE),
    "ChargingProfileCollection": _document(
        {
            "items": _list_of({"$ref": "#/components/schemas/ChargingProfile"}),
            "next": {"type": ["string", "null"]},
            "uncertain": _list_of(_document({**_PROFILE, "wanted": _FLAG})),
            "unverified": _list_of(_TEXT),
        },
        optional=("uncertain", "unverified"),
    ),
    "CompositeSchedule": _document(
        {
            "station": _TEXT,
            "connector": _COUNT,
            "start_time": _TIME,
            "duration_seconds": _COUNT,
            "unit": {"enum": ["A", "W"]},
            "periods": _list_of(_PERIOD),
            "uncertain": _FLAG,
            "reported": {"anyOf": [_REPORTED, {"type": "null"}]},
        }
    ),
}
