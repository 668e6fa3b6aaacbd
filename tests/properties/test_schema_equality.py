"""Our types accept exactly what the official schemas accept: compared with a draft-04 validator on mutated messages."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from decimal import Context, Decimal, localcontext
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from jsonschema import Draft4Validator

from gateway.ocpp.v16 import from_station
from gateway.ocpp.v16.actions import ACTIONS
from gateway.ocpp.v16.from_station import REQUEST_TYPES
from gateway.ocpp.v16.reading import Request, read_request
from gateway.ocpp.v16.schemas import Direction, violations

SEED = 20160101
JUNK: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.0, 0.5, 1e2, 21.4, 16.35, 2**63, -(2**70), 10**25, 10**50),
    *("", "A", "null", "x" * 21, "x" * 600, "\U0001f50c" * 20, "\x00", "Accepted", "Hertz", "Celcius", "Other", "1"),
    *([], [None], ["A"], [[]], [{}], {}, {"value": "1"}, {"key": "K", "readonly": False}),
]


@cache
def schema_of(action: str, direction: Direction) -> dict[str, Any]:
    name = action if direction == "request" else f"{action}Response"
    schema: dict[str, Any] = json.loads(
        files("ocpp").joinpath(f"v16/schemas/{name}.json").read_text("utf-8"), parse_float=Decimal
    )
    return schema


def oracle_accepts(action: str, direction: Direction, text: str) -> bool:
    with localcontext(Context(prec=400)):
        validator = Draft4Validator(schema_of(action, direction))
        return validator.is_valid(json.loads(text, parse_float=Decimal))


def valid_example(schema: dict[str, Any], root: dict[str, Any], rng: random.Random) -> Any:
    """A value that obeys `schema`: optional properties half of the time, lengths often at the limit."""
    if "$ref" in schema:
        return valid_example(root["definitions"][schema["$ref"].rsplit("/", 1)[1]], root, rng)
    match schema["type"]:
        case "object":
            required = schema.get("required", [])
            return {
                name: valid_example(part, root, rng)
                for name, part in schema.get("properties", {}).items()
                if name in required or rng.random() < 0.5
            }
        case "array":
            return [valid_example(schema["items"], root, rng) for _ in range(rng.randint(schema.get("minItems", 0), 3))]
        case "string" if "enum" in schema:
            return rng.choice(schema["enum"])
        case "string":
            longest = schema.get("maxLength", 30)
            return rng.choice("aé\U0001f50c") * rng.choice([0, 1, longest - 1, longest])
        case "integer":
            return rng.choice([0, 1, -1, 7, 2**31, 2**63, 10**30])
        case "number":
            return rng.choice([0, 16, 21.4, 0.3, 31.9, -6.1, 1e22])
        case _:
            return rng.choice([True, False])


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def mutate(payload: Any, rng: random.Random) -> Any:
    """The payload with one change somewhere; the change may leave it valid."""
    found = list(places(payload))
    if not found or rng.random() < 0.03:
        return deepcopy(rng.choice([*JUNK, {"extra": 1}]))
    container, key = rng.choice(found)
    value = container[key]
    match rng.randrange(8):
        case 0 | 1:
            container[key] = deepcopy(rng.choice(JUNK))
        case 2:
            del container[key]
        case 3 if isinstance(container, dict):
            container[rng.choice([key.upper(), key.capitalize(), f"{key} ", "extra", "timestamp"])] = value
        case 4:
            container[key] = [value]
        case 5 if isinstance(value, str):
            container[key] = rng.choice([value + "x", value[:-1], value.swapcase(), value * 2, f" {value}"])
        case 6 if isinstance(value, int | float):
            container[key] = rng.choice([value + 0.5, float(value), str(value), value * 10, value / 10, -value])
        case _:
            container[key] = None
    return payload


def messages(action: str, direction: Direction, count: int) -> Iterator[str]:
    """Valid, singly and doubly mutated messages as JSON text."""
    rng = random.Random(f"{SEED} {action} {direction}")
    schema = schema_of(action, direction)
    for index in range(count):
        payload = valid_example(schema, schema, rng)
        for _ in range(index % 3):
            payload = mutate(payload, rng)
        yield json.dumps(payload, ensure_ascii=bool(index % 2))


@pytest.mark.parametrize("action", sorted(REQUEST_TYPES))
def test_request_types_accept_what_the_schemas_accept(action: str) -> None:
    decoder = msgspec.json.Decoder(REQUEST_TYPES[action])
    verdicts = {True: 0, False: 0}
    for text in messages(action, "request", 700):
        expected = oracle_accepts(action, "request", text)
        verdicts[expected] += 1
        told = f"seed {SEED}: {text}"
        accepted = isinstance(read_request(action, text.encode(), strict=True), Request)
        assert accepted == expected or (text == "null" and action == "Heartbeat"), told
        assert accepts(lambda text=text: decoder.decode(text)) == expected, told
        assert accepts(lambda text=text: msgspec.convert(json.loads(text), REQUEST_TYPES[action])) == expected, told
    assert min(verdicts.values()) > 70, f"one-sided: {verdicts}"


@pytest.mark.parametrize("direction", ["request", "response"])
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_all_78_compiled_schemas_accept_what_the_schemas_accept(action: str, direction: Direction) -> None:
    verdicts = {True: 0, False: 0}
    for text in messages(action, direction, 150):
        expected = oracle_accepts(action, direction, text)
        verdicts[expected] += 1
        violation = violations(action, direction, json.loads(text))
        assert (violation is None) == expected, f"seed {SEED}: {text} {violation}"
        assert violation is None or len(violation.description) <= 255
    assert min(verdicts.values()) > 15, f"one-sided: {verdicts}"


@pytest.mark.parametrize("action", sorted(REQUEST_TYPES))
def test_answer_types_write_and_read_what_the_schemas_accept(action: str) -> None:
    kind = getattr(from_station, f"{action}Answer", from_station.EmptyAnswer)
    for text in messages(action, "response", 90):
        if oracle_accepts(action, "response", text):
            answer = msgspec.json.decode(text, type=kind)
            assert json.loads(msgspec.json.encode(answer)) == json.loads(text), f"seed {SEED}: {text}"


def accepts(decode: Any) -> bool:
    try:
        decode()
    except msgspec.ValidationError:
        return False
    return True
