"""What links to fleet managers are about, in plain words: streams, documents, commands, steps, and what helps."""

from __future__ import annotations

from gateway.pages.words import mark

STREAMS = {
    "tx": mark("Sessions"),
    "ops": mark("Other events"),
    "meter": mark("Measurements"),
}
DOCUMENTS = {
    "auth-list": mark("List of tags"),
    "profiles": mark("Charging profiles"),
    "stations": mark("Stations"),
    "config-keys": mark("Settings of stations"),
    "load": mark("Load limits"),
    "firmware": mark("Firmware"),
    "gateway": mark("Settings of the gateway"),
}
DOCUMENT_STATES = {
    "pending": (mark("Not applied yet"), "warning"),
    "applied": (mark("Applied"), "good"),
    "partial": (mark("Applied in part"), "warning"),
    "rejected": (mark("Refused"), "bad"),
    "withdrawn": (mark("Taken back"), ""),
}
COMMAND_STATES = {
    "accepted": (mark("Waits"), "warning"),
    "running": (mark("Under way"), "warning"),
    "succeeded": (mark("Done"), "good"),
    "failed": (mark("Failed"), "bad"),
    "rejected": (mark("Refused"), "bad"),
    "expired": (mark("Came too late"), ""),
    "superseded": (mark("Replaced by a newer one"), ""),
}
STEPS = {
    "clock": mark("Clock"),
    "name": mark("Name of the broker"),
    "tcp": mark("Connection"),
    "tls": mark("Encryption"),
    "mqtt": mark("Login"),
    "subscribe": mark("Reading"),
    "publish": mark("Writing"),
}
_TEST = mark("Test the connection: it shows step by step what does not work.")
# parts of what the API says of a link that does not work, the narrower first, and what helps then
_HELP = (
    ("forgotten", mark("To come back, start the gateway again. Else take it out of the configuration.")),
    ("not begun", mark("It begins in a moment.")),
    ("not connected yet", mark("It begins in a moment.")),
    ("cannot read", mark("Check the path in the configuration, and whether the gateway may read the file.")),
    ("certificate", mark("Check the certificates: is the right one in the configuration, and is it still valid?")),
    ("no TLS", mark("Check the port, and whether this broker encrypts.")),
    ("name of a machine", mark("Check the host in the configuration.")),
    ("cannot find", mark("Check the host in the configuration, and whether this machine reaches a name server.")),
    ("cannot reach", mark("Check host and port, this site's internet, and firewalls on the way.")),
    ("no answer", mark("Check host and port, this site's internet, and firewalls on the way.")),
    ("within", mark("Check host and port, this site's internet, and firewalls on the way.")),
    ("password", mark("Check user name and password file; ask the fleet manager whether this site is entered there.")),
    ("authori", mark("Ask the fleet manager whether this site is entered there, with its rights on the broker.")),
)


def help_for(trouble: object) -> str:
    """The next step (not translated yet) for somebody whose link has this trouble."""
    return next((text for part, text in _HELP if part in str(trouble)), _TEST)
