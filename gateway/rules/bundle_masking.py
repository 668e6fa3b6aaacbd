"""How is a document shown to those who help from afar? Without secrets, and idTags by names that hold only there.

The last line of defence behind code that never hands secrets on in the first place. idTags open sessions, so a support
bundle shows a name for each instead, the same throughout that bundle. It does not know where documents go.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from gateway.rules.secrecy import MASK, SECRET_NAMES, is_secret_name, masked_text

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
