"""`data` of the events that billing needs: sessions, and who may charge. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.shapes import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    NUMBER_OR_NULL,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    WHOLE,
    WHOLE_OR_NULL,
    Schema,
    always,
    list_of,
    object_with,
    one_of,
    told,
)

WHERE: dict[str, Schema] = {"station": TEXT, "connector": COUNT_OR_NULL}
_TAGS: dict[str, Schema] = {"id_tag": TEXT_OR_NULL, "parent_id_tag": TEXT_OR_NULL}
DECIDED_BY = ("id_tags", "free_charging", "other_session")
_AUTHORIZATION = object_with(
    {
        "decision": told(TEXT_OR_NULL, "as in OCPP: Accepted, Blocked ..."),
        "by": told(one_of(*DECIDED_BY, "unknown"), "who decided; unknown: an earlier version did not note it"),
    }
)
_STARTED: dict[str, Schema] = {
    "transaction_id": told(WHOLE, "as it was given to the station"),
    **WHERE,
    **_TAGS,
    "authorization": _AUTHORIZATION,
    "meter_start_wh": WHOLE_OR_NULL,
    "start_time": TIME,
    "start_time_text": told(TEXT_OR_NULL, "as the station wrote it"),
    "station_time": told(TEXT_OR_NULL, "the time of the event as the station wrote it"),
    "reservation_id": WHOLE_OR_NULL,
    "remote_start_command": told(TEXT_OR_NULL, "the command that asked for it"),
    "anomalies": TEXTS,
}
_ENDED: dict[str, Schema] = {
    "transaction_id": WHOLE,
    **WHERE,
    **_TAGS,
    "start_time": TIME,
    "meter_start_wh": WHOLE_OR_NULL,
    "stop_time": TIME,
    "stop_time_text": TEXT_OR_NULL,
    "station_time": TEXT_OR_NULL,
    "meter_stop_wh": WHOLE_OR_NULL,
    "energy_wh": WHOLE_OR_NULL,
    "reason": TEXT_OR_NULL,
    "stop_id_tag": TEXT_OR_NULL,
    "source": one_of("station", "reconstructed"),
    "authorization": _AUTHORIZATION,
    "reservation_id": WHOLE_OR_NULL,
    "anomalies": TEXTS,
}

DATA_OF_SESSIONS: dict[str, Schema] = {
    "transaction.started": object_with(_STARTED),
    "transaction.ended": object_with({**_ENDED, "corrects": always(None)}),
    "transaction.corrected": object_with(
        {**_ENDED, "corrects": told(TEXT, "the source of the end that this one replaces")}
    ),
    "transaction.meter_values": object_with(
        {
            "transaction_id": WHOLE,
            **WHERE,
            "values": told(list_of(OBJECT), "OCPP MeterValue as the station sent them, those that billing needs"),
            "signed": told(FLAG, "whether any of them is"),
        }
    ),
    "transaction.orphan_stop": object_with(
        {
            "transaction_id": WHOLE,
            **WHERE,
            "claimed_transaction_id": TEXT,
            "meter_stop_wh": WHOLE_OR_NULL,
            "stop_time": TIME,
            "reason": TEXT_OR_NULL,
            "stop_id_tag": TEXT_OR_NULL,
            "anomalies": TEXTS,
        }
    ),
    "transaction.stop_repeated": object_with(
        {
            "transaction_id": WHOLE,
            **WHERE,
            "meter_stop_wh": WHOLE_OR_NULL,
            "stop_time": TIME,
            "counted_meter_stop_wh": WHOLE_OR_NULL,
        }
    ),
    "authorization.decided": object_with(
        {
            **WHERE,
            "id_tag": TEXT,
            "status": told(TEXT, "as in OCPP"),
            "parent_id_tag": TEXT_OR_NULL,
            "by": one_of(*DECIDED_BY),
        }
    ),
}
_THREE: Schema = {"type": "array", "items": NUMBER_OR_NULL, "minItems": 3, "maxItems": 3}
_METER_IN_A_MINUTE = object_with(
    {
        "meter": TEXT,
        "trust": told(TEXT, "at the end of the minute"),
        "readings": told(COUNT, "so many could be believed; the values are their mean"),
        **dict.fromkeys(("amps", "volts", "watts"), _THREE),
        "total_watts": NUMBER_OR_NULL,
        **dict.fromkeys(("energy_import_wh", "energy_export_wh"), told(NUMBER_OR_NULL, "the newest")),
    }
)
_CIRCUIT = object_with(
    {
        "circuit": TEXT,
        "limit_amps": _THREE,
        "measured_amps": {"anyOf": [_THREE, {"type": "null"}]},
        "allotted_amps": _THREE,
        "mode": TEXT,
    }
)
DATA_OF_SAMPLES: dict[str, Schema] = {
    "site.sample": object_with(
        {
            "from": TIME,
            "to": TIME,
            "meters": list_of(_METER_IN_A_MINUTE),
            "circuits": told(list_of(_CIRCUIT), "where load limits run, at the end of the minute"),
        }
    ),
    "station.sample": object_with(
        {
            **WHERE,
            "transaction_id": told(WHOLE_OR_NULL, "as the station told it"),
            "payload": {
                "anyOf": [told(OBJECT, "the OCPP payload as it came"), told(TEXT, "what came, and is no JSON")]
            },
        }
    ),
}
