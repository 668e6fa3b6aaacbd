"""Which words are secrets, and how is something shown without them? The one list for store, journal, log and bundle.

Names are compared without regard to case and separators. A secret that is known (because we sent it) is masked wherever
a station repeats it; others are recognised by the name they stand under, or by their place in an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote

MASK = "***"

# AuthorizationKey (whitepaper A01.FR.09), and what vendors call theirs. A blank stands for any separator, or none.
_WORDS = (
    "authorization key", "auth key", "password", "passwd", "passphrase", "secret", "private key", "api key", "token",
)  # fmt: skip
_FOLDED = tuple(word.replace(" ", "") for word in _WORDS)
SECRET_NAMES = rf"(?:{'|'.join(word.replace(' ', '[_-]?') for word in _WORDS)})"

# a string of several lines as TOML writes it, as JSON writes it, as JSON inside a JSON string, and as Python's repr
# does; it may be cut off
_LINES = r"\"{3}[\s\S]*?(?:\"{3,5}|$)|'{3}[\s\S]*?(?:'{3,5}|$)"
_QUOTED = (
    rf"b?(?:{_LINES}|"
    r""""(?:[^"\\]|\\.)*(?:"|\\?$)|\\"(?:\\{3}"|[^"\\]|\\(?!"))*(?:\\"|$)|'(?:[^'\\]|\\.)*(?:'|\\?$))"""
)
_Q = r"""\\?["']"""
# {"key": "AuthorizationKey", ..., "value": "..."} in either order, as JSON, as escaped JSON and as Python's repr
_SECRET_KEY = rf"{_Q}key{_Q}\s*:\s*{_Q}[\w.-]{{0,40}}?{SECRET_NAMES}[\w.-]{{0,40}}{_Q}"
_KEY_THEN_VALUE = re.compile(rf"({_SECRET_KEY}[^{{}}]{{0,500}}?{_Q}value{_Q}\s*:\s*)({_QUOTED})", re.IGNORECASE)
_VALUE_THEN_KEY = re.compile(rf"({_Q}value{_Q}\s*:\s*)({_QUOTED})([^{{}}]{{0,500}}?{_SECRET_KEY})", re.IGNORECASE)
_NAMED = re.compile(rf"((?<!has_){SECRET_NAMES}(?:{_Q})?\s*[:=]\s*)({_QUOTED}|[^\s,;&\"'{{}}\[\]\\]+)", re.IGNORECASE)
_QUOTE_BEFORE = re.compile(r"""b?(\\?["'])""")
_QUOTE_BEHIND = re.compile(r"""(\\?["'])\s*[:=]\s*$""")
_HEADER = re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~\-]{6,}")
# a password with an unescaped slash too, but not a port and a path with an @ in it
_IN_ADDRESS = re.compile(r"(\w://[^/\s:@]{0,200}:)([^/\s]+|(?!\d{1,5}/)[^\s\"']{1,300})@")
# what signs an address of a cloud store: whoever has it may fetch or upload there
_IN_QUERY = re.compile(r"([?&](?:sig|[\w-]{0,40}(?:signature|credential))=)([^&#\s\"'\\]+)", re.IGNORECASE)
# our own capability addresses (rules/transfer_addresses): /f/TOKEN/name, /u/TOKEN, TOKEN as the user of FTP
_CAPABILITY = re.compile(r"(://(?:[^\s/\"'\\]{1,300}/(?:[fu]/)?)?)([a-z2-7]{18})(?=[/:?#\s\"'\\]|$)")
_CAPABILITY_PATH = re.compile(r"(/[fu]/)([a-z2-7]{18})(?![A-Za-z0-9])")
_HINT = re.compile(rf"{SECRET_NAMES}|Basic|Bearer|://|/[fu]/", re.IGNORECASE)

_LONGEST_REMEMBERED = 64  # the same few names are in every message, and nobody may fill the memory with others
_SHORTEST_REPEATED = 4  # what is shorter is masked only where it stands alone: `1` is everywhere
_LONGEST_LOOKED_THROUGH = 65_536
_DEEPEST = 32


def is_secret_name(name: str) -> bool:
    """True when the value of a member or configuration key of this name must not be shown or stored readable."""
    return _is_secret(name) if len(name) <= _LONGEST_REMEMBERED else _is_secret.__wrapped__(name)


@lru_cache(maxsize=512)
def _is_secret(name: str) -> bool:
    folded = "".join(letter for letter in name.casefold() if letter.isalnum())
    return any(word in folded for word in _FOLDED)


def masked_text(text: str) -> str:
    """The text with every recognisable secret replaced by ***."""
    if not _HINT.search(text):
        return text
    text = _KEY_THEN_VALUE.sub(_mask_quoted, text)
    text = _VALUE_THEN_KEY.sub(lambda found: _mask_quoted(found) + found[3], text)
    return _without_named(text)


