"""The documents about local lists as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.local_lists import UpdateType
from gateway.operations.send_local_lists import Ending
from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    FLAG_OR_NULL,
    LIST_OF_TEXTS,
    TEXT,
    TEXT_OR_NULL,
    TIME_OR_NULL,
    Schema,
    list_of,
    object_with,
)

_UPDATE_TYPE: Schema = {"enum": list(get_args(UpdateType))}
_IN_SHORT: dict[str, Schema] = {
    "version": COUNT_OR_NULL,
    "entries": COUNT_OR_NULL,
    "up_to_date": FLAG,
    "supported": FLAG_OR_NULL,
    "last_status": TEXT_OR_NULL,
}
_MAY_BE_TOLD = ("fell_back", "code", "description", "warning")

LIST_IN_SHORT = object_with(_IN_SHORT)
LOCAL_LISTS: dict[str, Schema] = {
    "LocalList": object_with(
        {
            "station": TEXT,
            **_IN_SHORT,
            "highest_version": COUNT,
            "wanted_entries": COUNT,
            "left_out": LIST_OF_TEXTS,
            "left_out_count": COUNT,
            "left_alone": TEXT_OR_NULL,
            "given_time": TIME_OR_NULL,
            "retry_time": TIME_OR_NULL,
            "settings": {"type": "object", "additionalProperties": TEXT_OR_NULL},
        }
    ),
    "LocalListOrder": object_with({"update_type": _UPDATE_TYPE}),
    "LocalListOutcome": object_with(
        {
            "station": TEXT,
            "status": {"enum": list(get_args(Ending))},
            "version": COUNT_OR_NULL,
            "update_type": _UPDATE_TYPE,
            "requests": list_of(
                object_with({"update_type": _UPDATE_TYPE, "version": COUNT, "entries": COUNT, "status": TEXT})
            ),
            "left_out_count": COUNT,
            **dict.fromkeys(_MAY_BE_TOLD, TEXT),
        },
        optional=_MAY_BE_TOLD,
    ),
}
