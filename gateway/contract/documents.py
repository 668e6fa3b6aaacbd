"""What is to hold from now on (`dn/des/{document}`), and what becomes of it (`up/rep/{document}`).

A document stands in the message itself, under `inline`, or in a file to be fetched. Details: docs/fleet-documents.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.contract.shapes import (
    COUNT,
    FLAG,
    NUMBER,
    OBJECT,
    SEQUENCE,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    WHOLE_OR_NULL,
    Schema,
    always,
    list_of,
    object_with,
    one_of,
    told,
)

STATUSES = ("pending", "applied", "partial", "rejected", "withdrawn")
_BY_NAME: Schema = {"type": "object", "additionalProperties": OBJECT}
_KEYS = told({"type": "object", "additionalProperties": TEXT}, "value by key")
_AMPS: Schema = {"anyOf": [NUMBER, {**list_of(NUMBER), "minItems": 3, "maxItems": 3}]}
_TAG = object_with(
    {"id_tag": TEXT, "status": TEXT, "parent_id_tag": TEXT_OR_NULL, "expiry_date": TIME_OR_NULL},
    optional=("status", "parent_id_tag", "expiry_date"),
)
_LIMIT = object_with(
    {"circuit": TEXT, "limit_amps": _AMPS, "limit_watts": NUMBER, "until": TIME_OR_NULL},
    optional=("limit_amps", "limit_watts", "until"),
)
_DEPARTURE = object_with(
    {"station": TEXT, "connector": COUNT, "departure": TIME, "wanted_wh": NUMBER}, optional=("connector", "wanted_wh")
)
_KIND = object_with({"vendor": TEXT, "model": TEXT, "keys": _KEYS}, optional=("vendor", "model"))
_STATION: Schema = {**object_with({"id": TEXT}), "additionalProperties": True}

_PROFILE = object_with({"station": TEXT, "connector": COUNT, "profile": told(OBJECT, "the OCPP object, verbatim")})
_FIRMWARE = object_with(
    {
        "vendor": TEXT,
        "model": TEXT,
        "stations": told(TEXTS, "instead of vendor and model"),
        "version": TEXT,
        "url": TEXT,
        "sha256": told(TEXT, "with it the gateway fetches the image itself, and the members below count"),
        "signature": TEXT,
        "signing_certificate": TEXT,
        "not_before": TIME_OR_NULL,
        "size_bytes": WHOLE_OR_NULL,
        "policy": told({"type": ["object", "null"]}, "how careful the rollout is; docs/rollout.md"),
        "file_name": TEXT_OR_NULL,
        "expected_reported_version": TEXT_OR_NULL,
        "min_from": TEXT_OR_NULL,
        "max_from": TEXT_OR_NULL,
        "downgrade_allowed": {"type": ["boolean", "null"]},
    },
    optional=(
        "vendor", "model", "stations", "sha256", "signature", "signing_certificate", "not_before", "size_bytes",
        "policy", "file_name", "expected_reported_version", "min_from", "max_from", "downgrade_allowed",
    ),
)  # fmt: skip

# document -> a sentence about it, and the members of its body, none of which is needed in every case
_BODIES: Mapping[str, tuple[str, Mapping[str, Schema]]] = {
    "auth-list": (
        "Who may charge. With base_version only what differs from that version.",
        {"entries": list_of(_TAG), "deleted": told(TEXTS, "in a delta: tags that go")},
    ),
    "profiles": ("Charging profiles that stations should hold.", {"entries": list_of(_PROFILE)}),
    "stations": (
        "Stations to make known, with the settings of PUT /stations/{id}.",
        {"entries": list_of(_STATION), "deleted": TEXTS},
    ),
    "config-keys": (
        "Configuration keys that stations should have, by kind of station or one by one.",
        {"models": list_of(_KIND), "stations": {"type": "object", "additionalProperties": _KEYS}},
    ),
    "load": (
        "Lower limits of circuits for a time, and when cars leave.",
        {"limits": list_of(_LIMIT), "departures": list_of(_DEPARTURE)},
    ),
    "firmware": ("The version that stations should run.", {"entries": list_of(_FIRMWARE)}),
    "gateway": (
        "A few settings of the gateway itself.",
        {
            "heartbeat_seconds": COUNT,
            "unknown_tags": one_of("refuse", "accept"),
            "reboot_when_idle": FLAG,
            "log_level": one_of("error", "warning", "info", "debug"),
        },
    ),
}


def _document(name: str, body: Mapping[str, Schema]) -> Schema:
    about: dict[str, Schema] = {
        "doc": always(name),
        "version": told(SEQUENCE, "only rises; what is applied already is not applied again"),
        "base_version": told(WHOLE_OR_NULL, "a delta: only what differs from this version, which must be applied"),
        "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
        "bytes": COUNT,
        "signature": TEXT,
        "not_before": told(TIME_OR_NULL, "wait with it until then"),
        "expires": told(TIME_OR_NULL, "do not begin with it after that"),
    }
    optional = {*about, *body} - {"version"}
    return {
        "anyOf": [
            object_with({**about, **body}, optional=optional),
            object_with({**about, "inline": object_with(body, optional=body)}, optional=optional),
            object_with({**about, "url": TEXT}, optional=optional - {"sha256"}),
        ]
    }


DOCUMENTS: dict[str, tuple[str, Schema]] = {
    name: (about, _document(name, body)) for name, (about, body) in _BODIES.items()
}
REPORT = object_with(
    {
        "doc": TEXT,
        "version": told(WHOLE_OR_NULL, "the newest that came"),
        "status": one_of(*STATUSES),
        "errors": list_of(object_with({"code": TEXT, "path": TEXT, "detail": TEXT})),
        "per_station": told(_BY_NAME, "what came of it at each station"),
        "overrides": told(list_of(OBJECT), "where the site decided otherwise: what, who, when"),
        "applied_at": TIME_OR_NULL,
        "applied_version": told(WHOLE_OR_NULL, "what holds"),
        "per_station_count": told(COUNT, "there are so many; the list is cut"),
        "overrides_count": COUNT,
        "errors_count": COUNT,
    },
    optional=("per_station_count", "overrides_count", "errors_count"),
)
APPLIED = object_with(
    {
        "upstream": TEXT,
        "doc": TEXT,
        "version": WHOLE_OR_NULL,
        "status": one_of(*STATUSES),
        "errors": list_of(OBJECT),
        "applied_version": WHOLE_OR_NULL,
    }
)
