"""JSON Schemas of the documents about passwords, security profiles and certificates of stations."""

from __future__ import annotations

from gateway.web.schema_parts import (
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

_PROFILE: Schema = {"type": "integer", "minimum": 0, "maximum": 3}
_CERTIFICATE: dict[str, Schema] = {
    "common_name": TEXT,
    "serial_number": TEXT,
    "fingerprint": TEXT,
    "issuer": TEXT,
    "not_after": TIME,
}
_STATE: dict[str, Schema] = {
    "station": TEXT,
    "security_profile": _PROFILE,
    "profiles_to_come": list_of(_PROFILE),
    "has_password": FLAG,
    "passwords_to_come": list_of(
        object_with({"answer": {"enum": ["none", "RebootRequired", "lost"]}, "asked_time": TIME})
    ),
    "told_profile": TEXT_OR_NULL,
    "connected_profile": {"anyOf": [_PROFILE, {"type": "null"}]},
    "certificate": {"anyOf": [object_with(_CERTIFICATE), {"type": "null"}]},
    "tls_port": COUNT_OR_NULL,
}
_WISH: dict[str, Schema] = {
    "new_password": {**FLAG, "description": "true: the gateway makes one, sends it, and shows it in the answer"},
    "password": {**TEXT, "description": "AuthorizationKey as it is sent: 32 to 40 hexadecimal digits"},
    "security_profile": {"type": "integer", "minimum": 1, "maximum": 3},
    "reset": {**FLAG, "description": "true: a hard reset at the end"},
}
_OUTCOME: dict[str, Schema] = {
    "done": FLAG,
    "password": {**TEXT, "description": "the new password, shown only now"},
    "steps": list_of(object_with({"action": TEXT, "command_id": TEXT, "status": TEXT}, closed=False)),
    "security": ref("StationSecurity"),
}

SECURITY: dict[str, Schema] = {
    "StationSecurity": object_with(_STATE),
    "SecurityWish": object_with(_WISH, optional=_WISH),
    "SecurityOutcome": object_with(_OUTCOME, optional=("password",)),
}
