"""The local authorization list of a simulated station: what it answers to SendLocalList and GetLocalListVersion.

By the specification (OCPP 1.6 5.10, 5.15): a Differential needs a higher version, a list has bounds, tags compare
without case. It does not know who asks, nor what a driver does.
"""

from __future__ import annotations

from collections.abc import Mapping

Object = Mapping[str, object]

MOST_IN_ONE_REQUEST = 50
MOST_ENTRIES = 500


class LocalList:
    """A list and its version; 0 while it is empty."""

    def __init__(self) -> None:
        self.version = 0
        self.entries: dict[str, Object] = {}

    def answer_version(self) -> Object:
        """GetLocalListVersion.conf."""
        return {"listVersion": self.version if self.entries else 0}

    def answer_send(self, payload: Object) -> Object:
        """SendLocalList.conf, after the change where it is accepted."""
        version, full = payload["listVersion"], payload["updateType"] == "Full"
        if not isinstance(version, int) or payload["updateType"] not in ("Full", "Differential"):
            raise ValueError("listVersion must be an integer, updateType Full or Differential")
        if not full and version <= self.version:
            return {"status": "VersionMismatch"}
        changes = _changes(payload.get("localAuthorizationList"))
        if changes is None or (full and None in changes.values()):
            return {"status": "Failed"}
        entries = {} if full else dict(self.entries)
        for tag, info in changes.items():
            if info is None:
                entries.pop(tag, None)
            else:
                entries[tag] = info
        if len(entries) > MOST_ENTRIES:
            return {"status": "Failed"}
        self.version, self.entries = version, entries
        return {"status": "Accepted"}

    def says(self, id_tag: str, remembered: Mapping[str, str]) -> str | None:
        """What the list says of a tag, else what is remembered of it; None for an unknown tag (OCPP 1.6 3.5.1)."""
        info = self.entries.get(id_tag.casefold())
        return remembered.get(id_tag) if info is None else str(info.get("status"))


def _changes(entries: object) -> dict[str, Object | None] | None:
    """Tags with their idTagInfo, None without one; None when a tag is there twice or there are too many."""
    listed = entries if isinstance(entries, list) else []
    changes: dict[str, Object | None] = {}
    for entry in listed:
        id_tag = str(entry["idTag"])
        changes[id_tag.casefold()] = entry.get("idTagInfo")
    return changes if len(changes) == len(listed) <= MOST_IN_ONE_REQUEST else None
