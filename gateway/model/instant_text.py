"""Instants as people and programs write them in requests, files and query strings: RFC 3339, or only a date.

A text without zone is taken as UTC. Years outside 1970 to 9998 are nobody's, and would not survive a change of zone.
What stations write is another matter (ocpp/timestamps): they make more mistakes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from gateway.model.instants import SECOND, Instant, instant_of

_FORM = re.compile(r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?")

_LATEST = 253_370_764_800 * SECOND  # 9999-01-01


def instant_from_text(text: str) -> Instant | None:
    """The instant of the years 1970 to 9998 (UTC) that an RFC 3339 text or a date names; None when it names none."""
    written = text.strip()
    if not _FORM.fullmatch(written):
        return None
    try:
        moment = datetime.fromisoformat(written.upper().replace(",", "."))
        instant = instant_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
    return instant if 0 <= instant < _LATEST else None
