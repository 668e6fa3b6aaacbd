"""What a station may send us, typed: the 14 requests of OCPP 1.6 and its security extension, and our answers to them.

Each request accepts exactly what its official JSON schema accepts (a test compares them on mutated messages), so
decoding is the schema check. An absent optional property is None; an explicit `null` is refused, as by the schemas.
Answers leave absent optional properties out. Timestamps stay text: this file does not know how stations write them,
nor what any message means.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct

if TYPE_CHECKING:
    from typing import Optional as Maybe
else:

    class Maybe:
        """`Maybe[T]` reads as `T | None` but decodes as plain `T`: absent gives the default None, `null` is refused."""

        def __class_getitem__(cls, item: object) -> object:
            return item


Text20 = Annotated[str, Meta(max_length=20)]
Text25 = Annotated[str, Meta(max_length=25)]
Text50 = Annotated[str, Meta(max_length=50)]
Text255 = Annotated[str, Meta(max_length=255)]
Text5500 = Annotated[str, Meta(max_length=5500)]

# fmt: off
ReadingContext = Literal[
    "Interruption.Begin", "Interruption.End", "Sample.Clock", "Sample.Periodic", "Transaction.Begin",
    "Transaction.End", "Trigger", "Other",
]
Measurand = Literal[
    "Energy.Active.Export.Register", "Energy.Active.Import.Register", "Energy.Reactive.Export.Register",
    "Energy.Reactive.Import.Register", "Energy.Active.Export.Interval", "Energy.Active.Import.Interval",
    "Energy.Reactive.Export.Interval", "Energy.Reactive.Import.Interval", "Power.Active.Export",
    "Power.Active.Import", "Power.Offered", "Power.Reactive.Export", "Power.Reactive.Import", "Power.Factor",
    "Current.Import", "Current.Export", "Current.Offered", "Voltage", "Frequency", "Temperature", "SoC", "RPM",
]
Phase = Literal["L1", "L2", "L3", "N", "L1-N", "L2-N", "L3-N", "L1-L2", "L2-L3", "L3-L1"]
Location = Literal["Cable", "EV", "Inlet", "Outlet", "Body"]
TransactionUnit = Literal[
    "Wh", "kWh", "varh", "kvarh", "W", "kW", "VA", "kVA", "var", "kvar", "A", "V", "K", "Celcius", "Celsius",
    "Fahrenheit", "Percent",
]
ChargePointErrorCode = Literal[
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
    "LocalListConflict", "NoError", "OtherError", "OverCurrentFailure", "PowerMeterFailure", "PowerSwitchFailure",
    "ReaderFailure", "ResetFailure", "UnderVoltage", "OverVoltage", "WeakSignal",
]
ChargePointStatus = Literal[
    "Available", "Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing", "Reserved", "Unavailable",
    "Faulted",
]
StopReason = Literal[
    "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote", "SoftReset",
    "UnlockCommand", "DeAuthorized",
]
Unit = Literal[TransactionUnit, "Hertz"]
FirmwareStatus = Literal[
    "Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"
]
UploadLogStatus = Literal[
    "BadMessage", "Idle", "NotSupportedOperation", "PermissionDenied", "Uploaded", "UploadFailure", "Uploading"
]
SignedFirmwareStatus = Literal[
    FirmwareStatus,
    "DownloadScheduled",
    "DownloadPaused",
    "InstallRebooting",
    "InstallScheduled",
    "InstallVerificationFailed",
    "InvalidSignature",
    "SignatureVerified",
]
AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]
RegistrationStatus = Literal["Accepted", "Pending", "Rejected"]
DataTransferStatus = Literal["Accepted", "Rejected", "UnknownMessageId", "UnknownVendorId"]
# fmt: on


class SampledValue(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """One value of a MeterValues message; `value` is text: a decimal number, or signed data."""

    value: str
    context: Maybe[ReadingContext] = None
    format: Maybe[Literal["Raw", "SignedData"]] = None
    measurand: Maybe[Measurand] = None
    phase: Maybe[Phase] = None
    location: Maybe[Location] = None
    unit: Maybe[Unit] = None


class MeterValue(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """The values that a meter showed at one moment."""

    timestamp: str
    sampled_value: Annotated[tuple[SampledValue, ...], Meta(min_length=1)]


class TransactionSampledValue(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A `SampledValue` inside StopTransaction, where the official schema lacks the unit `Hertz`."""

    value: str
    context: Maybe[ReadingContext] = None
    format: Maybe[Literal["Raw", "SignedData"]] = None
    measurand: Maybe[Measurand] = None
    phase: Maybe[Phase] = None
    location: Maybe[Location] = None
    unit: Maybe[TransactionUnit] = None


