"""Site meters: `meters` shows what the gateway reads, `meters scan` looks for meters on a line it does not use.

`scan` works without the gateway; of a running one it only asks whether it is there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping

from gateway.terminal.client import Gateway, is_there
from gateway.terminal.exits import NEGATIVE, OK, negative
from gateway.terminal.json_output import Document, items_of, list_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.reaching import configuration_of, reach, socket_path_of
from gateway.terminal.tables import cell, kilowatt_hours, table

_NONE_YET = (
    "No site meter is configured. `ocpp-gateway meters scan --device /dev/ttyUSB0` finds one and prints its [[meter]]\n"
    "table; docs/meters.md has the list of models."
)


def meters(options: argparse.Namespace) -> int:
    """A line per meter. Exit 1 when any cannot be believed."""
    document = collect(reach(options).gateway, "/meters")
    items = items_of(document)
    if options.json:
        print_json(document)
    elif not items:
        print(_NONE_YET)
    else:
        headings = ["METER", "MODEL", "TRUST", "AGE S", "L1 A", "L2 A", "L3 A", "KW", "IMPORT KWH", "EXPORT KWH"]
        print(table(headings, [_row(item) for item in items]))
        for item in items:
            if item.get("reason"):
                print(f"{cell(item.get('name'))}: {cell(item['reason'])}")
    return OK if all(item.get("trust") == "fresh" for item in items) else NEGATIVE


def _row(item: Document) -> list[object]:
    amps = item.get("amps")
    watts, age = item.get("total_watts"), item.get("age_seconds")
    return [
        item.get("name"),
        item.get("model"),
        item.get("trust"),
        float(age) if isinstance(age, int | float) else None,
        *([None if value is None else float(value) for value in amps] if isinstance(amps, list) else [None] * 3),
        f"{watts / 1000:.2f}" if isinstance(watts, int | float) else None,
        kilowatt_hours(item.get("energy_import_wh")),
        kilowatt_hours(item.get("energy_export_wh")),
    ]


def scan(options: argparse.Namespace) -> int:
    """Who answers on a line, what it is, and the table to paste. Exit 1 when nobody does."""
    from gateway.operations.scan_meters import CannotScan, Wishes, find_meters

    wishes = Wishes(
        units=options.units,
        device=options.device,
        host=options.host,
        port=options.port,
        rtu_frames=options.framing == "rtu",
        baudrate=options.baudrate,
        parity=options.parity,
    )
    configuration = configuration_of(options)
    runs = is_there(Gateway(socket_path=socket_path_of(configuration)))
    found: list[Document] = []
    try:
        found += asyncio.run(find_meters(wishes, in_use_by=configuration if runs else None, progress=_progress))
    except CannotScan as reason:
        raise negative(str(reason)) from reason
    if options.json:
        print_json({"items": found, "next": None})
        return OK if found else NEGATIVE
    for one in found:
        _print_found(one)
    if not found:
        print("nobody answers: check A and B, the address, the speed (--baudrate all), the power (docs/meters.md)")
    return OK if found else NEGATIVE


def _print_found(found: Mapping[str, object]) -> None:
    models = list_of(found, "models")
    if not models:
        print(f"unit {found['unit']}: somebody answers, but it fits no model that the gateway knows\n")
        return
    titles = "; or ".join(str(model.get("title")) for model in models)
    print(f"unit {found['unit']}: {titles}")
    for name in ("volts", "amps", "watts"):
        values = found.get(name)
        if isinstance(values, list):
            print(f"  {name:<6}" + "".join(f"{cell(None if one is None else float(one)):>12}" for one in values))
    print(f"\n{found['toml']}")


def _progress(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
