"""The parts of the gateway and what to do when one is unwell; the findings of the network check; states in words."""

from __future__ import annotations

from gateway.pages.visit import Visit
from gateway.pages.words import mark

_PORT = mark("Look at the log: perhaps another program has the port.")
_LOG = mark("Look at the log. If it stays like this, make a support bundle and ask for help.")
# Part of the gateway: what it is called, and what to do when it is unwell. Of several of a kind the first word counts.
_PARTS = {
    "store": (mark("Database"), mark("Make room on the disk. Stations are told to come back until it works again.")),
    "database": (mark("Content of the database"), mark("Restore the newest backup under System.")),
    "disk": (mark("Disk"), mark("Make room: delete large files that are not the gateway's.")),
    "stations": (mark("Port for stations"), _PORT),
    "stations tls port": (mark("Encrypted port for stations"), _PORT),
    "stations tls": (mark("Certificate for stations"), mark("Look under System, Certificates, what is wrong with it.")),
    "web": (mark("This page"), _PORT),
    "firmware doors": (mark("Ports for firmware and uploads"), _PORT),
    "firmware": (mark("Store of firmware images"), mark("Look under Firmware which image is damaged.")),
    "certificates ending": (mark("Ends of certificates"), mark("Look under System, Certificates, which one ends.")),
    "password files": (mark("Password files"), mark("Look whether the gateway may read the files.")),
    "configuration": (mark("Configuration"), mark("Correct the file in /etc, then reload it under System.")),
    "clock": (mark("Clock"), mark("Let a time service keep this machine's clock, or set it by hand.")),
    "load limits": (mark("Load limits"), mark("The page Load shows which circuit or station it is.")),
    "version": (mark("Version"), mark("Install the package again, or go back to the version before.")),
    "meter": (mark("Meter"), mark("Look at its cable, address and speed. The page Load shows what it says.")),
    "upstream": (mark("Link to a fleet manager"), mark("Test the link on the page Fleet managers.")),
}

CHECKS = {
    "daemon": mark("The gateway"),
    "addresses": mark("Addresses of this machine"),
    "stations_port": mark("Port for stations"),
    "stations_tls_port": mark("Encrypted port for stations"),
    "firmware_port": mark("Port for firmware and uploads"),
    "default_route": mark("Way to other networks"),
    "dns": mark("Name of the fleet manager"),
    "reach": mark("Way to the fleet manager"),
    "clock": mark("Clock"),
    "certificate": mark("Certificates"),
    "disk": mark("Disk"),
    "meter": mark("Meter"),
}
STATES = {
    "good": (mark("Good"), "good"),
    "warning": (mark("Look at it"), "warning"),
    "bad": (mark("Wrong"), "bad"),
    "unknown": (mark("Unknown"), ""),
}
LEVELS = {
    "debug": mark("Everything"),
    "info": mark("Information"),
    "warning": mark("Warnings"),
    "error": mark("Errors"),
}
LEVEL_WORDS = {
    "debug": (mark("detail"), ""),
    "info": (mark("information"), ""),
    "warning": (mark("warning"), "warning"),
    "error": (mark("error"), "bad"),
}
SOURCES = {"station": mark("told by the station"), "gateway": mark("seen by the gateway")}
UPLOAD_KINDS = {"diagnostics": mark("Diagnostics"), "log": mark("Log")}
FORWARDING = {
    "waiting": mark("waits to be forwarded"),
    "done": mark("forwarded"),
    "given_up": mark("not forwarded, given up"),
}

JOB_RESULTS = {
    "None": (mark("under way"), ""),
    "succeeded": (mark("done"), "good"),
    "failed": (mark("failed"), "bad"),
    "refused": (mark("refused by the station"), "bad"),
    "nothing_to_upload": (mark("nothing to upload"), ""),
    "superseded": (mark("replaced by a newer one"), ""),
    "not_sent": (mark("not sent"), "warning"),
}


def part_text(visit: Visit, name: str) -> str:
    """What a part of the gateway is called; of several of a kind also which one."""
    if name in _PARTS:
        return visit.gettext(_PARTS[name][0])
    kind, _, which = name.partition(" ")
    return f"{visit.gettext(_PARTS[kind][0])} {which}" if kind in _PARTS else name


def part_advice(visit: Visit, name: str) -> str:
    """What to do when it is unwell."""
    known = _PARTS.get(name) or _PARTS.get(name.partition(" ")[0])
    return visit.gettext(known[1] if known else _LOG)
