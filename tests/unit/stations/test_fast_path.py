"""Frame lengths and the usual frame; the unusual ones are compared with the library in tests/properties."""

from __future__ import annotations

import pytest

from gateway.stations.fast_path import frame_length, server_text_frame, text_of_frame
from tests.unit.stations.opened_door import masked


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_a_frame_is_measured_as_soon_as_its_header_is_there(length: int) -> None:
    frame = masked(b"x" * length)
    header = len(frame) - length
    assert frame_length(frame) == frame_length(b"??" + frame, 2) == len(frame)
    assert frame_length(frame[: header - 4]) == len(frame)
    for available in range(header - 4):
        assert frame_length(frame[:available]) is None
    assert text_of_frame(frame) == b"x" * length


@pytest.mark.parametrize("length", [0, 125, 126, 65535, 65536])
def test_what_we_write_is_what_we_measure(length: int) -> None:
    frame = server_text_frame(b"x" * length)
    assert frame_length(frame) == len(frame)
    assert frame.endswith(b"x" * length)
    assert frame[0] == 0x81
    assert text_of_frame(frame) is None  # not masked


@pytest.mark.parametrize(
    "frame",
    [
        masked(b"x", opcode=9),
        masked(b"x", opcode=2),
        masked(b"x", fin=False),
        masked(b"\xff"),
        b"\x81\xff" + b"\x80" + bytes(7) + b"mask",
        server_text_frame(b"plain"),
        server_text_frame(b"plain") + b"more",
        masked(b"x") + masked(b"y"),
        masked(b"x" * 200)[:-1],
        masked(b"x" * 70_000)[:9],
        b"",
    ],
    ids=[
        "control",
        "binary",
        "fragment",
        "not UTF-8",
        "impossible length",
        "not masked",
        "not masked and as long as if it were",
        "two frames",
        "unfinished",
        "unfinished header",
        "nothing",
    ],
)
def test_everything_unusual_is_left_to_the_library(frame: bytes) -> None:
    assert text_of_frame(frame) is None


def test_umlauts_are_usual() -> None:
    assert text_of_frame(masked("Säule".encode())) == "Säule".encode()
