"""`data` of the events about the site itself: limits, meters, tags, tokens, the gateway. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.documents import APPLIED
from gateway.contract.shapes import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    NUMBER,
    OBJECT,
    SEQUENCE,
    TEXT,
    TEXT_OR_NULL,
    THREE_AMPS,
    TIME,
    TIME_OR_NULL,
    WHOLE,
    Schema,
    list_of,
    object_with,
    one_of,
    told,
)
from gateway.model.journal import STREAMS
from gateway.store.campaigns import CAMPAIGN_STATES

_LIMIT: dict[str, Schema] = {"circuit": TEXT, "source": TEXT, "limit_amps": THREE_AMPS, "until": TIME_OR_NULL}
_ALARM = object_with(
    {
        "alarm": one_of("over_limit", "limit_at_risk", "meter_missing", "station_ignores_limit", "station_offline"),
        "what": TEXT,
        "text": TEXT,
    }
)
_TOKEN = object_with(
    {"token_id": COUNT, "name": TEXT, "role": one_of("viewer", "operator", "installer"), "actor": TEXT}
)

_LEVEL = one_of("none", "meter_thinned", "meter_stopped", "operations_stopped")

DATA_OF_SITE: dict[str, Schema] = {
    "campaign.changed": object_with(
        {
            "campaign_id": TEXT,
            "name": TEXT,
            "image_id": TEXT,
            "state": one_of(*CAMPAIGN_STATES),
            "why": TEXT_OR_NULL,
            "wave": told(COUNT, "stations of this wave and of those before may begin; the canary is wave 0"),
            "stations": told(OBJECT, "how many are in which state"),
            "actor": TEXT,
        }
    ),
    "meter.trust": object_with(
        {"meter": TEXT, "model": TEXT, "before": TEXT_OR_NULL, "trust": TEXT, "reason": TEXT_OR_NULL}
    ),
    "limit.changed": object_with(
        {**_LIMIT, "actor": TEXT, "change": one_of("set", "removed", "ended")}, optional=("actor",)
    ),
    "clock.stepped": object_with(
        {
            "before": told(TIME, "what it would have shown"),
            "after": TIME,
            "step_ms": WHOLE,
            "quality": one_of("synced", "holdover", "unsynced"),
        }
    ),
    "document.applied": APPLIED,
    "disk.pressure": object_with(
        {
            "level": _LEVEL,
            "before": _LEVEL,
            "percent": told(NUMBER, "how much the database fills of what it may"),
            "used_bytes": COUNT,
            "budget_bytes": COUNT,
            "free_bytes": COUNT,
        }
    ),
    "stream.dropped": object_with(
        {
            "stream": one_of(*STREAMS),
            "from": told({"type": ["integer", "null"], "minimum": 1}, "null: never numbered (recording_stopped)"),
            "to": {"type": ["integer", "null"], "minimum": 1},
            "count": told(SEQUENCE, "so many of these sequences; others of them may be there"),
            "reason": one_of("age_unacknowledged", "retention_size", "disk_pressure", "thinned", "recording_stopped"),
        }
    ),
    "load.alarm_raised": _ALARM,
    "load.alarm_cleared": _ALARM,
    "load.session_stopped": object_with({"transaction_id": WHOLE, "reason": TEXT}),
    "load.station_mode_changed": object_with(
        {"mode": one_of("A", "B", "C", "D"), "before": one_of("A", "B", "C", "D", None), "reason": TEXT_OR_NULL}
    ),
    "id_tag.changed": object_with({"id_tag": TEXT, "status": TEXT_OR_NULL, "removed": FLAG, "actor": TEXT}),
    "id_tag.presented": object_with({"id_tag": TEXT, "known": FLAG}),
    "id_tags.learning": object_with(
        {
            "state": one_of("begun", "ended"),
            "seconds": COUNT_OR_NULL,
            "only_station": TEXT_OR_NULL,
            "actor": TEXT,
        }
    ),
    "id_tags.imported": object_with({"count": COUNT, "refused": COUNT, "actor": TEXT}),
    "configuration.decided": object_with(
        {"fields": told(list_of(TEXT), "what of the setup was decided, such as name or main"), "actor": TEXT}
    ),
    "token.created": _TOKEN,
    "token.revoked": _TOKEN,
    "authority.changed": object_with(
        {
            "change": one_of("renewed", "imported"),
            "generation": COUNT,
            "root_subject": TEXT_OR_NULL,
            "issuers": ANYTHING,
            "actor": TEXT,
        }
    ),
    "gateway.started": object_with({"commands_interrupted": COUNT, "given_up": TEXT}, optional=("given_up",)),
    "gateway.restored": object_with(
        {"epoch": TEXT, "epoch_of_backup": TEXT, "last_transaction_id": WHOLE, "actor": TEXT}
    ),
}
