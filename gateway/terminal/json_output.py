"""JSON in and out of the command line: printing a document, and taking typed parts of one that came over the wire.

It does not know which documents there are; what is missing becomes an empty value rather than a fault.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.terminal.exits import negative

Document = Mapping[str, object]


def print_json(document: object) -> None:
    """One document, indented, UTF-8 as it is."""
    print(json.dumps(document, indent=2, ensure_ascii=False))


def items_of(document: object) -> list[Document]:
    """`items` of a collection."""
    return list_of(document, "items")


def list_of(document: object, name: str) -> list[Document]:
    """A member that is a list of objects."""
    value = document.get(name) if isinstance(document, Mapping) else None
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def part_of(document: object, name: str) -> Document:
    """A member that is an object."""
    value = document.get(name) if isinstance(document, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def text_member(document: object, name: str) -> str:
    """A member that must be text. Raises Ending when the gateway did not send it."""
    value = document.get(name) if isinstance(document, Mapping) else None
    if not isinstance(value, str):
        raise negative(f"the gateway's answer has no {name}: is it of another version?")
    return value
