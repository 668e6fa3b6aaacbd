"""The program's own source as syntax trees, each file read once."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(file: Path) -> ast.Module:
    """What a file says; nobody may change it."""
    return ast.parse(file.read_text())
