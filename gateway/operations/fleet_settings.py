"""Settings of the gateway that a fleet manager may own (document `gateway`), as the verbs ask for them.

What the installer's file names is the site's, and beats them. Nothing is remembered: the applied document is the truth.
"""

from __future__ import annotations

from typing import TypeVar

from gateway.configuration import Configuration
from gateway.configuration_files import Node
from gateway.operations.site import Site
from gateway.store import fleet_documents
from gateway.store.writing import Writing

T = TypeVar("T", int, str, bool)

# by their names in the document: where the installer's file would say the same
PLACES = {
    "heartbeat_seconds": ("ocpp", "heartbeat_seconds"),
    "log_level": ("log", "level"),
    "reboot_when_idle": ("ocpp", "reboot_when_idle"),
    "unknown_tags": ("ocpp", "unknown_tags"),
}


def fleet_setting(db: Writing, site: Site, name: str, otherwise: T) -> T:
    """The fleet manager's value, unless the file names the setting or no document does."""
    found = fleet_documents.body_in_force(db, "gateway")
    value = None if found is None else found[1].get(name)
    # the body was read by `apply_gateway` before it was kept
    return value if isinstance(value, type(otherwise)) and not is_in_file(site.configuration, name) else otherwise


def is_in_file(configuration: Configuration, name: str) -> bool:
    """Does the installer's file name the setting?"""
    table, key = PLACES[name]
    part = _member(configuration.written, table)
    return part is not None and _member(part, key) is not None


def _member(node: Node, name: str) -> Node | None:
    return node.value.get(name) if isinstance(node.value, dict) else None
