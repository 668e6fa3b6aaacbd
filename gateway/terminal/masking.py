"""What must never be printed: passwords, AuthorizationKey values, tokens; in text and in JSON documents.

The last line of defence behind code that never hands secrets on in the first place. It does not know where text goes.
idTags open sessions, so a support bundle shows a name for each instead, stable within that bundle only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

MASK = "***"

_SECRET_NAMES = r"(?:password|passphrase|authorization_?key|auth_?key|secret|api_?key|private_?key|token)"
# a string as JSON writes it, as JSON inside a JSON string writes it, and as Python's repr does
_QUOTED = r"""b?(?:"(?:[^"\\]|\\.)*"|\\"(?:\\{3}"|[^"\\]|\\(?!"))*\\"|'(?:[^'\\]|\\.)*')"""

# {"key": "AuthorizationKey", ..., "value": "..."} in either order, as JSON, as escaped JSON and as Python's repr
_Q = r"""\\?["']"""
_KEY_THEN_VALUE = re.compile(
    rf"({_Q}key{_Q}\s*:\s*{_Q}AuthorizationKey{_Q}[^{{}}]*?{_Q}value{_Q}\s*:\s*)({_QUOTED})", re.IGNORECASE
)
_VALUE_THEN_KEY = re.compile(
    rf"({_Q}value{_Q}\s*:\s*)({_QUOTED})([^{{}}]*?{_Q}key{_Q}\s*:\s*{_Q}AuthorizationKey{_Q})", re.IGNORECASE
)
_NAMED = re.compile(rf"(\b{_SECRET_NAMES}(?:{_Q})?\s*[:=]\s*)({_QUOTED}|[^\s,;&\"']+)", re.IGNORECASE)
_HEADER = re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~\-]{6,}")
_IN_ADDRESS = re.compile(r"(\w+://[^/\s:@]*:)[^/\s@]+@")

_TAG_NAMES = frozenset({"id_tag", "idtag", "parent_id_tag", "parentidtag", "stop_id_tag", "stopidtag", "remote_id_tag"})


def masked_text(text: str) -> str:
    """The text with every recognisable secret replaced by ***."""
    text = _KEY_THEN_VALUE.sub(rf'\1"{MASK}"', text)
    text = _VALUE_THEN_KEY.sub(rf'\1"{MASK}"\3', text)
    text = _HEADER.sub(rf"\1 {MASK}", text)
    text = _IN_ADDRESS.sub(rf"\1{MASK}@", text)
    return _NAMED.sub(rf"\1{MASK}", text)


def masked_document(document: object, salt: bytes) -> object:
    """A JSON document without secrets; idTags become names that hold only for this `salt`."""
    if isinstance(document, Mapping):
        secret_key = str(document.get("key", "")).casefold() == "authorizationkey"
        return {
            name: _masked_value(str(name), value, salt=salt, secret=secret_key and name == "value")
            for name, value in document.items()
        }
    if isinstance(document, list):
        return [masked_document(item, salt) for item in document]
    return masked_text(document) if isinstance(document, str) else document


def _masked_value(name: str, value: object, *, salt: bytes, secret: bool) -> object:
    if value is None:
        return None
    folded = name.casefold()
    if secret or (re.fullmatch(_SECRET_NAMES, folded) and not isinstance(value, bool)):
        return MASK
    if folded in _TAG_NAMES and isinstance(value, str):
        return "tag-" + hmac.new(salt, value.casefold().encode(), hashlib.sha256).hexdigest()[:8]
    return masked_document(value, salt)
