"""`data` of the events about firmware images, rollout and uploads. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.shapes import COUNT, TEXT, TEXT_OR_NULL, Schema, object_with, one_of, told

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

DATA_OF_FIRMWARE: dict[str, Schema] = {
    "firmware.fetched": _FETCHED,
    "firmware.image_changed": _IMAGE_CHANGED,
}
