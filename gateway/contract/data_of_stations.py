"""`data` of the events about stations: what they said of themselves, and what they were told. By type, without `.v1`.

Whose event it is says the envelope (`station`, `connector`); these are the members of `data` alone.
"""

from __future__ import annotations

from gateway.contract.commands import OPTIONAL_IN_RESULTS, RESULT_MEMBERS
from gateway.contract.data_of_sessions import DECIDED_BY
from gateway.contract.gateway_says import STATION
from gateway.contract.shapes import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    FLAG,
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
from gateway.store.campaigns import FAILURES, STATES

_CERTIFICATE = object_with(
    {"common_name": TEXT_OR_NULL, "serial_number": TEXT, "fingerprint": TEXT, "issuer": TEXT, "not_after": TIME}
)
_LIFE: dict[str, Schema] = {
    "station.connected": object_with(
        {"address": TEXT, "subprotocol": TEXT_OR_NULL, "security_profile": COUNT, "certificate": _CERTIFICATE},
        optional=("certificate",),
    ),
    "station.disconnected": object_with({"close_code": WHOLE_OR_NULL, "close_reason": TEXT_OR_NULL}),
    "station.booted": object_with(
        {
            "registration": one_of("Accepted", "Pending", "Rejected"),
            "vendor": TEXT,
            "model": TEXT,
            "serial_number": TEXT_OR_NULL,
            "firmware_version": TEXT_OR_NULL,
        }
    ),
    "station.knocked": object_with({"address": TEXT}),
    "station.provisioned": object_with({"actor": TEXT, "created": FLAG, "fields": TEXTS, "password": FLAG}),
    "station.removed": object_with({"actor": TEXT}),
    "station.security_changed": object_with(
        {"password": always(True), "security_profile": COUNT, "before": COUNT, "actor": TEXT},
        optional=("password", "security_profile", "before"),
    ),
    "station.message_quarantined": object_with({"action": TEXT, "quirks": TEXTS}),
    "connector.status": object_with(
        {
            "status": told(TEXT, "as in OCPP 1.6"),
            "error_code": TEXT,
            "info": TEXT_OR_NULL,
            "vendor_id": TEXT_OR_NULL,
            "vendor_error_code": TEXT_OR_NULL,
            "historical": told(FLAG, "told late, not the present state"),
        }
    ),
}
_SAID: dict[str, Schema] = {
    "station.notified": object_with({"action": TEXT, "notification": OBJECT}),
    "station.data_transfer": object_with({"vendor_id": TEXT, "message_id": TEXT_OR_NULL, "data": ANYTHING}),
}
_JOB = object_with(
    {
        "job_id": COUNT,
        "kind": one_of("firmware", "signed_firmware", "diagnostics", "log"),
        "command_id": TEXT_OR_NULL,
        "request_id": WHOLE_OR_NULL,
        "status": TEXT,
        "result": TEXT_OR_NULL,
        "detail": TEXT_OR_NULL,
        "file_name": TEXT_OR_NULL,
        "version_before": TEXT_OR_NULL,
        "version_after": TEXT_OR_NULL,
    }
)
_ROLLOUT = object_with(
    {
        "campaign_id": TEXT,
        "name": TEXT,
        "image_id": TEXT,
        "state": one_of(*STATES),
        "failure": one_of(*FAILURES, None),
        "detail": TEXT_OR_NULL,
        "wave": COUNT,
        "tries": COUNT,
        "command_id": TEXT_OR_NULL,
        "version_before": TEXT_OR_NULL,
        "version_after": TEXT_OR_NULL,
        "sha256": told(TEXT_OR_NULL, "of the image whose address it was given"),
        "bytes_served": COUNT_OR_NULL,
        "changed_settings": told(OBJECT, "configuration keys that are not as before, once it is done"),
        "actor": TEXT,
    }
)
_SECURITY = object_with(
    {
        "type": TEXT,
        "critical": FLAG,
        "tech_info": TEXT_OR_NULL,
        "address": TEXT_OR_NULL,
        "station": TEXT_OR_NULL,
        "told_by": one_of("station", "gateway"),
    }
)
_LISTS: dict[str, Schema] = {
    "local_list.changed": object_with(
        {"version": WHOLE_OR_NULL, "update_type": one_of("Full", "Differential", None), "entries": COUNT_OR_NULL}
    ),
    "local_list.doubted": object_with({"reason": TEXT}),
}
_PROFILES: Schema = {
    "anyOf": [
        object_with(
            {
                "change": told(one_of("set", "cleared"), "the station said so"),
                "connector": WHOLE_OR_NULL,
                "charging_profile_id": WHOLE_OR_NULL,
                "purpose": TEXT_OR_NULL,
                "stack_level": WHOLE_OR_NULL,
                "transaction_id": WHOLE_OR_NULL,
                "actor": TEXT,
            }
        ),
        object_with(
            {
                "change": told(always("doubted"), "the station may hold other profiles than those we know"),
                "reason": TEXT,
                "serial_number": TEXT_OR_NULL,
                "serial_number_before": TEXT_OR_NULL,
                "profiles": told(ANYTHING, "a list of {connector, profile}, or {left_out_bytes}"),
            }
        ),
        object_with(
            {
                "change": told(always("uncertain"), "an answer is missing: these ids may be in force"),
                "action": TEXT,
                "command_id": TEXT,
                "profiles": list_of(WHOLE),
            }
        ),
    ]
}


