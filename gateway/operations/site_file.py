"""Writes decisions into the text of site.toml: what a person wrote there beside them, comments too, stays as it is.

A decision that is None takes its key out. Whether the text makes a good configuration, and whether somebody else has
fixed a value already, is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

_HEADING = (
    "Written by the setup page of the gateway. What stands in /etc/ocpp-gateway wins; see configuration.md.",
    "The same keys as in gateway.toml, but no [data].",
)

Entry = Mapping[str, object]


class Unwritable(Exception):
    """The text that is there cannot be edited: it is for a person to mend."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """`values`: (section, key) and the value. `meters`, `circuits`: all of them, by name; None: as they are.

    `main`: the circuit above all others, by whose name it is known in the file; `without_main`: it goes.
    """

    values: Mapping[tuple[str, str], object] = field(default_factory=dict)
    main: Entry | None = None
    without_main: bool = False
    meters: Sequence[Entry] | None = None
    circuits: Sequence[Entry] | None = None


def text_with(text: str, decisions: Decisions) -> str:
    """The text with these decisions in it. Raises Unwritable."""
    try:
        document = tomlkit.parse(text) if text.strip() else _fresh()
    except TOMLKitError as error:
        raise Unwritable(f"expected valid TOML, got {error}") from error
    _expect_tables(document)
    for (section, key), value in decisions.values.items():
        _put(document, section, key, value)
    if decisions.meters is not None:
        _put_all(document, "meter", decisions.meters)
    if decisions.circuits is not None:
        _put_all(document, "circuit", decisions.circuits, besides=_main_of(document))
    if decisions.main is not None:
        _change(_tables(document, "circuit"), decisions.main)
    if decisions.without_main:
        _take_out(document, "circuit", {_main_of(document)})
    return tomlkit.dumps(document)


def names_in(text: str, section: str) -> list[str]:
    """The names of the entries of [[section]] in the order in which they stand there."""
    entries = tomlkit.parse(text).unwrap().get(section, [])
    return [str(entry.get("name")) for entry in entries]


def _expect_tables(document: Mapping[str, object]) -> None:
    """What the daemon would refuse anyway is not edited."""
    for section in ("site", "ocpp"):
        if not isinstance(document.get(section, {}), Mapping):
            raise Unwritable(f"{section}: expected a table")
    for section in ("meter", "circuit"):
        entries = document.get(section, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise Unwritable(f"{section}: expected a list of tables")


def _fresh() -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    for line in _HEADING:
        document.add(tomlkit.comment(line))
    return document


def _put(document: tomlkit.TOMLDocument, section: str, key: str, value: object) -> None:
    table = document.get(section)
    if value is not None:
        if table is None:
            document.add(section, tomlkit.table())
            table = document[section]
        cast(Table, table)[key] = value
    elif table is not None and key in table:
        del cast(Table, table)[key]


def _put_all(
    document: tomlkit.TOMLDocument, section: str, entries: Sequence[Entry], besides: str | None = None
) -> None:
    names = {str(entry["name"]) for entry in entries} | {besides}
    _take_out(document, section, {name for name in _names(document, section) if name not in names})
    for entry in entries:
        _change(_tables(document, section), entry)


def _change(tables: AoT, entry: Entry) -> None:
    """Keys that the entry does not name stay as they are."""
    table = next((one for one in tables if one.get("name") == entry["name"]), None)
    is_new = table is None
    table = tomlkit.table() if table is None else table
    for key, value in entry.items():
        if value is None:
            table.pop(key, None)
        elif key not in table or table[key] != value:
            table[key] = _inline(value) if isinstance(value, Mapping) else value
    if is_new:
        tables.append(table)


def _inline(value: Mapping[str, object]) -> object:
    table = tomlkit.inline_table()
    table.update({key: inner for key, inner in value.items() if inner is not None})
    return table


def _tables(document: tomlkit.TOMLDocument, section: str) -> AoT:
    there = document.get(section)
    if isinstance(there, AoT):
        return there
    if there is not None:
        del document[section]
    document.add(section, tomlkit.aot())
    tables = cast(AoT, document[section])
    for entry in there.unwrap() if there is not None else []:
        _change(tables, {"name": None, **entry})
    return tables


def _names(document: tomlkit.TOMLDocument, section: str) -> list[str | None]:
    return [entry.get("name") for entry in document.get(section, [])]


def _take_out(document: tomlkit.TOMLDocument, section: str, names: set[str | None]) -> None:
    if section not in document:
        return
    tables = _tables(document, section)
    for position in reversed([at for at, one in enumerate(tables) if one.get("name") in names]):
        del tables[position]
    if not tables:
        del document[section]


def _main_of(document: tomlkit.TOMLDocument) -> str | None:
    return next((one.get("name") for one in document.get("circuit", []) if "parent" not in one), None)
