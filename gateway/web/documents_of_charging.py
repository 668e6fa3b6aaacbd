"""The documents about charging profiles and schedules as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    Schema,
    list_of,
    object_with,
    ref,
)

_OBJECT: Schema = {"type": "object"}
_PROFILE: dict[str, Schema] = {
    "station": TEXT,
    "connector": COUNT,
    "charging_profile_id": COUNT,
    "transaction_id": COUNT_OR_NULL,
    "profile": {**_OBJECT, "description": "the OCPP object, verbatim"},
}
_PERIOD = object_with({"start_seconds": COUNT, "limit": {"type": ["number", "null"]}, "number_phases": COUNT_OR_NULL})
_REPORTED = object_with({"time": TIME, "request": _OBJECT, "response": _OBJECT})

CHARGING: dict[str, Schema] = {
    "ChargingProfile": object_with(_PROFILE),
    "ChargingProfileCollection": object_with(
        {
            "items": list_of(ref("ChargingProfile")),
            "next": TEXT_OR_NULL,
            "uncertain": list_of(object_with({**_PROFILE, "wanted": FLAG})),
            "unverified": list_of(TEXT),
        },
        optional=("uncertain", "unverified"),
    ),
    "CompositeSchedule": object_with(
        {
            "station": TEXT,
            "connector": COUNT,
            "start_time": TIME,
            "duration_seconds": COUNT,
            "unit": {"enum": ["A", "W"]},
            "periods": list_of(_PERIOD),
            "uncertain": FLAG,
            "reported": {"anyOf": [_REPORTED, {"type": "null"}]},
        }
    ),
}
