"""What the schemas of messages are made of. Objects are open: whoever reads must ignore members that it does not know.

They are JSON Schema draft 7, which is what an AsyncAPI 3.0 document takes without saying so. It knows no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

Schema = dict[str, object]

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
TIME: Schema = {"type": "string", "format": "date-time", "pattern": "Z$"}
TIME_OR_NULL: Schema = {"type": ["string", "null"], "format": "date-time", "pattern": "Z$"}
WHOLE: Schema = {"type": "integer"}
WHOLE_OR_NULL: Schema = {"type": ["integer", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
SEQUENCE: Schema = {"type": "integer", "minimum": 1}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT}
THREE_AMPS: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3}
OBJECT: Schema = {"type": "object"}
ANYTHING: Schema = {}


def told(schema: Schema, description: str) -> Schema:
    """The schema with a sentence about it."""
    return {**schema, "description": description}


def one_of(*values: object) -> Schema:
    """One of these values."""
    return {"enum": list(values)}


def always(value: object) -> Schema:
    """This value."""
    return {"const": value}


def list_of(schema: Schema) -> Schema:
    """A list whose items are like this."""
    return {"type": "array", "items": schema}


def ref(name: str) -> Schema:
    """The schema of this name in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_with(members: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """An object that has these members, all but the optional ones always, and perhaps more some day."""
    required = [name for name in members if name not in set(optional)]
    schema: Schema = {"type": "object", "properties": dict(members)}
    return {**schema, "required": required} if required else schema
