"""The configuration keys of a simulated station and what it says when asked for them or told to change them.

The set and the read-only marks follow OCPP 1.6 9.1 (Core) with the values a small AC station ships with.
It does not know what the values do: the station reads them when it needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.simulated_certificates import Certificates
from gateway.simulated_charging import HIGHEST_LEVEL, MOST_PERIODS, MOST_PROFILES
from gateway.simulated_local_list import MOST_ENTRIES, MOST_IN_ONE_REQUEST

Object = Mapping[str, object]


@dataclass(slots=True)
class Setting:
    """One key; `kind` says which values are legal: whole, yes_no, text, secret."""

    value: str
    kind: str = "text"
    readonly: bool = False
    reboot: bool = False


def settings_of_a_small_station(connectors: int, file_transfer_protocols: str) -> dict[str, Setting]:
    """What is on the station when it leaves the factory."""
    return {
        "AllowOfflineTxForUnknownId": Setting("false", "yes_no"),
        "AuthorizationCacheEnabled": Setting("true", "yes_no"),
        "AuthorizeRemoteTxRequests": Setting("false", "yes_no"),
        "AuthorizationKey": Setting("", "secret"),
        "ChargeProfileMaxStackLevel": Setting(str(HIGHEST_LEVEL), "whole", readonly=True),
        "ChargingScheduleAllowedChargingRateUnit": Setting("Current,Power", readonly=True),
        "ChargingScheduleMaxPeriods": Setting(str(MOST_PERIODS), "whole", readonly=True),
        "ClockAlignedDataInterval": Setting("0", "whole"),
        "ConnectionTimeOut": Setting("120", "whole"),
        "ConnectorPhaseRotation": Setting("NotApplicable"),
        "GetConfigurationMaxKeys": Setting("50", "whole", readonly=True),
        "HeartbeatInterval": Setting("300", "whole"),
        "LocalAuthListEnabled": Setting("true", "yes_no"),
        "LocalAuthListMaxLength": Setting(str(MOST_ENTRIES), "whole", readonly=True),
        "LocalAuthorizeOffline": Setting("true", "yes_no"),
        "LocalPreAuthorize": Setting("false", "yes_no"),
        "MeterValuesAlignedData": Setting("Energy.Active.Import.Register"),
        "MeterValuesSampledData": Setting("Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage"),
        "MaxChargingProfilesInstalled": Setting(str(MOST_PROFILES), "whole", readonly=True),
        "MeterValueSampleInterval": Setting("60", "whole"),
        "NumberOfConnectors": Setting(str(connectors), "whole", readonly=True),
        "ReserveConnectorZeroSupported": Setting("true", "yes_no", readonly=True),
        "ResetRetries": Setting("1", "whole"),
        "SendLocalListMaxLength": Setting(str(MOST_IN_ONE_REQUEST), "whole", readonly=True),
        "StopTransactionOnEVSideDisconnect": Setting("true", "yes_no"),
        "StopTransactionOnInvalidId": Setting("true", "yes_no"),
        "StopTxnAlignedData": Setting(""),
        "StopTxnSampledData": Setting(""),
        "SupportedFeatureProfiles": Setting(
            "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,Reservation,SmartCharging", readonly=True
        ),
        "SupportedFileTransferProtocols": Setting(file_transfer_protocols, readonly=True),
        "TransactionMessageAttempts": Setting("3", "whole", readonly=True),
        "TransactionMessageRetryInterval": Setting("10", "whole", readonly=True),
        "UnlockConnectorOnEVSideDisconnect": Setting("true", "yes_no"),
        "WebSocketPingInterval": Setting("0", "whole", readonly=True, reboot=True),
    }


class Settings:
    """The keys and values of one station, and the roots that it has installed."""

    def __init__(self, connectors: int, file_transfer_protocols: str) -> None:
        self.certificates = Certificates()
        self._settings = settings_of_a_small_station(connectors, file_transfer_protocols)

    def text(self, key: str) -> str:
        """The value of a key that exists."""
        return self._settings[key].value

    def whole(self, key: str) -> int:
        """The value of a whole-number key."""
        return int(self._settings[key].value)

    def yes(self, key: str) -> bool:
        """The value of a yes/no key."""
        return self._settings[key].value.lower() == "true"

    def answer_get(self, payload: Object) -> Object:
        """GetConfiguration.conf; a secret is listed without its value."""
        wanted = payload.get("key")
        names = list(wanted) if isinstance(wanted, list) and wanted else list(self._settings)
        found: list[Object] = []
        unknown = []
        for name in names:
            key = self._find(str(name))
            if key is None:
                unknown.append(name)
                continue
            setting = self._settings[key]
            entry: dict[str, object] = {"key": key, "readonly": setting.readonly}
            if setting.kind != "secret":
                entry["value"] = setting.value
            found.append(entry)
        return {"configurationKey": found, "unknownKey": unknown} if unknown else {"configurationKey": found}

    def answer_change(self, payload: Object) -> Object:
        """ChangeConfiguration.conf, after the change where it is accepted."""
        key = self._find(str(payload.get("key", "")))
        if key is None:
            return {"status": "NotSupported"}
        setting, value = self._settings[key], str(payload.get("value", ""))
        if setting.readonly or not _legal(setting.kind, value):
            return {"status": "Rejected"}
        setting.value = value
        return {"status": "RebootRequired" if setting.reboot else "Accepted"}

    def _find(self, name: str) -> str | None:
        folded = name.casefold()
        return next((key for key in self._settings if key.casefold() == folded), None)


def _legal(kind: str, value: str) -> bool:
    if kind == "whole":
        return value.isdecimal() and len(value) < 10
    if kind == "yes_no":
        return value.lower() in ("true", "false")
    return len(value) <= 500
