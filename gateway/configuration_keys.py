"""gateway.toml as frozen dataclasses: which keys there are, their types, bounds and defaults.

`docs/configuration.md` and `docs/gateway.toml` say the same to people; a test holds the three together.
This file does not know how files are read, nor which keys must agree with each other (configuration_agreement).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gateway.configuration_files import Node, Place
from gateway.configuration_reading import Between, Passes, SecretFile
from gateway.rules.desired_settings import may_be_wanted
from gateway.rules.secrecy import masked_text


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password) and text.isprintable()
    return has_port and plain and parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text


def _up_to(length: int) -> Passes:
    expected = f"1 to {length} printable characters"
    return Passes(expected, lambda text: 0 < len(text) <= length and text.isprintable() and text == text.strip())


_ROTATIONS = {"".join(order) for order in permutations("123")} | set("123")

Port = Annotated[int, Between(0, 65_535)]
Seconds = Annotated[float, Between(0.1, 604_800)]
SecondsOrOff = Annotated[float, Between(0, 604_800)]
Days = Annotated[int, Between(1, 36_500)]
Amps = Annotated[float, Between(0, 10_000)]
PhaseAmps = tuple[Amps, Amps, Amps]
Name = Annotated[str, _up_to(64)]
# OCPP-J 1.6 sets no bound; 48 is what OCPP 2.0.1 allows and what its stations can store
StationId = Annotated[str, _up_to(48)]
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
Pattern = Annotated[str, _up_to(50)]
Parity = Literal["N", "E", "O"]
Baudrate = Annotated[int, Between(300, 921_600)]
Unit = Annotated[int, Between(1, 247)]


@dataclass(frozen=True, slots=True)
class Site:
    """[site]"""

    id: Name
    name: Annotated[str, Passes("up to 100 characters", lambda text: len(text) <= 100)] = ""
    timezone: Zone = "UTC"


@dataclass(frozen=True, slots=True)
class Data:
    """[data]"""

    directory: Path = Path("/var/lib/ocpp-gateway")


@dataclass(frozen=True, slots=True)
class Certificate:
    """One entry of certificates in [ocpp.tls]"""

    chain: Path
    key_file: SecretFile


@dataclass(frozen=True, slots=True)
class Tls:
    """[ocpp.tls]: absent means no TLS port."""

    port: Port = 9443
    names: tuple[Host, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    client_ca: Path | None = None
    cipher_set: Literal["modern", "certification"] = "modern"


@dataclass(frozen=True, slots=True)
class Ocpp:
    """[ocpp]"""

    host: Host = "0.0.0.0"
    port: Port = 9000
    unknown_stations: Literal["refuse", "pending", "accept"] = "refuse"
    unknown_tags: Literal["refuse", "accept"] = "refuse"
    heartbeat_seconds: Annotated[int, Between(1, 86_400)] = 300
    call_timeout_seconds: Seconds = 60
    automatic_calls: bool = True
    reboot_when_idle: bool = False
    strict: bool = False
    max_frame_bytes: Annotated[int, Between(65_536, 100_000_000)] = 8_000_000
    answering_queue: Annotated[int, Between(1, 10_000)] = 32
    idle_timeout_seconds: SecondsOrOff = 0
    ping_interval_seconds: SecondsOrOff = 0
    connection_timeout_seconds: Seconds = 600
    stale_session_minutes: Annotated[int, Between(1, 10_080)] = 60
    certificate_signatures: Literal["as_key", "rsa", "ecdsa"] = "as_key"
    max_unknown_stations: Annotated[int, Between(0, 100_000)] = 100
    tls: Tls | None = None

    @property
    def silence_allowed_seconds(self) -> float:
        """How long a station may say nothing: idle_timeout_seconds; if that is 0, three heartbeats, at least 900."""
        return self.idle_timeout_seconds or max(900.0, 3.0 * self.heartbeat_seconds)


@dataclass(frozen=True, slots=True)
class Web:
    """[web]"""

    host: Host = "127.0.0.1"
    port: Port = 8080


@dataclass(frozen=True, slots=True)
class Firmware:
    """[firmware]"""

    host: Host = "0.0.0.0"
    port: Port = 8088
    public_url: WebAddress | None = None
    ftp_port: Port | None = None
    upload_limit_mb: Annotated[int, Between(1, 102_400)] = 512


@dataclass(frozen=True, slots=True)
class Retention:
    """[retention]: the lower bounds keep what bills, fleet managers and repeated commands still rely on."""

    transactions_days: Annotated[int, Between(400, 36_500)] = 3650
    meter_days: Annotated[int, Between(30, 36_500)] = 400
    operations_days: Days = 90
    quarantine_days: Days = 30
    commands_days: Annotated[int, Between(7, 36_500)] = 90
    backups: Annotated[int, Between(1, 1000)] = 5


@dataclass(frozen=True, slots=True)
class Log:
    """[log]"""

    level: Literal["error", "warning", "info", "debug"] = "warning"
    frames: bool = False


@dataclass(frozen=True, slots=True)
class Upstream:
    """[[upstream]]: one MQTT broker. `port` is filled in by the loader: 8883 with TLS, 1883 without."""

    name: Name
    host: Host
    port: Annotated[int, Between(1, 65_535)] | None = None
    tls: bool = True
    ca: Path | None = None
    chain: Path | None = None
    key_file: SecretFile | None = None
    username: str | None = None
    password_file: SecretFile | None = None
    topic_root: TopicRoot = "ocpp-gateway"
    required: bool = True
    start_jitter_seconds: SecondsOrOff = 300
    backoff_max_seconds: Annotated[float, Between(1, 86_400)] = 300


@dataclass(frozen=True, slots=True)
class RtuTransport:
    """Modbus RTU on a serial line."""

    device: Path
    type: Literal["rtu"] = "rtu"
    baudrate: Baudrate = 9600
    parity: Parity = "N"
    unit: Unit = 1


@dataclass(frozen=True, slots=True)
class TcpTransport:
    """Modbus TCP, or Modbus RTU frames over TCP (framing = "rtu")."""

    host: Host
    type: Literal["tcp"] = "tcp"
    port: Annotated[int, Between(1, 65_535)] = 502
    unit: Annotated[int, Between(0, 255)] = 1
    framing: Literal["tcp", "rtu"] = "tcp"


@dataclass(frozen=True, slots=True)
class SerialTransport:
    """A meter that talks by itself on a serial line: P1 or SML, as its model says."""

    device: Path
    type: Literal["serial"] = "serial"
    baudrate: Baudrate = 115_200
    parity: Parity = "N"


@dataclass(frozen=True, slots=True)
class Meter:
    """[[meter]]"""

    name: Name
    model: Name
    transport: RtuTransport | TcpTransport | SerialTransport
    interval_seconds: Annotated[float, Between(0.1, 3600)] = 1
    may_export: bool = True
    inverted: bool = False


@dataclass(frozen=True, slots=True)
class Circuit:
    """[[circuit]]: limits are per phase; background_worst_amps is filled in by the loader."""

    name: Name
    limit_amps: PhaseAmps
    parent: str | None = None
    meter: str | None = None
    background_worst_amps: PhaseAmps | None = None


@dataclass(frozen=True, slots=True)
class StationSettings:
    """[[station]]: what the file says of one station; what changed at run time beats it."""

    id: StationId
    circuit: str | None = None
    phase_rotation: PhaseRotation = "123"
    min_amps: Amps = 6
    max_amps: Amps = 32
    fallback_amps: Amps = 6
    priority: Annotated[int, Between(-1000, 1000)] = 0
    password_file: SecretFile | None = None
    security_profile: Annotated[int, Between(0, 3)] = 0
    # A00.FR.404 and 405: what O of a client certificate must contain; a common name beside id and serial number
    certificate_organization: Annotated[str, _up_to(64)] | None = None
    certificate_common_name: Annotated[str, _up_to(64)] | None = None
    aliases: tuple[StationId, ...] = ()
    allow_missing_subprotocol: bool = False
    accept_hex_password: bool = True
    strict: bool | None = None
    call_timeout_seconds: Seconds | None = None
    answer_delay_ms: Annotated[int, Between(0, 10_000)] = 0
    utc_offset_minutes: Annotated[int, Between(-840, 840)] = 0
    energy_scale: Annotated[int, Between(1, 1000)] = 1
    # OCPP 1.6 7.28: IdToken is a CiString20
    remote_id_tag: Annotated[str, _up_to(20)] | None = None
    quiet: bool = False
    desired_configuration: Mapping[SettingName, SettingValue] = field(default_factory=dict)
    reboot_when_idle: bool | None = None


@dataclass(frozen=True, slots=True)
class StationModel:
    """[[station_model]]: configuration keys for every station of one kind; a later table beats an earlier one."""

    vendor: Pattern = "*"
    model: Pattern = "*"
    desired_configuration: Mapping[SettingName, SettingValue] = field(default_factory=dict)


_DEFAULTS_PLACE = Place("(built-in defaults)", "")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the files say. `written` is their tree, to name the place of what turns out wrong later."""

    site: Site
    data: Data = field(default_factory=Data)
    ocpp: Ocpp = field(default_factory=Ocpp)
    web: Web = field(default_factory=Web)
    firmware: Firmware = field(default_factory=Firmware)
    retention: Retention = field(default_factory=Retention)
    log: Log = field(default_factory=Log)
    upstreams: tuple[Upstream, ...] = field(default=(), metadata={"key": "upstream"})
    meters: tuple[Meter, ...] = field(default=(), metadata={"key": "meter"})
    circuits: tuple[Circuit, ...] = field(default=(), metadata={"key": "circuit"})
    stations: tuple[StationSettings, ...] = field(default=(), metadata={"key": "station"})
    station_models: tuple[StationModel, ...] = field(default=(), metadata={"key": "station_model"})
    written: Node = field(default=Node({}, _DEFAULTS_PLACE), compare=False, repr=False, metadata={"key": ""})
