"""The register dumps in tests/fixtures/meters: what a meter has at which address, and what that means."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

DUMPS = sorted((Path(__file__).parents[2] / "fixtures" / "meters").glob("*.json"))


@dataclass(frozen=True)
class Dump:
    """One meter's registers; `expected` are the fields of Measured."""

    name: str
    model: str
    function: int
    registers: dict[int, int]
    expected: dict[str, object]


def load(file: Path) -> Dump:
    """A dump as its file has it: runs of registers as hexadecimal words."""
    document = json.loads(file.read_text())
    registers = {
        int(start) + offset: int(word, 16)
        for start, words in document["registers"].items()
        for offset, word in enumerate(words.split())
    }
    return Dump(file.stem, document["model"], document["function"], registers, document["expected"])


def named(name: str) -> Dump:
    """The dump of this name."""
    return next(load(file) for file in DUMPS if file.stem == name)
