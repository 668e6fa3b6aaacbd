"""The documents about firmware rollouts as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.store.campaigns import CAMPAIGN_STATES, FAILURES, POLICY_KEYS, STATES
from gateway.web.schema_parts import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    LIST_OF_TEXTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

_REASON = object_with({"code": TEXT, "text": TEXT})
_POLICY = object_with(dict.fromkeys(POLICY_KEYS, ANYTHING), optional=POLICY_KEYS)
_COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}
_SERVED = object_with(
    {
        "sha256": TEXT,
        "size": COUNT,
        "bytes_served": COUNT,
        "served_upto": COUNT,
        "attempts": COUNT,
        "scheme": TEXT,
        "first_time": TIME_OR_NULL,
        "last_time": TIME_OR_NULL,
        "complete_time": TIME_OR_NULL,
    }
)
_STATION = object_with(
    {
        "station": TEXT,
        "wave": COUNT,
        "state": {"enum": list(STATES)},
        "since": TIME,
        "failure": {"enum": [*FAILURES, None]},
        "detail": TEXT_OR_NULL,
        "tries": COUNT,
        "version_before": TEXT_OR_NULL,
        "version": TEXT_OR_NULL,
        "command_id": TEXT_OR_NULL,
        "drained": list_of(COUNT),
        "changed_settings": {"type": "object", "additionalProperties": ANYTHING},
        "served": {"anyOf": [_SERVED, {"type": "null"}]},
    }
)
_IN_SHORT: dict[str, Schema] = {
    "campaign_id": TEXT,
    "name": TEXT,
    "image_id": TEXT,
    "version": TEXT_OR_NULL,
    "sha256": TEXT_OR_NULL,
    "file_name": TEXT_OR_NULL,
    "state": {"enum": list(CAMPAIGN_STATES)},
    "why": TEXT_OR_NULL,
    "wave": COUNT,
    "counts": _COUNTS,
    "source": TEXT,
    "created_by": TEXT,
    "created_time": TIME,
    "approved_by": TEXT_OR_NULL,
    "approved_time": TIME_OR_NULL,
    "finished_time": TIME_OR_NULL,
}
_WISH: dict[str, Schema] = {"image_id": TEXT, "stations": LIST_OF_TEXTS, "policy": _POLICY}

CAMPAIGNS: dict[str, Schema] = {
    "CampaignInShort": object_with(_IN_SHORT),
    "CampaignCollection": collection("CampaignInShort"),
    "Campaign": object_with(
        {
            **_IN_SHORT,
            "policy": _POLICY,
            "rollback_images": list_of(object_with({"image_id": TEXT, "version": TEXT, "downgrade_allowed": FLAG})),
            "stations": list_of(_STATION),
        }
    ),
    "CampaignEvent": object_with(
        {
            "event_id": COUNT,
            "time": TIME,
            "actor": TEXT_OR_NULL,
            "station": TEXT_OR_NULL,
            "state": {"enum": [*CAMPAIGN_STATES, *STATES]},
            "wave": COUNT,
            "failure": {"enum": [*FAILURES, None]},
            "why": TEXT_OR_NULL,
        }
    ),
    "CampaignHistory": collection("CampaignEvent"),
    "CampaignWish": object_with({"name": TEXT, **_WISH}, optional=("stations", "policy")),
    "CampaignPlanWish": object_with({"name": TEXT, **_WISH}, optional=("name", "stations", "policy")),
    "CampaignPlan": object_with(
        {
            "image_id": TEXT,
            "version": TEXT,
            "policy": _POLICY,
            "remarks": LIST_OF_TEXTS,
            "stations": list_of(
                object_with(
                    {
                        "station": TEXT,
                        "version": TEXT_OR_NULL,
                        "takes_part": FLAG,
                        "wave": COUNT_OR_NULL,
                        "reasons": list_of(_REASON),
                    }
                )
            ),
        }
    ),
}
