"""What can be asked of a station by a form: the fields of each deed, and the request of the API that they become.

Only what cannot be sent at all is a mistake here (text where a number must be, JSON that is none). Whether a station
can do something is for the station to say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.pages.formats import Formats
from gateway.pages.moments import instant_of_field
from gateway.pages.station_fields import Field
from gateway.pages.typed_numbers import number, whole_number
from gateway.pages.visit import part
from gateway.pages.words import mark

Form = Mapping[str, str]

_NUMBER = mark("Enter a whole number.")
_AMOUNT = mark("Enter a number of 0 or more.")
_MOMENT = mark("Write a date and a time, such as 2027-01-31 12:00.")
_NEEDED = mark("This is needed.")
_JSON = mark("This is no JSON object. It begins with { and ends with }.")
_MOST_AMOUNT = 1e12
_MOST_MINUTES = 60 * 24 * 366


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the API: `path` behind /stations/{id}; `action` is what it is called in OCPP."""

    action: str
    path: str
    body: dict[str, object]
    query: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """A posted form while it is read; mistakes are collected by field."""

    form: Form
    formats: Formats
    mistakes: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A field that must not be empty."""
        value = self.form.get(name, "")
        if not value:
            self.mistakes[name] = _NEEDED
        return value

    def whole(self, name: str, otherwise: int | None = None) -> int:
        """A whole number; of an empty field `otherwise`, where there is one."""
        text = self.form.get(name, "")
        if not text and otherwise is not None:
            return otherwise
        value = whole_number(text)
        if value is None:
            self.mistakes[name] = _NUMBER
        return value or 0

    def amount(self, name: str) -> float:
        """A number of 0 or more, with point or comma."""
        value = number(self.form.get(name, ""))
        if value is None or not 0 <= value < _MOST_AMOUNT:
            self.mistakes[name] = _AMOUNT
            return 0.0
        return float(value)

    def document(self, name: str) -> dict[str, object]:
        """A JSON object; an empty field is an empty one."""
        try:
            value = json.loads(self.form.get(name, "") or "{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            self.mistakes[name] = _JSON
            return {}
        return value

    def given(self, **fields: str) -> dict[str, object]:
        """Those texts that are not empty, by the name that OCPP gives them."""
        return {name: self.form[source] for name, source in fields.items() if self.form.get(source)}

    def moments(self, *names: str) -> dict[str, object]:
        """Dates with a time that are not empty, as the API takes them; they are meant in the site's zone."""
        found: dict[str, object] = {}
        for name in names:
            text = self.form.get(name, "")
            if text and (moment := instant_of_field(text, self.formats.zone)) is None:
                self.mistakes[name] = _MOMENT
            elif text:
                found[name] = moment
        return found

    def in_minutes(self, name: str) -> str:
        """The instant so many minutes from now, as OCPP writes it."""
        minutes = min(self.whole(name), _MOST_MINUTES)
        return (self.formats.now + timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to ask a station for. `fields` may have choices that a screen fills in (`choices` empty).

    `question` is asked before; with `question_when`, a name=pattern, only for such a value of that field.
    """

    name: str
    title: str
    hint: str
    button: str
    made: Callable[[Reading], Request]
    fields: tuple[Field, ...] = ()
    question: str = ""
    question_when: str = ""
    usual: Mapping[str, str] = field(default_factory=dict)
    lacking: str = ""  # said instead of the form when a field with `needs` has nothing to choose from
    needs: str = ""
    secret: bool = False  # what is typed may be secret, so the browser keeps nothing of it


def command(action: str, body: Mapping[str, object], **query: str) -> Request:
    """An OCPP request, its payload as it is."""
    return Request(action, f"/commands/{part(action)}", dict(body), query)


def start(reading: Reading) -> Request:
    """A session for a tag; connector 0 leaves the choice to the station."""
    connector = reading.whole("connector", 0)
    where: dict[str, object] = {"connectorId": connector} if connector else {}
    return command("RemoteStartTransaction", {**where, "idTag": reading.text("tag")})


def limit(reading: Reading) -> Request:
    """One limit from now on, as a profile of one period."""
    unit = "W" if reading.form.get("unit") == "W" else "A"
    amount, minutes = reading.amount("limit"), reading.form.get("minutes", "")
    purpose = reading.form.get("purpose") or "TxDefaultProfile"
    schedule: dict[str, object] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amount}],
    }
    profile: dict[str, object] = {
        "chargingProfileId": reading.whole("profile", 1),
        "stackLevel": reading.whole("level", 0),
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute" if minutes else "Relative",
        "chargingSchedule": schedule,
    }
    if purpose == "ChargePointMaxProfile":  # OCPP 1.6 3.13.1: never relative, as there is no session
        profile["chargingProfileKind"] = "Absolute"
    if profile["chargingProfileKind"] == "Absolute":
        schedule["startSchedule"] = reading.formats.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    if minutes:
        profile["validTo"] = reading.in_minutes("minutes")
    if purpose == "TxProfile":
        profile["transactionId"] = reading.whole("transaction")
    connector = 0 if purpose == "ChargePointMaxProfile" else reading.whole("connector", 0)
    return command("SetChargingProfile", {"connectorId": connector, "csChargingProfiles": profile})


def profile(reading: Reading) -> Request:
    """A profile as JSON."""
    body = {"connectorId": reading.whole("connector", 0), "csChargingProfiles": reading.document("profile")}
    return command("SetChargingProfile", body)


def clear_profiles(reading: Reading) -> Request:
    """Every profile that fits; empty fields fit all."""
    wanted = {"id": "profile", "connectorId": "connector", "stackLevel": "level"}
    numbers = {name: reading.whole(source) for name, source in wanted.items() if reading.form.get(source)}
    return command("ClearChargingProfile", {**numbers, **reading.given(chargingProfilePurpose="purpose")})


def reserve(reading: Reading) -> Request:
    """A connector for a tag; the gateway gives the number."""
    body = {
        "connectorId": reading.whole("connector", 0),
        "idTag": reading.text("tag"),
        "expiryDate": reading.in_minutes("minutes"),
        **reading.given(parentIdTag="parent"),
    }
    return command("ReserveNow", body)


def trigger(reading: Reading) -> Request:
    """A message that the station is to send now."""
    connector = reading.whole("connector", 0)
    where: dict[str, object] = {"connectorId": connector} if connector else {}
    return command("TriggerMessage", {"requestedMessage": reading.text("message"), **where})


def diagnostics(reading: Reading) -> Request:
    """What the station has written down, by the request that it knows."""
    log = reading.form.get("log") or "diagnostics"
    return Request("GetLog" if log == "security" else "GetDiagnostics", "/diagnostics",
                   {"log": log, **reading.given(reason="reason"), **reading.moments("from", "to")})  # fmt: skip


def firmware(reading: Reading) -> Request:
    """An image of the store, by the plain or the signed request."""
    action = "SignedUpdateFirmware" if reading.form.get("signed") else "UpdateFirmware"
    return command(action, {}, image=reading.text("image"))


def schedule(reading: Reading) -> Request:
    """What the station itself reckons that it may draw."""
    body = {
        "connectorId": reading.whole("connector", 0),
        "duration": reading.whole("hours", 24) * 3600,
        "chargingRateUnit": reading.form.get("unit") or "A",
    }
    return command("GetCompositeSchedule", body)


def local_list(reading: Reading) -> Request:
    """The site's list of tags."""
    return Request("SendLocalList", "/local-list", {"update_type": reading.form.get("kind") or "Full"})


def data_transfer(reading: Reading) -> Request:
    """Something that only the maker understands."""
    body = {"vendorId": reading.text("vendor"), **reading.given(messageId="message", data="data")}
    return command("DataTransfer", body)


def by_hand(reading: Reading) -> Request:
    """Any request, verbatim."""
    return command(reading.text("action"), reading.document("payload"))


def stop(reading: Reading) -> Request:
    """A session of this station ends."""
    return command("RemoteStopTransaction", {"transactionId": reading.whole("transaction")})


def reset(reading: Reading) -> Request:
    """A restart, soft or hard."""
    return command("Reset", {"type": reading.form.get("kind") or "Soft"})


def unlock(reading: Reading) -> Request:
    """The plug of a connector is let go."""
    return command("UnlockConnector", {"connectorId": reading.whole("connector", 1)})


def availability(reading: Reading) -> Request:
    """A connector, or with 0 the whole station, in or out of service."""
    body = {"connectorId": reading.whole("connector", 0), "type": reading.form.get("kind") or "Operative"}
    return command("ChangeAvailability", body)


def clear_cache(reading: Reading) -> Request:
    """The tags that the station has seen are forgotten."""
    return command("ClearCache", {})


def cancel(reading: Reading) -> Request:
    """A reservation is given up."""
    return command("CancelReservation", {"reservationId": reading.whole("reservation")})
