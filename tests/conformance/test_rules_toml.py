"""rules.toml and the tests say the same: every rule is there, with tests that exist, or with a reason."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parent.parent
RULES = tomllib.loads((HERE / "rules.toml").read_text())
# How many numbered rules each section has.
SECTIONS = {
    "1.2": 5, "1.4": 13, "2.1": 11, "2.2": 7, "2.3": 7, "2.4": 13, "2.5": 5, "2.6": 7, "2.7": 5, "2.8": 5, "2.9": 11,
    "2.10": 10, "2.11": 3, "3": 38, "4.5": 10,
}  # fmt: skip
ALL = {f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)} | {"2.12"}


def test_every_rule_is_listed_and_no_other() -> None:
    assert ALL - set(RULES) == set()
    assert set(RULES) - ALL == set()


def test_every_rule_says_something_and_has_a_test_or_a_reason() -> None:
    assert [rule for rule, entry in RULES.items() if not entry.get("says", "").endswith(".")] == []
    assert [rule for rule, entry in RULES.items() if not entry.get("tests") and not entry.get("reason")] == []
    assert {key for entry in RULES.values() for key in entry} <= {"says", "tests", "reason"}


def test_every_named_test_exists() -> None:
    named = {test for entry in RULES.values() for test in entry.get("tests", [])}
    assert sorted(test for test in named if test.split("::")[-1] not in names_of_tests(test.split("::")[0])) == []


def test_no_test_is_named_twice_for_one_rule() -> None:
    assert [
        rule for rule, entry in RULES.items() if len(set(entry.get("tests", []))) < len(entry.get("tests", []))
    ] == []


def test_a_test_with_the_number_of_a_rule_is_named_there() -> None:
    """`test_rule_2_4_03_...` belongs to 2.4.3, `test_quirk_3_05_...` to 3.5; neither may be without a test there."""
    for file in (*HERE.glob("test_rules_*.py"), *(HERE.parent / "quirks").glob("test_*.py")):
        for name in names_of_tests(str(file.relative_to(TOP))):
            rule = rule_of(name)
            assert rule is None or RULES[rule].get("tests"), f"{name}: {rule} has no test in rules.toml"


def rule_of(test: str) -> str | None:
    """The number of the rule in a test's name."""
    word, _, rest = test.removeprefix("test_").partition("_")
    length = {"rule": 3, "quirk": 2}.get(word, 0)
    numbers = rest.split("_")[:length]
    return ".".join(str(int(number)) for number in numbers) if length and all(map(str.isdecimal, numbers)) else None


@cache
def names_of_tests(path: str) -> frozenset[str]:
    """The names of the tests in a file, also those in classes, and of its state machines; none without the file."""
    file = TOP / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text())
    functions = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    machines = (
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(".TestCase")
        for target in node.targets
        if isinstance(target, ast.Name)
    )
    return frozenset(name for name in (*functions, *machines) if name.startswith(("test_", "Test")))
