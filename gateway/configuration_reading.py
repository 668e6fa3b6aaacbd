"""Reads TOML files into frozen dataclasses and collects every mistake instead of stopping at the first.

The dataclass is the grammar: its fields are the keys, its annotations the types, `Annotated` the bounds.
This file does not know what any key means, nor whether two keys agree (configuration_agreement).
"""

from __future__ import annotations

import difflib
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Literal, NewType, TypeVar

from gateway.configuration_files import Mistake, Node, Place, place_of, quoted, shown
from gateway.rules.secrecy import masked_text

Shape = TypeVar("Shape")

SecretFile = NewType("SecretFile", Path)
"""A file whose content is secret; the only kind of path that may be written as `credential:NAME`."""

# where systemd puts the credentials of the unit; used when a command is typed outside the unit
CREDENTIALS_OF_THE_UNIT = Path("/run/credentials/ocpp-gateway.service")
_PREFIX_OF_THE_SITE = "site_"  # LoadCredential=site:DIRECTORY hands over each file of it under this name


@dataclass(frozen=True, slots=True)
class Between:
    """Both ends are allowed."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Passes:
    """A text that `accepts` likes; `expected` says so in words."""

    expected: str
    accepts: Callable[[str], bool]


class Reader:
    """Turns one merged tree into dataclasses; `mistakes` holds at most one mistake per key."""

    def __init__(self, *, folder: Path, environment: Mapping[str, str], report_missing: bool) -> None:
        """`folder`: where relative paths begin. `report_missing` is false when a file could not be parsed."""
        self.mistakes: list[Mistake] = []
        self._folder = folder
        self._credentials = Path(environment.get("CREDENTIALS_DIRECTORY") or CREDENTIALS_OF_THE_UNIT)
        self._report_missing = report_missing
        self._mistaken: set[tuple[str, str]] = set()

    def report(self, place: Place, *, expected: str, got: str) -> None:
        """Note a mistake, unless this key already has one."""
        if (place.file, place.key) not in self._mistaken:
            self._mistaken.add((place.file, place.key))
            self.mistakes.append(Mistake(place=place, expected=expected, got=got))

    def read(self, shape: type[Shape], node: Node) -> Shape:
        """An instance of the dataclass `shape`; where there was a mistake it holds the default or a stand-in."""
        try:
            return self._table(shape, node)
        except _Wrong as wrong:
            raise TypeError(f"the root of a TOML document is a table: {wrong}") from wrong

    def _table(self, shape: type[Shape], node: Node) -> Shape:
        if not isinstance(node.value, dict):
            raise _Wrong("a table")
        hints = typing.get_type_hints(shape, include_extras=True)
        known = {key: field for field in fields(shape) if (key := key_of(field))}  # type: ignore[arg-type]
        self._refuse_unknown(node, known)
        values = {field.name: self._field(field, hints[field.name], node) for field in known.values()}
        return shape(**values)

    def _refuse_unknown(self, node: Node, known: Iterable[str]) -> None:
        assert isinstance(node.value, dict)
        for key, child in node.value.items():
            if key not in known:
                nearest = difflib.get_close_matches(key, known, n=1)
                hint = f" (did you mean `{nearest[0]}`?)" if nearest else ""
                # the value is not shown: it may be a secret in the wrong place
                self.report(child.place, expected=f"a known key{hint}", got="an unknown key")

    def _field(self, field: Field[object], hint: object, node: Node) -> object:
        assert isinstance(node.value, dict)
        key = key_of(field)
        child = node.value.get(key)
        if child is None and isinstance(hint, type) and is_dataclass(hint):
            child = Node({}, place_of(node, key))
        if child is not None:
            try:
                return self._value(hint, child)
            except _Wrong as wrong:
                self.report(child.place, expected=wrong.expected, got=shown(child))
        elif _has_no_default(field) and self._report_missing:
            self.report(place_of(node, key), expected=_expectation(hint), got="nothing")
        return _default_of(field)

    def _value(self, hint: object, node: Node) -> object:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is Annotated:
            return self._bounded(arguments[0], arguments[1], node)
        if origin is Literal:
            if node.value not in arguments or isinstance(node.value, bool):
                raise _Wrong(_expectation(hint))
            return node.value
        if origin in (typing.Union, types.UnionType):
            inner = [argument for argument in arguments if argument is not types.NoneType]
            return self._value(inner[0], node) if len(inner) == 1 else self._one_of(inner, node)
        if origin is tuple and arguments[-1] is not Ellipsis:
            return self._per_phase(hint, node)
        if origin is tuple:
            return self._list(hint, node)
        if origin is Mapping:
            return self._mapping(arguments, node)
        if isinstance(hint, type) and is_dataclass(hint):
            return self._table(hint, node)
        return self._scalar(hint, node)

    def _bounded(self, hint: object, rule: object, node: Node) -> object:
        expected = _expectation(Annotated[hint, rule])
        try:
            value = self._value(hint, node)
        except _Wrong:
            raise _Wrong(expected) from None
        if isinstance(rule, Between) and isinstance(value, int | float) and not rule.low <= value <= rule.high:
            raise _Wrong(expected)
        if isinstance(rule, Passes) and isinstance(value, str) and not rule.accepts(value):
            raise _Wrong(expected)
        return value

    def _one_of(self, shapes: list[type[object]], node: Node) -> object:
        """The dataclass whose `type` is the written one."""
        if not isinstance(node.value, dict):
            raise _Wrong("a table")
        by_type = {_type_of(shape): shape for shape in shapes}
        written = node.value.get("type")
        if written is not None and isinstance(written.value, str) and written.value in by_type:
            return self._table(by_type[written.value], node)
        expected = "one of " + ", ".join(f'"{name}"' for name in by_type)
        self.report(place_of(node, "type"), expected=expected, got=shown(written) if written else "nothing")
        return _STAND_IN

    def _per_phase(self, hint: object, node: Node) -> tuple[object, ...]:
        """One value per phase; a single one counts for all."""
        hints = typing.get_args(hint)
        items = node.value if isinstance(node.value, list) else [node] * len(hints)
        if len(items) != len(hints):
            raise _Wrong(_expectation(hint))
        try:
            return tuple(self._value(phase, item) for phase, item in zip(hints, items, strict=True))
        except _Wrong:
            raise _Wrong(_expectation(hint)) from None

    def _list(self, hint: object, node: Node) -> tuple[object, ...]:
        if not isinstance(node.value, list):
            raise _Wrong(_expectation(hint))
        values: list[object] = []
        for item in node.value:
            try:
                values.append(self._value(typing.get_args(hint)[0], item))
            except _Wrong as wrong:
                self.report(item.place, expected=wrong.expected, got=shown(item))
        # positions must match those of the tree, or a later mistake would name the wrong entry
        return tuple(values) if len(values) == len(node.value) else ()

    def _mapping(self, hints: tuple[object, ...], node: Node) -> dict[object, object]:
        """A table whose keys are free; the wrong ones are left out and reported."""
        if not isinstance(node.value, dict):
            raise _Wrong("a table")
        found: dict[object, object] = {}
        for key, child in node.value.items():
            try:
                name = self._value(hints[0], Node(key, child.place))
            except _Wrong as wrong:
                self.report(child.place, expected=f"as the key {wrong.expected}", got=quoted(key))
                continue
            try:
                found[name] = self._value(hints[1], child)
            except _Wrong as wrong:
                self.report(child.place, expected=wrong.expected, got=masked_text(shown(child)))
        return found

    def _scalar(self, hint: object, node: Node) -> object:
        value = node.value
        if hint in (Path, SecretFile):
            return self._path(hint, value)
        if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if hint in (bool, int, str) and type(value) is hint:
            return value
        raise _Wrong(_expectation(hint))

    def _path(self, hint: object, value: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            raise _Wrong(_expectation(hint))
        if hint is SecretFile and value.startswith("credential:"):
            name = value.removeprefix("credential:")
            if not name or "/" in name or name in (".", ".."):
                raise _Wrong(_expectation(hint))
            return self._credential(name)
        return self._folder / value

    def _credential(self, name: str) -> Path:
        """A file of /etc/ocpp-gateway/credentials, handed over with a prefix; else a credential of a drop-in."""
        of_the_site = self._credentials / f"{_PREFIX_OF_THE_SITE}{name}"
        return of_the_site if os.access(of_the_site, os.F_OK) else self._credentials / name


def key_of(field: Field[object]) -> str:
    """The field's key in the file: its name unless the metadata says another; empty: not a key."""
    return str(field.metadata.get("key", field.name))


class _Wrong(Exception):
    """A value is not what its key takes; `expected` says what would be."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


# Takes the place of a required value that is missing or wrong. It never leaves the loader: the mistake is reported.
_STAND_IN = ""

_EXPECTATIONS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    SecretFile: "a path or `credential:NAME`",
}


def _expectation(hint: object) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated and isinstance(arguments[1], Passes):
        return arguments[1].expected
    if origin is Annotated and isinstance(arguments[1], Between):
        rule = arguments[1]
        return f"{_expectation(arguments[0])} from {_number(rule.low)} to {_number(rule.high)}"
    if origin is Literal:
        return "one of " + ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in arguments)
    if origin is tuple and arguments[-1] is not Ellipsis:
        return f"{_expectation(arguments[0])}, or a list of {len(arguments)} of them"
    if origin is tuple:
        return "a list"
    return _EXPECTATIONS.get(hint, "a table")


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _type_of(shape: type[object]) -> str:
    return str(typing.get_args(typing.get_type_hints(shape)["type"])[0])


def _has_no_default(field: Field[object]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _default_of(field: Field[object]) -> object:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return _STAND_IN if field.default is MISSING else field.default
