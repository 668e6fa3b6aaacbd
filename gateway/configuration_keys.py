"""gateway.toml as frozen dataclasses: which keys there are, their types, bounds and defaults.

`docs/configuration.md` and `docs/gateway.toml` say the same to people; a test holds the three together.
This file does not know how files are read, what a single value may be (configuration_values), nor which keys must
agree with each other (configuration_agreement).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from gateway.configuration_files import Mistake, Node, Place
from gateway.configuration_reading import Between, Passes, SecretFile
from gateway.configuration_values import (
    Amps,
    Baudrate,
    Day,
    Days,
    EndOfDay,
    Host,
    Name,
    Parity,
    Pattern,
    PhaseAmps,
    PhaseRotation,
    Port,
    Seconds,
    SecondsOrOff,
    SettingName,
    SettingValue,
    StationId,
    TimeOfDay,
    TopicRoot,
    Unit,
    Watts,
    WebAddress,
    Zone,
    up_to,
)


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


Megabytes = Annotated[int, Between(1, 102_400)]
TransferScheme = Literal["auto", "http", "https", "ftp", "ftps"]


@dataclass(frozen=True, slots=True)
class Firmware:
    """[firmware]"""

    host: Host = "0.0.0.0"
    port: Port = 8088
    public_url: WebAddress | None = None
    tls_port: Port | None = None
    ftp_port: Port | None = None
    ftp_passive_ports: tuple[Port, Port] | None = None
    upload_limit_mb: Megabytes = 512
    uploads_limit_mb: Megabytes = 4096
    station_uploads_limit_mb: Megabytes = 1024
    uploads_days: Days = 90
    images_limit_mb: Megabytes = 8192
    require_verified: bool = False
    link_hours: Annotated[int, Between(1, 720)] = 24
    transfers_at_once: Annotated[int, Between(1, 100)] = 4
    station_kilobytes_per_second: Annotated[int, Between(0, 1_000_000)] = 0
    transfer_scheme: TransferScheme = "auto"


@dataclass(frozen=True, slots=True)
class Retention:
    """[retention]: the lower bounds keep what bills, fleet managers and repeated commands still rely on."""

    transactions_days: Annotated[int, Between(400, 36_500)] = 3650
    meter_days: Annotated[int, Between(30, 36_500)] = 400
    meter_megabytes: Annotated[int, Between(10, 1_000_000)] = 500
    operations_days: Days = 90
    operations_megabytes: Annotated[int, Between(10, 1_000_000)] = 200
    quarantine_days: Days = 30
    commands_days: Annotated[int, Between(7, 36_500)] = 90
    load_days: Days = 30
    load_megabytes: Annotated[int, Between(10, 100_000)] = 200
    disk_megabytes: Annotated[int, Between(0, 10_000_000)] = 0
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
    uploads_url: WebAddress | None = None
    uploads_token_file: SecretFile | None = None


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
class ScheduledLimit:
    """One entry of schedule in [[circuit]]: a lower limit at these hours, by the site's clock.

    `days` are those on which it begins (none: every day); when `to` is not after `from`, it ends on the next day.
    """

    start: TimeOfDay = field(metadata={"key": "from"})
    to: EndOfDay
    days: tuple[Day, ...] = ()
    limit_amps: PhaseAmps | None = None
    limit_watts: Watts | None = None


@dataclass(frozen=True, slots=True)
class Circuit:
    """[[circuit]]: limits are per phase; background_worst_amps is filled in by the loader."""

    name: Name
    limit_amps: PhaseAmps
    parent: str | None = None
    meter: str | None = None
    background_worst_amps: PhaseAmps | None = None
    limit_watts: Watts | None = None
    unbalance_limit_amps: Amps | None = None
    schedule: tuple[ScheduledLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """[load]: what holds for all circuits."""

    fallbacks_may_become_zero: bool = False


@dataclass(frozen=True, slots=True)
class StationSettings:
    """[[station]]: what the file says of one station; what changed at run time beats it."""

    id: StationId
    circuit: str | None = None
    phase_rotation: PhaseRotation = "123"
    min_amps: Amps = 6
    max_amps: Amps = 32
    fallback_amps: Amps = 6
    connectors: Annotated[int, Between(1, 100)] = 1
    priority: Annotated[int, Between(-1000, 1000)] = 0
    weight: Annotated[float, Between(0.01, 100)] = 1
    eco: bool = False
    no_resume: bool = False
    load_mode: Literal["auto", "A", "B", "C", "D"] = "auto"
    password_file: SecretFile | None = None
    security_profile: Annotated[int, Between(0, 3)] = 0
    # A00.FR.404 and 405: what O of a client certificate must contain; a common name beside id and serial number
    certificate_organization: Annotated[str, up_to(64)] | None = None
    certificate_common_name: Annotated[str, up_to(64)] | None = None
    aliases: tuple[StationId, ...] = ()
    allow_missing_subprotocol: bool = False
    accept_hex_password: bool = True
    strict: bool | None = None
    call_timeout_seconds: Seconds | None = None
    answer_delay_ms: Annotated[int, Between(0, 10_000)] = 0
    utc_offset_minutes: Annotated[int, Between(-840, 840)] = 0
    energy_scale: Annotated[int, Between(1, 1000)] = 1
    # OCPP 1.6 7.28: IdToken is a CiString20
    remote_id_tag: Annotated[str, up_to(20)] | None = None
    quiet: bool = False
    desired_configuration: Mapping[SettingName, SettingValue] = field(default_factory=dict)
    reboot_when_idle: bool | None = None
    transfer_scheme: TransferScheme = "auto"


@dataclass(frozen=True, slots=True)
class StationModel:
    """[[station_model]]: configuration keys for every station of one kind; a later table beats an earlier one."""

    vendor: Pattern = "*"
    model: Pattern = "*"
    desired_configuration: Mapping[SettingName, SettingValue] = field(default_factory=dict)
    transfer_scheme: TransferScheme = "auto"


BUILT_IN = Place("(built-in defaults)", "")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything the files say. `written` is their tree, to name the place of what turns out wrong later.

    `decided`: which keys site.toml gives; `left_out`: the mistakes because of which it is left out whole.
    """

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
    load: Load = field(default_factory=Load)
    stations: tuple[StationSettings, ...] = field(default=(), metadata={"key": "station"})
    station_models: tuple[StationModel, ...] = field(default=(), metadata={"key": "station_model"})
    decided: tuple[str, ...] = field(default=(), metadata={"key": ""})
    left_out: tuple[Mistake, ...] = field(default=(), metadata={"key": ""})
    written: Node = field(default=Node({}, BUILT_IN), compare=False, repr=False, metadata={"key": ""})
