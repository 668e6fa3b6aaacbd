"""`doctor`: what keeps stations, fleet managers and this machine apart, with advice; also while no gateway runs.

What is looked at and how it is judged is the gateway's business (`operations/check_network`). Exit 1 when anything is
bad.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from gateway.configuration import Configuration
from gateway.model.instants import Instant
from gateway.terminal.client import API, fetch
from gateway.terminal.exits import NEGATIVE, OK, UNREACHABLE, Ending
from gateway.terminal.json_output import Document, items_of, print_json
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, table


def doctor(options: argparse.Namespace) -> int:
    """A line per finding, with advice below those that are not good."""
    document = network_findings(reach(options))
    found = items_of(document)
    if options.json:
        print_json(document)
    else:
        _show(found)
    return NEGATIVE if any(one.get("state") == "bad" for one in found) else OK


def network_findings(reached: Reached) -> object:
    """The gateway's findings; those of this machine alone when nobody answers here. Raises Ending."""
    try:
        return fetch(reached.gateway, f"{API}/network-check")
    except Ending as ending:
        if ending.code != UNREACHABLE or reached.configuration is None:
            raise
        return {"items": _offline(reached.configuration), "next": None}


def _offline(configuration: Configuration) -> list[dict[str, object]]:
    from gateway.machine_clock import machine_clock
    from gateway.operations.check_network import network_check_offline
    from gateway.operations.clock_now import ClockNow

    now = Instant(time.time_ns() // 1000)
    return asyncio.run(network_check_offline(configuration, clock=ClockNow(machine_clock), now=now))


def _show(found: list[Document]) -> None:
    rows = [[one.get("state"), one.get("check"), one.get("subject"), one.get("text")] for one in found]
    print(table(["STATE", "CHECK", "WHICH", "FOUND"], rows))
    for one in found:
        if one.get("advice") and one.get("state") != "good":
            which = f" {one['subject']}" if one.get("subject") else ""
            print(f"{cell(one.get('check'))}{which}: {one['advice']}")
