"""How careful is a rollout to be? The policy of a campaign: its keys with bounds and defaults, read strictly.

Every mistake is told at once. What follows from a policy is decided by `firmware_rollout` and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from gateway.rules.limit_schedules import WEEKDAYS, Window

MOST_STATIONS = 10_000
_DAY_MINUTES = 1440
_CHECK_SECONDS = 3600


class Mistake(NamedTuple):
    """One thing that is wrong; `field` is the member's name."""

    field: str
    detail: str


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """When stations may be asked, by the site's clock, and how many minutes must be left of it then."""

    window: Window
    minutes_needed: int = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """Times in the unit of their name. `max_failures_percent`: of the stations of the campaign, instead of a count."""

    canary: int = 1
    wave_share: float = 0.2
    wave_patience_hours: int = 24
    max_failures: int = 1
    max_failures_percent: float | None = None
    pause_after_canary: bool = False
    at_once: int = 2
    most_share_of_connectors: float = 0.5
    apart: tuple[tuple[str, ...], ...] = ()
    window: MaintenanceWindow | None = None
    min_connected_seconds: int = 600
    drain: bool = False
    drain_hours: int = 12
    health_seconds: int = 600
    tries: int = 2
    try_again_minutes: int = 10
    retries: int = 3
    retry_interval_seconds: int = 60
    start_seconds: int = 600
    stall_seconds: int = 900
    download_seconds: int = 14_400
    install_seconds: int = 3600
    version_seconds: int = 600
    check_seconds: int = _CHECK_SECONDS
    give_up_days: int = 30
    force_downgrade: bool = False


# whole numbers: (least, most)
_WHOLE: Mapping[str, tuple[int, int]] = {
    "canary": (0, 100), "wave_patience_hours": (1, 8760), "at_once": (1, 1000), "min_connected_seconds": (0, 604_800),
    "drain_hours": (1, 168), "health_seconds": (0, 86_400), "tries": (1, 10), "try_again_minutes": (0, 10_080),
    "retries": (1, 10), "retry_interval_seconds": (1, 86_400), "start_seconds": (60, 86_400),
    "stall_seconds": (60, 86_400), "download_seconds": (60, 604_800), "install_seconds": (60, 604_800),
    "version_seconds": (0, 86_400), "check_seconds": (60, 604_800), "give_up_days": (1, 365),
}  # fmt: skip
_SHARES = ("wave_share", "most_share_of_connectors")
_FLAGS = ("pause_after_canary", "drain", "force_downgrade")
KEYS = tuple(one.name for one in fields(Policy) if one.name != "max_failures_percent")


def read_policy(members: object, *, heartbeat_seconds: int | None = None) -> Policy | tuple[Mistake, ...]:
    """The policy of a campaign; what is left out or null has its default.

    `heartbeat_seconds`: so often stations say that they are there, and so long a station must be well afterwards where
    nothing else is said.
    """
    if not isinstance(members, Mapping):
        return (Mistake("policy", "expected an object"),)
    reading = _Reading({str(name): value for name, value in members.items() if value is not None})
    for name in reading.members:
        if name not in KEYS:
            reading.wrong(name[:100], f"unknown; known are {', '.join(KEYS)}")
    found: dict[str, Any] = {}
    found |= reading.each(_WHOLE, lambda name: reading.whole(name, *_WHOLE[name]))
    found |= reading.each(_SHARES, reading.share)
    found |= reading.each(_FLAGS, reading.flag)
    found |= reading.failures()
    found |= reading.each(("apart",), lambda name: reading.apart())
    found |= reading.each(("window",), lambda name: reading.window())
    if heartbeat_seconds is not None and "health_seconds" not in found:
        found["health_seconds"] = min(heartbeat_seconds, found.get("check_seconds", _CHECK_SECONDS))
    policy = None if reading.mistakes else Policy(**found)
    if policy is not None and policy.check_seconds < policy.health_seconds:
        reading.wrong("check_seconds", f"expected health_seconds ({policy.health_seconds}) or more")
    return tuple(reading.mistakes) if policy is None or reading.mistakes else policy


