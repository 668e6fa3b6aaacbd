"""The settings of a station as fields of a form: labels, what they are for, and how text becomes what the API takes.

Only what was changed is sent: everything that is sent beats the configuration file from then on. What is wrong with a
value is for the API to say; text that is no number is sent as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.pages.station_words import PROFILES
from gateway.pages.typed_numbers import number
from gateway.pages.words import mark

Document = Mapping[str, object]

RESET = "reset-"


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `kind`: text, number, choice, flag, maybe (yes, no or as the whole site), lines, pairs, moment,
    or password.

    `choices` are (value, label); `optional`: may be empty, which takes the value away.
    """

    name: str
    kind: str
    label: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    optional: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]
    open: bool = False


_ROTATIONS = ("123", "231", "312", "132", "213", "321")
CIRCUIT = Field(
    "circuit",
    "choice",
    mark("Circuit"),
    mark("The fuse that feeds the station. Without one its current is not limited."),
    optional=True,
)
ROTATION = Field(
    "phase_rotation",
    "choice",
    mark("Phase rotation"),
    mark("On which phases of the circuit L1, L2 and L3 of the station are connected. 1, 2 or 3: a one-phase station."),
    tuple((each, each) for each in (*_ROTATIONS, "1", "2", "3")),
)
LEAST = Field("min_amps", "number", mark("Lowest current"), mark("Below it cars stop charging; usually 6 A."), unit="A")
MOST = Field("max_amps", "number", mark("Highest current"), mark("What the cable and the station can carry."), unit="A")
FALLBACK = Field(
    "fallback_amps",
    "number",
    mark("Fallback current"),
    mark("What the station may draw per phase when the gateway cannot be reached."),
    unit="A",
)
CONNECTORS = Field("connectors", "number", mark("Connectors"), mark("How many cars can charge at the same time."))
PRIORITY = Field(
    "priority", "number", mark("Priority"), mark("A higher number is served first when current is scarce.")
)
PROFILE = Field(
    "security_profile",
    "choice",
    mark("Security profile"),
    mark("How the station has to prove who it is. Set the same in the station."),
    tuple(PROFILES.items()),
)
PASSWORD = Field(
    "password",
    "password",
    mark("Password"),
    mark("Counts from the next connection on; enter it in the station as well. Empty: it stays as it is."),
    optional=True,
)

OF_A_NEW_ONE = (CIRCUIT, ROTATION, LEAST, MOST, FALLBACK, CONNECTORS, PRIORITY, PROFILE, PASSWORD)
GROUPS = (
    Group(
        mark("Electrical connection"),
        (CIRCUIT, ROTATION, LEAST, MOST, FALLBACK, CONNECTORS),
        open=True,
    ),
    Group(
        mark("Sharing current"),
        (
            PRIORITY,
            Field("weight", "number", mark("Weight"), mark("With 2 it gets twice the share of one with 1.")),
            Field(
                "eco", "flag", mark("Charges only from surplus"), mark("Solar power that would otherwise be fed out.")
            ),
            Field("no_resume", "flag", mark("Never paused"), mark("For cars that do not wake up again after a pause.")),
            Field(
                "load_mode",
                "choice",
                mark("How it is limited"),
                mark("Automatic is right unless the station misbehaves."),
                (
                    ("auto", mark("Automatic")),
                    ("A", mark("A – a limit for each session")),
                    ("B", mark("B – the usual limit of the connector")),
                    ("C", mark("C – the limit of the whole station")),
                    ("D", mark("D – it takes no limits")),
                ),
            ),
        ),
    ),
    Group(
        mark("Who it is"),
        (
            PROFILE,
            PASSWORD,
            Field(
                "aliases", "lines", mark("Other identities"), mark("One in each line, as the station may call itself.")
            ),
            Field("certificate_organization", "text", mark("Organisation in its certificate"), optional=True),
            Field("certificate_common_name", "text", mark("Common name in its certificate"), optional=True),
        ),
    ),
    Group(
        mark("Charging"),
        (
            Field(
                "remote_id_tag",
                "text",
                mark("Tag of a station without a reader"),
                mark("Sessions that begin without a card are booked on this idTag."),
                optional=True,
            ),
            Field(
                "energy_scale",
                "number",
                mark("Energy scale"),
                mark("1000 for a station that counts kWh instead of Wh."),
            ),
        ),
    ),
    Group(
        mark("Configuration keys"),
        (
            Field(
                "desired_configuration",
                "pairs",
                mark("Wanted keys"),
                mark("One in each line: Key=Value. The gateway sets them and repairs them after each restart."),
            ),
            Field(
                "reboot_when_idle",
                "maybe",
                mark("Restart it when settings need it"),
                mark("Only while nobody charges and nothing is reserved."),
                optional=True,
            ),
            Field(
                "quiet",
                "flag",
                mark("Leave it alone"),
                mark("The gateway asks it nothing by itself, and sends no limits."),
            ),
        ),
    ),
    Group(
        mark("Habits of the station"),
        (
            Field(
                "strict",
                "maybe",
                mark("Repair nothing"),
                mark("Wrongly written messages are refused instead of being mended."),
                optional=True,
            ),
            Field(
                "call_timeout_seconds",
                "number",
                mark("Time to answer"),
                mark("Empty: as for all stations."),
                optional=True,
                unit="s",
            ),
            Field(
                "answer_delay_ms",
                "number",
                mark("Wait before answering"),
                mark("For stations that cannot bear quick answers."),
                unit="ms",
            ),
            Field(
                "utc_offset_minutes",
                "number",
                mark("Clock offset"),
                mark("For a station that tells local time as if it were UTC."),
                unit="min",
            ),
            Field("allow_missing_subprotocol", "flag", mark("May connect without naming OCPP 1.6")),
            Field("accept_hex_password", "flag", mark("May send its password as hexadecimal text")),
            Field(
                "transfer_scheme",
                "choice",
                mark("Fetches and uploads files by"),
                "",
                (("auto", mark("Automatic")), *((each, each) for each in ("http", "https", "ftp", "ftps"))),
            ),
        ),
    ),
)
FIELDS = tuple(field for group in GROUPS for field in group.fields)


