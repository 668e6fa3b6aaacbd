"""One whole, masked, unfragmented text frame: the shape of nearly everything a station sends, read in a microsecond.

`frame_length` tells where the byte stream can be cut; `text_of_frame` unmasks the usual frame and leaves every other
shape (control frames, fragments, binary, reserved bits, broken headers) to the `websockets` library. Nothing is decided
here: whatever is unusual is the library's, whose answer counts (a differential test runs both on random streams).
"""

from __future__ import annotations

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled extension on this platform
    from websockets.utils import apply_mask

_FINAL_TEXT = 0x81
_SHORT_HEADERS = tuple(bytes((_FINAL_TEXT, length)) for length in range(126))


def frame_length(data: bytes | bytearray, start: int = 0) -> int | None:
    """Total length in bytes of the frame that starts at `start`; None while its header is incomplete."""
    available = len(data) - start
    if available < 2:
        return None
    second = data[start + 1]
    mask = 4 if second & 0x80 else 0
    length = second & 0x7F
    if length < 126:
        return 2 + mask + length
    if length == 126:
        if available < 4:
            return None
        return 4 + mask + int.from_bytes(data[start + 2 : start + 4], "big")
    if available < 10:
        return None
    return 10 + mask + int.from_bytes(data[start + 2 : start + 10], "big")


def text_of_frame(frame: bytes) -> bytes | None:
    """The unmasked payload if `frame` is exactly one final, masked, valid UTF-8 text frame, else None."""
    if len(frame) < 6 or frame[0] != _FINAL_TEXT or frame[1] < 0x80:
        return None
    length, start = frame[1] & 0x7F, 6
    if length == 126:
        length, start = frame[2] << 8 | frame[3], 8
    elif length == 127:
        # the most significant bit must be 0 (RFC 6455 5.2): as a number it is too long then
        length, start = int.from_bytes(frame[2:10], "big"), 14
    if len(frame) != start + length:
        return None
    text = apply_mask(memoryview(frame)[start:], frame[start - 4 : start])
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return None
    return text


def server_text_frame(text: bytes) -> bytes:
    """The wire form of one unmasked final text frame."""
    length = len(text)
    if length < 126:
        return _SHORT_HEADERS[length] + text
    if length < 65536:
        return b"\x81\x7e" + length.to_bytes(2, "big") + text
    return b"\x81\x7f" + length.to_bytes(8, "big") + text
