"""`data` of the events that billing needs: sessions, and who may charge. By type, without `.v1`."""

from __future__ import annotations

from gateway.contract.shapes import COUNT, TEXT, TEXT_OR_NULL, TEXTS, TIME, WHOLE, WHOLE_OR_NULL, Schema, object_with

DATA_OF_SESSIONS: dict[str, Schema] = {
    "authorization.decided": object_with({"id_tag": TEXT, "status": TEXT, "parent_id_tag": TEXT_OR_NULL}),
}
_UNUSED = (COUNT, TEXTS, TIME, WHOLE, WHOLE_OR_NULL)
