"""The documents about people as JSON Schema: users, their sessions, one-time codes, and who did what."""

from __future__ import annotations

from gateway.operations.manage_tokens import ROLES
from gateway.web.schema_parts import (
    ANYTHING,
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

_ROLE: Schema = {"enum": list(ROLES)}
_CODE: dict[str, Schema] = {
    "code_id": COUNT,
    "role": _ROLE,
    "user_id": COUNT_OR_NULL,
    "made_by": TEXT,
    "made_time": TIME,
    "expires_time": TIME,
}

PEOPLE: dict[str, Schema] = {
    "LoginFields": object_with({"name": TEXT, "password": TEXT}),
    "RedeemFields": object_with({"code": TEXT, "name": TEXT_OR_NULL, "password": TEXT}, optional=("name",)),
    "PasswordFields": object_with({"old": TEXT, "new": TEXT}),
    "Session": object_with(
        {"kind": {"enum": ["user", "token", "local"]}, "name": TEXT, "role": _ROLE, "user_id": COUNT_OR_NULL}
    ),
    "User": object_with(
        {
            "user_id": COUNT,
            "name": TEXT,
            "role": _ROLE,
            "created_time": TIME,
            "password_time": TIME,
            "last_seen_time": TIME_OR_NULL,
        }
    ),
    "UserCollection": collection("User"),
    "NewUserFields": object_with({"name": TEXT, "role": _ROLE, "password": TEXT}),
    "UserFields": object_with({"name": TEXT, "role": _ROLE, "password": TEXT}, optional=("name", "role", "password")),
    "Code": object_with(_CODE),
    "CodeCollection": collection("Code"),
    "CodeFields": object_with({"role": _ROLE, "user_id": COUNT}, optional=("role", "user_id")),
    "NewCode": object_with({**_CODE, "name": TEXT_OR_NULL, "code": TEXT}),
    "AuditedEvent": object_with(
        {
            "event_id": COUNT,
            "time": TIME,
            "actor": TEXT,
            "kind": TEXT,
            "station": TEXT_OR_NULL,
            "data": {"type": "object", "additionalProperties": ANYTHING},
        }
    ),
    "AuditCollection": collection("AuditedEvent"),
}
