"""The journal on the terminal: a page of it, or live as it grows.

It does not know the kinds of events; each is one line of time, kind, station and what it carries.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from urllib.parse import urlencode

from gateway.terminal.client import API, Gateway, fetch, stream
from gateway.terminal.exits import OK, unreachable, usage
from gateway.terminal.json_output import Document, items_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time

MOST_OF_THE_NEWEST = 1000
_LONGEST_DATA = 160


def events(options: argparse.Namespace) -> int:
    """The newest ones, or those after `--after`; oldest first."""
    reached = reach(options)
    if options.after is None:
        document = newest_events(reached.gateway, options.limit, station=options.station)
    else:
        query = {"after": options.after, "station": options.station}
        document = collect(reached.gateway, "/events", query=query, most=options.limit)
    if options.json:
        print_json(document)
        return OK
    for event in items_of(document):
        print(event_line(reached, event))
    if document["next"] is not None:
        print(f"... go on with --after {document['next']}")
    return OK


def tail(options: argparse.Namespace) -> int:
    """Events as they are recorded, until interrupted; with --json a line of JSON each."""
    reached = reach(options)
    asked = {
        name: value for name, value in (("after", options.after), ("station", options.station)) if value is not None
    }
    path = f"{API}/events/stream" + (f"?{urlencode(asked)}" if asked else "")
    with stream(reached.gateway, path) as arriving:
        for _, data in arriving:
            event = json.loads(data)
            if isinstance(event, Mapping):
                print(data if options.json else event_line(reached, event), flush=True)
    raise unreachable("the gateway ended the stream: it stops or restarts")


def newest_events(gateway: Gateway, most: int, *, station: str | None = None) -> dict[str, object]:
    """The newest `most` events, oldest first."""
    if most > MOST_OF_THE_NEWEST:
        raise usage(f"--limit: at most {MOST_OF_THE_NEWEST} of the newest events; with --after as many as you like")
    query = {"last": most} if station is None else {"last": most, "station": station}
    document = fetch(gateway, f"{API}/events?{urlencode(query)}")
    return {"items": items_of(document), "next": None}


def event_line(reached: Reached, event: Document) -> str:
    """One event for people."""
    where = [str(event["station"])] if event.get("station") else []
    if event.get("connector") is not None:
        where.append(f"connector {event['connector']}")
    data = event.get("data")
    members = " ".join(f"{name}={_short(value)}" for name, value in data.items()) if isinstance(data, Mapping) else ""
    if len(members) > _LONGEST_DATA:
        members = members[: _LONGEST_DATA - 3] + "..."
    moment = local_time(event.get("time"), reached.zone)
    return cell(f"{event.get('event_id')}  {moment}  {event.get('kind')}  {' '.join(where)}  {members}".rstrip())


def _short(value: object) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, ensure_ascii=False)
