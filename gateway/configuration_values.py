"""What a value in gateway.toml may be: the types of keys with their bounds, and the sentence that says so.

Which keys there are is not known here (configuration_keys).
"""

from __future__ import annotations

import re
from itertools import permutations
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gateway.configuration_reading import Between, Passes
from gateway.rules.desired_settings import may_be_wanted
from gateway.rules.secrecy import masked_text


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _is_time_of_day(text: str) -> bool:
    return re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text) is not None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password) and text.isprintable()
    return has_port and plain and parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text


def up_to(length: int) -> Passes:
    """A text of at most so many characters."""
    expected = f"1 to {length} printable characters"
    return Passes(expected, lambda text: 0 < len(text) <= length and text.isprintable() and text == text.strip())


_ROTATIONS = {"".join(order) for order in permutations("123")} | set("123")

Port = Annotated[int, Between(0, 65_535)]
Seconds = Annotated[float, Between(0.1, 604_800)]
SecondsOrOff = Annotated[float, Between(0, 604_800)]
Days = Annotated[int, Between(1, 36_500)]
Amps = Annotated[float, Between(0, 10_000)]
PhaseAmps = tuple[Amps, Amps, Amps]
Name = Annotated[str, up_to(64)]
# OCPP-J 1.6 sets no bound; 48 is what OCPP 2.0.1 allows and what its stations can store
StationId = Annotated[str, up_to(48)]
Host = Annotated[str, Passes("a host name or an address", lambda text: 0 < len(text) <= 253 and text.split() == [text])]
Zone = Annotated[str, Passes('a time zone such as "Europe/Amsterdam"', _is_zone)]
WebAddress = Annotated[str, Passes('an address such as "http://192.168.1.10:8088"', _is_web_address)]
TopicRoot = Annotated[
    str,
    Passes(
        "a topic without `+`, `#`, `$` at its start and `/` at its ends",
        lambda text: bool(text) and text.strip("/") == text and text[0] != "$" and not set("+#\0") & set(text),
    ),
]
PhaseRotation = Annotated[
    str, Passes('an order of "123", or "1", "2" or "3" for a one-phase station', lambda text: text in _ROTATIONS)
]
Watts = Annotated[float, Between(0, 10_000_000)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[str, Passes('a time of day such as "17:30"', _is_time_of_day)]
EndOfDay = Annotated[
    str,
    Passes('a time of day such as "17:30", up to "24:00"', lambda text: text == "24:00" or _is_time_of_day(text)),
]
# OCPP 1.6 5.3, 7.29: a key is a CiString50, a value a CiString500
SettingName = Annotated[
    str,
    Passes(
        "1 to 50 characters, and none that holds a secret (AuthorizationKey and SecurityProfile are set by"
        " `ocpp-gateway station security`)",
        lambda text: 0 < len(text) <= 50 and text.isprintable() and text == text.strip() and may_be_wanted(text),
    ),
]
SettingValue = Annotated[
    str,
    Passes(
        'text such as "60", of up to 500 characters and without a password',
        lambda text: len(text) <= 500 and text.isprintable() and masked_text(text) == text,
    ),
]
Pattern = Annotated[str, up_to(50)]
Parity = Literal["N", "E", "O"]
Baudrate = Annotated[int, Between(300, 921_600)]
Unit = Annotated[int, Between(1, 247)]