def texts_of(station: Document, fields: Iterable[Field] = FIELDS) -> dict[str, str]:
    """What stands in the fields of a form for a station that the API describes. A password is never there."""
    return {field.name: _text(field, _value(station, field.name)) for field in fields}


def wishes_of(
    form: Mapping[str, str], before: Mapping[str, str], fields: Iterable[Field] = FIELDS
) -> dict[str, object]:
    """The body for PUT: what differs from `before`, and null where the file's value is to come back."""
    wishes: dict[str, object] = {}
    for field in fields:
        if field.name not in form and field.kind != "flag":  # a browser sends every field but an empty tick
            continue
        text = form.get(field.name, "")
        text = ("true" if text else "false") if field.kind == "flag" else text.replace("\r\n", "\n")
        if form.get(RESET + field.name):
            wishes[field.name] = None
        elif text != before.get(field.name, ""):
            wishes[field.name] = _wish(field, text)
    return wishes


def number_or_text(text: str) -> object:
    """A number as people write it, with point or comma; the text itself when it is none."""
    value = number(text)
    return text if value is None else value


def mistakes_by_field(errors: Mapping[str, str]) -> dict[str, str]:
    """The API's mistakes by the field of the form: `aliases[1]` belongs to `aliases`."""
    found: dict[str, str] = {}
    for name, detail in errors.items():
        field = name.partition("[")[0].partition(".")[0]
        found[field] = f"{found[field]}; {detail}" if field in found else detail
    return found


def _value(station: Document, name: str) -> object:
    return station.get("connectors_setting" if name == "connectors" else name)


def _text(field: Field, value: object) -> str:
    if value is None or field.kind == "password":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if field.kind == "lines" and isinstance(value, list | tuple):
        return "\n".join(str(each) for each in value)
    if field.kind == "pairs" and isinstance(value, Mapping):
        return "\n".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _wish(field: Field, text: str) -> object:
    if field.optional and not text:
        return None
    if field.kind in ("flag", "maybe"):
        return text == "true"
    if field.kind == "lines":
        return [line.strip() for line in text.split("\n") if line.strip()]
    if field.kind == "pairs":
        pairs = (line.partition("=") for line in text.split("\n") if line.strip())
        return {key.strip(): value.strip() for key, _, value in pairs}
    return number_or_text(text) if field.kind == "number" or field.name == "security_profile" else text
