"""What limits charging: the profiles in force, and the schedule that they make together.

It calculates nothing; it words what the API answers. Clearing is the API's ClearChargingProfile, sent as any command.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from gateway.terminal.client import API, fetch
from gateway.terminal.commands_station import call
from gateway.terminal.exits import OK, usage
from gateway.terminal.json_output import Document, items_of, list_of, part_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import cell, local_time, table, zone_text


def profiles(options: argparse.Namespace) -> int:
    """A line per profile; with --clear-all instead everything goes from one station, whoever set it."""
    if options.clear_all:
        if options.station is None:
            raise usage("--clear-all needs --station")
        options.action, options.payload = "ClearChargingProfile", "{}"
        return call(options)
    reached = reach(options)
    document = collect(reached.gateway, "/charging-profiles", query={"station": options.station})
    if options.json:
        print_json(document)
        return OK
    rows = [_profile_row(reached, one, "yes") for one in items_of(document)]
    rows += [_profile_row(reached, one, "nobody knows") for one in list_of(document, "uncertain")]
    zone = zone_text(reached.zone)
    headings = ["STATION", "CONNECTOR", "ID", "PURPOSE", "LEVEL", "KIND", "LIMITS", f"UNTIL ({zone})", "IN FORCE"]
    print(table(headings, rows))
    unverified = document.get("unverified")
    if isinstance(unverified, Sequence) and unverified:
        print(
            "\nMay hold profiles of an earlier system as well: "
            + ", ".join(cell(name) for name in unverified)
            + "\nTo clear one: ocpp-gateway profiles --station ID --clear-all"
        )
    return OK


def composite_schedule(options: argparse.Namespace) -> int:
    """A line per period from now on, and what the station itself last answered."""
    reached = reach(options)
    asked = {"connector": options.connector, "duration": options.duration, "unit": options.unit}
    path = f"{API}/stations/{quote(options.station, safe='')}/composite-schedule?{urlencode(asked)}"
    document = fetch(reached.gateway, path)
    if options.json:
        print_json(document)
        return OK
    shown = document if isinstance(document, Mapping) else {}
    unit = cell(shown.get("unit"))
    print(f"From {local_time(shown.get('start_time'), reached.zone)}, {zone_text(reached.zone)}")
    rows = [[one.get("start_seconds"), one.get("limit"), one.get("number_phases")] for one in list_of(shown, "periods")]
    print(table(["AFTER S", f"LIMIT {unit}", "PHASES"], rows))
    if shown.get("uncertain") is True:
        print("Some profiles may be in force beside these: ocpp-gateway profiles")
    reported = part_of(shown, "reported")
    if reported:
        print(f"\nThe station's own answer of {local_time(reported.get('time'), reached.zone)}:")
        print_json(reported.get("response"))
    return OK


def _profile_row(reached: Reached, one: Document, in_force: str) -> list[object]:
    profile = part_of(one, "profile")
    schedule = part_of(profile, "chargingSchedule")
    limits = [period.get("limit") for period in list_of(schedule, "chargingSchedulePeriod")]
    shown = ", ".join(str(limit) for limit in limits[:4]) + (", ..." if len(limits) > 4 else "")
    return [
        one.get("station"),
        one.get("connector"),
        one.get("charging_profile_id"),
        profile.get("chargingProfilePurpose"),
        profile.get("stackLevel"),
        profile.get("recurrencyKind") or profile.get("chargingProfileKind"),
        f"{shown} {schedule.get('chargingRateUnit', '')}".strip(),
        local_time(profile.get("validTo"), reached.zone),
        in_force,
    ]
