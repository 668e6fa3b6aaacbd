"""May this command go to this station, and which of its words are secrets?

The operator's payload is sent verbatim, with free parameters: what looks wrong is a warning, never a veto. Refused is
only what the standard forbids the central system to send at all.
"""

from __future__ import annotations

from collections.abc import Mapping

_FORBIDDEN_WHILE_PENDING = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})
# Configuration keys whose values are secrets (whitepaper A01.FR.09; vendors' own names were seen in the field).
_SECRET_KEYS = ("authorizationkey", "password", "passwd", "secret", "privatekey", "token")
MASK = "***"


def reason_to_refuse(action: str, *, pending: bool) -> str | None:
    """Why the command may not be sent, None when it may (OCPP 1.6 4.2: no remote start or stop while Pending)."""
    if pending and action in _FORBIDDEN_WHILE_PENDING:
        return "the station is not accepted yet: adopt it first"
    return None


def is_secret_key(key: str) -> bool:
    """True when the value of this configuration key must not be shown or stored readable."""
    folded = "".join(letter for letter in key.casefold() if letter.isalnum())
    return any(secret in folded for secret in _SECRET_KEYS)


def masked_request(action: str, request: Mapping[str, object]) -> Mapping[str, object]:
    """The request as it may be stored and shown."""
    key = request.get("key")
    if action == "ChangeConfiguration" and isinstance(key, str) and is_secret_key(key) and "value" in request:
        return {**request, "value": MASK}
    return request


def masked_response(action: str, response: Mapping[str, object]) -> Mapping[str, object]:
    """A station's answer as it may be stored and shown: some stations give their passwords away in GetConfiguration."""
    entries = response.get("configurationKey")
    if action != "GetConfiguration" or not isinstance(entries, list):
        return response
    return {**response, "configurationKey": [_masked_entry(entry) for entry in entries]}


def _masked_entry(entry: object) -> object:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str):
        return entry
    if entry.get("value") in (None, "") or not is_secret_key(entry["key"]):
        return entry
    return {**entry, "value": MASK}