def _reservation(change: str, more: dict[str, Schema]) -> Schema:
    members = {"reservation_id": WHOLE, "id_tag": TEXT, "parent_id_tag": TEXT_OR_NULL, "expiry_time": TIME}
    return object_with({"change": always(change), **members, **more})


_ENDED_BECAUSE = one_of(
    "cancelled", "unknown_to_station", "expired", "freed", "out_of_service", "replaced", "station_replaced",
    "station_removed",
)  # fmt: skip
_RESERVATIONS: Schema = {
    "anyOf": [
        _reservation("made", {"confirmed_by": one_of("answer", "status"), "revived": FLAG}),
        _reservation("uncertain", {}),
        _reservation("used", {"transaction_id": WHOLE, "used_connector": COUNT}),
        _reservation("passed_over", {"transaction_id": WHOLE}),
        _reservation("ended", {"reason": _ENDED_BECAUSE, "was_certain": FLAG}),
    ]
}
_ISSUED: dict[str, Schema] = {
    "common_name": TEXT_OR_NULL,
    "serial_number": TEXT,
    "fingerprint": TEXT,
    "algorithm": TEXT,
    "not_after": TIME,
}
_CERTIFICATES: dict[str, Schema] = {
    "certificate.requested": object_with(
        {
            "status": one_of("Accepted", "Rejected"),
            "reason": TEXT_OR_NULL,
            "common_name": TEXT_OR_NULL,
            "certificate_id": COUNT_OR_NULL,
        },
        optional=("common_name", "certificate_id"),
    ),
    "certificate.issued": object_with(
        {"certificate_id": COUNT, **_ISSUED, "actor": TEXT, "handed_over": FLAG},
        optional=("certificate_id", "actor", "handed_over"),
    ),
    "certificate.settled": object_with(
        {
            "certificate_id": COUNT,
            "serial_number": TEXT_OR_NULL,
            "fingerprint": TEXT_OR_NULL,
            "state": TEXT,
            "reason": TEXT_OR_NULL,
        }
    ),
    "certificate.revoked": object_with(
        {"serial_number": TEXT_OR_NULL, "fingerprint": TEXT_OR_NULL, "reason": TEXT, "actor": TEXT}
    ),
}
_FINISHED: Schema = {
    "anyOf": [
        told(
            object_with(
                {
                    "command_id": TEXT,
                    "action": TEXT,
                    "request": ANYTHING,
                    "actor": TEXT,
                    "fleet_command_id": told(TEXT, "the fleet manager's command that it was sent for"),
                    "status": TEXT,
                    "response": ANYTHING,
                    "code": TEXT_OR_NULL,
                    "description": TEXT_OR_NULL,
                },
                optional=("fleet_command_id",),
            ),
            "a request to a station, whoever asked for it",
        ),
        told(
            object_with(
                {
                    "command_id": told(TEXT, "the fleet manager's own"),
                    "fleet_command_id": TEXT,
                    "upstream": TEXT,
                    "actor": TEXT,
                    **{name: schema for name, schema in RESULT_MEMBERS.items() if name != "id"},
                },
                optional=OPTIONAL_IN_RESULTS,
            ),
            "a fleet manager's command, as on up/res",
        ),
    ]
}
_OPEN_SESSION = object_with(
    {
        "transaction_id": WHOLE,
        "id_tag": TEXT_OR_NULL,
        "parent_id_tag": TEXT_OR_NULL,
        "meter_start_wh": WHOLE_OR_NULL,
        "start_time": TIME,
        "authorization": TEXT_OR_NULL,
        "authorized_by": one_of(*DECIDED_BY, None),
        "reservation_id": WHOLE_OR_NULL,
    }
)

DATA_OF_STATIONS: dict[str, Schema] = {
    **_LIFE,
    **_SAID,
    "campaign.station": _ROLLOUT,
    "firmware.status": _JOB,
    "diagnostics.status": _JOB,
    "log.status": _JOB,
    "security.event": _SECURITY,
    **_LISTS,
    "profile.changed": _PROFILES,
    "reservation.changed": _RESERVATIONS,
    **_CERTIFICATES,
    "command.finished": _FINISHED,
    "station.snapshot": STATION,
    "transaction.snapshot": _OPEN_SESSION,
}
