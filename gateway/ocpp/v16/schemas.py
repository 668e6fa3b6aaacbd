"""The exact check of any OCPP 1.6 payload, with the reason for a refusal (OCPP-J 1.6 section 4.2.3).

Reads the 78 official schema files from the installed `ocpp` package (as data: its code is never imported), each on
first use, and accepts exactly what a draft-04 validator accepts, with `multipleOf` calculated exactly. Like that
validator it does not look inside date-times. This is the slow path: it says which rule was broken first, and never
repeats a value, because values may be secrets. It does not know which payloads the gateway tolerates all the same.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isfinite
from typing import Literal

from gateway.ocpp.errors import ErrorCode
from gateway.ocpp.v16.actions import ACTIONS

Direction = Literal["request", "response"]


@dataclass(frozen=True, slots=True)
class Violation:
    """The first rule that a payload breaks: the code for a CALLERROR, and a short text without any value."""

    code: ErrorCode
    description: str


@dataclass(frozen=True, slots=True)
class Text:
    """A string of at most `max_length` characters, one of `choices` if there are any."""

    max_length: int | None
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `whole`: written without fraction or exponent; `step`: it must be a multiple of that."""

    whole: bool
    step: Fraction | None


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list of at least `at_least` elements, each shaped like `each`."""

    each: Shape
    at_least: int


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these properties and no others."""

    properties: Mapping[str, Shape]
    required: tuple[str, ...]


Shape = Text | Number | Flag | Items | Record


def actions() -> tuple[str, ...]:
    """Every action that has schemas, in the order of the table of actions."""
    return tuple(ACTIONS)


def violations(action: str, direction: Direction, payload: object) -> Violation | None:
    """The first rule of the official schema that a JSON payload breaks; None: valid. KeyError: unknown action."""
    if not isinstance(payload, dict):
        return Violation(ErrorCode.TYPE_CONSTRAINT_VIOLATION, "payload: expected an object")
    return _check(shape_of(action, direction), payload, "")


def listed_values(action: str, direction: Direction, name: str) -> tuple[str, ...]:
    """The values that the schema lists for a property of the payload; empty if it is no enumeration there."""
    shape = shape_of(action, direction).properties.get(name)
    return shape.choices if isinstance(shape, Text) else ()


@cache
def shape_of(action: str, direction: Direction) -> Record:
    """The compiled schema of one payload. KeyError: unknown action; ValueError: a schema this file cannot express."""
    if action not in ACTIONS:
        raise KeyError(action)
    suffix = "" if direction == "request" else "Response"
    schema = json.loads(pkgutil.get_data("ocpp", f"v16/schemas/{action}{suffix}.json") or b"{}")
    return _record(schema, schema.get("definitions", {}))


_WITHOUT_EFFECT = {"$schema", "$id", "title", "definitions", "format", "javaType", "additionalItems"}
_UNDERSTOOD: Mapping[str, set[str]] = {
    "string": {"type", "maxLength", "enum", "additionalProperties"},
    "integer": {"type"},
    "number": {"type", "multipleOf"},
    "boolean": {"type"},
    "array": {"type", "items", "minItems"},
    "object": {"type", "properties", "required", "additionalProperties"},
}


def compiled(schema: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]]) -> Shape:
    """The shape that a draft-04 schema describes. ValueError: a keyword that this file does not understand."""
    if "$ref" in schema:
        return compiled(definitions[str(schema["$ref"]).removeprefix("#/definitions/")], definitions)
    _refuse_unknown_keywords(schema)
    match schema:
        case {"type": "object"}:
            return _record(schema, definitions)
        case {"type": "array", "items": items}:
            at_least = schema.get("minItems", 0)
            return Items(
                each=compiled(_mapping(items), definitions), at_least=at_least if isinstance(at_least, int) else 0
            )
        case {"type": "string"}:
            max_length = schema.get("maxLength")
            return Text(
                max_length=max_length if isinstance(max_length, int) else None,
                choices=_texts(schema.get("enum", [])),
            )
        case {"type": "integer" | "number"}:
            step = schema.get("multipleOf")
            return Number(whole=schema["type"] == "integer", step=None if step is None else Fraction(str(step)))
        case {"type": "boolean"}:
            return Flag()
        case _:
            raise ValueError(f"not understood: {sorted(schema)}")


