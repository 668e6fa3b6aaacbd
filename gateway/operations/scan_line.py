"""Looks for meters on a line that the running gateway does not use, while somebody waits for it, within a time.

One search at a time. How a line is searched is `scan_meters`, whose library is slow to load.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping

from gateway.operations.site import Site

Document = dict[str, object]

LONGEST_SECONDS, USUAL_SECONDS = 600, 120
_FIELDS = ("device", "host", "port", "framing", "baudrate", "parity", "first_unit", "last_unit", "seconds")
_HIGHEST_UNIT = 247


class ScanRefused(Exception):
    """It cannot be begun now, or not there; the text says why. `errors`: (field, detail) of what was asked."""

    def __init__(self, text: str, errors: list[tuple[str, str]] | None = None) -> None:
        super().__init__(text)
        self.errors = errors or []


async def scan_line(site: Site, wish: Mapping[str, object]) -> Document:
    """Search until the end or until the time is over; what was found. Raises ScanRefused."""
    errors = _wrong(wish)
    if errors:
        raise ScanRefused("nothing can be searched like this", errors)
    if site.scan.is_running():
        raise ScanRefused("another search is under way")
    site.scan.begin(site.wall_clock())
    try:
        await _search(site, wish)
    finally:
        site.scan.broken_off()
    return site.scan.document()


async def _search(site: Site, wish: Mapping[str, object]) -> None:
    module = await asyncio.to_thread(importlib.import_module, "gateway.operations.scan_meters")
    first = int(str(wish.get("first_unit", 1)))
    wishes = module.Wishes(
        units=range(first, int(str(wish.get("last_unit", min(first + 9, _HIGHEST_UNIT)))) + 1),
        device=wish.get("device"),
        host=wish.get("host"),
        port=wish.get("port", 502),
        rtu_frames=wish.get("framing") == "rtu",
        baudrate=str(wish.get("baudrate", "usual")),
        parity=wish.get("parity"),
    )
    try:
        async with asyncio.timeout(float(str(wish.get("seconds", USUAL_SECONDS)))):
            await module.find_meters(
                wishes, in_use_by=site.configuration, progress=site.scan.note, tell=site.scan.found.append
            )
    except TimeoutError:
        site.scan.end("out_of_time", "the time was over before the whole line was searched")
    except module.CannotScan as reason:
        site.scan.end("failed", str(reason))
    else:
        site.scan.end("done")


def _wrong(wish: Mapping[str, object]) -> list[tuple[str, str]]:
    """What is wrong with a wish, field by field."""
    wrong = [(name, "unknown; known are " + ", ".join(_FIELDS)) for name in wish if name not in _FIELDS]
    device, host = wish.get("device"), wish.get("host")
    if (device is None) == (host is None):
        wrong.append(("device", "expected either device or host"))
    wrong += [
        (name, "expected text")
        for name, value in (("device", device), ("host", host))
        if not (value is None or (isinstance(value, str) and value))
    ]
    numbers = (
        ("port", 65_535),
        ("first_unit", _HIGHEST_UNIT),
        ("last_unit", _HIGHEST_UNIT),
        ("seconds", LONGEST_SECONDS),
    )
    wrong += [
        (name, f"expected a whole number from 1 to {most}")
        for name, most in numbers
        if name in wish and not _is_number(wish[name], most)
    ]
    choices = (("framing", ("tcp", "rtu")), ("parity", ("N", "E", "O")))
    wrong += [
        (name, "expected " + " or ".join(words)) for name, words in choices if name in wish and wish[name] not in words
    ]
    baudrate = wish.get("baudrate", "usual")
    if baudrate not in ("usual", "all") and not (_is_number(baudrate, 921_600) and int(str(baudrate)) >= 300):
        wrong.append(("baudrate", "expected a number from 300 to 921600, usual or all"))
    if not wrong and int(str(wish.get("last_unit", _HIGHEST_UNIT))) < int(str(wish.get("first_unit", 1))):
        wrong.append(("last_unit", "expected no less than first_unit"))
    return wrong


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
