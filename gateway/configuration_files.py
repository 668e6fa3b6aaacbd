"""The configuration's files as one tree: parse, remember who said what on which line, merge in order.

Every value keeps its place, so a mistake names the file in which it stands, also after merging.
This file does not know which keys exist.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

Step = str | int


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: `key` as in `station[2].min_amps`, numbered from 0 within its own file."""

    file: str
    key: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend, in the words of the person who will mend it."""

    place: Place
    expected: str
    got: str

    def __str__(self) -> str:
        line = f" (line {self.place.line})" if self.place.line else ""
        return f"{self.place.file}: {self.place.key}: expected {self.expected}, got {self.got}{line}"


class ConfigurationMistakes(Exception):
    """The configuration cannot be used; `mistakes` holds every reason, not only the first."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__(format_mistakes(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Node:
    """A value as written, with its place; tables and lists hold nodes."""

    value: object | dict[str, Node] | list[Node]
    place: Place


def format_mistakes(mistakes: Iterable[Mistake]) -> str:
    """One line per mistake, `FILE: section.key: expected ..., got ...`, followed by the line where it is known."""
    return "\n".join(str(mistake) for mistake in mistakes)


def parse_file(path: Path) -> Node | Mistake:
    """The file's tree, or why there is none: unreadable, not UTF-8, not TOML."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return unreadable(path, error)
    return parse_text(content, path)


def unreadable(path: Path, error: OSError) -> Mistake:
    """Why the file cannot be read."""
    reason = error.strerror or str(error)
    return Mistake(place=Place(str(path), "(file)"), expected="a readable file", got=f'"{reason}"')


def parse_text(content: bytes, path: Path) -> Node | Mistake:
    """The tree of what the file says, or would say."""
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return Mistake(place=Place(str(path), "(file)"), expected="UTF-8 text", got=f"byte {error.start} that is not")
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column (\d+)\)$", str(error))
        line = f"line {where[1]}" if where else "the end of the file"
        return Mistake(place=Place(str(path), line), expected="valid TOML", got=f'"{error}"')
    return _node(document, (), str(path), _lines_of(text))


def merged(older: Node, newer: Node) -> Node:
    """Tables merge key by key, lists of tables are joined, anything else is replaced by the newer file's value."""
    if isinstance(older.value, dict) and isinstance(newer.value, dict):
        table: dict[str, Node] = dict(older.value)
        for key, child in newer.value.items():
            table[key] = merged(table[key], child) if key in table else child
        return replace(older, value=table)
    if isinstance(older.value, list) and isinstance(newer.value, list) and _has_table(older.value + newer.value):
        return replace(older, value=older.value + newer.value)
    return newer


def place_of(node: Node, *path: Step) -> Place:
    """Where `path` stands below `node`; what is not written is placed at the nearest table that is."""
    for position, step in enumerate(path):
        inside = _child(node, step)
        if inside is None:
            key = "".join([node.place.key, *(_label(missing) for missing in path[position:])]).lstrip(".")
            return Place(node.place.file, key, node.place.line)
        node = inside
    return node.place


def is_written(node: Node, *path: Step) -> bool:
    """Whether any file gives this key, rather than its default being in force."""
    for step in path:
        inside = _child(node, step)
        if inside is None:
            return False
        node = inside
    return True


def value_of(node: Node, *path: Step) -> object:
    """What is written there; None when nothing is."""
    for step in path:
        inside = _child(node, step)
        if inside is None:
            return None
        node = inside
    return node.value


def shown(node: Node) -> str:
    """The value for a sentence, never longer than a line."""
    value = node.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value[:4]) + (", ...]" if len(value) > 4 else "]")
    return "a table" if isinstance(value, dict) else f"the date or time {value}"


def quoted(text: str) -> str:
    """The text in quotes on one line, shortened to 60 characters."""
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return f'"{printable}"' if len(printable) <= 60 else f'"{printable[:57]}..."'


def _has_table(items: list[Node]) -> bool:
    return any(isinstance(item.value, dict) for item in items)


def _child(node: Node, step: Step) -> Node | None:
    if isinstance(node.value, dict) and isinstance(step, str):
        return node.value.get(step)
    if isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None


def _label(step: Step) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _node(value: object, path: tuple[Step, ...], file: str, lines: Mapping[tuple[Step, ...], int]) -> Node:
    # inside an inline table the line is that of the key that holds it
    known = next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)
    place = Place(file, "".join(_label(step) for step in path).lstrip("."), known)
    if isinstance(value, dict):
        return Node({key: _node(child, (*path, key), file, lines) for key, child in value.items()}, place)
    if isinstance(value, list):
        return Node([_node(child, (*path, index), file, lines) for index, child in enumerate(value)], place)
    return Node(value, place)


_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


def _lines_of(text: str) -> dict[tuple[Step, ...], int]:
    """Line of every table and key; a guess for people (text inside a multi-line string may look like a key)."""
    lines: dict[tuple[Step, ...], int] = {}
    entries: dict[tuple[Step, ...], int] = {}
    table: tuple[Step, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = ()
            parts = _parts(header[2])
            for position, part in enumerate(parts):
                table = (*table, part)
                if header[1] == "[[" and position == len(parts) - 1:
                    entries[table] = entries.get(table, -1) + 1
                if table in entries:
                    table = (*table, entries[table])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_parts(key[1])), number)
    return lines


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
