"""The documents of the API as JSON Schema, for the OpenAPI document. A test compares real answers with it."""

from __future__ import annotations

from typing import get_args

from gateway.operations.known_settings import State
from gateway.operations.manage_tokens import ROLES
from gateway.store.id_tags import STATUSES
from gateway.web.documents_of_campaigns import CAMPAIGNS
from gateway.web.documents_of_certificates import CERTIFICATE_SCHEMAS
from gateway.web.documents_of_charging import CHARGING
from gateway.web.documents_of_diagnostics import DIAGNOSTICS
from gateway.web.documents_of_firmware import FIRMWARE
from gateway.web.documents_of_fleet_documents import FLEET_DOCUMENTS
from gateway.web.documents_of_history import CHARTS, EXPORTS, SUMMARY
from gateway.web.documents_of_jobs import JOBS
from gateway.web.documents_of_links import LINKS
from gateway.web.documents_of_lists import LIST_IN_SHORT, LOCAL_LISTS
from gateway.web.documents_of_load import LIMITS, LOAD
from gateway.web.documents_of_meters import METERS
from gateway.web.documents_of_people import PEOPLE
from gateway.web.documents_of_security import SECURITY
from gateway.web.documents_of_setup import SETUP
from gateway.web.documents_of_uploads import UPLOADS
from gateway.web.documents_of_upstreams import UPSTREAMS
from gateway.web.schema_parts import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    FLAG_OR_NULL,
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

_TAG_FIELDS: dict[str, Schema] = {
    "status": {"enum": list(STATUSES)},
    "parent_id_tag": TEXT_OR_NULL,
    "expiry_date": TIME_OR_NULL,
    "note": TEXT,
}
_TRANSACTION: dict[str, Schema] = {
    "transaction_id": COUNT,
    "station": TEXT,
    "connector": COUNT_OR_NULL,
    "id_tag": TEXT_OR_NULL,
    "parent_id_tag": TEXT_OR_NULL,
    "reservation_id": COUNT_OR_NULL,
    "start_time": TIME,
    "start_received_time": {**TIME, "description": "only where the station's clock was set after the start"},
    "meter_start_wh": COUNT_OR_NULL,
    "stop_time": TIME_OR_NULL,
    "meter_stop_wh": COUNT_OR_NULL,
    "energy_wh": COUNT_OR_NULL,
    "reason": TEXT_OR_NULL,
    "stop_id_tag": TEXT_OR_NULL,
    "open": FLAG,
    "anomalies": list_of(ANYTHING),
}
_ORPHANS_LACK = ("start_time", "start_received_time", "meter_start_wh")
# as in [[station]] of the configuration file, without id and password_file
_STATION_SETTINGS: dict[str, Schema] = {
    "circuit": TEXT_OR_NULL,
    "phase_rotation": TEXT,
    "min_amps": NUMBER,
    "max_amps": NUMBER,
    "fallback_amps": NUMBER,
    "connectors": COUNT,
    "priority": COUNT,
    "weight": NUMBER,
    "eco": FLAG,
    "no_resume": FLAG,
    "load_mode": {"enum": ["auto", "A", "B", "C", "D"]},
    "security_profile": {"type": "integer", "minimum": 0, "maximum": 3},
    "certificate_organization": TEXT_OR_NULL,
    "certificate_common_name": TEXT_OR_NULL,
    "aliases": list_of(TEXT),
    "allow_missing_subprotocol": FLAG,
    "accept_hex_password": FLAG,
    "strict": FLAG_OR_NULL,
    "call_timeout_seconds": {"type": ["number", "null"]},
    "answer_delay_ms": COUNT,
    "utc_offset_minutes": COUNT,
    "energy_scale": COUNT,
    "remote_id_tag": TEXT_OR_NULL,
    "quiet": FLAG,
    "desired_configuration": {"type": "object", "additionalProperties": TEXT},
    "reboot_when_idle": FLAG_OR_NULL,
    "transfer_scheme": {"enum": ["auto", "http", "https", "ftp", "ftps"]},
}
_SAID_OF_ITSELF = (
    "vendor", "model", "serial_number", "box_serial_number", "firmware_version", "iccid", "imsi", "meter_type",
    "meter_serial",
)  # fmt: skip
_SETTINGS: dict[str, Schema] = {
    "configuration": list_of(ref("ConfigurationKey")),
    "desired_configuration_in_force": {"type": "object", "additionalProperties": TEXT},
    "settings_drift": list_of(ref("SettingsDrift")),
    "reboot_required": FLAG,
    "capabilities": ref("Capabilities"),
}
_TOKEN: dict[str, Schema] = {"token_id": COUNT, "name": TEXT, "role": {"enum": list(ROLES)}, "created_time": TIME}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


