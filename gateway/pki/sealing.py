"""Files that only a passphrase opens: scrypt makes the key, AES-256-GCM seals piece after piece.

Pieces are numbered and the last one is marked as such in what is authenticated, together with the header: whoever
cuts, swaps, repeats or changes anything is found out, at the latest when the last piece is opened. Memory is bounded
by a piece. What is in the file, and where it goes, is not known here.

Header: magic (7), version (1), log2 N, r, p (1 each), 1 zero, bytes of a piece (4, big-endian), salt (16), key check
(16). A piece is its text and 16 bytes of tag; its nonce is its number (11, big-endian) and 1 for the last, else 0.
"""

from __future__ import annotations

import hmac
import secrets
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"OCPPGWB"

_VERSION = 1
_LOG2_N, _R, _P = 15, 8, 1  # 32 MB for a moment
_HIGHEST_LOG2_N = 17  # a file must not be able to ask for any amount of memory
_PIECE_BYTES = 256 * 1024
_TAG_BYTES = 16
_HEADER = struct.Struct(">7sBBBBxI16s16s")


class CannotUnseal(Exception):
    """The file cannot be opened; the text says why."""


def is_sealed(begin: bytes) -> bool:
    """Whether a file that begins like this is a sealed one."""
    return begin.startswith(MAGIC)


def seal(pieces: Iterable[bytes], passphrase: str) -> Iterator[bytes]:
    """The sealed file, in pieces; takes a while before the first. `pieces` may be of any size."""
    salt = secrets.token_bytes(16)
    key, check = _key_and_check(passphrase, salt, _LOG2_N, _R, _P)
    header = _HEADER.pack(MAGIC, _VERSION, _LOG2_N, _R, _P, _PIECE_BYTES, salt, check)
    yield header
    cipher, number, waiting = AESGCM(key), 0, bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > _PIECE_BYTES:  # one stays: it may be the last
            text = bytes(waiting[:_PIECE_BYTES])
            del waiting[:_PIECE_BYTES]
            yield cipher.encrypt(_nonce(number, last=False), text, header)
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), header)


def unseal(file: IO[bytes], passphrase: str) -> Iterator[bytes]:
    """What was sealed, in pieces; nothing may be believed before the end is reached. Raises CannotUnseal."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not is_sealed(header):
        raise CannotUnseal("the file is no encrypted backup, or only the beginning of one")
    _, version, log2_n, r, p, piece_bytes, salt, check = _HEADER.unpack(header)
    if version != _VERSION:
        raise CannotUnseal(f"the file has the form {version}, which this program does not know")
    if not (_LOG2_N <= log2_n <= _HIGHEST_LOG2_N and (r, p, piece_bytes) == (_R, _P, _PIECE_BYTES)):
        raise CannotUnseal("the file's beginning is damaged")
    key, expected = _key_and_check(passphrase, salt, log2_n, r, p)
    if not hmac.compare_digest(check, expected):
        raise CannotUnseal("the passphrase is wrong, or the file's beginning is damaged")
    cipher, number = AESGCM(key), 0
    sealed = file.read(_PIECE_BYTES + _TAG_BYTES)
    while True:
        following = file.read(_PIECE_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), sealed, header)
        except InvalidTag:
            raise CannotUnseal("the file is damaged, or a part of it is missing") from None
        if not following:
            return
        sealed, number = following, number + 1


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _key_and_check(passphrase: str, salt: bytes, log2_n: int, r: int, p: int) -> tuple[bytes, bytes]:
    """32 bytes for the cipher, and 16 others that tell whether the passphrase is right."""
    text = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    made = Scrypt(salt=salt, length=48, n=1 << log2_n, r=r, p=p).derive(text)
    return made[:32], made[32:]
