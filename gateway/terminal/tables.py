"""Documents as aligned text for people: columns, numbers to the right, moments in the site's own time.

It knows nothing of the gateway; what is shown and in which order is the commands' business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

NOTHING = "-"


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns two spaces apart; a column of numbers is aligned to the right. No rows: the headings alone."""
    cells = [[cell(value) for value in row] for row in rows]
    numeric = [
        bool(rows) and all(isinstance(row[index], int | float | None) for row in rows) for index in range(len(headings))
    ]
    widths = [
        max(len(heading), *(len(row[index]) for row in cells)) if cells else len(heading)
        for index, heading in enumerate(headings)
    ]
    lines = []
    for line in [list(headings), *cells]:
        placed = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ]
        lines.append("  ".join(placed).rstrip())
    return "\n".join(lines)


def cell(value: object) -> str:
    """One value on one line, without control characters (a station chose some of these texts)."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    return "".join(character if character.isprintable() else "?" for character in text)


def local_time(text: object, zone: tzinfo | None) -> str:
    """An RFC 3339 moment in the site's time zone (None: this machine's), to the second."""
    if not isinstance(text, str):
        return NOTHING
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return cell(text)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def kilowatt_hours(watt_hours: object) -> str | None:
    """Energy for people: kWh with two decimals."""
    return f"{watt_hours / 1000:.2f}" if isinstance(watt_hours, int | float) else None


def zone_text(zone: tzinfo | None) -> str:
    """The zone's name for a heading."""
    return str(zone) if zone is not None else "local time"
