"""What the API says of firmware images, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from firmware_store.manifest import VERSION_SCHEMES
from gateway.store.firmware_images import STATES
from gateway.web.schema_parts import (
    COUNT,
    FLAG,
    LIST_OF_TEXTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    object_with,
)

_MANIFEST: dict[str, Schema] = {
    "vendor": TEXT,
    "models": LIST_OF_TEXTS,
    "version": TEXT,
    "file_name": TEXT,
    "hw_revisions": LIST_OF_TEXTS,
    "version_scheme": {"enum": list(VERSION_SCHEMES)},
    "min_from": TEXT_OR_NULL,
    "max_from": TEXT_OR_NULL,
    "expected_reported_version": TEXT_OR_NULL,
    "downgrade_allowed": FLAG,
    "release_notes": TEXT_OR_NULL,
    "signature": TEXT_OR_NULL,
    "signing_certificate": TEXT_OR_NULL,
}
_BESIDE: dict[str, Schema] = {"sha256": TEXT, "size": COUNT, "state": {"enum": ["approved", "staged"]}}
# in a form everything is text
_FORM: dict[str, Schema] = {
    "file": {"type": "string", "format": "binary"},
    **dict.fromkeys([*_MANIFEST, *_BESIDE], TEXT),
}

FIRMWARE: dict[str, Schema] = {
    "FirmwareImage": object_with(
        {
            "image_id": TEXT,
            "sha256": TEXT,
            "size": COUNT,
            "verified": FLAG,
            "verified_by": {"enum": ["rsa-pss", "rsa-pkcs1", "ecdsa", None]},
            "verification": TEXT,
            "state": {"enum": list(STATES)},
            "state_by": TEXT,
            "state_time": TIME,
            "usable": FLAG,
            "reason": TEXT_OR_NULL,
            **_MANIFEST,
            "source": TEXT,
            "imported_by": TEXT,
            "imported_time": TIME,
            "damaged_time": TIME_OR_NULL,
            "checked_time": TIME,
            "removed_time": TIME_OR_NULL,
        }
    ),
    "FirmwareImageCollection": collection("FirmwareImage"),
    "FirmwareImageForm": object_with(
        _FORM, optional=[name for name in _FORM if name not in ("file", "vendor", "models", "version")]
    ),
    "FirmwareImportWish": object_with(
        {**_MANIFEST, **_BESIDE, "source": {"enum": ["api", "cli", "usb"]}},
        optional=[
            name for name in (*_MANIFEST, "state", "source") if name not in ("vendor", "models", "version", "file_name")
        ],
    ),
    "FirmwareImport": object_with(
        {
            "import_id": TEXT,
            "sha256": TEXT,
            "size": COUNT,
            "received": COUNT,
            "image": {"anyOf": [{"$ref": "#/components/schemas/FirmwareImage"}, {"type": "null"}]},
        }
    ),
    "FirmwareCheck": object_with(
        {
            "whole": LIST_OF_TEXTS,
            "healed": LIST_OF_TEXTS,
            "damaged": {"type": "array", "items": object_with({"image_id": TEXT, "reason": TEXT})},
            "removed": LIST_OF_TEXTS,
        }
    ),
}
