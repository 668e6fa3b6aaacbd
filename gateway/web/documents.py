"""The documents of the API as JSON Schema, for the OpenAPI document. A test compares real answers with it."""

from __future__ import annotations

from typing import get_args

from gateway.operations.known_settings import State
from gateway.operations.manage_tokens import ROLES
from gateway.store.id_tags import STATUSES
from gateway.store.security_events import SOURCES
from gateway.store.station_jobs import KINDS, RESULTS
from gateway.web.documents_of_lists import LIST_IN_SHORT, LOCAL_LISTS
from gateway.web.schema_parts import ANYTHING as _ANYTHING
from gateway.web.schema_parts import COUNT as _COUNT
from gateway.web.schema_parts import COUNT_OR_NULL as _COUNT_OR_NULL
from gateway.web.schema_parts import FLAG as _FLAG
from gateway.web.schema_parts import FLAG_OR_NULL as _FLAG_OR_NULL
from gateway.web.schema_parts import LIST_OF_TEXTS as _LIST_OF_TEXTS
from gateway.web.schema_parts import NUMBER as _NUMBER
from gateway.web.schema_parts import TEXT as _TEXT
from gateway.web.schema_parts import TEXT_OR_NULL as _TEXT_OR_NULL
from gateway.web.schema_parts import TIME as _TIME
from gateway.web.schema_parts import TIME_OR_NULL as _TIME_OR_NULL
from gateway.web.schema_parts import Schema
from gateway.web.schema_parts import collection as _collection
from gateway.web.schema_parts import list_of as _list_of
from gateway.web.schema_parts import object_with as _object
from gateway.web.schema_parts import ref as _ref

