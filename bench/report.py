"""The table of results: as text, and as the marked block of docs/performance.md."""

from __future__ import annotations

import platform
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Row

BEGIN = "<!-- written by ./dev bench --write: begin -->"
END = "<!-- written by ./dev bench --write: end -->"
_HEADER = ("figure", "what", "goal", "beyond", "measured: median (lowest - highest)", "verdict")


@dataclass(frozen=True, slots=True)
class Line:
    """One row with its values, or with the reason why there are none."""

    key: str
    row: Row
    values: list[float]
    reason: str = ""


def table(lines: list[Line]) -> str:
    """A Markdown table, columns aligned for reading as plain text."""
    cells = [_HEADER, *(_cells(line) for line in lines)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADER))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    rows = [f"| {' | '.join(row)} |" for row in padded]
    rows.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(rows)


def verdict(line: Line) -> str:
    """What the median says about the goal."""
    if not line.values:
        return "not measured"
    if line.row.goal is None:
        return "-"
    sign = -1 if line.row.larger_is_better else 1
    median = sign * statistics.median(line.values)
    if line.row.beyond is not None and median <= sign * line.row.beyond:
        return "beyond"
    return "reached" if median <= sign * line.row.goal else "missed"


def write_into(path: Path, text: str, *, quick: bool, rounds: int) -> None:
    """Replace the marked block of the page. ValueError when the page has no such block."""
    page = path.read_text("utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no block between {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{_caption(quick=quick, rounds=rounds)}\n\n{text}\n{END}{after}", "utf-8")


def _caption(*, quick: bool, rounds: int) -> str:
    kind = "A quick run (small numbers, for trying the bench only)" if quick else "A full run"
    day = datetime.now(UTC).date().isoformat()
    return f"{kind} of {rounds} interleaved rounds on {day}: Python {platform.python_version()}, {_processor()}."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _cells(line: Line) -> tuple[str, ...]:
    sign = ">= " if line.row.larger_is_better else "<= "
    goal = "-" if line.row.goal is None else f"{sign}{line.row.goal:g}{line.row.unit}"
    beyond = "-" if line.row.beyond is None else f"{line.row.beyond:g}{line.row.unit}"
    return line.key, line.row.text, goal, beyond, _measured(line), verdict(line)


def _measured(line: Line) -> str:
    if not line.values:
        return line.reason[:60].replace("|", "/")
    median = statistics.median(line.values)
    spread = f" ({min(line.values):.3g} - {max(line.values):.3g})" if len(line.values) > 1 else ""
    return f"{median:.3g}{line.row.unit}{spread}"
