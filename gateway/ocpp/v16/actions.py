"""The 39 actions of OCPP 1.6 and its security extension: who sends them, and to which feature profile they belong.

A table and two questions about it. This file does not know what an action carries (`from_station`, `schemas`)
nor what the gateway does with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Profile = Literal[
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
    "Security",
]


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """Who sends an action, and its feature profile as in the configuration key `SupportedFeatureProfiles`."""

    profile: Profile
    by_station: bool
    to_station: bool


def sent_by_station(action: str) -> bool:
    """True if a station may call us with `action`."""
    facts = ACTIONS.get(action)
    return facts is not None and facts.by_station


def sent_to_station(action: str) -> bool:
    """True if we may call a station with `action`."""
    facts = ACTIONS.get(action)
    return facts is not None and facts.to_station


def _station_sends(profile: Profile) -> ActionFacts:
    return ActionFacts(profile=profile, by_station=True, to_station=False)


def _we_send(profile: Profile) -> ActionFacts:
    return ActionFacts(profile=profile, by_station=False, to_station=True)


ACTIONS: Mapping[str, ActionFacts] = MappingProxyType(
    {
        "Authorize": _station_sends("Core"),
        "BootNotification": _station_sends("Core"),
        "ChangeAvailability": _we_send("Core"),
        "ChangeConfiguration": _we_send("Core"),
        "ClearCache": _we_send("Core"),
        "DataTransfer": ActionFacts(profile="Core", by_station=True, to_station=True),
        "GetConfiguration": _we_send("Core"),
        "Heartbeat": _station_sends("Core"),
        "MeterValues": _station_sends("Core"),
        "RemoteStartTransaction": _we_send("Core"),
        "RemoteStopTransaction": _we_send("Core"),
        "Reset": _we_send("Core"),
        "StartTransaction": _station_sends("Core"),
        "StatusNotification": _station_sends("Core"),
        "StopTransaction": _station_sends("Core"),
        "UnlockConnector": _we_send("Core"),
        "DiagnosticsStatusNotification": _station_sends("FirmwareManagement"),
        "FirmwareStatusNotification": _station_sends("FirmwareManagement"),
        "GetDiagnostics": _we_send("FirmwareManagement"),
        "UpdateFirmware": _we_send("FirmwareManagement"),
        "GetLocalListVersion": _we_send("LocalAuthListManagement"),
        "SendLocalList": _we_send("LocalAuthListManagement"),
        "CancelReservation": _we_send("Reservation"),
        "ReserveNow": _we_send("Reservation"),
        "ClearChargingProfile": _we_send("SmartCharging"),
        "GetCompositeSchedule": _we_send("SmartCharging"),
        "SetChargingProfile": _we_send("SmartCharging"),
        "TriggerMessage": _we_send("RemoteTrigger"),
        "CertificateSigned": _we_send("Security"),
        "DeleteCertificate": _we_send("Security"),
        "ExtendedTriggerMessage": _we_send("Security"),
        "GetInstalledCertificateIds": _we_send("Security"),
        "GetLog": _we_send("Security"),
        "InstallCertificate": _we_send("Security"),
        "LogStatusNotification": _station_sends("Security"),
        "SecurityEventNotification": _station_sends("Security"),
        "SignCertificate": _station_sends("Security"),
        "SignedFirmwareStatusNotification": _station_sends("Security"),
        "SignedUpdateFirmware": _we_send("Security"),
    }
)
