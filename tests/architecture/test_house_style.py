"""The size and the words of the house: file and function length, docstrings, names that are not allowed."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

from tests.architecture.source import tree_of

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 350
LONGEST_FUNCTION = 40
BANNED_NAMES = {"utils", "helpers", "common", "base", "core", "manager", "service", "handler_base", "misc"}


def package_files() -> list[Path]:
    """Every Python file of the two packages."""
    return sorted([*(ROOT / "gateway").rglob("*.py"), *(ROOT / "firmware_store").rglob("*.py")])


def tracked_files() -> list[Path]:
    """Every file that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_files_are_short() -> None:
    long = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in package_files()}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_FILE}


def test_functions_are_short() -> None:
    long = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines"
        for file in package_files()
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in package_files()
        if file.read_text().strip() and not ast.get_docstring(tree_of(file))
    ]
    assert not silent


def test_public_functions_and_classes_have_a_docstring() -> None:
    silent = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in package_files()
        for node in tree_of(file).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "\n".join(silent)


def test_no_inheritance_except_exceptions_and_library_bases() -> None:
    allowed = {
        "Exception", "UnusableDatabase", "NamedTuple", "Struct", "StrEnum", "ServerConnection", "TypedDict", "Protocol",
        "logging.Formatter", "logging.Filter", "logging.Handler", "http.client.HTTPConnection",
        "argparse.ArgumentParser", "argparse.Action", "urllib.request.HTTPRedirectHandler",
        # pyftpdlib: what a connection does is told by overriding its classes
        "AbstractedFS", "ActiveDTP", "AsyncChat", "FTPServer", "PassiveDTP", "TLS_DTPHandler", "TLS_FTPHandler",
        "ThrottledDTPHandler",
        "StationLogin",  # one class of the library, in two files
    }  # fmt: skip
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}({ast.unparse(base)})"
        for file in package_files()
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if ast.unparse(base) not in allowed and not ast.unparse(base).startswith("msgspec.")
    ]
    assert not wrong, "\n".join(wrong)


def test_no_name_that_says_nothing() -> None:
    assert not [file for file in package_files() if file.stem in BANNED_NAMES]


def test_nothing_waits_by_sleeping_in_tests() -> None:
    # the one place that looks at another process again and again: it has no way to call us
    polls = ROOT / "tests" / "end_to_end" / "running_gateway.py"
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in (ROOT / "tests").rglob("*.py")
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if re.search(r"\btime\.sleep\(", line)
        and "node_modules" not in file.parts
        and file not in (Path(__file__), polls)
    ]
    assert not wrong, wrong


def test_no_registry_host_and_no_path_of_a_workplace() -> None:
    # written in halves, so that this file does not name what it forbids
    halves = (("py", "pi.org"), ("python", "hosted.org"), ("registry.npm", "js"), ("deb.deb", "ian.org"))
    hosts = re.compile("|".join(re.escape(first + second) for first, second in halves).encode())
    wrong = [str(file.relative_to(ROOT)) for file in tracked_files() if hosts.search(file.read_bytes())]
    assert not wrong, wrong


def test_nothing_is_left_for_later() -> None:
    marks = re.compile("|".join(first + second for first, second in (("TO", "DO"), ("FIX", "ME"), ("X", "XX"))))
    wrong = [
        f"{file.relative_to(ROOT)}"
        for file in tracked_files()
        if file.suffix in {".py", ".md", ".toml", ".sql", ".mjs", ".c", ".sh"} and marks.search(file.read_text())
    ]
    assert not wrong, wrong
