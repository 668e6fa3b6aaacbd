"""What the API says of load limits, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.circuits import LeaseMode
from gateway.model.load_decision import AlarmKind, CircuitMode
from gateway.web.schema_parts import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    LIST_OF_TEXTS,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
    ref,
)

THREE: Schema = {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 3, "maxItems": 3}
AMPS_OR_THREE: Schema = {"anyOf": [{"type": "number", "minimum": 0}, THREE]}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_SIGNED: Schema = {"type": "array", "items": NUMBER, "minItems": 3, "maxItems": 3}
READ: Schema = {"type": ["array", "null"], "items": NUMBER, "minItems": 3, "maxItems": 3}
_PHASE_OR_NULL: Schema = {"enum": [1, 2, 3, None]}
BINDING_OR_NULL: Schema = {
    "anyOf": [object_with({"circuit": TEXT_OR_NULL, "phase": _PHASE_OR_NULL, "source": TEXT}), {"type": "null"}]
}
CIRCUIT: dict[str, Schema] = {
    "name": TEXT,
    "parent": TEXT_OR_NULL,
    **dict.fromkeys(("limit_amps", "effective_limit_amps", "allotted_amps", "background_amps"), THREE),
    "source": TEXT,
    "measured_amps": READ,
    "headroom_amps": _SIGNED,
    "mode": {"enum": list(get_args(CircuitMode))},
}

LIMITS: dict[str, Schema] = {
    "Limit": object_with(
        {
            "circuit": TEXT,
            "source": TEXT,
            "limit_amps": THREE,
            "until": TIME_OR_NULL,
            "set_by": TEXT,
            "set_time": TIME_OR_NULL,
        }
    ),
    "LimitChange": {
        "type": "object",
        "properties": {
            "limit_amps": AMPS_OR_THREE,
            "limit_watts": NUMBER,
            "until": {"anyOf": [TIME, {"type": "null"}]},
            "source": {"type": "string", "minLength": 1, "maxLength": 40},
        },
        "additionalProperties": False,
    },
    "LimitCollection": collection("Limit"),
}

LOAD: dict[str, Schema] = {
    "Site": object_with(
        {
            "circuits": list_of(ref("SiteCircuit")),
            "stations": list_of(ref("SiteConnector")),
            "time": TIME_OR_NULL,
            "alarms": list_of(
                object_with({"kind": {"enum": list(get_args(AlarmKind))}, "subject": TEXT, "text": TEXT})
            ),
            "notes": LIST_OF_TEXTS,
        }
    ),
    "SiteCircuit": object_with(CIRCUIT),
    "SiteConnector": object_with(
        {
            "station": TEXT,
            "connector": COUNT,
            **dict.fromkeys(("limit_amps", "planned_amps"), NUMBER),
            "measured_amps": READ,
            **dict.fromkeys(("compliant", "satisfied"), FLAG),
            "reason": TEXT,
            "lease_mode": {"enum": list(get_args(LeaseMode))},
        }
    ),
    "Why": object_with(
        {
            "station": TEXT,
            "connector": COUNT_OR_NULL,
            "at": TIME,
            "recorded_at": TIME_OR_NULL,
            "limit_amps": NUMBER_OR_NULL,
            "binding": BINDING_OR_NULL,
            "text": TEXT,
            "alternatives": list_of(object_with({"what": TEXT, "limit_amps": NUMBER, "text": TEXT})),
            "connectors": list_of(object_with({"connector": COUNT, "limit_amps": NUMBER, "text": TEXT})),
        }
    ),
    "LoadDecision": object_with(
        {"decision_id": COUNT, "time": TIME, "text": TEXT, "record": ANYTHING}, optional=("record",)
    ),
    "LoadDecisionCollection": collection("LoadDecision"),
}
