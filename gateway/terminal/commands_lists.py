"""`local-list`: which list of tags a station holds; with --full or --differential the site's list is sent to it.

It knows only how to ask and how to show the answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from urllib.parse import quote

from gateway.terminal.client import API, ask, expect, problem_text
from gateway.terminal.exits import NEGATIVE, OK, negative
from gateway.terminal.json_output import Document, list_of, part_of, print_json
from gateway.terminal.reaching import reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_MOST_SHOWN = 20
_ROWS = (
    ("version in the station", "version"),
    ("entries there", "entries"),
    ("entries wanted", "wanted_entries"),
    ("up to date", "up_to_date"),
    ("has local lists", "supported"),
    ("newest answer", "last_status"),
)


def local_list(options: argparse.Namespace) -> int:
    """Show the list, or send it; 1 when the station did not accept it."""
    path = f"{API}/stations/{quote(options.station, safe='')}/local-list"
    return _show(options, path) if options.update_type is None else _send(options, path)


def _show(options: argparse.Namespace, path: str) -> int:
    reached = reach(options)
    document = expect(ask(reached.gateway, "GET", path))
    if options.json or not isinstance(document, Mapping):
        print_json(document)
        return OK
    for heading, name in _ROWS:
        print(f"{heading + ':':24}{cell(document.get(name))}")
    given = local_time(document.get("given_time"), reached.zone)
    print(f"{'accepted at:':24}{given} ({zone_text(reached.zone)})")
    for name, value in part_of(document, "settings").items():
        print(f"{name + ':':28}{cell(value)}")
    if document.get("left_alone"):
        print(f"gets no list by itself: {document['left_alone']}")
    _print_left_out(document)
    return OK


def _print_left_out(document: Document) -> None:
    count, left_out = document.get("left_out_count"), document.get("left_out")
    if count and isinstance(left_out, list):
        more = "" if len(left_out) <= _MOST_SHOWN else ", ..."
        print(f"no room for {count} tags: {', '.join(cell(tag) for tag in left_out[:_MOST_SHOWN])}{more}")


def _send(options: argparse.Namespace, path: str) -> int:
    # a list may take many requests, and how long a station may take for each is the gateway's decision
    response = ask(
        reach(options).gateway, "POST", path, body={"update_type": options.update_type}, patience_seconds=None
    )
    document = response.document
    if not isinstance(document, Mapping) or not isinstance(document.get("status"), str):
        raise negative(problem_text(response))
    if options.json:
        print_json(document)
    else:
        _print_outcome(options.station, document)
    return OK if document["status"] == "Accepted" else NEGATIVE


def _print_outcome(station: str, document: Document) -> None:
    sent = list_of(document, "requests")
    if sent:
        names = ("update_type", "version", "entries", "status")
        print(table(["UPDATE", "VERSION", "ENTRIES", "ANSWER"], [[part.get(name) for name in names] for part in sent]))
    for name in ("fell_back", "warning"):
        if document.get(name):
            print(f"{'Full instead' if name == 'fell_back' else name}: {document[name]}", file=sys.stderr)
    match document["status"]:
        case "Accepted":
            print(f"{station} holds version {document.get('version')}")
        case "not_connected":
            print(f"{station} is not connected")
        case other:
            print(f"{station}: {other} {document.get('description') or ''}".rstrip())