def document_of(policy: Policy) -> dict[str, object]:
    """The members for JSON: all of them, null where nothing was said."""
    found: dict[str, object] = {name: getattr(policy, name) for name in KEYS}
    if policy.max_failures_percent is not None:
        found["max_failures"] = f"{policy.max_failures_percent:g}%"
    found["apart"] = [list(group) for group in policy.apart]
    if policy.window is not None:
        window = policy.window.window
        found["window"] = {
            "from": _clock_text(window.begin),
            "to": _clock_text(window.end),
            "days": list(window.days),
            "minutes_needed": policy.window.minutes_needed,
        }
    return found


@dataclass(slots=True)
class _Reading:
    members: Mapping[str, object]
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, name: str, detail: str) -> None:
        self.mistakes.append(Mistake(f"policy.{name}", detail))

    def each(self, names: Any, read: Callable[[str], object]) -> dict[str, object]:
        return {name: read(name) for name in names if name in self.members}

    def whole(self, name: str, least: int, most: int) -> int:
        return self.whole_in(self.members, name, name, least, most)

    def whole_in(self, members: Mapping[str, object], key: str, name: str, least: int, most: int) -> int:
        value = members[key]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(name, f"expected a whole number from {least} to {most}")
            return least
        return value

    def share(self, name: str) -> float:
        value = self.members[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
            self.wrong(name, "expected a share above 0, up to 1")
            return 1.0
        return float(value)

    def flag(self, name: str) -> bool:
        value = self.members[name]
        if not isinstance(value, bool):
            self.wrong(name, "expected true or false")
        return bool(value)

    def failures(self) -> dict[str, object]:
        value = self.members.get("max_failures")
        if value is None:
            return {}
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_STATIONS:
            return {"max_failures": value}
        percent = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", value) if isinstance(value, str) else None
        if percent is not None and 0 < float(percent[1]) <= 100:
            return {"max_failures_percent": float(percent[1])}
        self.wrong("max_failures", f'expected a whole number from 1 to {MOST_STATIONS}, or a share such as "20%"')
        return {}

    def apart(self) -> tuple[tuple[str, ...], ...]:
        value = self.members["apart"]
        if not isinstance(value, list) or not all(_is_group(group) for group in value):
            self.wrong("apart", "expected lists of at least two stations each")
            return ()
        return tuple(tuple(dict.fromkeys(group)) for group in value)

    def window(self) -> MaintenanceWindow | None:
        value = self.members["window"]
        if isinstance(value, str) and value.count("-") == 1:
            first, last = value.split("-")
            value = {"from": first.strip(), "to": last.strip()}
        if not isinstance(value, Mapping):
            self.wrong("window", 'expected {"from": "01:00", "to": "05:00"} or "01:00-05:00"')
            return None
        told = {str(name): one for name, one in value.items() if one is not None}
        for name in told:
            if name not in ("from", "to", "days", "minutes_needed"):
                self.wrong(f"window.{name[:100]}", "unknown; known are from, to, days, minutes_needed")
        begin, end = self.time_of_day(told, "from"), self.time_of_day(told, "to")
        days = told.get("days", [])
        if not isinstance(days, list) or not all(day in WEEKDAYS for day in days):
            self.wrong("window.days", f"expected some of {', '.join(WEEKDAYS)}")
            days = []
        needed = 30
        if "minutes_needed" in told:
            needed = self.whole_in(told, "minutes_needed", "window.minutes_needed", 0, _DAY_MINUTES)
        length = (end - begin) % _DAY_MINUTES or _DAY_MINUTES
        if needed >= length and not self.mistakes:
            self.wrong("window.minutes_needed", f"expected less than the {length} minutes of the window")
        return MaintenanceWindow(Window(begin, end, tuple(dict.fromkeys(days))), needed)

    def time_of_day(self, members: Mapping[str, object], name: str) -> int:
        value = members.get(name)
        text = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])", value) if isinstance(value, str) else None
        if text is not None:
            return int(text[1]) * 60 + int(text[2])
        if name == "to" and value == "24:00":
            return _DAY_MINUTES
        self.wrong(f"window.{name}", 'expected a time of day such as "01:30"')
        return 0


def _is_group(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value) and len(set(value)) > 1


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
