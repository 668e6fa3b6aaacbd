"""Words for what stations say: answers to requests, jobs, troubles, and why a setting differs.

A value that no table has is shown as the station wrote it. Whether something is good or bad is told beside it, because
colour alone tells nobody anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.pages.statuses import error_text
from gateway.pages.visit import Visit
from gateway.pages.words import mark


@dataclass(frozen=True, slots=True)
class Told:
    """A word for a value, and how it looks: "" (neutral), good, warning or bad."""

    text: str
    look: str = ""


ANSWERS: Mapping[str, Told] = {
    "Accepted": Told(mark("The station will do it."), "good"),
    "Rejected": Told(mark("The station will not do it."), "bad"),
    "RebootRequired": Told(mark("Taken, but in effect only after the station has restarted."), "warning"),
    "NotSupported": Told(mark("The station does not know this."), "bad"),
    "Scheduled": Told(mark("The station will do it when the running session has ended."), "warning"),
    "NotImplemented": Told(mark("The station cannot send this message."), "bad"),
    "Unlocked": Told(mark("The connector is unlocked."), "good"),
    "UnlockFailed": Told(mark("The station could not unlock the connector."), "bad"),
    "Occupied": Told(mark("The connector is in use."), "bad"),
    "Faulted": Told(mark("The connector has a fault."), "bad"),
    "Unavailable": Told(mark("The connector is out of service."), "bad"),
    "Unknown": Told(mark("The station knows nothing that fits."), "warning"),
    "UnknownMessageId": Told(mark("The station does not know this message."), "bad"),
    "UnknownVendorId": Told(mark("The station does not know this vendor."), "bad"),
    "Failed": Told(mark("It did not work in the station."), "bad"),
    "VersionMismatch": Told(mark("The station has another version of the list. Send the whole list."), "bad"),
    "AcceptedCanceled": Told(mark("The station will do it, and has stopped an earlier upload for it."), "good"),
    "AcceptedCancelled": Told(mark("The station will do it, and has stopped an earlier upload for it."), "good"),
    "InvalidCertificate": Told(mark("The station does not trust the certificate of the firmware."), "bad"),
    "RevokedCertificate": Told(mark("The certificate of the firmware was revoked."), "bad"),
    "unclear": Told(mark("Nobody knows whether the station has all of it. It is looked at again."), "warning"),
}
DRIFTS: Mapping[str, str] = {
    "different": mark("Differs: the gateway will set it."),
    "unread": mark("The station has not told it yet."),
    "readonly": mark("Differs, but the station says that it cannot be changed."),
    "unsupported": mark("The station does not have this key."),
    "refused": mark("The station refused the wanted value."),
    "partly": mark("The station takes only a part of the wanted list."),
    "blamed": mark("Left alone: the station restarted each time after it was set."),
    "reboot_required": mark("Set, but in effect only after the next restart."),
}
JOBS: Mapping[str, str] = {
    "firmware": mark("Firmware update"),
    "signed_firmware": mark("Firmware update, signed"),
    "diagnostics": mark("Diagnostics"),
    "log": mark("Log"),
}
CERTIFICATE_STATES: Mapping[str, str] = {
    "pending": mark("not sent yet"),
    "sent": mark("sent, not answered yet"),
    "accepted": mark("accepted by the station"),
    "refused": mark("not issued"),
    "unknown": mark("sent; nobody knows whether it arrived"),
    "failed": mark("not taken by the station"),
    "handed_over": mark("made by hand"),
    "revoked": mark("revoked"),
}
CERTIFICATE_TYPES: Mapping[str, str] = {
    "CentralSystemRootCertificate": mark("By which it knows the gateway"),
    "ManufacturerRootCertificate": mark("By which it knows signed firmware"),
}
ORIGINS: Mapping[str, str] = {
    "file": mark("configuration file"),
    "api": mark("added here"),
    "knock": mark("let in by itself"),
}
LEASES: Mapping[str, str] = {
    "A": mark("by a limit for each session"),
    "B": mark("by the usual limit of the connector"),
    "C": mark("by the limit of the whole station"),
    "D": mark("not at all: the station takes no limits"),
}
PURPOSES: Mapping[str, str] = {
    "ChargePointMaxProfile": mark("The whole station"),
    "TxDefaultProfile": mark("Every session"),
    "TxProfile": mark("This session"),
}
PROFILES: Mapping[str, str] = {
    "0": mark("0 – no password"),
    "1": mark("1 – password, not encrypted"),
    "2": mark("2 – password, encrypted (TLS)"),
    "3": mark("3 – certificate of the station, encrypted (TLS)"),
}
_ACTIONS_OWN: Mapping[tuple[str, str], Told] = {
    ("RemoteStartTransaction", "Accepted"): Told(
        mark("The station will start. The session appears when the car is plugged in."), "good"
    ),
    ("RemoteStartTransaction", "Rejected"): Told(
        mark("The station will not start: look whether the connector is free and has no fault."), "bad"
    ),
    ("RemoteStopTransaction", "Accepted"): Told(mark("The station is ending the session."), "good"),
    ("RemoteStopTransaction", "Rejected"): Told(
        mark("The station refused to end the session. Somebody at the station can end it with the card."), "bad"
    ),
    ("Reset", "Accepted"): Told(mark("The station restarts. It comes back in a minute or two."), "good"),
    ("ReserveNow", "Accepted"): Told(mark("The connector is reserved."), "good"),
    ("ReserveNow", "Rejected"): Told(mark("The station takes no reservations."), "bad"),
    ("CancelReservation", "Accepted"): Told(mark("The reservation is cancelled."), "good"),
    ("CancelReservation", "Rejected"): Told(mark("The station does not know this reservation."), "bad"),
    ("UnlockConnector", "NotSupported"): Told(mark("This station cannot unlock its cable, or has a fixed one."), "bad"),
    ("ClearCache", "Accepted"): Told(mark("The station has forgotten the tags it had seen."), "good"),
    ("SetChargingProfile", "Accepted"): Told(mark("The station keeps to this profile from now on."), "good"),
    ("ClearChargingProfile", "Accepted"): Told(mark("The profiles are cleared."), "good"),
    ("ClearChargingProfile", "Unknown"): Told(mark("The station has no profile that fits."), "warning"),
    ("ChangeConfiguration", "Accepted"): Told(mark("The station has taken the value."), "good"),
    ("ChangeConfiguration", "Rejected"): Told(
        mark("The station refused the value: it may be out of range, or the key cannot be changed."), "bad"
    ),
    ("ChangeConfiguration", "NotSupported"): Told(mark("The station does not have this key."), "bad"),
    ("SendLocalList", "Accepted"): Told(mark("The station has the list now."), "good"),
    ("SendLocalList", "NotSupported"): Told(mark("The station keeps no list of tags."), "bad"),
    ("GetCompositeSchedule", "Accepted"): Told(mark("The station has told its plan."), "good"),
    ("GetCompositeSchedule", "Rejected"): Told(mark("The station does not tell its schedule."), "bad"),
}


def told_of(action: str, status: str) -> Told:
    """What a status in an answer means; the status itself where nobody knows."""
    return _ACTIONS_OWN.get((action, status)) or ANSWERS.get(status) or Told(status)


def trouble_of(visit: Visit, connector: Mapping[str, object]) -> str:
    """What is wrong with a connector, with what the station says beside it; empty when nothing is."""
    parts = [error_text(visit, connector.get("error_code")), *(str(connector.get(name) or "") for name in _MORE)]
    return " · ".join(part for part in parts if part)


_MORE = ("info", "vendor_id", "vendor_error_code")
