"""Links to fleet managers: `upstream` shows how they are, `upstream forget` takes the gateway out of a fleet.

It asks the running gateway. Whether a broker can be reached is tried without it by `commands_upstream_try`.
"""

from __future__ import annotations

import argparse
from urllib.parse import quote

from gateway.model.journal import STREAMS
from gateway.terminal.client import API, ask, expect
from gateway.terminal.exits import NEGATIVE, OK
from gateway.terminal.json_output import Document, items_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_NONE = "No fleet manager is configured: [[upstream]] is described in docs/configuration.md."


def upstreams(options: argparse.Namespace) -> int:
    """A line for each stream of each upstream. Exit 1 when any is away or has an alarm."""
    reached = reach(options)
    document = collect(reached.gateway, "/upstreams")
    items = items_of(document)
    if options.json:
        print_json(document)
    elif not items:
        print(_NONE)
    else:
        _print(reached, items)
    return OK if all(item.get("connected") is True and not item.get("alarms") for item in items) else NEGATIVE


def forget(options: argparse.Namespace) -> int:
    """Clear what the gateway left in the broker. Exit 1 when that is not possible now."""
    path = f"{API}/upstreams/{quote(options.name, safe='')}/forget"
    document = expect(ask(reach(options).gateway, "POST", path))
    if options.json:
        print_json(document)
        return OK
    topics = document.get("topics") if isinstance(document, dict) else None
    for topic in topics if isinstance(topics, list) else []:
        print(f"cleared {cell(topic)}")
    print(f"{options.name} is left. Take its [[upstream]] out of the configuration; a start with it comes back.")
    return OK


def in_short(item: Document) -> str:
    """One upstream in one line."""
    waiting = sum(_count(part_of(part_of(item, "streams"), stream).get("backlog")) for stream in STREAMS)
    state = "connected" if item.get("connected") is True else "AWAY"
    return f"{cell(item.get('name'))}: {state}, {waiting} events wait to be acknowledged"


def _print(reached: Reached, items: list[Document]) -> None:
    zone = zone_text(reached.zone)
    headings = [
        "UPSTREAM",
        "STATE",
        f"SINCE ({zone})",
        "STREAM",
        "ACKNOWLEDGED",
        "NEWEST",
        "BACKLOG",
        f"OLDEST ({zone})",
    ]
    print(table(headings, [row for item in items for row in _rows(reached, item)]))
    for item in items:
        name = cell(item.get("name"))
        if item.get("trouble"):
            print(f"{name}: {cell(item['trouble'])}")
        for alarm in _texts(item.get("alarms")):
            print(f"{name}: attention, {cell(alarm)}")
        hosts = part_of(item, "hosts")
        for host in hosts:
            state = part_of(hosts, host)
            since = local_time(state.get("timestamp"), reached.zone)
            print(f"{name}: {cell(host)} is {cell(state.get('state'))} since {since}")


def _rows(reached: Reached, item: Document) -> list[list[object]]:
    state = "connected" if item.get("connected") is True else "AWAY"
    since = local_time(item.get("connected_since"), reached.zone)
    rows: list[list[object]] = []
    for stream in STREAMS:
        facts = part_of(part_of(item, "streams"), stream)
        first = stream == STREAMS[0]
        rows.append(
            [
                *([item.get("name"), state, since] if first else [" "] * 3),
                stream,
                *(facts.get(name) for name in ("acked", "newest", "backlog")),
                local_time(facts.get("oldest_unacknowledged_time"), reached.zone),
            ]
        )
    return rows


def _texts(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
