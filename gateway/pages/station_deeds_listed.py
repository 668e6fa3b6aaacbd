"""Every deed that the screen of a station offers, in groups: titles, fields, and what is asked before harm is done."""

from __future__ import annotations

from gateway.pages import station_deeds as deeds
from gateway.pages.station_deeds import Deed
from gateway.pages.station_fields import Field
from gateway.pages.station_words import PURPOSES
from gateway.pages.typed_numbers import ZERO
from gateway.pages.words import mark

_MESSAGES = (
    "StatusNotification",
    "MeterValues",
    "BootNotification",
    "Heartbeat",
    "FirmwareStatusNotification",
    "DiagnosticsStatusNotification",
)
_BY_HAND = (
    "CancelReservation",
    "CertificateSigned",
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "ClearChargingProfile",
    "DataTransfer",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetCompositeSchedule",
    "GetConfiguration",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "InstallCertificate",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "ReserveNow",
    "Reset",
    "SendLocalList",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "TriggerMessage",
    "UnlockConnector",
    "UpdateFirmware",
)

_TAG = Field("tag", "text", mark("idTag"), mark("The number of the card; the session is booked on it."))
_CONNECTOR = Field("connector", "choice", mark("Connector"))
_UNIT = Field("unit", "choice", mark("Unit"), "", (("A", mark("A per phase")), ("W", mark("W in total"))))
_PURPOSES = tuple(PURPOSES.items())
_LEVEL = Field("level", "number", mark("Level"), mark("Of several profiles the one with the highest level counts."))
_EXAMPLE = """{
  "chargingProfileId": 1,
  "stackLevel": 0,
  "chargingProfilePurpose": "TxDefaultProfile",
  "chargingProfileKind": "Relative",
  "chargingSchedule": {
    "chargingRateUnit": "A",
    "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]
  }
}"""


