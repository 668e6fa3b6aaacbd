"""The pages say what is true: files and functions exist, links resolve, commands are understood, tables match code."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.configuration import load_configuration
from gateway.operations.describe_stations import DESCRIPTIONS
from gateway.terminal.arguments import parse
from tests.architecture.source import tree_of
from tests.architecture.test_import_rules import LIBRARY_OF, MAY_IMPORT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
ARCHITECTURE = (DOCS / "architecture.md").read_text()

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")


def name(page: Path) -> str:
    """The page's path from the root."""
    return str(page.relative_to(ROOT))


def rows(text: str, first_heading: str) -> Iterator[list[str]]:
    """The cells of every table whose first column has this heading."""
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == first_heading:
            inside = True
        elif inside and not set(cells[0]) <= set("-: "):
            yield cells


def spans(text: str) -> list[str]:
    """Everything in single backticks outside code blocks."""
    return _SPAN.findall(_FENCE.sub("", text))


def links(page: Path) -> Iterator[str]:
    """The relative targets of a page's links, without anchors."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target.split("#")[0]


# Links


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_resolves(page: Path) -> None:
    broken = [target for target in links(page) if target and not (page.parent / target).exists()]
    assert not broken


def test_every_page_is_reachable_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            reached.add(page)
            continue
        reached.add(page)
        waiting += [(page.parent / target).resolve() for target in links(page) if target]
    assert not [name(file) for file in DOCS.iterdir() if file not in reached]


# Commands


def typed_commands(text: str) -> Iterator[str]:
    """What a reader may type: the lines of plain code blocks and the code spans that begin with `ocpp-gateway`."""
    lines = [line for language, body in _FENCE.findall(text) if language in ("", "sh") for line in body.splitlines()]
    for line in [*lines, *spans(text)]:
        found = re.match(r"\s*(?:sudo )?(?:\S*/)?ocpp-gateway(?: (.*))?$", line)
        if found is not None and "/" not in (found[1] or "x")[:1]:
            yield found[1] or ""
    for cells in rows(text, "command"):
        span = re.match(r"`(.+)`$", cells[0])
        if span is not None and not span[1].startswith(("ocpp", "./")):
            yield span[1]


def words_of(command: str) -> list[str]:
    """The words as the shell would hand them over; optional parts are taken, placeholders become examples."""
    optional_taken = re.sub(r"(?<=[\s\[])\[|\](?=[\s\]]|$)", "", f" {command}").strip()
    words = []
    for word in shlex.split(optional_taken.replace("\\|", "|").replace(" | jq", " # jq"), comments=True):
        if word in (">", ">>", "|"):
            break
        words.append({"N": "1", "EVENT": "1", "X": "1", "S": "Accepted"}.get(word, word.split("|")[0]))
    return words


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_understood(page: Path) -> None:
    wrong = []
    for command in typed_commands(page.read_text()):
        words = words_of(command)
        if not words or words[0] == "COMMAND" or {"--help", "--version"} & set(words):
            continue
        try:
            parse(words, "0")
        except SystemExit:
            wrong.append(" ".join(words))
    assert not wrong


def test_the_commands_of_the_readme_and_the_operator_are_seen() -> None:
    seen = {command.split()[0] for page in PAGES for command in typed_commands(page.read_text()) if command}
    assert {"run", "check-config", "status", "tags", "tail", "token", "backup", "restore", "call"} <= seen


def test_every_word_of_the_dev_script_exists() -> None:
    known = set(re.findall(r"^(\w+)\)$", (ROOT / "dev").read_text(), re.MULTILINE))
    named = {word for page in PAGES for word in re.findall(r"\./dev (\w+)", page.read_text())}
    assert {"run", "test"} <= named <= known


def test_the_dev_script_is_sound() -> None:
    subprocess.run(["bash", "-n", ROOT / "dev"], check=True)


# Configuration


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_piece_of_configuration_is_accepted(page: Path, tmp_path: Path) -> None:
    for language, body in _FENCE.findall(page.read_text()):
        if language == "toml":
            text = body if "site" in tomllib.loads(body) else f'[site]\nid = "site"\n{body}'
            (tmp_path / "gateway.toml").write_text(text)
            load_configuration(tmp_path / "gateway.toml")


# Stations


def test_every_quirk_is_told() -> None:
    told = {quirk for cells in rows((DOCS / "stations.md").read_text(), "quirk") for quirk in _SPAN.findall(cells[0])}
    assert told == set(DESCRIPTIONS)


# Architecture


def test_the_tree_is_as_told() -> None:
    told = {
        f"{_SPAN.findall(cells[0])[0]}{file}.py"
        for cells in rows(ARCHITECTURE, "part")
        if len(cells) == 3 and cells[0].startswith("`gateway/")
        for file in _SPAN.findall(cells[2])
    }
    there = {name(file) for file in (ROOT / "gateway").rglob("*.py") if file.name != "__init__.py"}
    assert told - there == set(), "named in docs/architecture.md, but not there"
    assert there - told == set(), "there, but not named in docs/architecture.md"


def test_every_file_that_the_architecture_names_exists() -> None:
    paths = {span for span in spans(ARCHITECTURE) if re.fullmatch(r"[\w./]+", span) and ("/" in span or ".py" in span)}
    missing = [path for path in paths if not any((start / path).exists() for start in (ROOT, ROOT / "gateway"))]
    assert not missing
    assert len(paths) > 20


def test_every_function_that_the_architecture_names_exists() -> None:
    defined = set()
    for file in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                defined.add(node.name)
            elif isinstance(node, ast.ClassDef):
                defined |= {node.name, *(f"{node.name}.{part.name}" for part in node.body if hasattr(part, "name"))}
    named = {span.removesuffix("()") for span in spans(ARCHITECTURE) if re.fullmatch(r"[A-Za-z][\w.]*\(\)", span)}
    assert len(named) > 10
    assert not named - defined
    classes = {"Conversation", "Connected", "Site", "JournalSignal", "StoreUnavailable", "Refusal", "CallErrored"}
    assert classes | {"NotConnected", "Unanswered"} <= defined


def test_the_import_rules_are_as_told() -> None:
    told = {
        _SPAN.findall(cells[0])[0]: set(_SPAN.findall(cells[1]))
        for cells in rows(ARCHITECTURE, "part")
        if len(cells) == 3 and not cells[0].startswith("`gateway/")
    }
    assert told == MAY_IMPORT
    assert LIBRARY_OF["zstandard"] == LIBRARY_OF["aiosqlite"] == {"store"}, "the page says so"


def test_every_folder_of_tests_is_told() -> None:
    told = {_SPAN.findall(cells[0])[0].removeprefix("tests/") for cells in rows(ARCHITECTURE, "folder")}
    folders = {file.parent.relative_to(ROOT / "tests").parts[0] for file in (ROOT / "tests").glob("*/*.py")}
    assert told == folders
