"""Document `gateway`: the few settings of the gateway itself that take effect while it runs.

What the installer's file names stays as it says, and is told as an override. When the document is taken away the file
counts again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from gateway.model.fleet_documents import Applied, Body, Override, Told, Wrong
from gateway.model.instants import Instant
from gateway.operations.document_parts import Parts
from gateway.operations.document_turn import Applying
from gateway.operations.fleet_settings import PLACES, fleet_setting, is_in_file
from gateway.operations.site import Site
from gateway.store import fleet_documents
from gateway.store.writing import Writing

_LEAST_HEARTBEAT = 10
_CHOICES = {"unknown_tags": ("refuse", "accept"), "log_level": ("error", "warning", "info", "debug")}


@dataclass(frozen=True, slots=True)
class WantedSettings:
    """By the names of the document."""

    values: dict[str, object]


def read(site: Site, body: Body, *, delta: bool) -> WantedSettings | tuple[Wrong, ...]:
    """The settings of a body, or everything that is wrong with them. Runs in a thread."""
    parts = Parts()
    parts.only(body, "", tuple(PLACES))
    for name, choices in _CHOICES.items():
        if name in body and body[name] not in choices:
            parts.wrong(name, f"expected one of {', '.join(choices)}")
    if not isinstance(body.get("reboot_when_idle", False), bool):
        parts.wrong("reboot_when_idle", "expected true or false")
    if "heartbeat_seconds" in body:
        # a station that is silent for three heartbeats is hung up on, by the file's settings
        most = int(site.configuration.ocpp.silence_allowed_seconds / 3)
        parts.number(body, "", "heartbeat_seconds", min(_LEAST_HEARTBEAT, most), most, whole=True)
    return tuple(parts.mistakes) if parts.mistakes else WantedSettings(dict(body))


def apply(db: Writing, turn: Applying, wanted: WantedSettings) -> Applied:
    """Keep the settings; those who need one ask for it, but the log must be told."""
    level = wanted.values.get("log_level", turn.site.configuration.log.level)
    if not is_in_file(turn.site.configuration, "log_level"):
        db.then.append(lambda: _set_level(str(level)))
    return Applied()


def withdraw(db: Writing, site: Site, upstream: str, now: Instant) -> None:
    """The file counts again."""
    db.then.append(lambda: _set_level(site.configuration.log.level))


async def begin(site: Site) -> None:
    """At the start: the log is told what the document says."""
    own = site.configuration.log.level
    level = await site.database.write(lambda db: fleet_setting(db, site, "log_level", str(own)))
    if level != own:
        _set_level(level)


def tell(db: Writing, site: Site, upstream: str) -> Told:
    """Settings that the installer's file says otherwise."""
    row = fleet_documents.find(db, upstream, "gateway")
    here = site.configuration
    in_file = {
        "heartbeat_seconds": here.ocpp.heartbeat_seconds,
        "log_level": here.log.level,
        "reboot_when_idle": here.ocpp.reboot_when_idle,
        "unknown_tags": here.ocpp.unknown_tags,
    }
    return Told(
        overrides=tuple(
            Override({"setting": name, "value": in_file[name]}, "configuration")
            for name, value in (row.body or {} if row is not None else {}).items()
            if is_in_file(here, name) and in_file[name] != value
        )
    )


def _set_level(level: str) -> None:
    logging.getLogger().setLevel(level.upper())
