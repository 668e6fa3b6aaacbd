"""Command line: `python -m bench [P1 P2 ...] [--rounds N] [--quick] [--write]`.

Exits 0 when everything chosen was measured, 1 when a figure could not be or the gateway answered wrongly. A missed goal
is said in the table, it is not an exit code: a busy machine proves nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from bench.figures import FIGURES, Figure
from bench.measuring import GATEWAY, Bench, Unmeasurable, say
from bench.processes import ServerFailed, pin_the_load
from bench.report import Line, table, write_into

_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def main() -> int:
    """Measure the chosen figures, print the table."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the servers are ended too
    chosen = [figure for figure in FIGURES if not arguments.figures or figure.key in arguments.figures]
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    if pin_the_load() < 2:
        say("only one core can be used: server and load share it, wall times mean little")
    with tempfile.TemporaryDirectory(prefix="ocpp-gateway-bench-", dir=arguments.directory) as directory:
        if _is_memory(Path(directory)):
            say(f"{directory} is memory, not a disk: durable writes look too cheap, choose another with --directory")
        bench = Bench(Path(directory), rounds, arguments.quick)
        lines = _measure(bench, chosen)
    text = table(lines)
    print(text)
    for (server, error), times in bench.errors.items():
        print(f"{server}: {times} times: {error}")
    if arguments.write:
        write_into(_PAGE, text, quick=arguments.quick, rounds=rounds)
    wrong = any(server == GATEWAY for server, _ in bench.errors)
    return 1 if wrong or any(not line.values for line in lines) else 0


def _measure(bench: Bench, chosen: list[Figure]) -> list[Line]:
    bench.measure_rounds(run for figure in chosen for run in figure.runs(bench))
    lines = []
    for figure in chosen:
        for row in figure.rows:
            reason = "nothing was measured"
            values: list[float] = []
            try:
                values = row.values(bench)
            except (ServerFailed, Unmeasurable) as failure:
                reason = str(failure)
            lines.append(Line(figure.key, row, values, reason))
    return lines


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="The gateway beside its baselines, in rounds.")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="P1 to P10, P13 and P14; all when none is named")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (3; quick: 1)")
    parser.add_argument("--quick", action="store_true", help="a tenth of stations and messages, to try the bench")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--directory", type=Path, help="where the servers keep their data: on the disk to measure")
    arguments = parser.parse_args()
    unknown = set(arguments.figures) - {figure.key for figure in FIGURES}
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    return arguments


def _is_memory(directory: Path) -> bool:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    kinds = {Path(fields[1]): fields[2] for fields in mounts}
    nearest = next(parent for parent in (directory, *directory.parents) if parent in kinds)
    return kinds[nearest] == "tmpfs"


if __name__ == "__main__":
    sys.exit(main())
