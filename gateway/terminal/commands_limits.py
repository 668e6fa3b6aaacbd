"""Load limits from the command line: what each circuit carries and may carry; lower limits for a time.

How long a limit holds is computed from this machine's clock. Whether a limit may be set, and which one holds, is the
gateway's business.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import instant_of, seconds_later, text_of
from gateway.terminal.client import API, ask, expect, fetch
from gateway.terminal.exits import OK, usage
from gateway.terminal.json_output import Document, items_of, list_of, print_json
from gateway.terminal.reaching import reach
from gateway.terminal.tables import cell, local_time, table, zone_text

_SECONDS_OF = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_LONGEST_SECONDS = 3660 * 86_400.0
_NO_CIRCUIT = "No circuit is configured: nothing is limited. docs/load-limits.md says how to describe a site."


def limits(options: argparse.Namespace) -> int:
    """A line for each phase of each circuit, then the lower limits that hold now."""
    reached = reach(options)
    site = fetch(reached.gateway, f"{API}/site")
    lower = fetch(reached.gateway, f"{API}/site/limits")
    if options.json:
        print_json({**(site if isinstance(site, Mapping) else {}), "limits": items_of(lower)})
        return OK
    circuits = list_of(site, "circuits") if isinstance(site, Mapping) else []
    if not circuits:
        print(_NO_CIRCUIT)
        return OK
    headings = ["CIRCUIT", "PHASE", "FUSE A", "LIMIT A", "MEASURED A", "ALLOTTED A", "HEADROOM A", "MODE", "LIMITED BY"]
    print(table(headings, [row for circuit in circuits for row in _phases(circuit)]))
    if items_of(lower):
        headings = ["CIRCUIT", "LIMITED BY", "L1 A", "L2 A", "L3 A", f"UNTIL ({zone_text(reached.zone)})", "SET BY"]
        rows = [
            [
                one.get("circuit"),
                one.get("source"),
                *_three(one, "limit_amps"),
                local_time(one.get("until"), reached.zone),
                one.get("set_by"),
            ]
            for one in items_of(lower)
        ]
        print(f"\n{table(headings, rows)}")
    return OK


def set_limit(options: argparse.Namespace) -> int:
    """Set one source's limit for a circuit."""
    reached = reach(options)
    until = _until(options)
    wishes = {**_amount(options.amps), "until": until, "source": options.source}
    body = {name: value for name, value in wishes.items() if value is not None}
    document = expect(ask(reached.gateway, "PUT", _path(options.circuit), body=body))
    if options.json or not isinstance(document, Mapping):
        print_json(document)
        return OK
    end = f" until {local_time(until, reached.zone)} ({zone_text(reached.zone)})" if until else " until it is removed"
    print(f"{options.circuit}: {_amps_text(document)} for {cell(document.get('source'))}{end}")
    return OK


def remove_limit(options: argparse.Namespace) -> int:
    """Take one source's limit away; 1 when there was none."""
    query = "" if options.source is None else f"?source={quote(options.source, safe='')}"
    expect(ask(reach(options).gateway, "DELETE", _path(options.circuit) + query))
    if options.json:
        print_json({})
    else:
        print(f"{options.circuit}: the limit of {options.source or 'api'} is gone")
    return OK


def _phases(circuit: Document) -> list[list[object]]:
    names = ("limit_amps", "effective_limit_amps", "measured_amps", "allotted_amps", "headroom_amps")
    columns = zip(*(_three(circuit, name) for name in names), strict=True)
    return [
        [circuit.get("name"), phase, *amps, circuit.get("mode"), circuit.get("source")]
        for phase, amps in enumerate(columns, 1)
    ]


def _three(document: Document, name: str) -> list[float | None]:
    """Amperes by phase; nothing where nothing is known."""
    values = document.get(name)
    amps = list(values) if isinstance(values, list) else []
    return [float(value) if isinstance(value, int | float) else None for value in [*amps, None, None, None][:3]]


def _amount(text: str) -> dict[str, object]:
    """`16`, `16,16,10` by phase, or `11000W`."""
    name, numbers = ("limit_watts", text[:-1]) if text[-1:] in ("W", "w") else ("limit_amps", text)
    try:
        values = [float(number) for number in numbers.split(",")]
    except ValueError:
        raise usage(f"AMPS: expected a number, three such as 16,16,10, or 11000W, got {text}") from None
    return {name: values[0] if len(values) == 1 else values}


def _until(options: argparse.Namespace) -> str | None:
    if options.lasting is not None:
        return text_of(seconds_later(instant_of(datetime.now(UTC)), _seconds(options.lasting)))
    if options.until is None:
        return None
    until = instant_from_text(options.until)
    if until is None:
        raise usage(f"--until: expected a time such as 2027-01-31T12:00:00Z, got {options.until!r}")
    return text_of(until)


def _seconds(text: str) -> float:
    """Of `90m`, `2h`, `1.5d`."""
    found = _DURATION.fullmatch(text)
    seconds = float(found[1]) * _SECONDS_OF[found[2]] if found else 0.0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise usage(f"--for: expected a time such as 90m, 2h or 1d, got {text}")
    return seconds


def _amps_text(document: Document) -> str:
    amps = _three(document, "limit_amps")
    return f"at most {cell(amps[0])} A" if len(set(amps)) == 1 else f"at most {', '.join(cell(one) for one in amps)} A"


def _path(circuit: str) -> str:
    return f"{API}/site/limits/{quote(circuit, safe='')}"
