"""The bench runs and prints its table. What it measures is not asserted: a busy machine proves nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent.parent.parent


def test_a_quick_bench_prints_a_row_with_a_verdict(tmp_path: Path) -> None:
    finished = subprocess.run(
        (sys.executable, "-m", "bench", "P1", "--quick", "--directory", str(tmp_path)),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    (row,) = (line for line in finished.stdout.splitlines() if line.startswith("| P1 "))
    assert row.split("|")[-2].strip() in {"beyond", "reached", "missed"}
    assert not list(tmp_path.iterdir())  # nothing is left behind


def played(*words: str) -> dict[str, Any]:
    """What a part of `bench box` prints."""
    finished = subprocess.run(
        (sys.executable, "-m", *words), cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    counted: dict[str, Any] = json.loads(finished.stdout)
    return counted


def test_a_part_of_a_day_is_counted(tmp_path: Path) -> None:
    counted = played("bench.box_day", str(tmp_path), "0.1", "30 s")
    assert counted["given"] > 100_000  # ten stations charge from the beginning on


def test_two_days_of_the_year_are_played(tmp_path: Path) -> None:
    year = played("bench.box_year", str(tmp_path), "2", "1800")
    assert list(year["bytes"]) == ["1", "2"] and year["sessions"] == 240
    assert year["tables"]["transactions"] > 10_000 and year["tables"]["meter_frames"] > 10_000
