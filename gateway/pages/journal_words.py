"""What an event of the journal is called, and what of it is shown beside: plain words, then the facts as recorded.

Kinds that are not listed here are shown by their own name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.pages.visit import Visit
from gateway.pages.worded import worded
from gateway.pages.words import mark

KINDS = {
    "transaction.started": mark("A session began"),
    "transaction.ended": mark("A session ended"),
    "transaction.meter_values": mark("Meter values of a session"),
    "transaction.orphan_stop": mark("The end of a session that nobody knows"),
    "transaction.stop_repeated": mark("A session was ended twice, differently"),
    "transaction.snapshot": mark("A running session was told again"),
    "authorization.decided": mark("A card was presented and answered"),
    "station.booted": mark("A station started"),
    "station.connected": mark("A station connected"),
    "station.disconnected": mark("A station lost its connection"),
    "station.knocked": mark("An unknown station knocked"),
    "station.provisioned": mark("A station was accepted or changed"),
    "station.removed": mark("A station was removed"),
    "station.snapshot": mark("A station was told again"),
    "station.security_changed": mark("The password or security of a station changed"),
    "station.notified": mark("A station told how its job goes"),
    "station.security_event": mark("A station told a security event"),
    "station.data_transfer": mark("A station sent data of its vendor"),
    "station.message_quarantined": mark("A message of a station could only be used in part"),
    "connector.status": mark("The status of a connector changed"),
    "firmware.fetched": mark("A station fetched a firmware image"),
    "firmware.image_changed": mark("A firmware image changed"),
    "firmware.status": mark("A firmware update moved on"),
    "campaign.changed": mark("A firmware rollout changed"),
    "campaign.station": mark("A station moved on in a firmware rollout"),
    "diagnostics.status": mark("A request for diagnostics moved on"),
    "log.status": mark("A request for a log moved on"),
    "upload.received": mark("A station uploaded a file"),
    "upload.forwarded": mark("An uploaded file was forwarded, or given up"),
    "upload.missing": mark("An uploaded file is missing on the disk"),
    "upload.deleted": mark("An uploaded file was deleted"),
    "command.finished": mark("A command has its outcome"),
    "local_list.changed": mark("The list of cards in a station changed"),
    "local_list.doubted": mark("The list of cards in a station is in doubt"),
    "load.station_mode_changed": mark("A station is limited in another way"),
    "charging_profiles.changed": mark("Charging profiles of a station changed"),
    "charging_profiles.doubted": mark("Charging profiles of a station are in doubt"),
    "charging_profiles.uncertain": mark("A station did not answer about charging profiles"),
    "certificate.requested": mark("A station asked for a certificate"),
    "certificate.issued": mark("A certificate was issued"),
    "certificate.settled": mark("A station took or refused a certificate"),
    "certificate.revoked": mark("A certificate was revoked"),
    "authority.changed": mark("The site's certificate authority changed"),
    "reservation.made": mark("A reservation was made"),
    "reservation.uncertain": mark("Nobody knows whether a reservation holds"),
    "reservation.used": mark("A reservation was used"),
    "reservation.passed_over": mark("A reservation was passed over"),
    "reservation.ended": mark("A reservation ended unused"),
    "id_tag.changed": mark("A card was changed"),
    "id_tags.imported": mark("Cards were imported"),
    "id_tags.learning": mark("Learning cards began or ended"),
    "id_tag.presented": mark("A card was presented while cards are learned"),
    "document.applied": mark("A document of a fleet manager was applied or rejected"),
    "meter.trust_changed": mark("A meter can be believed, or no longer"),
    "load.limit_set": mark("A lower limit was set"),
    "load.limit_removed": mark("A lower limit was lifted"),
    "load.limit_ended": mark("The time of a lower limit is over"),
    "load.alarm_raised": mark("An alarm of load limits began"),
    "load.alarm_cleared": mark("An alarm of load limits ended"),
    "load.session_stopped": mark("A session was stopped because of an overload"),
    "configuration.decided": mark("The setup was changed"),
    "token.created": mark("An API token was made"),
    "token.revoked": mark("An API token was revoked"),
    "user.created": mark("A user was made"),
    "user.changed": mark("A user was changed"),
    "user.removed": mark("A user was removed"),
    "user.logged_in": mark("Somebody logged in"),
    "user.logged_out": mark("Somebody logged out"),
    "user.login_refused": mark("A login was refused"),
    "code.created": mark("A one-time code was made"),
    "code.removed": mark("A one-time code was taken back"),
    "gateway.security_event": mark("The gateway saw a security event"),
    "clock.stepped": mark("The clock was set"),
    "disk.pressure": mark("The disk fills, or has room again"),
    "stream.dropped": mark("Events were deleted before a fleet manager had them"),
    "gateway.started": mark("The gateway started"),
    "gateway.restored": mark("A backup was restored"),
}
# What recorded facts are called; others are shown by their own names.
_FACTS = {
    "id_tag": mark("Card"),
    "parent_id_tag": mark("Group"),
    "name": mark("Name"),
    "name_before": mark("Name before"),
    "role": mark("Role"),
    "role_before": mark("Role before"),
    "status": mark("Status"),
    "removed": mark("Removed"),
    "created": mark("New"),
    "password": mark("Password"),
    "reason": mark("Reason"),
    "address": mark("Address"),
    "circuit": mark("Circuit"),
    "limit_amps": mark("Limit (A)"),
    "source": mark("Source"),
    "until": mark("Until"),
    "fields": mark("What"),
    "transaction_id": mark("Session"),
    "energy_wh": mark("Energy (Wh)"),
    "action": mark("Command"),
    "error_code": mark("Error"),
    "vendor": mark("Vendor"),
    "model": mark("Model"),
    "firmware_version": mark("Firmware"),
    "file_name": mark("File"),
    "text": mark("Text"),
    "count": mark("How many"),
    "type": mark("Kind"),
    "critical": mark("Important"),
    "known": mark("Known"),
    "token_id": mark("Number"),
    "code_id": mark("Number"),
    "user_id": mark("Number"),
    "code_of": mark("With a code of"),
    "epoch": mark("Epoch"),
    "epoch_of_backup": mark("Epoch of the backup"),
    "last_transaction_id": mark("Last session"),
    "state": mark("State"),
}
_LONGEST_VALUE = 300


def kind_text(visit: Visit, kind: object) -> str:
    """What happened, in words."""
    return worded(visit, KINDS, kind)


def kinds_listed(visit: Visit) -> dict[str, str]:
    """Every kind with its words, in the order of the words."""
    worded = {kind: visit.gettext(text) for kind, text in KINDS.items()}
    return dict(sorted(worded.items(), key=lambda each: each[1].casefold()))


def facts_of(visit: Visit, event: Mapping[str, object]) -> list[tuple[str, str]]:
    """The recorded facts, (name, value), without those that are unknown and without who wanted it."""
    data = event.get("data")
    if not isinstance(data, Mapping):
        return []
    known = {str(name): value for name, value in data.items() if name != "actor" and value not in (None, "", [], {})}
    return [(worded(visit, _FACTS, name), _shown(visit, value)) for name, value in known.items()]


def _shown(visit: Visit, value: object) -> str:
    if isinstance(value, bool):
        return visit.gettext("yes") if value else visit.gettext("no")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
