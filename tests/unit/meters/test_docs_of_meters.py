"""docs/meters.md tells every model with every name under which it may be written, and its state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from gateway.meters.catalog import MODELS
from gateway.model.meters import Trust

PAGE = (Path(__file__).parents[3] / "docs" / "meters.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table whose first column has this heading, by their first span."""
    table = PAGE.split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    lines = [line for line in table.splitlines()[2:] if line.startswith("|")]
    return {re.findall(r"`(\w+)`", line)[0]: [cell.strip() for cell in line.split("|")[1:-1]] for line in lines}


def test_every_model_with_its_names_and_its_state() -> None:
    told = rows("model")
    assert told.keys() == MODELS.keys()
    for key, (_, _, names, state) in told.items():
        assert tuple(re.findall(r"`(\w+)`", names)) == MODELS[key].aliases, key
        assert state == MODELS[key].status, key


def test_every_degree_of_trust() -> None:
    assert rows("trust").keys() == set(get_args(Trust))
