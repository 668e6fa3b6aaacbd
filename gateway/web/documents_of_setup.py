"""What the API says and takes while a site is set up, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.clocks import Quality
from gateway.operations.describe_machine import PRESSURES
from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    LIST_OF_TEXTS,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    Schema,
    collection,
    list_of,
    object_with,
    ref,
)

_NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_THREE: Schema = {"type": "array", "items": NUMBER, "minItems": 3, "maxItems": 3}
_PHASES: Schema = {"type": "array", "items": _NUMBER_OR_NULL, "minItems": 3, "maxItems": 3}
_AMPS: Schema = {"oneOf": [NUMBER, _THREE]}

_ORIGIN: dict[str, Schema] = {
    "origin": {"enum": ["default", "wizard", "file"]},
    "fixed": {**FLAG, "description": "a file of an administrator gives it, and only there can it be changed"},
    "file": {**TEXT_OR_NULL, "description": "that file"},
}
_VALUE = object_with({"value": TEXT, **_ORIGIN})
_TRANSPORT = object_with(
    {
        "type": {"enum": ["rtu", "tcp", "serial"]},
        "device": TEXT,
        "baudrate": COUNT,
        "parity": TEXT,
        "host": TEXT,
        "port": COUNT,
        "unit": COUNT,
        "framing": {"enum": ["tcp", "rtu"]},
    },
    optional=("device", "baudrate", "parity", "host", "port", "unit", "framing"),
)
_METER: dict[str, Schema] = {
    "name": TEXT,
    "model": TEXT,
    "transport": _TRANSPORT,
    "interval_seconds": NUMBER,
    "may_export": FLAG,
    "inverted": FLAG,
}
_METER_FREE = ("interval_seconds", "may_export", "inverted")
_MAIN_WISH = object_with(
    {"name": TEXT, "limit_amps": _AMPS, "meter": TEXT_OR_NULL, "limit_watts": _NUMBER_OR_NULL},
    optional=("name", "limit_amps", "meter", "limit_watts"),
    closed=False,
)
_WISHES: dict[str, Schema] = {
    **dict.fromkeys(("id", "name", "timezone", "unknown_stations", "unknown_tags"), TEXT_OR_NULL),
    "main": {"oneOf": [_MAIN_WISH, {"type": "null"}]},
    "meters": list_of(object_with(_METER, optional=_METER_FREE)),
    "circuits": list_of(
        object_with({"name": TEXT, "parent": TEXT, "limit_amps": _AMPS}, optional=("limit_amps",), closed=False)
    ),
}

_CLOCK: dict[str, Schema] = {
    "time": TIME,
    "quality": {"enum": list(get_args(Quality))},
    "synchronised": FLAG,
    "error_ms": COUNT_OR_NULL,
}

SETUP: dict[str, Schema] = {
    "System": object_with(
        {
            "version": TEXT,
            "uptime_seconds": COUNT_OR_NULL,
            "machine": object_with(
                {
                    "host_name": TEXT,
                    **dict.fromkeys(("model", "operating_system"), TEXT_OR_NULL),
                    **dict.fromkeys(("kernel", "architecture", "python"), TEXT),
                    "processors": COUNT_OR_NULL,
                    "uptime_seconds": COUNT,
                }
            ),
            "clock": object_with({**_CLOCK, "timezone": TEXT}),
            "data": object_with(
                {
                    "directory": TEXT,
                    **dict.fromkeys(("disk_free_bytes", "disk_bytes"), COUNT_OR_NULL),
                    **dict.fromkeys(("database_bytes", "database_budget_bytes"), COUNT),
                    "pressure": {"enum": list(PRESSURES)},
                }
            ),
            "can_reload": {**FLAG, "description": "false: there are no files to read again (a demo)"},
        }
    ),
    "SetupMeter": object_with({**_METER, "title": TEXT_OR_NULL, **_ORIGIN}),
    "SetupCircuit": object_with(
        {
            "name": TEXT,
            "limit_amps": _THREE,
            "parent": TEXT_OR_NULL,
            "meter": TEXT_OR_NULL,
            "limit_watts": _NUMBER_OR_NULL,
            "unbalance_limit_amps": _NUMBER_OR_NULL,
            **_ORIGIN,
        }
    ),
    "Setup": object_with(
        {
            "site": object_with(
                dict.fromkeys(("id", "name", "timezone", "unknown_stations", "unknown_tags"), _VALUE)
            ),
            "station_addresses": LIST_OF_TEXTS,
            "clock": object_with(_CLOCK),
            "meters": list_of(ref("SetupMeter")),
            "main_circuit": {"oneOf": [ref("SetupCircuit"), {"type": "null"}]},
            "circuits": list_of(ref("SetupCircuit")),
            "stations": object_with({"known": COUNT, "connected": COUNT}),
            "knocks": list_of(
                object_with(
                    {"station": TEXT, "address": TEXT_OR_NULL, "last_time": TIME, "count": COUNT, "reason": TEXT}
                )
            ),
            "can_change": {**FLAG, "description": "false: nothing can be decided here (a demo has no files)"},
            "file": TEXT,
            "left_out": {**LIST_OF_TEXTS, "description": "mistakes because of which site.toml is left out whole"},
            "complete": FLAG,
            "steps": list_of(object_with({"step": TEXT, "done": FLAG, "required": FLAG, "text": TEXT})),
        }
    ),
    "SetupWishes": object_with(_WISHES, optional=_WISHES),
    "SetupTaken": object_with({"status": {"enum": ["taken", "unchanged"]}, "taken": COUNT, "detail": TEXT}),
    "TimeZoneCollection": object_with({"items": LIST_OF_TEXTS, "next": {"type": "null"}}),
    "SerialPort": object_with(
        {"path": TEXT, "device": TEXT, "by_id": TEXT_OR_NULL, "by_path": TEXT_OR_NULL, "meters": LIST_OF_TEXTS}
    ),
    "SerialPortCollection": collection("SerialPort"),
    "MeterModel": object_with(
        {
            "model": TEXT,
            "title": TEXT,
            "status": {"enum": ["checked", "single", "verify"]},
            "phase_currents": FLAG,
            "transports": list_of({"enum": ["rtu", "tcp", "serial"]}),
            "defaults": object_with(
                {"baudrate": COUNT, "parity": TEXT, "unit": COUNT_OR_NULL, "port": COUNT_OR_NULL}
            ),
        }
    ),
    "MeterModelCollection": collection("MeterModel"),
    "MeterWish": object_with(_METER, optional=("name", *_METER_FREE)),
    "TriedMeter": object_with(
        {
            "model": TEXT,
            "line": TEXT,
            "reading": object_with(
                {
                    **dict.fromkeys(("amps", "volts", "watts"), _PHASES),
                    **dict.fromkeys(("total_watts", "energy_import_wh", "energy_export_wh"), _NUMBER_OR_NULL),
                }
            ),
            "plausible": {**FLAG, "description": "false: these are no values of the mains; is it the right model?"},
        }
    ),
}  # fmt: skip
