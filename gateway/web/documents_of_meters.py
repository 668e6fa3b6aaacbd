"""What the API says of site meters, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.model.meters import Trust
from gateway.operations.scan_line import LONGEST_SECONDS, USUAL_SECONDS
from gateway.operations.scan_now import State
from gateway.web.schema_parts import (
    COUNT,
    LIST_OF_TEXTS,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

_NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
_PHASES: Schema = {"type": "array", "items": _NUMBER_OR_NULL, "minItems": 3, "maxItems": 3}
_PHASES_OR_NULL: Schema = {"anyOf": [_PHASES, {"type": "null"}]}
_SCAN_WISH: dict[str, Schema] = {
    "device": TEXT,
    "host": TEXT,
    "port": {"type": "integer", "minimum": 1, "maximum": 65_535, "default": 502},
    "framing": {"enum": ["tcp", "rtu"], "default": "tcp"},
    "baudrate": {"anyOf": [{"enum": ["usual", "all"]}, {"type": "integer", "minimum": 300, "maximum": 921_600}]},
    "parity": {"enum": ["N", "E", "O"]},
    "first_unit": {"type": "integer", "minimum": 1, "maximum": 247, "default": 1},
    "last_unit": {"type": "integer", "minimum": 1, "maximum": 247},
    "seconds": {"type": "integer", "minimum": 1, "maximum": LONGEST_SECONDS, "default": USUAL_SECONDS},
}

METERS: dict[str, Schema] = {
    "Meter": object_with(
        {
            "name": TEXT,
            "model": TEXT,
            "trust": {"enum": list(get_args(Trust))},
            "reason": TEXT_OR_NULL,
            "age_seconds": _NUMBER_OR_NULL,
            "read_time": TIME_OR_NULL,
            **dict.fromkeys(("amps", "volts", "watts"), _PHASES),
            **dict.fromkeys(("total_watts", "energy_import_wh", "energy_export_wh"), _NUMBER_OR_NULL),
            "interval_seconds": NUMBER,
            "circuits": LIST_OF_TEXTS,
            "reads": COUNT,
            "errors": {"type": "object", "additionalProperties": COUNT},
        }
    ),
    "MeterCollection": collection("Meter"),
    "MeterScan": object_with(
        {
            "state": {"enum": list(get_args(State))},
            "begun_time": TIME_OR_NULL,
            "text": TEXT_OR_NULL,
            "items": list_of(
                object_with(
                    {
                        "line": TEXT,
                        "unit": COUNT,
                        "models": list_of(object_with({"model": TEXT, "title": TEXT})),
                        **dict.fromkeys(("amps", "volts", "watts"), _PHASES_OR_NULL),
                        "toml": TEXT_OR_NULL,
                    }
                )
            ),
        }
    ),
    "MeterScanWish": object_with(_SCAN_WISH, optional=_SCAN_WISH),
}
