"""Two pairs of messages may come swapped in every certification case (general conditions of the test document).

SN(Charging) and StartTransaction; SN(Finishing) and StopTransaction. `SWAPPED` names the cases in which a pair occurs.
A case here is marked `both_orders` and tells its pairs with `begins`, `ends` and `charges` of the scripted station.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import ScriptedStation

HERE = Path(__file__).parent
STARTS = {"TC_003", "TC_004_1", "TC_005_1", "TC_007", "TC_010", "TC_011_1", "TC_012", "TC_018_1", "TC_028", "TC_032_1",
          "TC_037_1", "TC_037_3", "TC_046", "TC_053", "TC_057",
          "TC_059", "TC_067"}  # fmt: skip
STOPS = {"TC_005_1", "TC_012", "TC_018_1", "TC_032_1", "TC_037_3", "TC_053"}
WITH_BOTH = {"begins", "charges"}  # tell a start and its status, in the order asked for


def cases() -> dict[str, list[ast.AsyncFunctionDef]]:
    """The tests of every case, by its id without `_CSMS`."""
    found: dict[str, list[ast.AsyncFunctionDef]] = {}
    for file in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.AsyncFunctionDef):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.case":
                        case = ast.literal_eval(mark.args[0]).removesuffix("_CSMS")
                        found.setdefault(case, []).append(node)
    return found


def called(node: ast.AsyncFunctionDef) -> set[str]:
    """The methods that a test calls."""
    return {
        call.func.attr for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
    }


def runs_in_both_orders(node: ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(mark) == "pytest.mark.both_orders" for mark in node.decorator_list)


def test_every_case_with_a_start_and_its_status_runs_in_both_orders() -> None:
    played = cases()
    for case in sorted(STARTS):
        assert any(runs_in_both_orders(node) and called(node) & WITH_BOTH for node in played.get(case, ())), case


def test_every_case_with_a_stop_and_its_status_runs_in_both_orders() -> None:
    played = cases()
    for case in sorted(STOPS):
        assert any(runs_in_both_orders(node) and "ends" in called(node) for node in played.get(case, ())), case


def test_no_case_tells_such_a_pair_in_one_order_only() -> None:
    """`starts` or `stops` beside a status of charging or finishing would be a pair that is never swapped."""
    for case, nodes in cases().items():
        for node in nodes:
            text = ast.unparse(node)
            assert not ("starts" in called(node) and "'Charging'" in text and "shows" in called(node)), case
            assert not ("stops" in called(node) and "'Finishing'" in text and "shows" in called(node)), case


def test_the_last_four_messages_of_a_signed_update_come_in_any_order() -> None:
    """TC_080: boot, security event, SN(Available) and SignedFirmwareStatusNotification(Installed)."""
    (node,) = cases()["TC_080"]
    assert "permutations(LAST_FOUR)" in " ".join(map(ast.unparse, node.decorator_list))


@pytest.mark.both_orders
async def test_the_order_asked_for_is_the_order_told(gateway: Bench, station: ScriptedStation, swapped: bool) -> None:
    transaction = await station.charges(1)
    await station.ends(transaction)
    rows = await gateway.rows("SELECT kind, data FROM events WHERE connector = 1 ORDER BY id")
    told = [row["kind"] for row in rows if '"Preparing"' not in row["data"] and '"Available"' not in row["data"]]
    starts = ["connector.status", "transaction.started"]
    ends = ["connector.status", "transaction.ended"]
    assert told == (starts + ends if swapped else starts[::-1] + ends[::-1])