_TAG_FIELDS: dict[str, Schema] = {
    "status": {"enum": list(STATUSES)},
    "parent_id_tag": _TEXT_OR_NULL,
    "expiry_date": _TIME_OR_NULL,
    "note": _TEXT,
}
_TRANSACTION: dict[str, Schema] = {
    "transaction_id": _COUNT,
    "station": _TEXT,
    "connector": _COUNT_OR_NULL,
    "id_tag": _TEXT_OR_NULL,
    "parent_id_tag": _TEXT_OR_NULL,
    "reservation_id": _COUNT_OR_NULL,
    "start_time": _TIME,
    "meter_start_wh": _COUNT_OR_NULL,
    "stop_time": _TIME_OR_NULL,
    "meter_stop_wh": _COUNT_OR_NULL,
    "energy_wh": _COUNT_OR_NULL,
    "reason": _TEXT_OR_NULL,
    "stop_id_tag": _TEXT_OR_NULL,
    "open": _FLAG,
    "anomalies": _list_of(_ANYTHING),
}
_ORPHANS_LACK = ("start_time", "meter_start_wh")
# as in [[station]] of the configuration file, without id and password_file
_STATION_SETTINGS: dict[str, Schema] = {
    "circuit": _TEXT_OR_NULL,
    "phase_rotation": _TEXT,
    "min_amps": _NUMBER,
    "max_amps": _NUMBER,
    "fallback_amps": _NUMBER,
    "priority": _COUNT,
    "security_profile": {"type": "integer", "minimum": 0, "maximum": 3},
    "aliases": _list_of(_TEXT),
    "allow_missing_subprotocol": _FLAG,
    "accept_hex_password": _FLAG,
    "strict": _FLAG_OR_NULL,
    "call_timeout_seconds": {"type": ["number", "null"]},
    "answer_delay_ms": _COUNT,
    "utc_offset_minutes": _COUNT,
    "energy_scale": _COUNT,
    "remote_id_tag": _TEXT_OR_NULL,
    "quiet": _FLAG,
    "desired_configuration": {"type": "object", "additionalProperties": _TEXT},
    "reboot_when_idle": _FLAG_OR_NULL,
}
_SAID_OF_ITSELF = (
    "vendor", "model", "serial_number", "box_serial_number", "firmware_version", "iccid", "imsi", "meter_type",
    "meter_serial",
)  # fmt: skip
_SETTINGS: dict[str, Schema] = {
    "configuration": _list_of(_ref("ConfigurationKey")),
    "desired_configuration_in_force": {"type": "object", "additionalProperties": _TEXT},
    "settings_drift": _list_of(_ref("SettingsDrift")),
    "reboot_required": _FLAG,
    "capabilities": _ref("Capabilities"),
}
_TOKEN: dict[str, Schema] = {"token_id": _COUNT, "name": _TEXT, "role": {"enum": list(ROLES)}, "created_time": _TIME}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMAS: dict[str, Schema] = {
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": _COUNT,
            "detail": _TEXT,
            "errors": _list_of({"type": "object", "description": "one mistake: field or line, and detail"}),
        },
        optional=("errors",),
        closed=False,
    ),
    "Station": _object(
        {
            "id": _TEXT,
            "station": _TEXT,
            "origin": {"enum": ["file", "api", "knock"]},
            "admission": {"enum": ["accepted", "pending"]},
            **_STATION_SETTINGS,
            "has_password": _FLAG,
            "connected": _FLAG,
            "since": _TIME_OR_NULL,
            "address": _TEXT_OR_NULL,
            "last_message_at": _TIME_OR_NULL,
            "connectors": _list_of(_ref("Connector")),
            "running_transactions": _list_of(_ref("Transaction")),
            "reservations": _list_of(_ref("Reservation")),
            "quirks": _list_of(_ref("Quirk")),
            **dict.fromkeys(_SAID_OF_ITSELF, _TEXT_OR_NULL),
            "booted_at": _TIME_OR_NULL,
            "last_connected_at": _TIME_OR_NULL,
            "clock_offset_ms": _COUNT_OR_NULL,
            **_SETTINGS,
            "expected_remote_starts": _list_of(_ref("ExpectedRemoteStart")),
            "jobs": _list_of(_ref("Job")),
            "local_list": LIST_IN_SHORT,
        },
        optional=(*_SETTINGS, "expected_remote_starts", "jobs", "local_list"),
    ),
    "StationSettings": _object(
        {
            "id": _TEXT,
            **{name: _or_null(schema) for name, schema in _STATION_SETTINGS.items()},
            "password": _TEXT_OR_NULL,
        },
        optional=("id", "password", *_STATION_SETTINGS),
    ),
    "Connector": _object(
        {
            "connector": _COUNT,
            "status": _TEXT,
            "error_code": _TEXT,
            "info": _TEXT_OR_NULL,
            "vendor_id": _TEXT_OR_NULL,
            "vendor_error_code": _TEXT_OR_NULL,
            "status_time": _TIME,
            "received_time": _TIME,
        }
    ),
    "Quirk": _object({"quirk": _TEXT, "times": _COUNT, "last_seen": _TIME, "description": _TEXT}),
    "ConfigurationKey": _object(
        {
            "key": _TEXT,
            "value": _TEXT_OR_NULL,
            "readonly": {"type": ["boolean", "null"]},
            "reboot_required": _FLAG,
            "updated_time": _TIME,
        }
    ),
    "SettingsDrift": _object(
        {"key": _TEXT, "desired": _TEXT, "reported": _TEXT_OR_NULL, "state": {"enum": list(get_args(State))}}
    ),
    "Capabilities": _object(
        {
            **dict.fromkeys(
                ("feature_profiles", "charging_units", "file_transfer_protocols"), _or_null(_LIST_OF_TEXTS)
            ),
            **dict.fromkeys(
                (
                    "max_stack_level",
                    "max_schedule_periods",
                    "max_charging_profiles",
                    "max_list_update_entries",
                    "max_list_entries",
                    "connectors",
                    "max_keys_at_once",
                ),
                _COUNT_OR_NULL,
            ),
            **dict.fromkeys(("phase_switching", "can_reserve_connector_zero", "security_extension"), _FLAG_OR_NULL),
            "unsupported": _LIST_OF_TEXTS,
        }
    ),
    "ExpectedRemoteStart": _object(
        {"command_id": _TEXT, "connector": _COUNT_OR_NULL, "id_tag": _TEXT, "asked_time": _TIME}
    ),
    "Job": _object(
        {
            "job_id": _COUNT,
            "station": _TEXT,
            "kind": {"enum": list(KINDS)},
            "command_id": _TEXT_OR_NULL,
            "request_id": _COUNT_OR_NULL,
            "location": _TEXT_OR_NULL,
            "file_name": _TEXT_OR_NULL,
            "asked_time": _TIME,
            "status": _TEXT,
            "status_time": _TIME,
            "age_seconds": _COUNT_OR_NULL,
            "detail": _TEXT_OR_NULL,
            "idle_time": _TIME_OR_NULL,
            "result": {"enum": [*RESULTS, None]},
            "finished_time": _TIME_OR_NULL,
            "version_before": _TEXT_OR_NULL,
            "version_after": _TEXT_OR_NULL,
        }
    ),
    "JobCollection": _collection("Job"),
    "SecurityEvent": _object(
        {
            "security_event_id": _COUNT,
            "source": {"enum": list(SOURCES)},
            "station": _TEXT_OR_NULL,
            "type": _TEXT,
            "critical": _FLAG,
            "times": _COUNT,
            "tech_info": _TEXT_OR_NULL,
            "address": _TEXT_OR_NULL,
            "time": _TIME,
            "recorded_time": _TIME,
        }
    ),
    "SecurityEventCollection": _collection("SecurityEvent"),
    "Knock": _object({"station": _TEXT, "address": _TEXT, "times": _COUNT, "first_seen": _TIME, "last_seen": _TIME}),
    "StationCollection": _object(
        {
            "items": _list_of({"anyOf": [_ref("Station"), _ref("Knock")]}),
            "next": _TEXT_OR_NULL,
            "knocked": _list_of(_ref("Knock")),
        },
        optional=("knocked",),
    ),
    "CommandOutcome": _object(
        {
            "command_id": _TEXT,
            "status": {"enum": ["answered", "call_error", "unanswered", "not_connected", "refused"]},
            "response": {"type": "object", "description": "the station's answer, verbatim"},
            "code": _TEXT,
            "description": _TEXT,
            "request": {"type": "object", "description": "the payload as sent, when an id was filled in"},
            "warning": _TEXT,
        },
        optional=("response", "code", "description", "request", "warning"),
    ),
    **LOCAL_LISTS,
    "IdTag": _object({"id_tag": _TEXT, **_TAG_FIELDS, "updated_time": _TIME}),
    "IdTagFields": _object(
        {"id_tag": _TEXT, **{name: _or_null(schema) for name, schema in _TAG_FIELDS.items()}},
        optional=("id_tag", *_TAG_FIELDS),
    ),
    "IdTagFile": _list_of(
        _object(
            {"id_tag": _TEXT, **{name: _or_null(schema) for name, schema in _TAG_FIELDS.items()}}, optional=_TAG_FIELDS
        )
    ),
    "IdTagCollection": _collection("IdTag"),
    "ImportResult": _object(
        {
            "imported": _COUNT,
            "refused": _COUNT,
            "errors": _list_of(_object({"line": _COUNT, "field": _TEXT, "detail": _TEXT})),
        }
    ),
    "Transaction": _object(_TRANSACTION, optional=_ORPHANS_LACK),
    "TransactionCollection": _collection("Transaction"),
    "TransactionWithValues": _object(
        {
            **_TRANSACTION,
            "meter_values": _list_of(_object({"received_time": _TIME, "frame_id": _COUNT}, closed=False)),
            "signed_values": _list_of(_ref("SignedValue")),
        },
        optional=_ORPHANS_LACK,
    ),
    "Reservation": _object(
        {
            "reservation_id": _COUNT,
            "station": _TEXT,
            "connector": _COUNT,
            "id_tag": _TEXT,
            "parent_id_tag": _TEXT_OR_NULL,
            "expiry_time": _TIME,
        }
    ),
    "ReservationCollection": _collection("Reservation"),
    "SignedValue": _object(
        {
            "timestamp": _ANYTHING,
            "context": _ANYTHING,
            "measurand": _ANYTHING,
            "value": _ANYTHING,
            "received_time": _TIME,
            "frame_id": _COUNT,
        }
    ),
    "Event": _object(
        {
            "id": _TEXT,
            "event_id": _COUNT,
            "epoch": _TEXT,
            "stream": {"enum": ["tx", "ops", "meter"]},
            "sequence": _COUNT,
            "kind": _TEXT,
            "station": _TEXT_OR_NULL,
            "connector": _COUNT_OR_NULL,
            "time": _TIME,
            "recorded_time": _TIME,
            "data": {"type": "object"},
        }
    ),
    "EventCollection": _collection("Event"),
    "Token": _object(_TOKEN),
    "TokenCollection": _collection("Token"),
    "TokenFields": _object({"role": {"enum": list(ROLES)}, "name": _TEXT}, optional=("name",)),
    "NewToken": _object({**_TOKEN, "token": _TEXT}),
    "Restored": _object({"status": {"const": "restored"}, "epoch": _TEXT}),
    "Health": _object({"status": _TEXT}, closed=False),
}
