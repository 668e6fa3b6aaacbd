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

_ROLE = one_of("viewer", "operator", "installer")
_USER: dict[str, Schema] = {"user_id": COUNT, "name": TEXT, "role": _ROLE, "actor": TEXT}
_CODE_OF = told(TEXT_OR_NULL, "who had made the one-time code with which this was done")

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
    "user.created": object_with({**_USER, "code_of": _CODE_OF}),
    "user.changed": object_with(
        {**_USER, "name_before": TEXT, "role_before": _ROLE, "password": FLAG, "code_of": _CODE_OF}
    ),
    "user.removed": object_with(_USER),
    "user.logged_in": object_with({**_USER, "address": TEXT}),
    "user.logged_out": object_with({"name": TEXT, "actor": TEXT}),
    "user.login_refused": object_with(
        {"name": told(TEXT_OR_NULL, "null: nobody is called so"), "wrong": one_of("password", "code"), "address": TEXT}
    ),
    "code.created": object_with({"code_id": COUNT, "role": _ROLE, "name": TEXT_OR_NULL, "actor": TEXT}),
    "code.removed": object_with({"code_id": COUNT, "role": _ROLE, "actor": TEXT}),
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
