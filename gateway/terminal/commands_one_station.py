"""`stations STATION`: what one station is, can do, and how its configuration keys differ from what is wanted.

It decides nothing; it words the API's document of the station.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from urllib.parse import quote

from gateway.terminal.client import API, ask, problem_text
from gateway.terminal.exits import OK, negative
from gateway.terminal.json_output import Document, list_of, part_of, print_json
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_WORDS = {
    "different": "differs, will be set",
    "unread": "not told yet",
    "readonly": "cannot be set: read-only",
    "unsupported": "not known to the station",
    "refused": "refused by the station",
    "blamed": "left alone: the station rebooted after it",
    "partly": "the part that the station accepts is set",
    "reboot_required": "set, takes effect after a reboot",
}


def one_station(options: argparse.Namespace) -> int:
    """The station's document as text."""
    reached = reach(options)
    response = ask(reached.gateway, "GET", f"{API}/stations/{quote(options.station, safe='')}")
    document = response.document
    if response.status != 200 or not isinstance(document, dict):
        raise negative(problem_text(response))
    if options.json:
        print_json(document)
        return OK
    for name, value in _facts(reached, document):
        print(f"{name:<10}{value}")
    drifts = list_of(document, "settings_drift")
    if drifts:
        rows = [
            [one.get("key"), one.get("desired"), one.get("reported"), _WORDS.get(str(one.get("state")))]
            for one in drifts
        ]
        print("\n" + table(["WANTED KEY", "WANTED", "REPORTED", "STATE"], rows))
    keys = list_of(document, "configuration")
    if keys:
        rows = [[key.get("key"), key.get("value"), _marks(key)] for key in keys]
        print("\n" + table(["KEY", "VALUE", ""], rows))
    return OK


def _facts(reached: Reached, document: Document) -> Iterator[tuple[str, str]]:
    yield "Station", cell(document.get("id"))
    kind = " ".join(str(document[name]) for name in ("vendor", "model") if document.get(name))
    yield "Type", f"{cell(kind)}, firmware {cell(document.get('firmware_version'))}"
    online = document.get("connected") is True
    moment = local_time(document.get("since") if online else document.get("last_connected_at"), reached.zone)
    yield "State", f"{'connected' if online else 'away'} since {moment} ({zone_text(reached.zone)})"
    capabilities = part_of(document, "capabilities")
    for name, value in capabilities.items():
        if value not in (None, []):
            shown = ", ".join(str(one) for one in value) if isinstance(value, list) else cell(value)
            yield "Can" if name != "unsupported" else "Cannot", f"{name.replace('_', ' ')}: {cell(shown)}"
    if document.get("reboot_required") is True:
        yield "Reboot", "needed for accepted settings to take effect"


def _marks(key: Document) -> str:
    marks = [("read-only", key.get("readonly")), ("after a reboot", key.get("reboot_required"))]
    return ", ".join(word for word, is_so in marks if is_so) or " "
