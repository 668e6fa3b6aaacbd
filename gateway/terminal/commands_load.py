"""Load limits for people: `why` says why a station has the limit it has, now or at a moment that is past.

It decides nothing; the words are the API's.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from gateway.terminal.client import API, fetch
from gateway.terminal.exits import OK
from gateway.terminal.json_output import list_of, print_json
from gateway.terminal.reaching import reach
from gateway.terminal.tables import cell, local_time


def why(options: argparse.Namespace) -> int:
    """The reason in words, then what would change it, then the station's other connectors."""
    reached = reach(options)
    asked = {name: value for name in ("at", "connector") if (value := getattr(options, name)) is not None}
    query = f"?{urlencode(asked)}" if asked else ""
    document = fetch(reached.gateway, f"{API}/stations/{quote(options.station, safe='')}/why{query}")
    if options.json:
        print_json(document)
        return OK
    shown = document if isinstance(document, Mapping) else {}
    recorded = shown.get("recorded_at")
    if recorded is not None:
        print(f"Decided {local_time(recorded, reached.zone)}, the newest on record by then:")
    print(cell(shown.get("text")))
    for other in list_of(shown, "alternatives"):
        print(f"- {cell(other.get('text'))}")
    for one in list_of(shown, "connectors"):
        if one.get("connector") != shown.get("connector"):
            print(f"\n{cell(one.get('text'))}")
    return OK