SCHEMAS: dict[str, Schema] = {
    **CERTIFICATE_SCHEMAS,
    "Problem": object_with(
        {
            "type": TEXT,
            "title": TEXT,
            "status": COUNT,
            "detail": TEXT,
            "errors": list_of({"type": "object", "description": "one mistake: field or line, and detail"}),
        },
        optional=("errors",),
        closed=False,
    ),
    "Station": object_with(
        {
            "id": TEXT,
            "station": TEXT,
            "origin": {"enum": ["file", "api", "knock"]},
            "admission": {"enum": ["accepted", "pending"]},
            **_STATION_SETTINGS,
            "connectors_setting": COUNT,
            "changed_settings": LIST_OF_TEXTS,
            "has_password": FLAG,
            "connected": FLAG,
            "since": TIME_OR_NULL,
            "address": TEXT_OR_NULL,
            "last_message_at": TIME_OR_NULL,
            "connectors": list_of(ref("Connector")),
            "running_transactions": list_of(ref("Transaction")),
            "reservations": list_of(ref("Reservation")),
            "quirks": list_of(ref("Quirk")),
            **dict.fromkeys(_SAID_OF_ITSELF, TEXT_OR_NULL),
            "booted_at": TIME_OR_NULL,
            "last_connected_at": TIME_OR_NULL,
            "clock_offset_ms": COUNT_OR_NULL,
            **_SETTINGS,
            "expected_remote_starts": list_of(ref("ExpectedRemoteStart")),
            "jobs": list_of(ref("Job")),
            "local_list": LIST_IN_SHORT,
        },
        optional=(*_SETTINGS, "expected_remote_starts", "jobs", "local_list"),
    ),
    "StationSettings": object_with(
        {
            "id": TEXT,
            **{name: _or_null(schema) for name, schema in _STATION_SETTINGS.items()},
            "password": TEXT_OR_NULL,
        },
        optional=("id", "password", *_STATION_SETTINGS),
    ),
    "Connector": object_with(
        {
            "connector": COUNT,
            "status": TEXT,
            "error_code": TEXT,
            "info": TEXT_OR_NULL,
            "vendor_id": TEXT_OR_NULL,
            "vendor_error_code": TEXT_OR_NULL,
            "status_time": TIME,
            "received_time": TIME,
        }
    ),
    "Quirk": object_with({"quirk": TEXT, "times": COUNT, "last_seen": TIME, "description": TEXT}),
    "ConfigurationKey": object_with(
        {
            "key": TEXT,
            "value": TEXT_OR_NULL,
            "readonly": {"type": ["boolean", "null"]},
            "reboot_required": FLAG,
            "updated_time": TIME,
        }
    ),
    "SettingsDrift": object_with(
        {"key": TEXT, "desired": TEXT, "reported": TEXT_OR_NULL, "state": {"enum": list(get_args(State))}}
    ),
    "Capabilities": object_with(
        {
            **dict.fromkeys(("feature_profiles", "charging_units", "file_transfer_protocols"), _or_null(LIST_OF_TEXTS)),
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
                COUNT_OR_NULL,
            ),
            **dict.fromkeys(("phase_switching", "can_reserve_connector_zero", "security_extension"), FLAG_OR_NULL),
            "unsupported": LIST_OF_TEXTS,
        }
    ),
    "ExpectedRemoteStart": object_with(
        {"command_id": TEXT, "connector": COUNT_OR_NULL, "id_tag": TEXT, "asked_time": TIME}
    ),
    **JOBS,
    "Knock": object_with({"station": TEXT, "address": TEXT, "times": COUNT, "first_seen": TIME, "last_seen": TIME}),
    "StationCollection": object_with(
        {
            "items": list_of({"anyOf": [ref("Station"), ref("Knock")]}),
            "next": TEXT_OR_NULL,
            "knocked": list_of(ref("Knock")),
        },
        optional=("knocked",),
    ),
    "CommandOutcome": object_with(
        {
            "command_id": TEXT,
            "status": {"enum": ["answered", "call_error", "unanswered", "not_connected", "refused"]},
            "response": {"type": "object", "description": "the station's answer, verbatim"},
            "code": TEXT,
            "description": TEXT,
            "request": {"type": "object", "description": "the payload as sent, when an id was filled in"},
            "warning": TEXT,
        },
        optional=("response", "code", "description", "request", "warning"),
    ),
    **LINKS,
    **CAMPAIGNS,
    **LOCAL_LISTS,
    **CHARGING,
    **DIAGNOSTICS,
    **FIRMWARE,
    **FLEET_DOCUMENTS,
    "IdTag": object_with({"id_tag": TEXT, **_TAG_FIELDS, "updated_time": TIME, "upstreams": LIST_OF_TEXTS}),
    "IdTagFields": object_with(
        {"id_tag": TEXT, **{name: _or_null(schema) for name, schema in _TAG_FIELDS.items()}},
        optional=("id_tag", *_TAG_FIELDS),
    ),
    "IdTagFile": list_of(
        object_with(
            {"id_tag": TEXT, **{name: _or_null(schema) for name, schema in _TAG_FIELDS.items()}}, optional=_TAG_FIELDS
        )
    ),
    "IdTagCollection": collection("IdTag"),
    "IdTagGroup": object_with(
        {
            "parent_id_tag": TEXT,
            "id_tags": COUNT,
            "status": {"enum": [*STATUSES, None]},
            "expiry_date": TIME_OR_NULL,
        }
    ),
    "IdTagGroupCollection": collection("IdTagGroup"),
    "ImportResult": object_with(
        {
            "imported": COUNT,
            "refused": COUNT,
            "errors": list_of(object_with({"line": COUNT, "field": TEXT, "detail": TEXT})),
        }
    ),
    "Transaction": object_with(_TRANSACTION, optional=_ORPHANS_LACK),
    "TransactionCollection": collection("Transaction"),
    "TransactionWithValues": object_with(
        {
            **_TRANSACTION,
            "meter_values": list_of(object_with({"received_time": TIME, "frame_id": COUNT}, closed=False)),
            "signed_values": list_of(ref("SignedValue")),
        },
        optional=_ORPHANS_LACK,
    ),
    "Reservation": object_with(
        {
            "reservation_id": COUNT,
            "station": TEXT,
            "connector": COUNT,
            "id_tag": TEXT,
            "parent_id_tag": TEXT_OR_NULL,
            "expiry_time": TIME,
        }
    ),
    "ReservationCollection": collection("Reservation"),
    "SignedValue": object_with(
        {
            "timestamp": ANYTHING,
            "context": ANYTHING,
            "measurand": ANYTHING,
            "value": ANYTHING,
            "received_time": TIME,
            "frame_id": COUNT,
        }
    ),
    "Event": object_with(
        {
            "id": TEXT,
            "event_id": COUNT,
            "epoch": TEXT,
            "stream": {"enum": ["tx", "ops", "meter"]},
            "sequence": COUNT,
            "kind": TEXT,
            "station": TEXT_OR_NULL,
            "connector": COUNT_OR_NULL,
            "time": TIME,
            "recorded_time": TIME,
            "data": {"type": "object"},
        }
    ),
    "EventCollection": collection("Event"),
    "Token": object_with(_TOKEN),
    "TokenCollection": collection("Token"),
    "TokenFields": object_with({"role": {"enum": list(ROLES)}, "name": TEXT}, optional=("name",)),
    "NewToken": object_with({**_TOKEN, "token": TEXT}),
    "Restored": object_with({"status": {"const": "restored"}, "epoch": TEXT}),
    "Health": object_with({"status": TEXT}, closed=False),
    "Reload": object_with(
        {"status": {"enum": ["serving", "taken", "unchanged"]}, "taken": COUNT, "failed": TEXT_OR_NULL}
    ),
    **LIMITS,
    **LOAD,
    **CHARTS,
    **SUMMARY,
    **EXPORTS,
    **METERS,
    **PEOPLE,
    **SECURITY,
    **SETUP,
    **UPLOADS,
    **UPSTREAMS,
}