class TransactionMeterValue(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A `MeterValue` inside StopTransaction; the list of values may be empty there."""

    timestamp: str
    sampled_value: tuple[TransactionSampledValue, ...]


class Authorize(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """May this tag charge? (OCPP 1.6 4.1)"""

    id_tag: Text20


class BootNotification(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A station introduces itself (OCPP 1.6 4.2)."""

    charge_point_vendor: Text20
    charge_point_model: Text20
    charge_point_serial_number: Maybe[Text25] = None
    charge_box_serial_number: Maybe[Text25] = None
    firmware_version: Maybe[Text50] = None
    iccid: Maybe[Text20] = None
    imsi: Maybe[Text20] = None
    meter_type: Maybe[Text25] = None
    meter_serial_number: Maybe[Text25] = None


class DataTransfer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A message outside the standard, told apart by vendor (OCPP 1.6 4.3)."""

    vendor_id: Text255
    message_id: Maybe[Text50] = None
    data: Maybe[str] = None


class DiagnosticsStatusNotification(
    Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True
):
    """How the upload of diagnostics goes (OCPP 1.6 4.4)."""

    status: Literal["Idle", "Uploaded", "UploadFailed", "Uploading"]


class FirmwareStatusNotification(
    Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True
):
    """How the firmware update goes (OCPP 1.6 4.5)."""

    status: FirmwareStatus


class Heartbeat(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A sign of life, and a question for the time (OCPP 1.6 4.6)."""


class MeterValues(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """Readings of one connector; connector 0 is the main meter (OCPP 1.6 4.7)."""

    connector_id: int
    transaction_id: Maybe[int] = None
    meter_value: Annotated[tuple[MeterValue, ...], Meta(min_length=1)]


class StartTransaction(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A transaction began; `meter_start` in Wh (OCPP 1.6 4.8)."""

    connector_id: int
    id_tag: Text20
    meter_start: int
    reservation_id: Maybe[int] = None
    timestamp: str


class StatusNotification(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A connector changed its status; connector 0 is the whole station (OCPP 1.6 4.9)."""

    connector_id: int
    error_code: ChargePointErrorCode
    info: Maybe[Text50] = None
    status: ChargePointStatus
    timestamp: Maybe[str] = None
    vendor_id: Maybe[Text255] = None
    vendor_error_code: Maybe[Text50] = None


class StopTransaction(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A transaction ended; `meter_stop` in Wh; an absent reason means Local (OCPP 1.6 4.10)."""

    id_tag: Maybe[Text20] = None
    meter_stop: int
    timestamp: str
    transaction_id: int
    reason: Maybe[StopReason] = None
    transaction_data: Maybe[tuple[TransactionMeterValue, ...]] = None


class LogStatusNotification(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """How the upload of a log goes (security extension)."""

    status: UploadLogStatus
    request_id: Maybe[int] = None


class SecurityEventNotification(
    Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True
):
    """Something happened that matters for security (security extension)."""

    type: Text50
    timestamp: str
    tech_info: Maybe[Text255] = None


class SignCertificate(Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True):
    """A station asks for a certificate; `csr` is PEM (security extension)."""

    csr: Text5500


class SignedFirmwareStatusNotification(
    Struct, frozen=True, kw_only=True, gc=False, rename="camel", forbid_unknown_fields=True
):
    """How the signed firmware update goes (security extension)."""

    status: SignedFirmwareStatus
    request_id: Maybe[int] = None


class OtherStatus(Struct, frozen=True, kw_only=True, gc=False, rename="camel"):
    """A firmware, diagnostics or log notification whose status is not listed for it; no schema has this."""

    status: Annotated[str, Meta(min_length=1)]
    request_id: Maybe[int] = None


class IdTagInfo(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """What we know about a tag; `parent_id_tag` up to 20 characters."""

    status: AuthorizationStatus
    expiry_date: Maybe[str] = None
    parent_id_tag: Maybe[str] = None


class AuthorizeAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Authorize.conf."""

    id_tag_info: IdTagInfo


class BootNotificationAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """BootNotification.conf; `interval` in seconds: heartbeat if Accepted, else the wait before the next try."""

    status: RegistrationStatus
    current_time: str
    interval: int


class DataTransferAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """DataTransfer.conf."""

    status: DataTransferStatus
    data: Maybe[str] = None


class HeartbeatAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """Heartbeat.conf."""

    current_time: str


class StartTransactionAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """StartTransaction.conf."""

    transaction_id: int
    id_tag_info: IdTagInfo


class StopTransactionAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """StopTransaction.conf; no `id_tag_info` when the request named no tag."""

    id_tag_info: Maybe[IdTagInfo] = None


class SignCertificateAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """SignCertificate.conf."""

    status: Literal["Accepted", "Rejected"]


class EmptyAnswer(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """The conf of all notifications and of MeterValues."""


# fmt: off
StationRequest = (
    Authorize | BootNotification | DataTransfer | DiagnosticsStatusNotification | FirmwareStatusNotification |
    Heartbeat | MeterValues | StartTransaction | StatusNotification | StopTransaction | LogStatusNotification |
    SecurityEventNotification | SignCertificate | SignedFirmwareStatusNotification | OtherStatus
)
StationAnswer = (
    AuthorizeAnswer | BootNotificationAnswer | DataTransferAnswer | HeartbeatAnswer | StartTransactionAnswer |
    StopTransactionAnswer | SignCertificateAnswer | EmptyAnswer
)
# fmt: on

REQUEST_TYPES: Mapping[str, type[StationRequest]] = MappingProxyType(
    {
        "Authorize": Authorize,
        "BootNotification": BootNotification,
        "DataTransfer": DataTransfer,
        "DiagnosticsStatusNotification": DiagnosticsStatusNotification,
        "FirmwareStatusNotification": FirmwareStatusNotification,
        "Heartbeat": Heartbeat,
        "MeterValues": MeterValues,
        "StartTransaction": StartTransaction,
        "StatusNotification": StatusNotification,
        "StopTransaction": StopTransaction,
        "LogStatusNotification": LogStatusNotification,
        "SecurityEventNotification": SecurityEventNotification,
        "SignCertificate": SignCertificate,
        "SignedFirmwareStatusNotification": SignedFirmwareStatusNotification,
    }
)
