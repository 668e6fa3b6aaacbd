"""What the schemas of documents are made of: the usual members, objects, lists and pages. It knows no document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time"}
COUNT: Schema = {"type": "integer"}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
FLAG_OR_NULL: Schema = {"type": ["boolean", "null"]}
LIST_OF_TEXTS: Schema = {"type": "array", "items": TEXT}
ANYTHING: Schema = {}


def ref(name: str) -> Schema:
    """The schema of this name in the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema) -> Schema:
    """A list whose items are like this."""
    return {"type": "array", "items": schema}


def object_with(members: Mapping[str, Schema], *, optional: Iterable[str] = (), closed: bool = True) -> Schema:
    """An object with these members, all required but the optional ones."""
    required = [name for name in members if name not in set(optional)]
    schema: Schema = {"type": "object", "properties": dict(members), "additionalProperties": not closed}
    return {**schema, "required": required} if required else schema


def collection(name: str, **members: Schema) -> Schema:
    """A page of documents of this name, perhaps with more members."""
    return object_with({"items": list_of(ref(name)), "next": TEXT_OR_NULL, **members}, optional=members)