def _record(schema: Mapping[str, object], definitions: Mapping[str, Mapping[str, object]]) -> Record:
    _refuse_unknown_keywords(schema)
    if schema.get("additionalProperties") is not False:
        raise ValueError("not understood: an object that is open to unknown properties")
    properties = _mapping(schema.get("properties", {}))
    return Record(
        properties={name: compiled(_mapping(part), definitions) for name, part in properties.items()},
        required=_texts(schema.get("required", [])),
    )


def _refuse_unknown_keywords(schema: Mapping[str, object]) -> None:
    """A newer schema file must not be checked by half."""
    if set(schema) - _WITHOUT_EFFECT - _UNDERSTOOD.get(str(schema.get("type")), set()):
        raise ValueError(f"not understood: {sorted(schema)}")


def _mapping(part: object) -> Mapping[str, object]:
    if not isinstance(part, dict):
        raise ValueError("not understood: a schema that is not an object")
    return part


def _texts(part: object) -> tuple[str, ...]:
    return tuple(str(text) for text in part) if isinstance(part, list) else ()


def _check(shape: Shape, value: object, path: str) -> Violation | None:
    match shape:
        case Record():
            return _check_record(shape, value, path)
        case Items():
            return _check_items(shape, value, path)
        case Text():
            return _check_text(shape, value, path)
        case Number():
            return _check_number(shape, value, path)
    return None if isinstance(value, bool) else _wrong_type(path, "true or false")


def _check_record(shape: Record, value: object, path: str) -> Violation | None:
    if not isinstance(value, dict):
        return _wrong_type(path, "an object")
    prefix = f"{path}." if path else ""
    for name in shape.required:
        if name not in value:
            return Violation(ErrorCode.PROTOCOL_ERROR, f"{prefix}{name}: missing")
    for name in value:
        if name not in shape.properties:
            return Violation(ErrorCode.FORMATION_VIOLATION, f"{prefix}{_printable(name)}: unknown property")
    for name, part in value.items():
        found = _check(shape.properties[name], part, f"{prefix}{name}")
        if found is not None:
            return found
    return None


def _check_items(shape: Items, value: object, path: str) -> Violation | None:
    if not isinstance(value, list):
        return _wrong_type(path, "a list")
    if len(value) < shape.at_least:
        return Violation(
            ErrorCode.OCCURENCE_CONSTRAINT_VIOLATION, f"{path}: expected at least {shape.at_least} element"
        )
    for index, part in enumerate(value):
        found = _check(shape.each, part, f"{path}[{index}]")
        if found is not None:
            return found
    return None


def _check_text(shape: Text, value: object, path: str) -> Violation | None:
    if not isinstance(value, str):
        return _wrong_type(path, "a string")
    if shape.max_length is not None and len(value) > shape.max_length:
        return _bad_value(path, f"at most {shape.max_length} characters")
    if shape.choices and value not in shape.choices:
        listed = ", ".join(shape.choices)
        return _bad_value(path, f"one of {listed}" if len(listed) <= 120 else "one of the values in the specification")
    return None


def _check_number(shape: Number, value: object, path: str) -> Violation | None:
    if isinstance(value, bool) or not isinstance(value, int if shape.whole else int | float):
        return _wrong_type(path, "an integer" if shape.whole else "a number")
    finite = isinstance(value, int) or isfinite(value)  # a float cannot hold every integer
    if shape.step is not None and not (finite and Fraction(str(value)) % shape.step == 0):
        return _bad_value(path, f"a multiple of {float(shape.step)}")
    return None


def _wrong_type(path: str, expected: str) -> Violation:
    return Violation(ErrorCode.TYPE_CONSTRAINT_VIOLATION, f"{path}: expected {expected}")


def _bad_value(path: str, expected: str) -> Violation:
    return Violation(ErrorCode.PROPERTY_CONSTRAINT_VIOLATION, f"{path}: expected {expected}")


def _printable(name: str) -> str:
    """A foreign name, short and plain enough for a description of 255 characters and a log line."""
    return ascii(name)[1:-1][:50]
