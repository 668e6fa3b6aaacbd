"""What must never be printed: passwords, AuthorizationKey values, tokens; in text and in JSON documents.

The last line of defence behind code that never hands secrets on in the first place. It does not know where text goes.
idTags open sessions, so a support bundle shows a name for each instead, stable within that bundle only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from gateway.rules.secrecy import MASK, SECRET_NAMES, is_secret_name, masked_text

__all__ = ["MASK", "masked_document", "masked_text"]

_TAG_NAMES = frozenset({"id_tag", "idtag", "parent_id_tag", "parentidtag", "stop_id_tag", "stopidtag", "remote_id_tag"})


def masked_document(document: object, salt: bytes) -> object:
    """A JSON document without secrets; idTags become names that hold only for this `salt`."""
    if isinstance(document, Mapping):
        secret_key = is_secret_name(str(document.get("key", "")))
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
    if secret or (re.fullmatch(SECRET_NAMES, folded) and not isinstance(value, bool)):
        return MASK
    if folded in _TAG_NAMES and isinstance(value, str):
        return "tag-" + hmac.new(salt, value.casefold().encode(), hashlib.sha256).hexdigest()[:8]
    return masked_document(value, salt)
