"""Holds what was really sent against the AsyncAPI document: `complaints_about(topic, payload)`.

Consumers are told to ignore members that they do not know; here an unknown member is a complaint, because it would be
one that the document does not tell. Topics are taken apart by a reading of their own, not by the gateway's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft7Validator

from gateway.contract.asyncapi import document

BATCH = "application/cloudevents-batch+json"
_PREFIX = "ocpp-gateway."
_MOST_TOLD = 5


def complaints_about(
    topic: str,
    payload: bytes,
    *,
    root: str = "ocpp-gateway",
    retain: bool | None = None,
    qos: int | None = None,
    content_type: str | None = None,
) -> list[str]:
    """What the document does not allow about this message; nothing when all is well. What is None is not looked at."""
    place = _channel_of(topic.removeprefix(f"{root}/")) if topic.startswith(f"{root}/") else None
    if place is None:
        return [f"{topic}: no channel has this address"]
    channel, parts = place
    operation = _operation_on(channel)
    binding = operation["bindings"]["mqtt"]
    found = [
        f"{channel}: {name} is {value}, told is {binding[name]}"
        for name, value in (("retain", retain), ("qos", qos))
        if value is not None and value != binding[name]
    ]
    if payload == b"":
        return found if binding["retain"] else [*found, f"{channel}: an empty payload, but nothing is retained there"]
    try:
        told = json.loads(payload)
    except ValueError as error:
        return [*found, f"{channel}: no JSON: {error}"]
    if channel == "events":
        if content_type is not None and isinstance(told, list) != (content_type == BATCH):
            found.append(f"{channel}: {content_type} does not fit")
        for event in told if isinstance(told, list) else [told]:
            found += _about_event(event, parts, in_batch=isinstance(told, list))
        return found
    return [*found, *_about_document(channel, told, parts)]


def _about_event(event: Mapping[str, Any], parts: Mapping[str, str], *, in_batch: bool) -> Iterator[str]:
    name = str(event.get("type", "")).removeprefix(_PREFIX)
    data_schema = _closed_schemas().get(name)
    if data_schema is None:
        yield f"events: no type {event.get('type')!r}"
        return
    kind = name.removesuffix(".v1")
    payload = document_as_told()["components"]["messages"][kind]["payload"]["allOf"][1]["properties"]
    for member in ("type", "stream"):
        if event.get(member) != payload[member]["const"]:
            yield f"{kind}: {member} is {event.get(member)!r}, told is {payload[member]['const']!r}"
    yield from _against(_closed_schemas()["Envelope"], event, kind)
    if "left_out_bytes" not in (event.get("data") or {}):
        yield from _against(data_schema, event.get("data"), f"{kind}: data")
    if event.get("id") != f"{event.get('epoch')}:{event.get('stream')}:{event.get('sequence')}":
        yield f"{kind}: the id is {event.get('id')}"
    if event.get("stream") != parts["stream"]:
        yield f"{kind}: on the topic of stream {parts['stream']}"
    subject = re.match(r"station/([^/]*)", event.get("subject") or "")
    mixed = in_batch and parts["station"] == "_site"
    if not mixed and (unquote(subject[1]) if subject else None) != decoded(parts["station"]):
        yield f"{kind}: on the topic of {parts['station']}, but about {event.get('subject')}"


def _about_document(channel: str, told: object, parts: Mapping[str, str]) -> Iterator[str]:
    if not isinstance(told, dict):
        yield f"{channel}: no object"
        return
    name = {
        "commands": f"command.{told.get('type')}",
        "documents": f"document.{parts.get('document')}",
    }.get(channel)
    messages = document_as_told()["channels"][channel]["messages"]
    if name is None:
        (name,) = messages
    if name not in messages:
        yield f"{channel}: no message {name}"
        return
    yield from _against(_closed(document_as_told()["components"]["messages"][name]["payload"]), told, name)


def decoded(level: str) -> str | None:
    """The id that a level of a topic stands for; None for the site itself."""
    if level == "_site":
        return None
    return re.sub(rb"~([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), level.encode()).decode()


def _against(schema: Mapping[str, Any], told: object, name: str) -> Iterator[str]:
    for error in list(Draft7Validator(schema).iter_errors(told))[:_MOST_TOLD]:
        where = "/".join(str(step) for step in error.absolute_path)
        yield f"{name}: {where}: {error.message[:300]}"


@cache
def document_as_told() -> dict[str, Any]:
    """The document as one reads it: through JSON."""
    as_read: dict[str, Any] = json.loads(json.dumps(document()))
    return as_read


@cache
def _addresses() -> list[tuple[str, re.Pattern[str]]]:
    told = []
    for name, channel in document_as_told()["channels"].items():
        address = channel["address"].removeprefix("{root}/")
        pattern = "".join(
            f"(?P<{part[1:-1]}>[A-Za-z0-9_~-]+)" if part.startswith("{") else re.escape(part)
            for part in re.split(r"({\w+})", address)
        )
        told.append((name, re.compile(pattern)))
    return told


def _channel_of(address: str) -> tuple[str, dict[str, str]] | None:
    for name, pattern in _addresses():
        found = pattern.fullmatch(address)
        if found is not None:
            return name, found.groupdict()
    return None


def _operation_on(channel: str) -> dict[str, Any]:
    operations: Iterable[dict[str, Any]] = document_as_told()["operations"].values()
    return next(one for one in operations if one["channel"]["$ref"] == f"#/channels/{channel}")


@cache
def _closed_schemas() -> dict[str, Any]:
    return {name: _closed(schema) for name, schema in document_as_told()["components"]["schemas"].items()}


def _closed(schema: Any) -> Any:
    """The schema with every object that names its members closed."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) if key != "const" else value for key, value in schema.items()}
    if "properties" in schema and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
