"""By which scheme does a station fetch and upload, and what does the address look like that it is given?

Stations say in SupportedFileTransferProtocols (OCPP 1.6 8) what they can, some of them wrongly, so a person's word goes
before it. Addresses are as plain as stations need them: a numeric host, no query, few characters, the vendor's ending.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Literal

Scheme = Literal["http", "https", "ftp", "ftps"]

# In this order, because plain HTTP is what nearly every station can; its images may be signed, and are no secret.
_USUAL_ORDER: tuple[Scheme, ...] = ("http", "ftp", "https", "ftps")
# A station on TLS trusts our certificate already.
_ORDER_ON_TLS: tuple[Scheme, ...] = ("https", "http", "ftps", "ftp")
_USUAL: Scheme = "http"

_LONGEST_NAME = 48
_LONGEST_ENDING = 12
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
TOKEN_CHARACTERS = 18
_TOKEN = re.compile(rf"[a-z2-7]{{{TOKEN_CHARACTERS}}}")


def scheme_for(
    told: Sequence[str] | None, *, offered: Collection[Scheme], wished: Sequence[str] = (), on_tls: bool = False
) -> Scheme:
    """The scheme for one station: the first wish of a person that is offered, else what it told that it can.

    `told`: SupportedFileTransferProtocols, None when not told; `wished`: the most particular first, `auto` is none.
    """
    for wish in wished:
        for scheme in _USUAL_ORDER:
            if wish == scheme and scheme in offered:
                return scheme
    able = {word.strip().casefold() for word in told or ()}
    order = _ORDER_ON_TLS if on_tls else _USUAL_ORDER
    return next((scheme for scheme in order if scheme in offered and scheme in able), _USUAL)


def token_of(random_id: str) -> str:
    """A token of 90 bits out of a random id of at least as many, in letters and digits that need no escaping."""
    return b32encode(sha256(random_id.encode()).digest()).decode("ascii").lower()[:TOKEN_CHARACTERS]


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def without_token(name: str, token_digest: bytes) -> str:
    """A file name without the token of the address: some stations name the file after what they were given."""
    return _TOKEN.sub(lambda found: "" if digest_of(found[0]) == token_digest else found[0], name)


def safe_file_name(name: str, *, otherwise: str = "file") -> str:
    """The last part of a name in [A-Za-z0-9._-], at most 48 characters, its ending kept; never a path."""
    last = re.split(r"[/\\]", name)[-1]
    safe = _UNSAFE.sub("_", last).strip("._-")
    if len(safe) > _LONGEST_NAME:
        stem, dot, ending = safe.rpartition(".")
        kept = f".{ending}" if dot and len(ending) <= _LONGEST_ENDING else ""
        safe = (stem if kept else safe)[: _LONGEST_NAME - len(kept)].rstrip("._-") + kept
    return safe or otherwise


def host_in_address(address: str) -> str:
    """A host as it is written in an address: IPv6 in brackets, IPv4 inside IPv6 as IPv4, without a zone."""
    plain = address.removeprefix("::ffff:").partition("%")[0]
    return f"[{plain}]" if ":" in plain else plain


def image_address(scheme: Scheme, host: str, port: int, *, token: str, file_name: str) -> str:
    """Where an image is fetched; `host` as it is written in addresses."""
    if scheme in ("ftp", "ftps"):
        return f"{scheme}://{token}:get@{host}:{port}/{file_name}"
    return f"{scheme}://{host}:{port}/f/{token}/{file_name}"


def upload_address(scheme: Scheme, host: str, port: int, *, token: str) -> str:
    """Where files are uploaded; a station may put a name behind it."""
    if scheme in ("ftp", "ftps"):
        return f"{scheme}://{token}:put@{host}:{port}/"
    return f"{scheme}://{host}:{port}/u/{token}"