GROUPS: tuple[tuple[str, tuple[Deed, ...]], ...] = (
    (
        mark("Charging"),
        (
            Deed(
                "start",
                mark("Start a session"),
                mark("As if a card had been held to the reader."),
                mark("Start"),
                deeds.start,
                (_CONNECTOR, _TAG),
            ),
            Deed(
                "stop",
                mark("Stop a session"),
                mark("The driver can then unplug."),
                mark("Stop"),
                deeds.stop,
                (Field("transaction", "choice", mark("Session")),),
                question=mark("End the session? The car stops charging."),
                needs="transaction",
                lacking=mark("No session runs on this station."),
            ),
            Deed(
                "unlock",
                mark("Unlock a connector"),
                mark("For a plug that is stuck. A running session ends first."),
                mark("Unlock"),
                deeds.unlock,
                (_CONNECTOR,),
                question=mark("Unlock the connector? A running session ends, and the plug can be pulled."),
            ),
            Deed(
                "reserve",
                mark("Reserve a connector"),
                mark("Only this tag may charge there until the time is over."),
                mark("Reserve"),
                deeds.reserve,
                (
                    _CONNECTOR,
                    _TAG,
                    Field("minutes", "number", mark("For how long"), unit="min"),
                    Field(
                        "parent",
                        "text",
                        mark("Group of the tag"),
                        mark("Any tag of this group may charge, too."),
                        optional=True,
                    ),
                ),
                usual={"minutes": "30"},
            ),
            Deed(
                "cancel",
                mark("Cancel a reservation"),
                "",
                mark("Cancel the reservation"),
                deeds.cancel,
                (Field("reservation", "choice", mark("Reservation")),),
                needs="reservation",
                lacking=mark("Nothing is reserved on this station."),
            ),
        ),
    ),
    (
        mark("The station"),
        (
            Deed(
                "reset",
                mark("Restart"),
                mark("Soft ends sessions properly first; hard restarts at once."),
                mark("Restart"),
                deeds.reset,
                (Field("kind", "choice", mark("How"), "", (("Soft", mark("soft")), ("Hard", mark("hard")))),),
                question=mark("Restart the station? Running sessions end."),
            ),
            Deed(
                "availability",
                mark("Put in or out of service"),
                mark("While out of service nobody can charge there."),
                mark("Change"),
                deeds.availability,
                (
                    _CONNECTOR,
                    Field(
                        "kind",
                        "choice",
                        mark("State"),
                        "",
                        (("Operative", mark("in service")), ("Inoperative", mark("out of service"))),
                    ),
                ),
                question=mark("Put it out of service? Nobody can charge there until it is put in service again."),
                question_when="kind=^Inoperative$",
            ),
            Deed(
                "trigger",
                mark("Ask for a message"),
                mark("The station sends it at once; look under Messages."),
                mark("Ask"),
                deeds.trigger,
                (
                    Field("message", "choice", mark("Message"), "", tuple((each, each) for each in _MESSAGES)),
                    _CONNECTOR,
                ),
            ),
            Deed(
                "clear-cache",
                mark("Forget tags that it has seen"),
                mark("Afterwards it asks the gateway again for every card."),
                mark("Clear the cache"),
                deeds.clear_cache,
            ),
            Deed(
                "local-list",
                mark("Send the list of tags"),
                mark("The gateway does this by itself; here you can do it at once."),
                mark("Send"),
                deeds.local_list,
                (
                    Field(
                        "kind",
                        "choice",
                        mark("What"),
                        "",
                        (("Differential", mark("what changed")), ("Full", mark("the whole list"))),
                    ),
                ),
            ),
        ),
    ),
    (
        mark("Limits of charging"),
        (
            Deed(
                "limit",
                mark("Set a limit"),
                mark("The gateway's own limits hold as well; the lowest counts. It stays until cleared or over."),
                mark("Set the limit"),
                deeds.limit,
                (
                    Field("purpose", "choice", mark("For"), "", _PURPOSES),
                    _CONNECTOR,
                    Field(
                        "transaction",
                        "choice",
                        mark("Session"),
                        mark("Only for a limit of one session."),
                        optional=True,
                    ),
                    Field("limit", "number", mark("Limit")),
                    _UNIT,
                    Field(
                        "minutes",
                        "number",
                        mark("For how long"),
                        mark("Empty: until it is cleared."),
                        optional=True,
                        unit="min",
                    ),
                    Field(
                        "profile",
                        "number",
                        mark("Number of the profile"),
                        mark("A profile with the same number is replaced."),
                    ),
                    _LEVEL,
                ),
                usual={"purpose": "TxDefaultProfile", "profile": "1", "level": "0", "limit": "16"},
                question=mark("Set a limit of 0? Cars stop charging."),
                question_when=f"limit={ZERO}",
            ),
            Deed(
                "clear-profiles",
                mark("Clear limits"),
                mark("Empty fields fit every profile: then all are cleared."),
                mark("Clear"),
                deeds.clear_profiles,
                (
                    Field("profile", "number", mark("Number of the profile"), optional=True),
                    Field("connector", "number", mark("Connector"), optional=True),
                    Field("purpose", "choice", mark("For"), "", (("", mark("any")), *_PURPOSES), optional=True),
                    Field("level", "number", mark("Level"), optional=True),
                ),
                question=mark("Clear these limits? The station may then draw more, up to what the gateway allows."),
            ),
            Deed(
                "schedule",
                mark("What may be drawn when?"),
                mark("The station's own plan (composite schedule) beside what the gateway reckons."),
                mark("Show"),
                deeds.schedule,
                (_CONNECTOR, Field("hours", "number", mark("For how long"), unit="h"), _UNIT),
                usual={"hours": "24"},
            ),
            Deed(
                "profile",
                mark("Set a charging profile as JSON"),
                mark("With several periods, or recurring each day."),
                mark("Set the profile"),
                deeds.profile,
                (_CONNECTOR, Field("profile", "json", mark("Profile"))),
                usual={"profile": _EXAMPLE},
                question=mark("Send this profile to the station as it is? It limits cars from then on."),
            ),
        ),
    ),
    (
        mark("Firmware and diagnostics"),
        (
            Deed(
                "diagnostics",
                mark("Get diagnostics"),
                mark("The station uploads a file; it appears under Diagnostics."),
                mark("Get"),
                deeds.diagnostics,
                (
                    Field(
                        "log",
                        "choice",
                        mark("What"),
                        "",
                        (("diagnostics", mark("diagnostics")), ("security", mark("log of security"))),
                    ),
                    Field("from", "moment", mark("Nothing older than"), optional=True),
                    Field("to", "moment", mark("Nothing newer than"), optional=True),
                    Field("reason", "text", mark("Why"), mark("Kept with the file."), optional=True),
                ),
            ),
            Deed(
                "firmware",
                mark("Update the firmware"),
                mark("The station fetches it, installs it and restarts. A rollout waits until nobody charges."),
                mark("Update"),
                deeds.firmware,
                (
                    Field("image", "choice", mark("Image")),
                    Field("signed", "flag", mark("With signature (SignedUpdateFirmware)")),
                ),
                question=mark("Update the firmware of this station now? Running sessions may end."),
                needs="image",
                lacking=mark("There is no image that can be used. Bring one in under Firmware."),
            ),
        ),
    ),
    (
        mark("By hand"),
        (
            Deed(
                "data-transfer",
                mark("Data of the maker"),
                mark("DataTransfer, as the maker of the station describes it."),
                mark("Send"),
                deeds.data_transfer,
                (
                    Field("vendor", "text", mark("Vendor (vendorId)")),
                    Field("message", "text", mark("Message (messageId)"), optional=True),
                    Field("data", "lines", mark("Data"), optional=True),
                ),
                secret=True,
            ),
            Deed(
                "by-hand",
                mark("Any OCPP request"),
                mark("The payload is sent as it is; nothing is checked."),
                mark("Send"),
                deeds.by_hand,
                (
                    Field("action", "action", mark("Action"), "", tuple((each, each) for each in _BY_HAND)),
                    Field("payload", "json", mark("Payload (JSON)")),
                ),
                usual={"payload": "{}"},
                secret=True,
                question=mark("Send this request to the station as it is?"),
            ),
        ),
    ),
)
DEEDS = {deed.name: deed for _, listed in GROUPS for deed in listed}
