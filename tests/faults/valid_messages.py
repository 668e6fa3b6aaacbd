"""One or more right messages of every kind: requests of a station, requests to it, its answers to those."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Payload: TypeAlias = Any
FOREIGN_CONNECTORS = (22, 33, 44)
FOREIGN_TRANSACTIONS = range(5_000_000, 5_000_100)
CARD_OF_NOBODY = "GARBAGE"
TIMES = ("2027-01-15T08:00:00Z", "2026-03-28T21:58:00.5Z", "2026-03-28T20:00:00+01:00")
PEM = (
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIHIMHACAQAwDjEMMAoGA1UEAwwDUy0xMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\n"
    "QgAEOBYjQSCOYFivUrruUeFaloUAOJMzRKnfdPw31bFp11GWU6ICyhBHxRQcOzNC\n"
    "xvotFrE6/UUzBiOppGovkQFcU6AAMAoGCCqGSM49BAMCA0gAMEUCIA03FJh+7lmR\n"
    "w80pMuHF7+rELRtnxaHI05qgzy61bGGpAiEA5Gh1LmHnEYzUBHaVlxldpa4ZW3Am\n"
    "l3xF+OyG9D9kCFY=\n"
    "-----END CERTIFICATE REQUEST-----\n"
)  # a certificate request for S-1; nobody has the key any more
_HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa" * 32, "issuerKeyHash": "bb" * 32, "serialNumber": "1f"}
_STATUS = {"status": "Accepted"}


def _start(chance: random.Random) -> Payload:
    return {
        "connectorId": chance.choice(FOREIGN_CONNECTORS),
        "idTag": CARD_OF_NOBODY,
        "meterStart": chance.randrange(10**6),
        "timestamp": chance.choice(TIMES),
        "reservationId": 3,
    }


def _stop(chance: random.Random) -> Payload:
    return {
        "transactionId": chance.choice(FOREIGN_TRANSACTIONS),
        "idTag": CARD_OF_NOBODY,
        "meterStop": chance.randrange(10**6),
        "timestamp": chance.choice(TIMES),
        "reason": chance.choice(("Local", "EVDisconnected", "PowerLoss")),
        "transactionData": [_meter_value(chance)],
    }


def _meter_values(chance: random.Random) -> Payload:
    return {
        "connectorId": chance.choice(FOREIGN_CONNECTORS),
        "transactionId": chance.choice(FOREIGN_TRANSACTIONS),
        "meterValue": [_meter_value(chance) for _ in range(chance.choice((1, 1, 2)))],
    }


def _meter_value(chance: random.Random) -> Payload:
    sample = {
        "value": str(chance.randrange(10**6)),
        "context": "Sample.Periodic",
        "format": "Raw",
        "measurand": chance.choice(("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "SoC")),
        "phase": "L1",
        "location": "Outlet",
        "unit": chance.choice(("Wh", "kWh", "W", "A", "Percent")),
    }
    return {"timestamp": chance.choice(TIMES), "sampledValue": [sample, {"value": "230.1"}]}


NOTICES: Mapping[str, Callable[[random.Random], Payload]] = {
    "Authorize": lambda chance: {"idTag": CARD_OF_NOBODY},
    "BootNotification": lambda chance: {
        "chargePointVendor": "Maker",
        "chargePointModel": "Post",
        "chargePointSerialNumber": "S-1",
        "chargeBoxSerialNumber": "B-1",
        "firmwareVersion": "1.0",
        "iccid": "8931",
        "imsi": "204",
        "meterType": "M",
        "meterSerialNumber": "M-1",
    },
    "DataTransfer": lambda chance: {"vendorId": "Maker", "messageId": "any", "data": "text"},
    "DiagnosticsStatusNotification": lambda chance: {"status": chance.choice(("Idle", "Uploading", "Uploaded"))},
    "FirmwareStatusNotification": lambda chance: {"status": chance.choice(("Downloading", "Installed", "Idle"))},
    "Heartbeat": lambda chance: {},
    "LogStatusNotification": lambda chance: {"status": "Uploading", "requestId": 3},
    "MeterValues": _meter_values,
    "SecurityEventNotification": lambda chance: {
        "type": "MemoryExhaustion",
        "timestamp": chance.choice(TIMES),
        "techInfo": "much",
    },
    "SignCertificate": lambda chance: {"csr": PEM},
    "SignedFirmwareStatusNotification": lambda chance: {"status": "Downloaded", "requestId": 3},
    "StartTransaction": _start,
    "StatusNotification": lambda chance: {
        "connectorId": chance.choice((0, 2, *FOREIGN_CONNECTORS)),
        "errorCode": chance.choice(("NoError", "GroundFailure")),
        "status": chance.choice(("Available", "Preparing", "Charging", "Faulted", "Reserved")),
        "timestamp": chance.choice(TIMES),
        "info": "all well",
        "vendorId": "Maker",
        "vendorErrorCode": "0",
    },
    "StopTransaction": _stop,
}

_PROFILE = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.5}, {"startPeriod": 60, "limit": 6.0}],
    },
}
_FIRMWARE = {
    "location": "http://files.example/f",
    "retrieveDateTime": TIMES[0],
    "signingCertificate": PEM,
    "signature": "AA==",
}
# What an operator may ask; every action that a station may be asked.
ORDERS: Mapping[str, Payload] = {
    "CancelReservation": {"reservationId": 7},
    "CertificateSigned": {"certificateChain": PEM},
    "ChangeAvailability": {"connectorId": 2, "type": "Operative"},
    "ChangeConfiguration": {"key": "HeartbeatInterval", "value": "10"},
    "ClearCache": {},
    "ClearChargingProfile": {"id": 7},
    "DataTransfer": {"vendorId": "Maker"},
    "DeleteCertificate": {"certificateHashData": _HASHES},
    "ExtendedTriggerMessage": {"requestedMessage": "Heartbeat"},
    "GetCompositeSchedule": {"connectorId": 1, "duration": 600},
    "GetConfiguration": {},
    "GetDiagnostics": {"location": "ftp://files.example/"},
    "GetInstalledCertificateIds": {"certificateType": "CentralSystemRootCertificate"},
    "GetLocalListVersion": {},
    "GetLog": {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": "ftp://files.example/"}},
    "InstallCertificate": {"certificateType": "CentralSystemRootCertificate", "certificate": PEM},
    "RemoteStartTransaction": {"connectorId": 2, "idTag": "CARD"},
    "RemoteStopTransaction": {"transactionId": 5_000_001},
    "ReserveNow": {"connectorId": 2, "expiryDate": TIMES[0], "idTag": "CARD", "reservationId": 7},
    "Reset": {"type": "Soft"},
    "SendLocalList": {
        "listVersion": 7,
        "updateType": "Full",
        "localAuthorizationList": [{"idTag": "A", "idTagInfo": _STATUS}],
    },
    "SetChargingProfile": {"connectorId": 2, "csChargingProfiles": _PROFILE},
    "SignedUpdateFirmware": {"requestId": 7, "firmware": _FIRMWARE},
    "TriggerMessage": {"requestedMessage": "Heartbeat"},
    "UnlockConnector": {"connectorId": 2},
    "UpdateFirmware": {"location": "http://files.example/f", "retrieveDate": TIMES[0]},
}
ANSWERS: Mapping[str, list[Payload]] = {
    **{action: [_STATUS, {"status": "Rejected"}] for action in ORDERS},
    "CancelReservation": [_STATUS, {"status": "Rejected"}],
    "ClearChargingProfile": [_STATUS, {"status": "Unknown"}],
    "DataTransfer": [{"status": "Accepted", "data": "text"}],
    "DeleteCertificate": [_STATUS, {"status": "NotFound"}],
    "GetCompositeSchedule": [
        {
            "status": "Accepted",
            "connectorId": 1,
            "scheduleStart": TIMES[0],
            "chargingSchedule": _PROFILE["chargingSchedule"],
        },
        {"status": "Rejected"},
    ],
    "GetConfiguration": [
        {
            "configurationKey": [
                {"key": "HeartbeatInterval", "readonly": False, "value": "10"},
                {"key": "SendLocalListMaxLength", "readonly": True, "value": "2"},
                {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current"},
            ],
            "unknownKey": ["Other"],
        }
    ],
    "GetDiagnostics": [{"fileName": "log.zip"}, {}],
    "GetInstalledCertificateIds": [{"status": "Accepted", "certificateHashData": [_HASHES]}, {"status": "NotFound"}],
    "GetLocalListVersion": [{"listVersion": 7}, {"listVersion": -1}],
    "GetLog": [{"status": "Accepted", "filename": "log.zip"}, {"status": "Rejected"}],
    "ReserveNow": [_STATUS, {"status": "Occupied"}],
    "SendLocalList": [_STATUS, {"status": "VersionMismatch"}, {"status": "Failed"}],
    "UnlockConnector": [{"status": "Unlocked"}, {"status": "NotSupported"}],
    "UpdateFirmware": [{}],
}
