"""A text as a QR code for a camera, drawn by the template."""

from __future__ import annotations

from typing import NamedTuple

import segno

_QUIET = 2  # squares around it that stay empty


class QrCode(NamedTuple):
    """The outline of the dark squares, in a picture of `size` by `size`."""

    size: int
    outline: str


def qr_code_of(text: str) -> QrCode:
    """The code of a text such as an address."""
    rows = [*segno.make(text, error="m", micro=False).matrix_iter(border=_QUIET)]
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, square in enumerate(row) if square]
    return QrCode(len(rows), "".join(dark))
