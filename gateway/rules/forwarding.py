"""What does a fleet manager's answer to a forwarded upload mean, where is it sent, and when is it tried again?

The same address at each try, so that a server which has the file already may say so. Nothing is given up because time
has passed: a site may be offline for days. How a file is sent is not known here.
"""

from __future__ import annotations

import string
from typing import Literal
from urllib.parse import quote

from gateway.rules.waiting_time import waiting_seconds

LEAST_SECONDS, MOST_SECONDS = 15.0, 900.0
MOST_ASKED_SECONDS = 86_400

# Conflict: it is there already. Unauthorized: the token is read anew at each try, and may have been late.
_DONE = frozenset({409})
_TRY_AGAIN = frozenset({401, 408, 425, 429})
_SAFE_IN_HEADERS = "".join(set(string.printable) - set(string.whitespace) - {"%"}) + " "

Meaning = Literal["done", "waiting", "given_up"]


def meaning_of(status: int) -> Meaning:
    """Of an HTTP status: the file is there, is to be sent again, or is not wanted."""
    if 200 <= status < 300 or status in _DONE:
        return "done"
    return "given_up" if 400 <= status < 500 and status not in _TRY_AGAIN else "waiting"


def seconds_to_next_try(tries: int, *, asked: int | None = None) -> float:
    """After so many tries that failed; `asked`: the server wants to be left alone for so long."""
    usual = waiting_seconds(tries, least=LEAST_SECONDS, most=MOST_SECONDS)
    return max(usual, min(asked or 0, MOST_ASKED_SECONDS))


def address_of(base: str, *parts: str) -> str:
    """`base` and the parts as segments of its path, none of which can lead elsewhere."""
    return "/".join([base.rstrip("/"), *(_segment(part) for part in parts)])


def header_text(text: str) -> str:
    """The text as it may stand in a header: percent-encoded UTF-8 where it is not plain ASCII."""
    return quote(text, safe=_SAFE_IN_HEADERS, errors="replace")


def _segment(part: str) -> str:
    encoded = quote(part, safe="", errors="replace")
    return encoded if encoded.strip(".") else encoded.replace(".", "%2E")
