"""Sealed files: what goes in comes out, and whoever cuts, swaps or changes anything is found out."""

from __future__ import annotations

import io

import pytest

from gateway.pki import sealing
from gateway.pki.sealing import CannotUnseal, is_sealed, seal, unseal

WORDS = "correct horse é"
PIECE = 256 * 1024
SEALED_PIECE = PIECE + 16


def sealed(content: bytes, *, step: int = 100_000) -> bytes:
    return b"".join(seal((content[at : at + step] for at in range(0, len(content), step)), WORDS))


def opened(file: bytes, passphrase: str = WORDS) -> bytes:
    return b"".join(unseal(io.BytesIO(file), passphrase))


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 77])
def test_what_goes_in_comes_out(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    file = sealed(content[:size])
    assert is_sealed(file)
    assert opened(file) == content[:size]
    assert len(file) == sealing._HEADER.size + size + 16 * max(1, -(-size // PIECE))


def test_the_same_content_never_looks_the_same() -> None:
    assert sealed(b"A" * 100) != sealed(b"A" * 100)


def test_another_writing_of_the_same_letters_opens_it() -> None:
    assert opened(sealed(b"x"), "correct horse e\u0301") == b"x"


def test_a_wrong_passphrase_is_told_at_once() -> None:
    with pytest.raises(CannotUnseal, match="passphrase is wrong"):
        next(unseal(io.BytesIO(sealed(b"x")), "wrong horse"))


THREE = sealed(bytes(2 * PIECE) + b"end")
BEGIN = THREE[: sealing._HEADER.size]
PIECES = [THREE[len(BEGIN) :][at : at + SEALED_PIECE] for at in range(0, len(THREE) - len(BEGIN), SEALED_PIECE)]


@pytest.mark.parametrize(
    "damaged",
    [
        BEGIN,
        BEGIN + PIECES[0],
        BEGIN + PIECES[0] + PIECES[1],
        BEGIN + PIECES[0] + PIECES[1] + PIECES[2][:-1],
        BEGIN + PIECES[1] + PIECES[0] + PIECES[2],
        BEGIN + PIECES[0] + PIECES[0] + PIECES[1] + PIECES[2],
        BEGIN + PIECES[0] + PIECES[2],
        BEGIN + PIECES[2],
        THREE + b"x",
        THREE + PIECES[2],
        BEGIN + PIECES[0][:50] + bytes([PIECES[0][50] ^ 1]) + PIECES[0][51:] + PIECES[1] + PIECES[2],
    ],
)
def test_cut_swapped_repeated_changed(damaged: bytes) -> None:
    with pytest.raises(CannotUnseal, match=r"damaged|beginning"):
        opened(damaged)


@pytest.mark.parametrize("place", range(len(BEGIN)))
def test_every_byte_of_the_header_counts(place: int) -> None:
    changed = bytes([*BEGIN[:place], BEGIN[place] ^ 1, *BEGIN[place + 1 :]]) + THREE[len(BEGIN) :]
    with pytest.raises(CannotUnseal):
        opened(changed)


def test_a_file_cannot_ask_for_any_amount_of_memory() -> None:
    with pytest.raises(CannotUnseal, match="damaged"):
        opened(BEGIN[:8] + bytes([30]) + BEGIN[9:])
    with pytest.raises(CannotUnseal, match="only the beginning"):
        opened(BEGIN[:20])
    with pytest.raises(CannotUnseal, match="no encrypted backup"):
        opened(b"SQLite format 3\x00" + bytes(5000))


def test_memory_is_bounded_by_pieces() -> None:
    sizes = {len(piece) for piece in seal((bytes(1000) for _ in range(2000)), WORDS)}
    assert max(sizes) == SEALED_PIECE