def without_capabilities(text: str) -> str:
    """The text without the tokens of our own addresses, also where only the path is repeated."""
    if "://" in text:
        text = _CAPABILITY.sub(rf"\1{MASK}", text)
    return _CAPABILITY_PATH.sub(rf"\1{MASK}", text) if "/f/" in text or "/u/" in text else text


def _without_named(text: str) -> str:
    text = _HEADER.sub(rf"\1 {MASK}", text)
    text = _IN_ADDRESS.sub(rf"\1{MASK}@", text)
    text = _IN_QUERY.sub(rf"\1{MASK}", text)
    text = without_capabilities(text)
    return _NAMED.sub(_mask_quoted, text)


def _mask_quoted(found: re.Match[str]) -> str:
    """The name and the mask in the quotes of the value, or of the name: what was JSON stays JSON."""
    quote = _QUOTE_BEFORE.match(found[2]) or _QUOTE_BEHIND.search(found[1])
    mark = quote[1] if quote is not None else ""
    return f"{found[1]}{mark}{MASK}{mark}"


def masked_bytes(body: bytes) -> bytes:
    """The same for text as bytes, in any encoding that writes ASCII as it is; without a secret it stays byte for byte.

    Of a very long one only what can be found quickly: other stations would wait meanwhile.
    """
    text = body.decode("latin-1")
    return (masked_text(text) if len(text) <= _LONGEST_LOOKED_THROUGH else _without_named(text)).encode("latin-1")


def secrets_in(document: object, *, depth: int = 0) -> frozenset[str]:
    """The secrets that JSON data names as such, and the passwords in its addresses."""
    if isinstance(document, str):
        text = document[:_LONGEST_LOOKED_THROUGH]
        if "://" not in text:
            return frozenset()
        return frozenset(
            found[2] for pattern in (_IN_ADDRESS, _IN_QUERY, _CAPABILITY) for found in pattern.finditer(text)
        )
    if depth == _DEEPEST or not isinstance(document, Mapping | list | tuple):
        return frozenset()
    members = document.values() if isinstance(document, Mapping) else document
    inner = frozenset[str]().union(*(secrets_in(member, depth=depth + 1) for member in members))
    if isinstance(document, Mapping):
        inner |= {str(document[name]) for name in _secret_members(document)}
    return inner


def masked(document: object, *, secrets: Iterable[str] = ()) -> object:
    """JSON data without the secrets that it names as such, and without these wherever they occur."""
    known = {form for secret in secrets_in(document).union(secrets) for form in _forms_of(secret)} - {"", MASK}
    repeated = sorted((form for form in known if len(form) >= _SHORTEST_REPEATED), key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(form) for form in repeated), re.IGNORECASE) if repeated else None
    return _masked(document, known, pattern, 0)


def _masked(value: object, known: set[str], pattern: re.Pattern[str] | None, depth: int) -> object:
    match value:
        case str():
            return _masked_string(value, known, pattern)
        case None | bool():
            return value
        case int() | float():
            return MASK if str(value) in known else value
        case _ if depth == _DEEPEST:
            return MASK
        case Mapping():
            secret = _secret_members(value)
            return {
                _masked_string(str(name), known, pattern): (
                    MASK if name in secret else _masked(member, known, pattern, depth + 1)
                )
                for name, member in value.items()
            }
        case list() | tuple():
            return [_masked(item, known, pattern, depth + 1) for item in value]
        case _:
            return value


def _masked_string(text: str, known: set[str], pattern: re.Pattern[str] | None) -> str:
    if text in known:
        return MASK
    if pattern is not None:
        text = pattern.sub(MASK, text)
    if len(text) > _LONGEST_LOOKED_THROUGH:
        return f"{MASK} ({len(text)} characters, some of a secret)" if _HINT.search(text) else text
    return masked_text(text)


def _secret_members(document: Mapping[object, object]) -> set[object]:
    """The names of the members that hold a secret: by their own name, or `value` beside a `key` that is one."""
    folded = {name: str(name).casefold().strip() for name in document}
    secret_key = any(
        folded[name] == "key" and isinstance(value, str) and is_secret_name(value) for name, value in document.items()
    )
    return {
        name
        for name, value in document.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and value != ""
        and ((secret_key and folded[name] == "value") or (folded[name] != "key" and is_secret_name(str(name))))
    }


def _forms_of(secret: str) -> Iterator[str]:
    """The secret, and how a station may write it: escaped, decoded from an address, or as the bytes of its hex text."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield unquote(secret)
    if len(secret) >= 8 and re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", secret):
        yield bytes.fromhex(secret).decode("latin-1")
