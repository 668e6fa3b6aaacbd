"""`next-step`: a line or two for the message of the day. It is quick; whatever is wrong it says, and ends with 0."""

from __future__ import annotations

import argparse

from gateway.terminal.client import API, Gateway, ask, expect
from gateway.terminal.commands_people import is_without_users
from gateway.terminal.exits import NO_PERMISSION, OK, UNREACHABLE, Ending
from gateway.terminal.json_output import Document, items_of, list_of, part_of
from gateway.terminal.reaching import (
    Reached,
    configuration_of,
    page_addresses,
    socket_path_of,
    station_address,
)

_PATIENCE_SECONDS = 0.9  # for each of three questions: somebody waits for a prompt
_SETUP = "sudo ocpp-gateway setup"
_FIRST_ACCOUNT = "sudo ocpp-gateway user code --role installer"


def next_step(options: argparse.Namespace) -> int:
    """Always 0."""
    try:
        configuration = configuration_of(options)
        reached = Reached(Gateway(socket_path=socket_path_of(configuration)), configuration, None)
        print(f"OCPP gateway: {_words(reached)}{_first_account(reached)}")
    except Ending as ending:
        print(f"OCPP gateway: {_why(ending)}")
    return OK


def _words(reached: Reached) -> str:
    health = part_of({"health": _asked(reached.gateway, "/healthz")}, "health")
    stations = part_of({"stations": _asked(reached.gateway, f"{API}/stations?limit=1000")}, "stations")
    components = part_of(health, "components")
    ailments = [f"{name}: {part.get('reason')}" for name in components if not _well(part := part_of(components, name))]
    if ailments:
        return f"NOT WELL, {'; '.join(ailments)}\n  next step: ocpp-gateway status"
    knocks, known = list_of(stations, "knocked"), items_of(stations)
    if knocks:
        names = ", ".join(str(knock.get("station")) for knock in knocks[:3])
        return f"{len(knocks)} unknown station{'s' if len(knocks) > 1 else ''} knocked ({names})\n  next step: {_SETUP}"
    notice = part_of(components, "configuration").get("notice") if "configuration" in components else None
    if notice is not None and "setup" in str(notice):
        return f"it runs, and nothing is configured yet\n  next step: {_SETUP}{_or_the_page(reached)}"
    if not known:
        return f"no station yet\n  next step: enter {station_address(reached)} into one"
    connected = sum(1 for station in known if station.get("connected") is True)
    return f"all is well, {connected} of {len(known)} stations connected"


def _or_the_page(reached: Reached) -> str:
    configuration = reached.configuration
    return "" if configuration is None else f", or the page at {page_addresses(configuration)[0]}"


def _first_account(reached: Reached) -> str:
    """Where the web page is and how to come in, while nobody can; nothing where that cannot be told now."""
    try:
        nobody = is_without_users(reached.gateway, patience_seconds=_PATIENCE_SECONDS)
    except Ending:
        return ""
    if not nobody or reached.configuration is None:
        return ""
    return f"\n  web page: {page_addresses(reached.configuration)[0]}, first account: {_FIRST_ACCOUNT}"


def _well(part: Document) -> bool:
    return part.get("well") is True


def _asked(gateway: Gateway, path: str) -> object:
    response = ask(gateway, "GET", path, patience_seconds=_PATIENCE_SECONDS)
    return response.document if response.status == 503 else expect(response)


def _why(ending: Ending) -> str:
    if ending.code == UNREACHABLE:
        return "it does not answer\n  next step: systemctl status ocpp-gateway"
    if ending.code == NO_PERMISSION:
        return "its state is for root and the group ocpp-gateway\n  next step: sudo ocpp-gateway status"
    return f"{ending.sentence.splitlines()[0]}\n  next step: ocpp-gateway check-config"
