"""SendLocalList (OCPP 1.6 5.15): its payload made from changes, and the changes read from any payload that was sent.

Operators send payloads of their own, and what a station accepted must be understood as far as it can be. It does not
know which changes are wanted.
"""

from __future__ import annotations

from typing import TypeGuard, cast, get_args

from gateway.model.calls import Payload
from gateway.model.identities import FoldedTag, fold_tag
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import text_of
from gateway.model.local_lists import Changes, Entry, ListRequest, UpdateType
from gateway.model.tags import AuthorizationStatus, Verdict

_STATUSES = get_args(AuthorizationStatus)
_TOO_GREAT = 2**31  # an integer of the specification


def list_payload(update_type: UpdateType, changes: Changes) -> dict[str, object]:
    """The payload without listVersion; an entry without idTagInfo is removed, which only Differential may ask for."""
    entries: list[dict[str, object]] = [
        {"idTag": id_tag, "idTagInfo": _info(verdict)} for id_tag, verdict in changes.put.values() if verdict
    ]
    entries += [{"idTag": id_tag} for id_tag in changes.removed.values()]
    return {"updateType": update_type, "localAuthorizationList": entries}


def read_list_request(payload: Payload) -> ListRequest:
    """What a SendLocalList asks for, whoever wrote it."""
    version, update_type = payload.get("listVersion"), payload.get("updateType")
    known_type = cast(UpdateType, update_type) if update_type in get_args(UpdateType) else None
    return ListRequest(
        update_type=known_type,
        version=version if _is_whole(version) else None,
        changes=_changes(payload.get("localAuthorizationList"), full=known_type == "Full"),
    )


def _is_whole(version: object) -> TypeGuard[int]:
    return isinstance(version, int) and not isinstance(version, bool) and -_TOO_GREAT < version < _TOO_GREAT


def _info(verdict: Verdict) -> dict[str, object]:
    info: dict[str, object] = {"status": verdict.status}
    if verdict.parent_id_tag is not None:
        info["parentIdTag"] = verdict.parent_id_tag
    if verdict.expiry_at is not None:
        info["expiryDate"] = text_of(verdict.expiry_at)
    return info


def _changes(entries: object, *, full: bool) -> Changes | None:
    """None when a tag is named twice or not at all, or a Full list has an entry without idTagInfo."""
    if not isinstance(entries, list | tuple | None):
        return None
    put: dict[FoldedTag, Entry] = {}
    removed: dict[FoldedTag, str] = {}
    for entry in entries or ():
        id_tag = entry.get("idTag") if isinstance(entry, dict) else None
        if not isinstance(id_tag, str):
            return None
        folded, info = fold_tag(id_tag), entry.get("idTagInfo")
        if folded in put or folded in removed or (info is None and full):
            return None
        if info is None:
            removed[folded] = id_tag
        else:
            put[folded] = Entry(id_tag, _verdict(info))
    return Changes(put, removed)


def _verdict(info: object) -> Verdict | None:
    if not isinstance(info, dict) or info.get("status") not in _STATUSES:
        return None
    parent, expiry = info.get("parentIdTag"), info.get("expiryDate")
    expiry_at = instant_from_text(expiry) if isinstance(expiry, str) else None
    if not isinstance(parent, str | None) or (expiry is not None and expiry_at is None):
        return None
    return Verdict(info["status"], parent, expiry_at)
