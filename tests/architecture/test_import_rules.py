"""Who may import whom, and which third-party library belongs to which door. Each ban has its reason."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import tree_of

ROOT = Path(__file__).parents[2]

# What each part may import of gateway. `configuration` is plain frozen data that the composition hands to verbs.
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "rules": {"model"},
    "ocpp": {"model"},
    "store": {"model", "rules"},
    "stations": {"model", "ocpp"},
    "pki": {"model"},
    "meters": {"model"},
    "upstream": {"model"},
    "contract": {"model", "rules", "store"},
    "operations": {
        "model", "rules", "ocpp", "store", "stations", "pki", "meters", "upstream", "configuration", "health",
        "journal_signal", "version",
    },
    "web": {"model", "store", "operations", "contract"},
    "pages": {"model", "web", "version"},
    "terminal": {
        "configuration",
        "model",
        "rules",
        "operations",
        "pki",
        "store",
        "daemon",
        "demo",
        "provisioning_check",
        "machine_clock",
        "daemon_process",
        "version",
    },
}  # fmt: skip
REASON = {
    "model": "nouns know nothing",
    "rules": "a decision takes facts as arguments, it fetches none",
    "ocpp": "the protocol must run without sockets, clocks and disk",
    "store": "the store knows rows; what to write is decided by rules and carried out by operations",
    "stations": "a door is given what it needs, it knows neither other doors nor verbs",
    "pki": "keys and certificates on disk; what they are for is decided by verbs",
    "meters": "a door to the lines; whether a reading is believed, and what follows, is not its question",
    "upstream": "a door to the brokers of fleet managers; what is sent, and when to try again, is not its question",
    "contract": "what is said over MQTT, as data: it carries nothing out",
    "operations": "verbs are called by doors, never the other way round",
    "web": "a page or route does nothing that the other doors cannot do as well",
    "pages": "the page is a client of the API: it reaches no table and no verb by itself",
    "terminal": "the command line talks to the running daemon; offline it uses the same operations",
}
LIBRARY_OF = {
    "uvloop": {"daemon_process"},
    "websockets": {"stations", "simulated_link", "simulated_station"},
    "ocpp": {"ocpp"},
    "msgspec": {"ocpp", "store", "operations", "web"},  # the JSON codec; schemas live in ocpp alone
    "sqlite3": {"store", "operations"},
    "aiosqlite": {"store"},
    "argon2": {"store"},
    "cryptography": {"pki"},
    "zstandard": {"store"},
    "aiohttp": {"web", "pages"},
    "yarl": {"web"},  # the library's own addresses
    "jinja2": {"pages"},
    "babel": {"pages"},
    "segno": {"pages"},
    "paho": {"upstream"},
    "serial": {"meters"},
    "pymodbus": {"meters", "simulated_meter"},
    "smllib": {"meters"},
    "tomlkit": {"terminal", "operations"},  # who writes into files of people: setup on a terminal, and of the page
}
BANNED_IN_PURE = {
    "asyncio", "sqlite3", "time", "random", "uuid", "os", "pathlib", "socket", "threading", "logging", "secrets",
}  # fmt: skip
PURE = ("model", "rules", "ocpp")
CLOCK_CALLS = {"now", "utcnow", "today"}


def modules() -> Iterator[tuple[Path, str, ast.Module]]:
    """(file, part of gateway, syntax tree) of every module of the package."""
    for file in sorted((ROOT / "gateway").rglob("*.py")):
        inside = file.relative_to(ROOT / "gateway")
        part = inside.parts[0].removesuffix(".py")
        yield file, part, tree_of(file)


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, wherever the statement stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def named_as_types_only(tree: ast.Module) -> set[str]:
    """Dotted names imported under `if TYPE_CHECKING:`: they stand in annotations, and nothing of them is run."""
    blocks = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    return {name for block in blocks for name in imported(ast.Module(block.body, []))}


def parts_imported(tree: ast.Module) -> set[str]:
    """The parts of gateway that a module imports."""
    return {name.split(".")[1] for name in imported(tree) if name.startswith("gateway.")}


def test_parts_import_only_what_they_may() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports gateway.{other}: {REASON[part]}"
        for file, part, tree in modules()
        if part in MAY_IMPORT
        for other in sorted(_meant(parts_imported(tree)) - MAY_IMPORT[part] - {part})
    ]
    assert not wrong, "\n".join(wrong)


def _meant(parts: set[str]) -> set[str]:
    # configuration is one noun in several files
    return {"configuration" if part.startswith("configuration") else part for part in parts}


def test_each_library_has_one_door() -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {library}, which belongs to {sorted(LIBRARY_OF[library])}"
        for file, part, tree in modules()
        for library in sorted({name.split(".")[0] for name in imported(tree)} & LIBRARY_OF.keys())
        if part not in LIBRARY_OF[library]
    ]
    assert not wrong, "\n".join(wrong)


def test_every_other_import_is_the_standard_library() -> None:
    known = set(LIBRARY_OF) | {"gateway", "firmware_store", "__future__", "_typeshed"}
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file, _, tree in modules()
        for name in sorted({name.split(".")[0] for name in imported(tree)})
        if name not in known and name not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", PURE)
def test_pure_parts_touch_no_clock_disk_or_loop(part: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file, found, tree in modules()
        if found == part
        for name in sorted(
            {name.split(".")[0] for name in set(imported(tree)) - named_as_types_only(tree)} & BANNED_IN_PURE
        )
    ]
    wrong += [
        f"{file.relative_to(ROOT)}:{node.lineno} asks the clock"
        for file, found, tree in modules()
        if found == part
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
    ]
    assert not wrong, "\n".join(wrong)


def test_firmware_store_never_imports_gateway() -> None:
    for file in (ROOT / "firmware_store").rglob("*.py"):
        assert not parts_imported(tree_of(file)), file


def test_except_exception_stands_in_few_places() -> None:
    places = [
        f"{file.relative_to(ROOT)}"
        for file, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception"
    ]
    assert sorted(places) == sorted(MAY_CATCH_EVERYTHING), places


# Where a fault of ours must not take the rest of the site with it.
MAY_CATCH_EVERYTHING = [
    "gateway/daemon_process.py",  # a new configuration that cannot be started
    "gateway/operations/answer_stations.py",  # one message
    "gateway/operations/begin_again.py",  # one command of the life before, at the start
    "gateway/operations/carry_out_fleet_commands.py",  # one command
    "gateway/operations/hear_upstream.py",  # one message of a fleet manager
    "gateway/operations/look_after_stations.py",  # one care of one station
    "gateway/operations/note_draws.py",  # one measurement
    "gateway/operations/send_limits.py",  # the limits of one station
    "gateway/operations/settle_documents.py",  # one document of a fleet manager
    "gateway/store/database.py",  # one batch: run again unit by unit
    "gateway/store/database.py",  # one unit
    "gateway/supervision.py",  # one loop
    "gateway/upstream/wire.py",  # one link: bytes that the library cannot read
    "gateway/web/problems.py",  # one request
]


def test_no_create_task_outside_supervised_places() -> None:
    allowed = {
        "gateway/daemon.py", "gateway/daemon_process.py", "gateway/demo.py",
        "gateway/operations/balance_load.py",
        "gateway/operations/carry_out_fleet_commands.py",
        "gateway/operations/keep_upstream.py", "gateway/operations/look_after_stations.py",
        "gateway/operations/roll_out_documents.py",
        "gateway/operations/roll_out_firmware.py",
        "gateway/operations/send_certificates.py",
        "gateway/operations/send_limits.py", "gateway/simulated_link.py", "gateway/simulated_station.py",
        "gateway/stations/tls.py", "gateway/web/application.py",
    }  # fmt: skip
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"create_task", "ensure_future"}
        and str(file.relative_to(ROOT)) not in allowed
    ]
    assert not wrong, wrong
