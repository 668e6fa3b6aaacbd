"""cases.toml and the tests say the same: every case that applies is played, no other is."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
CASES = tomllib.loads((HERE / "cases.toml").read_text())


def played() -> list[tuple[str, str]]:
    """(case id, test name) of every test marked with a case."""
    found = []
    for file in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.case":
                        found.append((ast.literal_eval(mark.args[0]), node.name))
    return found


def test_all_77_cases_are_listed() -> None:
    assert len(CASES) == 77
    assert Counter(case["profile"] for case in CASES.values()) == {
        "Core": 35,
        "LocalAuthListManagement": 6,
        "FirmwareManagement": 5,
        "Reservation": 10,
        "RemoteTrigger": 2,
        "SmartCharging": 5,
        "Security": 14,
    }


def test_what_does_not_apply_says_why() -> None:
    assert [name for name, case in CASES.items() if not case["applies"] and not case.get("reason")] == []
    assert [name for name, case in CASES.items() if case["applies"] and "reason" in case] == []


def test_every_case_that_applies_has_a_test() -> None:
    applying = {name for name, case in CASES.items() if case["applies"]}
    assert applying - {case for case, _ in played()} == set()


def test_no_test_plays_a_case_that_does_not_apply() -> None:
    applying = {name for name, case in CASES.items() if case["applies"]}
    assert {case for case, _ in played()} - applying == set()


def test_a_test_is_named_after_its_case() -> None:
    wrong = [(case, test) for case, test in played() if not test.startswith(f"test_{case.lower()}_")]
    assert wrong == []
