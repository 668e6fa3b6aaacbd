"""The answers that set a site up: read from options and from a file, each checked at once.

An answer that was not given is None and leaves the configuration as it is. Who is asked, and what becomes of the
answers, is not decided here.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import available_timezones

from gateway.terminal.exits import usage

T = TypeVar("T")

SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_STATION = re.compile(r"(.{1,48}?)(?:=(\d{1,3}(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class MeterPlace:
    """Where the site meter is and what it is; `model` may be `scan`. Either a device or a host."""

    model: str
    device: str | None = None
    host: str | None = None
    port: int = 502
    unit: int = 1
    baudrate: int = 9600
    parity: str = "N"


@dataclass(frozen=True, slots=True)
class Answers:
    """`main_fuse`: amperes per phase, () for none; `stations`: (id, most amperes or None)."""

    site_id: str | None = None
    name: str | None = None
    timezone: str | None = None
    web: str | None = None
    main_fuse: tuple[float, ...] | None = None
    meter: MeterPlace | None = None
    stations: tuple[tuple[str, float | None], ...] = ()
    all_that_knocked: bool = False
    cards: tuple[str, ...] = ()
    free_charging: bool | None = None
    phone: str | None = None


def answers_of(options: argparse.Namespace) -> Answers:
    """What options and file say; options beat the file. Raises Ending 2 with one sentence for what is wrong."""
    given = _from_file(options.answers) if options.answers is not None else {}
    names = [name for name in vars(options) if name in _KNOWN]
    given |= {name: value for name in names if (value := getattr(options, name)) is not None}
    return Answers(
        site_id=_checked(given, "site_id", site_id),
        name=_checked(given, "name", str),
        timezone=_checked(given, "timezone", timezone),
        web=_checked(given, "web", web),
        main_fuse=_checked(given, "main_fuse", main_fuse),
        stations=tuple(_expected("station", text, station) for text in _texts(given, "station")),
        cards=tuple(_expected("card", text, card) for text in _texts(given, "card")),
        phone=_checked(given, "phone", str),
        meter=_meter(given),
        all_that_knocked=given.get("all_that_knocked") is True,
        free_charging=True if given.get("free_charging") is True else None,
    )


_KNOWN = (
    "site_id", "name", "timezone", "web", "main_fuse", "meter_model", "meter_device", "meter_host", "meter_unit",
    "meter_baudrate", "meter_parity", "station", "all_that_knocked", "card", "free_charging", "phone",
)  # fmt: skip


def site_id(text: str) -> str:
    """Raises ValueError as every check here, its text says what was expected."""
    if not SITE_ID.fullmatch(text):
        raise ValueError("1 to 64 letters, digits, dots and dashes, such as depot-north")
    return text


def timezone(text: str) -> str:
    """A zone that this machine knows."""
    if text not in available_timezones():
        raise ValueError("a time zone such as Europe/Amsterdam")
    return text


def web(text: str) -> str:
    """Who may reach the page and the API."""
    if text not in ("local", "loopback", "network"):
        raise ValueError("local (or loopback, which is the same) or network")
    return "local" if text == "loopback" else text


def main_fuse(text: str) -> tuple[float, ...]:
    """Amperes of three phases, from one number or three; () for 0."""
    try:
        numbers = tuple(float(one) for one in text.split(","))
    except ValueError:
        numbers = ()
    if numbers == (0,):
        return ()
    if len(numbers) not in (1, 3) or not all(1 <= one <= 10_000 for one in numbers):
        raise ValueError("amperes for each phase, such as 63, or three such as 63,63,35; 0 for no limit")
    return numbers if len(numbers) == 3 else numbers * 3


def station(text: str) -> tuple[str, float | None]:
    """An identity, and the most that the station can draw where it is said."""
    match = _STATION.fullmatch(text.strip())
    if match is None or (match[2] is not None and not 1 <= float(match[2]) <= 1000):
        raise ValueError("the identity of a station, such as CP-1, or with its most amperes CP-1=16")
    return match[1], float(match[2]) if match[2] else None


def card(text: str) -> str:
    """OCPP 1.6 7.28: an IdToken has up to 20 characters."""
    if not 1 <= len(text.strip()) <= 20:
        raise ValueError("the number of a card, 1 to 20 characters")
    return text.strip()


def _from_file(path: Path) -> dict[str, object]:
    try:
        given = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise usage(f"--answers: expected a TOML file, got {path} ({error})") from error
    written = {name.replace("-", "_"): value for name, value in given.items()}
    for name in written:
        if name not in _KNOWN:
            raise usage(f"{path}: {name}: expected one of {', '.join(_KNOWN)}")
    return written


def _checked(given: dict[str, object], name: str, check: Callable[[str], T]) -> T | None:
    if name not in given:
        return None
    value = given[name]
    text = ",".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return _expected(name, text, check)


def _expected(name: str, text: str, check: Callable[[str], T]) -> T:
    try:
        return check(text)
    except ValueError as error:
        raise usage(f"--{name.replace('_', '-')}: expected {error}, got {text}") from error


def _texts(given: dict[str, object], name: str) -> list[str]:
    value = given.get(name, [])
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _meter(given: dict[str, object]) -> MeterPlace | None:
    model, device, host = given.get("meter_model"), given.get("meter_device"), given.get("meter_host")
    if model is None and device is None and host is None:
        return None
    if (device is None) == (host is None):
        raise usage("--meter-model: expected --meter-device or --meter-host with it, and not both")
    name, _, port = str(host or "").partition(":")
    numbers = {key: given.get(f"meter_{key}", usual) for key, usual in (("unit", 1), ("baudrate", 9600))}
    if not all(isinstance(one, int) for one in numbers.values()) or (port and not port.isdecimal()):
        raise usage("--meter-unit, --meter-baudrate and the port of --meter-host: expected whole numbers")
    return MeterPlace(
        str(model or "scan"),
        device=str(device) if device is not None else None,
        host=name or None,
        port=int(port or 502),
        unit=int(str(numbers["unit"])),
        baudrate=int(str(numbers["baudrate"])),
        parity=str(given.get("meter_parity", "N")),
    )
