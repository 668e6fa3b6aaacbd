"""`jobs` and `security-events`: what stations load, install and upload, and what was seen of security.

It decides nothing about them; a job without a result is shown as running, with its age.
"""

from __future__ import annotations

import argparse

from gateway.terminal.exits import OK
from gateway.terminal.json_output import Document, items_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import local_time, table, zone_text


def jobs(options: argparse.Namespace) -> int:
    """Jobs, newest first."""
    reached = reach(options)
    query = {"station": options.station, "kind": options.kind, "open": True if options.open else None}
    document = collect(reached.gateway, "/jobs", query=query, most=options.limit)
    if options.json:
        print_json(document)
        return OK
    zone = zone_text(reached.zone)
    headings = ["ID", "STATION", "KIND", f"ASKED ({zone})", "STATUS", f"SINCE ({zone})", "RESULT", "FILE", "REMARKS"]
    print(table(headings, [_job_row(reached, item) for item in items_of(document)]))
    _tell_of_more(document, options.limit)
    return OK


def security_events(options: argparse.Namespace) -> int:
    """Security events, newest first."""
    reached = reach(options)
    query = {"station": options.station, "critical": True if options.critical else None}
    document = collect(reached.gateway, "/security-events", query=query, most=options.limit)
    if options.json:
        print_json(document)
        return OK
    rows = [_event_row(reached, item) for item in items_of(document)]
    zone = zone_text(reached.zone)
    headings = [
        f"HAPPENED ({zone})",
        f"RECORDED ({zone})",
        "STATION",
        "SEEN BY",
        "TYPE",
        "CRITICAL",
        "TIMES",
        "REMARKS",
    ]
    print(table(headings, rows))
    _tell_of_more(document, options.limit)
    return OK


def _tell_of_more(document: Document, limit: int) -> None:
    if document["next"] is not None:
        print(f"... there are more: --limit {limit * 2}")


def _job_row(reached: Reached, item: Document) -> list[object]:
    before, after = item.get("version_before"), item.get("version_after")
    remarks = [
        item.get("detail"),
        None if after is None else f"version {before or '?'} -> {after}",
        None if item.get("command_id") is not None else "by the station itself",
        None if item.get("idle_time") is None else "the station says that it is idle",
    ]
    age = item.get("age_seconds")
    return [
        item.get("job_id"),
        item.get("station"),
        item.get("kind"),
        local_time(item.get("asked_time"), reached.zone),
        item.get("status"),
        local_time(item.get("status_time"), reached.zone),
        f"running, heard {_age(age)} ago" if isinstance(age, int) else item.get("result"),
        item.get("file_name"),
        "; ".join(str(remark) for remark in remarks if remark is not None),
    ]


def _event_row(reached: Reached, item: Document) -> list[object]:
    remarks = [str(item[name]) for name in ("tech_info", "address") if item.get(name)]
    return [
        local_time(item.get("time"), reached.zone),
        local_time(item.get("recorded_time"), reached.zone),
        item.get("station"),
        item.get("source"),
        item.get("type"),
        item.get("critical"),
        item.get("times"),
        "; ".join(remarks),
    ]


def _age(seconds: int) -> str:
    """How long, in the largest unit that says it."""
    for name, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {name}"
    return f"{seconds} s"
