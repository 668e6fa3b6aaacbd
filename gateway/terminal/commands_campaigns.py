"""Rollouts of firmware: `firmware campaigns` lists them, `firmware campaign ...` plans, starts, shows and steers one.

It puts the policy together from options, and words what the gateway tells. It decides nothing about stations.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from urllib.parse import quote

from gateway.terminal.client import API, ask, expect, fetch
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import Document, items_of, list_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_PATH = "/firmware/campaigns"
_WELL = ("running", "waiting", "finished")


def campaigns(options: argparse.Namespace) -> int:
    """Rollouts, newest first. Exit 1 when one is halted."""
    reached = reach(options)
    document = collect(reached.gateway, _PATH, query={"open": getattr(options, "open", False) or None})
    items = items_of(document)
    if options.json:
        print_json(document)
    else:
        zone = zone_text(reached.zone)
        headings = ["CAMPAIGN", "NAME", "VERSION", "STATE", "WAVE", "STATIONS", f"MADE ({zone})", "REMARKS"]
        print(table(headings, [_row(reached, item) for item in items]))
    return NEGATIVE if any(item.get("state") == "halted" for item in items) else OK


def show(options: argparse.Namespace) -> int:
    """One rollout with its stations. Exit 1 when it is halted, or a station failed."""
    reached = reach(options)
    document = fetch(reached.gateway, f"{API}{_PATH}/{quote(options.campaign, safe='')}")
    return _tell(options, reached, document)


def plan(options: argparse.Namespace) -> int:
    """Who would take part, in which wave, what they wait for, and who would not. Exit 1 when nobody would."""
    reached = reach(options)
    document = expect(ask(reached.gateway, "POST", f"{API}{_PATH}/plan", body=_wishes(options)))
    items = list_of(document, "stations")
    if options.json:
        print_json(document)
    else:
        print(table(["STATION", "VERSION", "WAVE", "REMARKS"], [_planned(item) for item in items]))
        remarks = part_of({"plan": document}, "plan").get("remarks")
        for remark in remarks if isinstance(remarks, list) else []:
            print(f"the image: {cell(remark)}")
    return OK if any(item.get("takes_part") is True for item in items) else NEGATIVE


def start(options: argparse.Namespace) -> int:
    """Roll an image out; the gateway goes on by itself."""
    reached = reach(options)
    body = {"name": options.name, **_wishes(options)}
    document = expect(ask(reached.gateway, "POST", f"{API}{_PATH}", body=body))
    return _tell(options, reached, document)


def pause(options: argparse.Namespace) -> int:
    """No further station begins."""
    return _steer(options, "pause")


def resume(options: argparse.Namespace) -> int:
    """It goes on."""
    return _steer(options, "resume")


def abort(options: argparse.Namespace) -> int:
    """No further station begins, for ever."""
    return _steer(options, "abort")


def retry(options: argparse.Namespace) -> int:
    """The failed stations are tried again."""
    return _steer(options, "retry")


def approve(options: argparse.Namespace) -> int:
    """The waves after the canary begin."""
    return _steer(options, "approve")


def _steer(options: argparse.Namespace, word: str) -> int:
    reached = reach(options)
    path = f"{API}{_PATH}/{quote(options.campaign, safe='')}/{word}"
    document = expect(ask(reached.gateway, "POST", path))
    if options.json:
        print_json(document)
    else:
        campaign = part_of({"campaign": document}, "campaign")
        print(f"{cell(campaign.get('name'))} is {cell(campaign.get('state'))}: {_counts(campaign)}")
    return OK


def _tell(options: argparse.Namespace, reached: Reached, document: object) -> int:
    campaign = part_of({"campaign": document}, "campaign")
    stations = list_of(campaign, "stations")
    if options.json:
        print_json(document)
    else:
        name, number, version, state, wave, why = (
            cell(campaign.get(member)) for member in ("name", "campaign_id", "version", "state", "wave", "why")
        )
        print(f"{name} ({number}): version {version}")
        print(f"{state}{f', {why}' if campaign.get('why') else ''}; wave {wave}; {_counts(campaign)}")
        zone = zone_text(reached.zone)
        headings = ["STATION", "WAVE", "STATE", f"SINCE ({zone})", "TRIES", "BEFORE", "NOW", "LOADED", "REMARKS"]
        print(table(headings, [_station(reached, item) for item in stations]))
    states = Counter(item.get("state") for item in stations)
    return OK if campaign.get("state") in _WELL and not states["failed"] else NEGATIVE


def _wishes(options: argparse.Namespace) -> dict[str, object]:
    policy = _policy(options.policy)
    for name in ("canary", "wave_share", "at_once", "drain", "pause_after_canary"):
        value = getattr(options, name)
        if value is not None:
            policy[name] = value
    if options.max_failures is not None:
        failures = options.max_failures
        policy["max_failures"] = int(failures) if failures.isdecimal() else failures
    if options.window is not None:
        begin, dash, end = options.window.partition("-")
        if not dash or not re.fullmatch(r"\d\d:\d\d", begin) or not re.fullmatch(r"\d\d:\d\d", end):
            raise usage(f"--window: expected hours such as 01:00-05:00, got {options.window}")
        policy["window"] = {"from": begin, "to": end}
    return {"image_id": options.image, "stations": options.stations or [], "policy": policy}


def _policy(text: str | None) -> dict[str, object]:
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise usage(f"--policy is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise negative("--policy: expected a JSON object")
    return found


def _row(reached: Reached, item: Document) -> list[object]:
    return [
        item.get("campaign_id"),
        item.get("name"),
        item.get("version"),
        item.get("state"),
        item.get("wave"),
        _counts(item),
        local_time(item.get("created_time"), reached.zone),
        item.get("why"),
    ]


def _station(reached: Reached, item: Document) -> list[object]:
    served = part_of(item, "served")
    upto, size = served.get("served_upto"), served.get("size")
    loaded = f"{upto * 100 // size} %" if isinstance(upto, int) and isinstance(size, int) and size else None
    failure = f"{item['failure']}: " if item.get("failure") else ""
    return [
        item.get("station"),
        item.get("wave"),
        item.get("state"),
        local_time(item.get("since"), reached.zone),
        item.get("tries"),
        item.get("version_before"),
        item.get("version"),
        loaded,
        f"{failure}{item.get('detail') or ''}",
    ]


def _planned(item: Document) -> list[object]:
    reasons = "; ".join(str(reason.get("text")) for reason in list_of(item, "reasons"))
    wave, remarks = "no", reasons
    if item.get("takes_part") is True:
        wave, remarks = str(item.get("wave")), f"waits: {reasons}" if reasons else "ready"
    return [item.get("station"), item.get("version"), wave, remarks]


def _counts(item: Document) -> str:
    counts = part_of(item, "counts")
    return ", ".join(f"{number} {state}" for state, number in counts.items()) or "no stations"
