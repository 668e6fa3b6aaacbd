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

DATA_OF_FIRMWARE: dict[str, Schema] = {
    "firmware.fetched": _FETCHED,
}
