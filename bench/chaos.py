"""`./dev bench chaos [--seconds N] [--seed S]`: the chaos test of fleets for longer, with its figures.

Broker, gateway and consumer are killed with -9 and frozen in turn by a seeded plan; it fails when anything was lost,
doubled or told out of order (`tests/fleet/chaos.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.fleet.chaos import play


def main() -> None:
    """Play the plan, print what happened."""
    parser = argparse.ArgumentParser(prog="bench chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long blows fall (600)")
    parser.add_argument("--seed", type=int, default=1, help="which plan (1)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocpp-gateway-chaos-") as directory:
        outcome = asyncio.run(play(Path(directory), seed=arguments.seed, seconds=arguments.seconds))
    print("every event was stored once, in order; seed", arguments.seed)
    for name, value in asdict(outcome).items():
        print(f"  {name:<16} {value}")


if __name__ == "__main__":
    main()
