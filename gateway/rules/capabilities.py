"""What can this station do? Derived from the configuration keys that it told, never stored beside them.

Stations write numbers, booleans and lists in many ways; what cannot be read counts as not told. None: not told, so the
station may or may not. The key names are those of OCPP 1.6 9 and of the security whitepaper.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

# Asked for by name where a station cannot tell all its keys at once.
WELL_KNOWN_KEYS = (
    "GetConfigurationMaxKeys", "SupportedFeatureProfiles", "NumberOfConnectors",
    "ChargingScheduleAllowedChargingRateUnit", "ChargeProfileMaxStackLevel", "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled", "ConnectorSwitch3to1PhaseSupported", "SendLocalListMaxLength",
    "LocalAuthListMaxLength", "LocalAuthListEnabled", "ReserveConnectorZeroSupported",
    "SupportedFileTransferProtocols", "SecurityProfile", "AdditionalRootCertificateCheck",
    "CertificateSignedMaxChainSize", "CertificateStoreMaxLength", "CpoName", "HeartbeatInterval",
    "MeterValueSampleInterval", "ClockAlignedDataInterval", "MeterValuesSampledData",
    "MeterValuesSampledDataMaxLength", "MeterValuesAlignedData", "MeterValuesAlignedDataMaxLength",
    "StopTxnSampledData", "StopTxnSampledDataMaxLength", "StopTxnAlignedData", "StopTxnAlignedDataMaxLength",
    "ConnectionTimeOut", "ConnectorPhaseRotation", "AuthorizeRemoteTxRequests", "LocalAuthorizeOffline",
    "LocalPreAuthorize", "AllowOfflineTxForUnknownId", "AuthorizationCacheEnabled", "StopTransactionOnInvalidId",
    "StopTransactionOnEVSideDisconnect", "UnlockConnectorOnEVSideDisconnect", "TransactionMessageAttempts",
    "TransactionMessageRetryInterval", "WebSocketPingInterval", "ResetRetries",
)  # fmt: skip

_PROFILES = (
    "Core", "FirmwareManagement", "LocalAuthListManagement", "Reservation", "SmartCharging", "RemoteTrigger",
)  # fmt: skip
_OF_THE_SECURITY_EXTENSION = (
    "securityprofile", "additionalrootcertificatecheck", "certificatesignedmaxchainsize", "certificatesignedmaxsize",
    "certificatestoremaxlength", "cponame",
)  # fmt: skip
_UNITS = {
    **dict.fromkeys(("current", "a", "amp", "amps", "ampere", "amperes"), "A"),
    **dict.fromkeys(("power", "w", "watt", "watts"), "W"),
}
_YES_NO = {
    **dict.fromkeys(("true", "1", "yes", "on", "enabled"), True),
    **dict.fromkeys(("false", "0", "no", "off", "disabled"), False),
}
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`unsupported`: requests that the station answered as not known or not supported."""

    feature_profiles: tuple[str, ...] | None
    charging_units: tuple[str, ...] | None  # of A and W
    max_stack_level: int | None
    max_schedule_periods: int | None
    max_charging_profiles: int | None
    phase_switching: bool | None  # from three phases to one, within a session
    max_list_update_entries: int | None
    max_list_entries: int | None
    connectors: int | None
    can_reserve_connector_zero: bool | None
    file_transfer_protocols: tuple[str, ...] | None
    security_extension: bool | None
    max_keys_at_once: int | None
    unsupported: tuple[str, ...]

    def has_profile(self, name: str) -> bool | None:
        """Whether the station has this feature profile; None when it did not tell."""
        return None if self.feature_profiles is None else name in self.feature_profiles


def capabilities_of(
    told: Mapping[str, str | None], *, connectors_seen: Collection[int] = (), unsupported: Collection[str] = ()
) -> Capabilities:
    """What these keys say, in any letter case; without NumberOfConnectors the connectors that told a status count."""
    keys = {key.casefold(): value for key, value in told.items() if value is not None}

    def whole(key: str) -> int | None:
        return whole_number(keys.get(key.casefold()))

    connectors = whole("NumberOfConnectors") or max((one for one in connectors_seen if one > 0), default=None)
    return Capabilities(
        feature_profiles=_profiles(keys.get("supportedfeatureprofiles")),
        charging_units=_units(keys.get("chargingscheduleallowedchargingrateunit")),
        max_stack_level=whole("ChargeProfileMaxStackLevel"),
        max_schedule_periods=whole("ChargingScheduleMaxPeriods"),
        max_charging_profiles=whole("MaxChargingProfilesInstalled"),
        phase_switching=yes_or_no(keys.get("connectorswitch3to1phasesupported")),
        max_list_update_entries=whole("SendLocalListMaxLength"),
        max_list_entries=whole("LocalAuthListMaxLength"),
        connectors=connectors,
        can_reserve_connector_zero=yes_or_no(keys.get("reserveconnectorzerosupported")),
        file_transfer_protocols=_upper(keys.get("supportedfiletransferprotocols")),
        security_extension=any(key in keys for key in _OF_THE_SECURITY_EXTENSION) if keys else None,
        max_keys_at_once=whole("GetConfigurationMaxKeys"),
        unsupported=tuple(sorted(unsupported)),
    )


def whole_number(text: str | None) -> int | None:
    """A whole number that is not negative, also written as 10.0; None when it is none."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return int(number) if 0 <= number <= _LARGEST and number == int(number) else None


def yes_or_no(text: str | None) -> bool | None:
    """A boolean in any of the usual words; None when it is none."""
    return _YES_NO.get((text or "").strip().casefold())


def items_of(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list, without blanks around them; a semicolon separates as well."""
    return tuple(item for item in (part.strip() for part in re.split("[,;]", text)) if item)


def _profiles(text: str | None) -> tuple[str, ...] | None:
    known = {name.casefold(): name for name in _PROFILES}
    found = [known.get(item.casefold().replace(" ", ""), item) for item in items_of(text or "")]
    return tuple(dict.fromkeys(found)) or None


def _units(text: str | None) -> tuple[str, ...] | None:
    units = {_UNITS[item.casefold()] for item in items_of(text or "") if item.casefold() in _UNITS}
    return tuple(sorted(units)) or None


def _upper(text: str | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(item.upper() for item in items_of(text or ""))) or None
