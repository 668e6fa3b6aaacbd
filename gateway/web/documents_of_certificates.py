"""The documents about certificates as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG_OR_NULL,
    LIST_OF_TEXTS,
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

_ALGORITHM: Schema = {"enum": ["rsa", "ecdsa"]}
_STATES = ["pending", "sent", "accepted", "refused", "unknown", "failed", "handed_over", "revoked"]

CERTIFICATE_SCHEMAS: dict[str, Schema] = {
    "Authority": object_with(
        {"generation": COUNT, "root": TEXT, "root_subject": TEXT, "issuers": list_of(ref("AuthorityIssuer"))}
    ),
    "AuthorityIssuer": object_with(
        {"subject": TEXT, "key": TEXT, "serial_number": TEXT, "fingerprint": TEXT, "not_after": TIME}
    ),
    "AuthorityImport": object_with({"authorities": list_of(object_with({"private_key": TEXT, "chain": TEXT}))}),
    "CertificateDate": object_with(
        {
            "kind": {"enum": ["authority", "server", "client_ca", "upstream", "station", "installed"]},
            "name": TEXT,
            "station": TEXT_OR_NULL,
            "subject": TEXT_OR_NULL,
            "serial_number": TEXT_OR_NULL,
            "fingerprint": TEXT_OR_NULL,
            "key": TEXT_OR_NULL,
            "is_authority": FLAG_OR_NULL,
            "not_after": TIME_OR_NULL,
            "days_left": COUNT_OR_NULL,
            "warning": TEXT_OR_NULL,
        }
    ),
    "Pki": object_with(
        {"authority": {"anyOf": [ref("Authority"), {"type": "null"}]}, "certificates": list_of(ref("CertificateDate"))}
    ),
    "IssuedCertificate": object_with(
        {
            "certificate_id": COUNT,
            "station": TEXT,
            "state": {"enum": _STATES},
            "common_name": TEXT,
            "algorithm": _ALGORITHM,
            "security_profile": COUNT,
            "serial_number": TEXT_OR_NULL,
            "fingerprint": TEXT_OR_NULL,
            "not_before": TIME_OR_NULL,
            "not_after": TIME_OR_NULL,
            "asked_time": TIME,
            "settled_time": TIME_OR_NULL,
            "reason": TEXT_OR_NULL,
        }
    ),
    "IssuedCertificateCollection": collection("IssuedCertificate"),
    "InstalledCertificate": object_with(
        {
            "certificate_type": TEXT,
            "hash_algorithm": TEXT,
            "issuer_name_hash": TEXT,
            "issuer_key_hash": TEXT,
            "serial_number": TEXT,
            "subject": TEXT_OR_NULL,
            "not_after": TIME_OR_NULL,
            "reported_time": TIME,
        }
    ),
    "StationCertificates": object_with(
        {
            "station": TEXT,
            "issued": list_of(ref("IssuedCertificate")),
            "installed": list_of(ref("InstalledCertificate")),
        }
    ),
    "StationCertificateFields": object_with(
        {"station": TEXT, "common_name": TEXT, "algorithm": _ALGORITHM}, optional=("common_name", "algorithm")
    ),
    "StationCertificate": object_with(
        {
            "station": TEXT,
            "common_name": TEXT,
            "serial_number": TEXT,
            "fingerprint": TEXT,
            "algorithm": _ALGORITHM,
            "not_after": TIME,
            "private_key": TEXT,
            "chain": TEXT,
        }
    ),
    "Revoked": object_with({"status": {"const": "revoked"}, "stations": LIST_OF_TEXTS}),
}
