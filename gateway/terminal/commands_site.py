"""What is going on at the site: status, stations, transactions. Reads the API, prints tables or the API's documents.

It decides nothing about stations; it only words what the gateway knows.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway.terminal.client import ask
from gateway.terminal.commands_one_station import one_station
from gateway.terminal.commands_upstream import in_short
from gateway.terminal.exits import NEGATIVE, OK, negative
from gateway.terminal.json_output import Document, items_of, list_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach, station_address
from gateway.terminal.tables import cell, kilowatt_hours, local_time, table, zone_text


def status(options: argparse.Namespace) -> int:
    """Health, stations, running sessions, and what to do next. Exit 1 when a part of the gateway is unwell."""
    reached = reach(options)
    document = collect_status(reached)
    health = part_of(document, "health")
    if options.json:
        print_json(document)
    else:
        _print_status(reached, document)
    return OK if health.get("status") == "well" else NEGATIVE


def collect_status(reached: Reached) -> dict[str, object]:
    """The API's documents that `status` shows, each under its own name."""
    response = ask(reached.gateway, "GET", "/healthz")
    if response.status not in (200, 503) or not isinstance(response.document, Mapping):
        raise negative(f"the gateway answered HTTP {response.status} when asked for its health")
    return {
        "health": response.document,
        "stations": collect(reached.gateway, "/stations"),
        "transactions": collect(reached.gateway, "/transactions", query={"open": True}),
        "upstreams": collect(reached.gateway, "/upstreams"),
    }


def stations(options: argparse.Namespace) -> int:
    """A line per connector; of one station what it can do and how it is set."""
    if options.station is not None:
        return one_station(options)
    reached = reach(options)
    document = collect(reached.gateway, "/stations")
    if options.json:
        print_json(document)
    elif not items_of(document):
        print(_how_to_begin(reached, list_of(document, "knocked")))
    else:
        print(_stations_table(reached, items_of(document)))
    return OK


def transactions(options: argparse.Namespace) -> int:
    """Sessions, newest first."""
    reached = reach(options)
    query = {
        "station": options.station,
        "connector": options.connector,
        "id_tag": options.id_tag,
        "note": options.note,
        "open": True if options.open else None,
        "from": options.begin,
        "to": options.end,
    }
    document = collect(reached.gateway, "/transactions", query=query, most=options.limit)
    if options.json:
        print_json(document)
        return OK
    rows = [_transaction_row(reached, item) for item in items_of(document)]
    zone = zone_text(reached.zone)
    print(table(["ID", "STATION", "CONNECTOR", "TAG", f"START ({zone})", "STOP", "KWH", "REASON", "REMARKS"], rows))
    if document["next"] is not None:
        print(f"... there are more: --limit {options.limit * 2}")
    return OK


def _print_status(reached: Reached, document: Mapping[str, object]) -> None:
    known = items_of(document["stations"])
    knocks = list_of(part_of(document, "stations"), "knocked")
    health = part_of(document, "health")
    ailments = _ailments(health)
    site = reached.configuration.site if reached.configuration else None
    if site is not None:
        print(f"Site      {cell(f'{site.id} {site.name}'.strip())}")
    print(f"Gateway   {'all is well' if health.get('status') == 'well' else 'NOT WELL'}")
    for component, ailment in ailments:
        print(f"          {component}: {cell(ailment)}")
    for component, notice in _notices(health):
        print(f"          attention, {component}: {cell(notice)}")
    connected = sum(1 for station in known if station.get("connected") is True)
    print(f"Stations  {len(known)} known, {connected} connected")
    print(f"Sessions  {len(items_of(document['transactions']))} running")
    for upstream in items_of(document["upstreams"]):
        print(f"Upstream  {in_short(upstream)}")
    if known:
        print("\n" + _stations_table(reached, known))
        if knocks:
            print("\n" + _knocked(reached, knocks))
    else:
        print("\n" + _how_to_begin(reached, knocks))


def _ailments(health: Document) -> list[tuple[str, object]]:
    """Components that are not well, with the reason."""
    found = []
    for name in part_of(health, "components"):
        component = part_of(health["components"], name)
        if component.get("well") is not True:
            found.append((name, component.get("reason")))
    return found


def _notices(health: Document) -> list[tuple[str, object]]:
    """What somebody should see to before a component is unwell."""
    components = part_of(health, "components")
    return [(name, notice) for name in components if (notice := part_of(components, name).get("notice"))]


def _how_to_begin(reached: Reached, knocks: list[Document]) -> str:
    text = (
        "No station is known yet. What to do next:\n"
        f"  1. Enter this address into the station: {station_address(reached)}\n"
        "     (where the station asks for its identity separately, leave <station id> out)"
    )
    configuration = reached.configuration
    if configuration is None or configuration.ocpp.unknown_stations == "refuse":
        text += (
            "\n  2. Let it in: a [[station]] with its id in the configuration, or\n"
            '     PUT /api/v1/stations/<station id> with {}; or set [ocpp] unknown_stations = "pending"'
        )
    elif configuration.ocpp.unknown_stations == "pending":
        text += "\n  2. It waits until it is adopted: PUT /api/v1/stations/<station id> with {}"
    return text + ("\n\n" + _knocked(reached, knocks) if knocks else "")


def _knocked(reached: Reached, knocks: list[Document]) -> str:
    rows = [
        [
            knock.get("station"),
            knock.get("address"),
            knock.get("times"),
            local_time(knock.get("last_seen"), reached.zone),
        ]
        for knock in knocks
    ]
    heading = f"LAST ({zone_text(reached.zone)})"
    return "Stations that knocked and are not known:\n" + table(["STATION", "FROM", "TIMES", heading], rows)


def _stations_table(reached: Reached, known: list[Document]) -> str:
    rows: list[list[object]] = []
    for station in known:
        online = station.get("connected") is True
        moment = station.get("since") if online else station.get("last_connected_at")
        facts: list[object] = [
            station.get("id"),
            "pending" if station.get("admission") == "pending" else "connected" if online else "away",
            local_time(moment, reached.zone),
            " ".join(str(station[name]) for name in ("vendor", "model") if station.get(name)),
        ]
        connectors = [one for one in list_of(station, "connectors") if one.get("connector") != 0]
        sessions = {one.get("connector"): one for one in list_of(station, "running_transactions")}
        for position, connector in enumerate(connectors or [{}]):
            session = sessions.get(connector.get("connector"), {})
            error = connector.get("error_code")
            shown = [connector.get("status"), None if error in (None, "NoError") else error]
            rows.append(
                [
                    *(facts if position == 0 else [" "] * 4),
                    connector.get("connector"),
                    " ".join(str(word) for word in shown if word),
                    session.get("transaction_id"),
                ]
            )
    zone = zone_text(reached.zone)
    return table(["STATION", "STATE", f"SINCE ({zone})", "TYPE", "CONNECTOR", "STATUS", "SESSION"], rows)


def _transaction_row(reached: Reached, item: Document) -> list[object]:
    anomalies = item.get("anomalies")
    running = item.get("open") is True
    return [
        item.get("transaction_id"),
        item.get("station"),
        item.get("connector"),
        item.get("id_tag"),
        local_time(item.get("start_time"), reached.zone),
        "running" if running else local_time(item.get("stop_time"), reached.zone),
        kilowatt_hours(item.get("energy_wh")),
        item.get("reason"),
        ", ".join(str(one) for one in anomalies) if isinstance(anomalies, list) else None,
    ]
