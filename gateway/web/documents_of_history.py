"""What the API says of charts, totals and exports of sessions, and the site at a glance; a part of `documents`."""

from __future__ import annotations

from typing import get_args

from gateway.store.limits_log import EndedWhy
from gateway.web.documents_of_load import AMPS_OR_THREE, BINDING_OR_NULL, CIRCUIT, NUMBER_OR_NULL, THREE
from gateway.web.schema_parts import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
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

_THREE_KNOWN_OR_NOT: Schema = {
    "type": ["array", "null"],
    "items": NUMBER_OR_NULL,
    "minItems": 3,
    "maxItems": 3,
    "description": "by phase; null where nothing is known",
}

CHARTS: dict[str, Schema] = {
    "CircuitHistory": object_with(
        {
            "circuit": TEXT,
            "step_seconds": COUNT,
            "items": list_of(
                object_with(
                    {
                        "time": TIME,
                        **dict.fromkeys(("limit_amps", "measured_amps", "allotted_amps"), _THREE_KNOWN_OR_NOT),
                    }
                )
            ),
        }
    ),
    "CurvePoint": object_with(
        {
            "time": TIME,
            "power_w": NUMBER_OR_NULL,
            "current_amps": _THREE_KNOWN_OR_NOT,
            "energy_wh": COUNT_OR_NULL,
            "soc_percent": NUMBER_OR_NULL,
        }
    ),
    "CurveCollection": collection("CurvePoint"),
    "LoggedLimit": object_with(
        {
            "log_id": COUNT,
            "circuit": TEXT,
            "source": TEXT,
            "limit_amps": THREE,
            "until": TIME_OR_NULL,
            "set_by": TEXT,
            "set_time": TIME,
            "ended_time": TIME_OR_NULL,
            "ended_why": {"enum": [*get_args(EndedWhy), None]},
            "ended_by": TEXT_OR_NULL,
        }
    ),
    "LoggedLimitCollection": collection("LoggedLimit"),
    "WhatIfQuestion": {
        "type": "object",
        "properties": {"circuit": TEXT, "limit_amps": AMPS_OR_THREE, "lose_amps": AMPS_OR_THREE},
        "required": ["circuit"],
        "additionalProperties": False,
    },
    "WhatIf": object_with(
        {
            "circuits": list_of(object_with({**CIRCUIT, "planned_amps": THREE})),
            "stations": list_of(
                object_with(
                    {
                        "station": TEXT,
                        "connector": COUNT,
                        "charging": FLAG,
                        **dict.fromkeys(("limit_amps_now", "limit_amps_then"), NUMBER),
                        "reason": TEXT,
                    }
                )
            ),
            "text": TEXT,
        }
    ),
}

SUMMARY: dict[str, Schema] = {
    "SiteSummary": object_with(
        {
            "site": object_with({"name": TEXT, "zone": TEXT, "time": TIME}),
            "circuits": list_of(ref("SiteCircuit")),
            "stations": list_of(ref("StationSummary")),
            "alarms": list_of(
                object_with({"kind": TEXT, "station": TEXT_OR_NULL, "text": TEXT, "since": TIME_OR_NULL})
            ),
            "upstreams": list_of(
                object_with({"name": TEXT, "connected": FLAG, "backlog": COUNT, "oldest_seconds": NUMBER_OR_NULL})
            ),
        }
    ),
    "StationSummary": object_with(
        {
            "station": TEXT,
            "connected": FLAG,
            "vendor": TEXT_OR_NULL,
            "model": TEXT_OR_NULL,
            "connectors": list_of(ref("ConnectorSummary")),
        }
    ),
    "ConnectorSummary": object_with(
        {
            "connector": COUNT,
            "status": TEXT_OR_NULL,
            "error_code": TEXT_OR_NULL,
            "power_w": NUMBER_OR_NULL,
            "current_amps": _THREE_KNOWN_OR_NOT,
            "limit_amps": NUMBER_OR_NULL,
            "reason": TEXT_OR_NULL,
            "binding": BINDING_OR_NULL,
            "transaction_id": COUNT_OR_NULL,
            "id_tag": TEXT_OR_NULL,
            "energy_wh": COUNT_OR_NULL,
            "since": TIME_OR_NULL,
            "note": TEXT_OR_NULL,
        }
    ),
}

EXPORTS: dict[str, Schema] = {
    "TransactionTotal": object_with(
        {"key": TEXT_OR_NULL, "sessions": COUNT, "energy_wh": COUNT, "duration_seconds": NUMBER}
    ),
    "TransactionTotalCollection": collection("TransactionTotal"),
    "SignedDownload": object_with(
        {
            "index": COUNT,
            "format": {"const": "SignedData"},
            "encoding": {"enum": ["OCMF", "unknown"]},
            **dict.fromkeys(("context", "measurand", "timestamp", "value"), ANYTHING),
            "received_time": TIME,
        }
    ),
    "SignedDownloadCollection": collection("SignedDownload"),
    "OcpiCdr": object_with(
        {
            "id": TEXT,
            "start_date_time": TIME,
            "end_date_time": TIME,
            "session_id": TEXT,
            "cdr_token": object_with({"uid": TEXT_OR_NULL, "type": TEXT, "contract_id": TEXT_OR_NULL}),
            "auth_method": TEXT,
            "cdr_location": object_with({"id": TEXT, "evse_uid": TEXT, "connector_id": TEXT}),
            "charging_periods": list_of(
                object_with(
                    {
                        "start_date_time": TIME,
                        "dimensions": list_of(object_with({"type": {"enum": ["ENERGY", "TIME"]}, "volume": NUMBER})),
                    }
                )
            ),
            **dict.fromkeys(("total_energy", "total_time"), NUMBER),
            "last_updated": TIME,
            "signed_data": object_with(
                {
                    "encoding_method": TEXT,
                    "signed_values": list_of(
                        object_with(
                            {
                                "nature": {"enum": ["Start", "Intermediate", "End"]},
                                "signed_data": ANYTHING,
                                "plain_data": TEXT,
                            },
                            optional=("plain_data",),
                        )
                    ),
                }
            ),
        },
        optional=("signed_data",),
    ),
    "OcpiCdrList": list_of(ref("OcpiCdr")),
}
