"""What a gateway says of itself: online or offline, its birth certificate, telemetry."""

from __future__ import annotations

from gateway.contract.shapes import (
    ANYTHING,
    COUNT,
    COUNT_OR_NULL,
    TEXT,
    TIME,
    Schema,
    object_with,
    one_of,
    told,
)

STATE = object_with(
    {
        "state": one_of("online", "offline"),
        "session": told(COUNT, "counts births: an offline with a lower number than the last birth is old"),
        "reason": TEXT,
        "at": TIME,
    },
    optional=("reason", "at"),
)
_KEPT = object_with({"oldest": COUNT_OR_NULL, "newest": COUNT_OR_NULL})
INFO = object_with(
    {
        "gateway": TEXT,
        "session": COUNT,
        "epoch": TEXT,
        "streams": object_with({"tx": _KEPT, "ops": _KEPT, "meter": _KEPT}),
    }
)
LIVE: Schema = object_with({"station": TEXT, "data": ANYTHING}, optional=("station", "data"))
