"""Which bytes are a station's password, and in which forms may it be presented? (security whitepaper A00, A01)

AuthorizationKey travels as hex of 16 to 20 bytes; the Basic header should carry those bytes, but many stations send the
hex text instead. Passwords are compared as bytes, never as text.
"""

from __future__ import annotations

import string
from typing import NamedTuple

_HEX = frozenset(string.hexdigits.encode())
_HEX_LENGTHS = range(32, 41, 2)


class Form(NamedTuple):
    """One reading of what a station presented; `as_hex_text`: it sent the hex digits instead of the bytes."""

    secret: bytes
    as_hex_text: bool


def key_bytes(written: bytes) -> bytes:
    """The secret to keep for a password as people write it: hex of 16 to 20 bytes means those bytes."""
    if len(written) in _HEX_LENGTHS and _HEX.issuperset(written):
        return bytes.fromhex(written.decode("ascii"))
    return written


def looks_like_a_key(written: str) -> bool:
    """True for what AuthorizationKey may be: 32 to 40 hexadecimal digits (A01.FR.09)."""
    return len(written) in _HEX_LENGTHS and set(written) <= set(string.hexdigits)


def presented_forms(presented: bytes, *, hex_text_allowed: bool) -> tuple[Form, ...]:
    """What `key_bytes` may have made of the password that was presented, the proper form first."""
    proper = Form(presented, as_hex_text=False)
    decoded = key_bytes(presented)
    if decoded == presented or not hex_text_allowed:
        return (proper,)
    return (proper, Form(decoded, as_hex_text=True))
