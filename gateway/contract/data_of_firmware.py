"""`data` of the events about firmware images, rollout and uploads. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.shapes import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    Schema,
    object_with,
    one_of,
    told,
)

_FETCHED = told(
    object_with(
        {
            "link_id": COUNT,
            "command_id": TEXT_OR_NULL,
            "image_id": TEXT,
            "sha256": TEXT,
            "size": COUNT,
            "file_name": TEXT,
            "scheme": one_of("http", "https", "ftp", "ftps"),
            "attempts": COUNT,
        }
    ),
    "the station has all bytes of an image of the gateway's store",
)

_IMAGE_CHANGED = told(
    object_with(
        {
            "change": one_of("imported", "approved", "withdrawn", "damaged", "healed", "removed"),
            "image_id": TEXT,
            "sha256": TEXT,
            "size": COUNT,
            "vendor": TEXT,
            "models": {"type": "array", "items": TEXT},
            "version": TEXT,
            "state": told(one_of("staged", "approved", "withdrawn"), "afterwards"),
            "verification": told(TEXT, "what became of the vendor's signature, in words"),
            "source": told(TEXT, "api, cli, usb, or the upstream whose document named it"),
            "detail": TEXT_OR_NULL,
            "actor": TEXT,
        }
    ),
    "a firmware image of the gateway's store changed; removed: its bytes are not kept any more",
)

_UPLOAD: dict[str, Schema] = {
    "upload_id": COUNT,
    "kind": one_of("diagnostics", "log"),
    "reason": TEXT_OR_NULL,
    "command_id": TEXT_OR_NULL,
    "link_id": COUNT,
    "file_name": TEXT,
    "size": COUNT,
    "sha256": TEXT,
}

DATA_OF_FIRMWARE: dict[str, Schema] = {
    "firmware.fetched": _FETCHED,
    "firmware.image_changed": _IMAGE_CHANGED,
    "upload.received": object_with(
        {**_UPLOAD, "scheme": one_of("http", "https", "ftp", "ftps"), "address": TEXT, "empty": FLAG}
    ),
    "upload.forwarded": object_with(
        {
            "upload_id": COUNT,
            "command_id": TEXT_OR_NULL,
            "file_name": TEXT,
            "size": COUNT,
            "sha256": TEXT,
            "upstream": TEXT_OR_NULL,
            "result": one_of("done", "given_up"),
            "tries": COUNT,
            "status": told(COUNT_OR_NULL, "of the server's answer"),
            "reason": told(TEXT_OR_NULL, "why it was given up"),
        }
    ),
    "upload.missing": told(object_with(_UPLOAD), "its file is not, or not whole, on the disk any more"),
    "upload.deleted": object_with({**_UPLOAD, "why": one_of("asked", "room", "age"), "actor": TEXT_OR_NULL}),
}
