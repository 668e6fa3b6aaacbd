"""Looks for meters on a line that the running gateway does not use, and words the [[meter]] table to paste.

A serial line belongs to one program at a time, and many network meters take one connection only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.configuration import Configuration
from gateway.meters.bus import LineDown
from gateway.meters.catalog import MODELS, find_model
from gateway.meters.plans import NetworkLine, Parity, Place, SerialLine
from gateway.meters.scan import ALL_BAUDRATES, USUAL_BAUDRATES, Found, scan, settings_to_try
from gateway.operations.plan_meters import users_of

Document = dict[str, object]


class CannotScan(Exception):
    """The line is in use or cannot be opened; the text says why."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Where to look: a serial device or a host. `baudrate`: a number, `usual` or `all`; `parity` None: N, then E."""

    units: Sequence[int]
    device: str | None = None
    host: str | None = None
    port: int = 502
    rtu_frames: bool = False
    baudrate: str = "usual"
    parity: Parity | None = None


async def find_meters(
    wishes: Wishes,
    *,
    in_use_by: Configuration | None,
    progress: Callable[[str], None],
    tell: Callable[[Document], None] | None = None,
) -> list[Document]:
    """Everybody who answers there, told one by one as well. `in_use_by`: what the running gateway was told.

    Raises CannotScan.
    """
    places = _places(wishes)
    users = users_of(places[0], in_use_by) if in_use_by is not None else []
    if users:
        raise CannotScan(
            f"{places[0]} is in use by the running gateway (meter {', '.join(users)}): stop the gateway, or take the"
            " meter out of its configuration"
        )
    found: list[Document] = []
    try:
        async for one in scan(places, wishes.units):
            if isinstance(one, Found):
                found.append(_document(one))
                if tell is not None:
                    tell(found[-1])
            else:
                progress(_words(one))
    except LineDown as down:
        raise CannotScan(str(down)) from down
    return found


def line_of_talker(model: str) -> tuple[int, Parity] | None:
    """Baud rate and parity of meters that send telegrams (P1, SML), which no scan finds; None for all others."""
    found = find_model(model)
    return (found.usual_baudrate, found.usual_parity) if found is not None and found.talks_by_itself else None


def _places(wishes: Wishes) -> Sequence[Place]:
    if wishes.device is None:
        return [NetworkLine(wishes.host or "", wishes.port, wishes.rtu_frames)]
    if wishes.baudrate in ("usual", "all"):
        baudrates: tuple[int, ...] = USUAL_BAUDRATES if wishes.baudrate == "usual" else ALL_BAUDRATES
    elif wishes.baudrate.isdecimal() and 300 <= int(wishes.baudrate) <= 921_600:
        baudrates = (int(wishes.baudrate),)
    else:
        raise CannotScan(f"--baudrate: expected a number from 300 to 921600, `usual` or `all`, got {wishes.baudrate}")
    return settings_to_try(wishes.device, baudrates, (wishes.parity,) if wishes.parity else ("N", "E"))


def _words(place: Place) -> str:
    if isinstance(place, SerialLine):
        return f"looking on {place} at {place.baudrate} baud, 8{place.parity}1"
    return f"looking on {place}"


def _document(found: Found) -> Document:
    values = found.measured
    return {
        "line": str(found.place),
        "unit": found.unit,
        "models": [{"model": key, "title": MODELS[key].title} for key in found.models],
        "amps": list(values.amps) if values else None,
        "volts": list(values.volts) if values else None,
        "watts": list(values.watts) if values else None,
        "toml": _table(found) if found.models else None,
    }


def _table(found: Found) -> str:
    match found.place:
        case SerialLine(device, baudrate, parity):
            transport = f'type = "rtu", device = {json.dumps(device)}, baudrate = {baudrate}, parity = "{parity}"'
        case NetworkLine(host, port, rtu_frames):
            framing = ', framing = "rtu"' if rtu_frames else ""
            transport = f'type = "tcp", host = {json.dumps(host)}, port = {port}{framing}'
    return (
        f'[[meter]]\nname = "meter-{found.unit}"\nmodel = "{found.models[0]}"\n'
        f"transport = {{ {transport}, unit = {found.unit} }}\n"
    )
