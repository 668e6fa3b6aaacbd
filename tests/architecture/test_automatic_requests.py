"""No request leaves that nobody asked for, but through the one loop: held against the source, not against a run."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from gateway.operations import look_after_stations
from tests.architecture.source import tree_of

ROOT = Path(__file__).parents[2]
# Who may send as the gateway itself without being in the table, and why.
EXCEPTIONS = {
    "gateway/operations/balance_load.py",  # stopping a session that overloads a circuit cannot wait for a turn
    "gateway/operations/ask_by_itself.py",  # the words in which the functions of the table ask
    "gateway/operations/give_limits.py",  # a limit cannot wait for a turn in the loop: `send_limits` gives the turns
    "gateway/operations/send_certificates.py",  # CertificateSigned is the second half of the station's SignCertificate
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    """(name, syntax tree) of every module."""
    for file in sorted((ROOT / "gateway").rglob("*.py")):
        yield str(file.relative_to(ROOT)), tree_of(file)


def module_of(care: look_after_stations.Care) -> str:
    return str(Path(inspect.getfile(care)).relative_to(ROOT))


def sends_by_itself(node: ast.AST) -> bool:
    """Is this a call of `ask`, or of the corridor in the gateway's own name?"""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return False
    actors = [keyword.value for keyword in node.keywords if keyword.arg == "actor"]
    in_our_name = any(
        (isinstance(actor, ast.Constant) and actor.value == "gateway")
        or (isinstance(actor, ast.Name) and actor.id == "GATEWAY")
        for actor in actors
    )
    return (node.func.id == "ask" and len(node.args) == 4) or (node.func.id == "carry_out" and in_our_name)


def test_only_what_the_loop_calls_asks_in_the_gateway_s_own_name() -> None:
    senders = {name for name, tree in sources() if any(sends_by_itself(node) for node in ast.walk(tree))}
    cares = {module_of(care) for care in look_after_stations.AUTOMATIC}
    assert senders - EXCEPTIONS <= cares, "these ask stations by themselves, and are not in AUTOMATIC"
    assert {"gateway/operations/read_settings.py", "gateway/operations/repair_settings.py"} <= senders


def test_nobody_but_the_loop_calls_what_is_in_its_table() -> None:
    names = {getattr(care, "__name__", "?") for care in look_after_stations.AUTOMATIC}
    callers = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and names & {alias.name for alias in node.names}
    }
    assert callers == {"gateway/operations/look_after_stations.py"}


def test_every_way_into_the_corridor_names_who_asks() -> None:
    silent = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "carry_out"
        and "actor" not in {keyword.arg for keyword in node.keywords}
    ]
    assert not silent


def test_stations_are_called_by_the_corridor_alone() -> None:
    callers = {
        name
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "call"
        and "patience_seconds" in {keyword.arg for keyword in node.keywords}
    }
    assert callers == {"gateway/operations/carry_out_commands.py", "gateway/stations/connected.py"}
