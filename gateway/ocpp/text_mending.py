"""Mends the JSON text of a message where no value is in question: raw control characters and halves of surrogate pairs.

Everything else stays byte for byte, so that `1.10` is kept as `1.10`. It knows nothing of frames and payloads.
"""

from __future__ import annotations

import re

# A text longer than this is not looked into piece by piece: the event loop has other stations to serve.
LONGEST_LOOKED_INTO_BYTES = 262_144

_CONTROL = re.compile(rb"[\x00-\x1f]")
# One JSON text; without its closing quote it goes to the end, so that no byte is looked at twice.
_TEXT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BLANKS_FOR_CONTROLS = b" " * 32 + bytes(range(32, 256))
_ANY_HALF = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_PAIR_HALF_OR_OTHER_ESCAPE = re.compile(
    rb"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


def with_escaped_controls(text: bytes) -> bytes:
    """The JSON text with the control characters inside its texts escaped; in a very long one they become blanks."""
    if _CONTROL.search(text) is None:
        return text
    if len(text) > LONGEST_LOOKED_INTO_BYTES:
        return text.translate(_BLANKS_FOR_CONTROLS)
    return _TEXT.sub(lambda found: _CONTROL.sub(_escaped, found[0]), text)


def without_half_pairs(text: bytes) -> bytes:
    """The JSON text with each half of a surrogate pair replaced by U+FFFD: nobody can store half a character.

    It is as long as before. In a very long one the halves of whole pairs go too.
    """
    if _ANY_HALF.search(text) is None:
        return text
    if len(text) > LONGEST_LOOKED_INTO_BYTES:
        return _ANY_HALF.sub(rb"\\ufffd", text)
    return _PAIR_HALF_OR_OTHER_ESCAPE.sub(lambda found: found[0] if found["half"] is None else rb"\ufffd", text)


def _escaped(control: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % control[0][0]
