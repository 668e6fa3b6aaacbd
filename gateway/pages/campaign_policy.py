"""How careful a rollout is, as a form: its fields with their explanations, their values as text, and back again.

What is allowed is decided by the API; text that is no number is handed on as it is, so that the API says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.pages.words import mark

DAYS = {
    "mon": mark("Monday"), "tue": mark("Tuesday"), "wed": mark("Wednesday"), "thu": mark("Thursday"),
    "fri": mark("Friday"), "sat": mark("Saturday"), "sun": mark("Sunday"),
}  # fmt: skip
# fields of the form that are parts of one member of the policy
_OF_WINDOW = {"window_from": "from", "window_to": "to", "window_minutes_needed": "minutes_needed"}
_USUAL_MINUTES_NEEDED = "30"
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `kind`: a whole number, a share shown as percent, yes or no, or text as the API takes it."""

    name: str
    label: str
    hint: str
    kind: Literal["whole", "percent", "flag", "text"] = "whole"


CAREFUL = (
    Field(
        "canary",
        mark("Stations that go first"),
        mark("The others wait until these are updated and well. 0: none goes first."),
    ),
    Field(
        "pause_after_canary",
        mark("Ask me before the others begin"),
        mark("After the first stations the rollout waits for your approval."),
        "flag",
    ),
    Field(
        "wave_share",
        mark("Share of the others in each wave, in percent"),
        mark("A wave begins when the one before it is done."),
        "percent",
    ),
    Field(
        "max_failures",
        mark("Stop after so many failures"),
        mark("A number of stations, or a share with a percent sign. A failure of those that go first always stops it."),
        "text",
    ),
    Field(
        "at_once",
        mark("Stations updated at the same time"),
        mark("So many may be out of service at once because of updates."),
    ),
    Field(
        "most_share_of_connectors",
        mark("Never more than this share of connectors at once, in percent"),
        mark("So that drivers always find one that works."),
        "percent",
    ),
)
WHEN = (
    Field(
        "min_connected_seconds",
        mark("Connected for at least (seconds)"),
        mark("A station whose connection is unstable is not updated."),
    ),
    Field(
        "drain",
        mark("Keep busy stations free of new cars"),
        mark("Their free connectors are taken out of service until the last car is done. No session is ever ended."),
        "flag",
    ),
    Field(
        "drain_hours",
        mark("… for at most (hours)"),
        mark("Then the connectors are put back, and it is tried again an hour later."),
    ),
    Field(
        "wave_patience_hours",
        mark("Wait for missing stations of a wave (hours)"),
        mark("Stations that were offline or busy for so long do not hold up the others."),
    ),
    Field(
        "give_up_days", mark("Give up after (days)"), mark("Stations that could not be asked for so long are left out.")
    ),
)
TIMES = (
    Field("tries", mark("Tries per station"), mark("How often a station is asked at most.")),
    Field("try_again_minutes", mark("Between two tries (minutes)"), ""),
    Field(
        "retries", mark("Tries of the station itself"), mark("How often the station tries to load the image by itself.")
    ),
    Field("retry_interval_seconds", mark("Between these (seconds)"), ""),
    Field("start_seconds", mark("Must begin to load within (seconds)"), ""),
    Field("stall_seconds", mark("May stand still while loading for (seconds)"), ""),
    Field("download_seconds", mark("Must have loaded within (seconds)"), mark("Slow mobile connections need hours.")),
    Field("install_seconds", mark("Must have installed and restarted within (seconds)"), ""),
    Field(
        "version_seconds",
        mark("May report an old version after the restart for (seconds)"),
        mark("Some stations restart twice."),
    ),
    Field(
        "health_seconds",
        mark("Must be well for (seconds)"),
        mark("Connected, without fault, with its connectors in service."),
    ),
    Field("check_seconds", mark("Must have become well within (seconds)"), ""),
    Field(
        "force_downgrade",
        mark("An older version may replace a newer one"),
        mark("Only if the image allows that, too."),
        "flag",
    ),
)
_FIELDS = (*CAREFUL, *WHEN, *TIMES)


def texts_of(policy: Mapping[str, object]) -> dict[str, str]:
    """The fields of the form for a complete policy of the API; flags that are not set are left out."""
    texts = {field.name: text for field in _FIELDS if (text := _text(field, policy.get(field.name)))}
    window = policy.get("window")
    of_window = window if isinstance(window, Mapping) else {}
    texts |= {name: str(of_window[member]) for name, member in _OF_WINDOW.items() if of_window.get(member) is not None}
    texts.setdefault("window_minutes_needed", _USUAL_MINUTES_NEEDED)
    groups = policy.get("apart")
    lines = groups if isinstance(groups, list) else []
    texts["apart"] = "\n".join(", ".join(map(str, group)) for group in lines)
    return texts


def days_of(policy: Mapping[str, object]) -> list[str]:
    """The days on which the maintenance window begins; none: every day."""
    window = policy.get("window")
    days = window.get("days") if isinstance(window, Mapping) else None
    return [str(day) for day in days] if isinstance(days, list) else []


def policy_of(texts: Mapping[str, str], days: Sequence[str]) -> dict[str, object]:
    """What was typed, as the API takes it; an empty field has its default."""
    policy: dict[str, object] = {}
    for field in _FIELDS:
        if field.kind == "flag":
            policy[field.name] = field.name in texts
        elif texts.get(field.name):
            policy[field.name] = _value(field, texts[field.name])
    if texts.get("window_from") or texts.get("window_to") or days:
        window = {member: texts[name] for name, member in _OF_WINDOW.items() if texts.get(name)}
        policy["window"] = {**window, **_whole_member(window, "minutes_needed"), "days": list(days)}
    groups = [line.split(",") for line in texts.get("apart", "").splitlines() if line.strip()]
    if groups:
        policy["apart"] = [[one.strip() for one in group if one.strip()] for group in groups]
    return policy


def field_of(name: str) -> str:
    """The field of the form that a mistake of the API belongs to."""
    member = name.removeprefix("policy.")
    if member in ("window", "window.from"):
        return "window_from"
    return member.replace("window.", "window_")


def _text(field: Field, value: object) -> str:
    if field.kind == "flag":
        return "on" if value is True else ""
    if field.kind == "percent" and isinstance(value, int | float):
        return f"{value * 100:g}"
    return "" if value is None else str(value)


def _value(field: Field, text: str) -> object:
    if field.kind == "percent":
        return float(text) / 100 if _PERCENT.fullmatch(text) else text
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text) else text


def _whole_member(members: Mapping[str, str], name: str) -> dict[str, object]:
    text = members.get(name, "")
    return {name: int(text)} if re.fullmatch(r"[0-9]{1,9}", text) else {}
