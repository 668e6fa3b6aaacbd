"""`data` of the events that billing needs: sessions, and who may charge. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.shapes import (
    COUNT_OR_NULL,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    WHOLE,
    WHOLE_OR_NULL,
    Schema,
    always,
    object_with,
    one_of,
    told,
)

WHERE: dict[str, Schema] = {"station": TEXT, "connector": COUNT_OR_NULL}
_TAGS: dict[str, Schema] = {"id_tag": TEXT_OR_NULL, "parent_id_tag": TEXT_OR_NULL}
_AUTHORIZATION = object_with(
    {"decision": told(TEXT_OR_NULL, "as in OCPP: Accepted, Blocked ..."), "by": told(TEXT, "who decided")}
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
    "anomalies": TEXTS,
}

DATA_OF_SESSIONS: dict[str, Schema] = {
    "transaction.started": object_with(_STARTED),
    "transaction.ended": object_with({**_ENDED, "corrects": always(None)}),
    "transaction.corrected": object_with(
        {**_ENDED, "corrects": told(TEXT, "the source of the end that this one replaces")}
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
        {**WHERE, "id_tag": TEXT, "status": told(TEXT, "as in OCPP"), "parent_id_tag": TEXT_OR_NULL}
    ),
}
DATA_OF_SAMPLES: dict[str, Schema] = {
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
