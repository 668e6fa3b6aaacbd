"""The AsyncAPI 3.0 document about everything that travels over MQTT, put together from the tables of this folder.

It is told from the gateway's side: it sends what goes up and receives what comes down. How messages are made and read
is decided elsewhere; a test holds what is really sent against these schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.contract.channels import BINDING_VERSION, CHANNELS, Channel, MessageKind, messages_of
from gateway.contract.envelope import ENVELOPE, EVENT_TYPES, LEFT_OUT, data_name, schemas_of_data
from gateway.contract.shapes import Schema, ref
from gateway.model.journal import STREAMS

_ABOUT = """\
How a charging site tells fleet managers what happens and is told what to do. docs/fleet.md explains it.

`{root}` is `topic_root` of the gateway's configuration, `{gateway}` its `site.id` and `{station}` a station's id or \
`_site`; in both, every character but `A-Z a-z 0-9 _ -` is `~HH`, its UTF-8 bytes in hexadecimal. The true id \
is in the payload.

Within `v1` members are only added: ignore what you do not know. Schemas are listed under `components/schemas`; an \
event's `dataschema` names that of its `data`.
"""
_PARAMETERS: Mapping[str, Mapping[str, object]] = {
    "root": {"description": "topic_root of the configuration", "default": "ocpp-gateway"},
    "gateway": {"description": "site.id, encoded"},
    "stream": {"description": "tx: what billing needs; ops: whatever else happens; meter: samples",
               "enum": list(STREAMS)},
    "station": {"description": "the station's id, encoded; _site: what belongs to no station"},
    "document": {"description": "which document, such as auth-list"},
    "consumer": {"description": "a name of the fleet manager's own"},
}  # fmt: skip


def document() -> dict[str, object]:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ocpp-gateway, MQTT",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"broker": _server()},
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {channel.operation: _operation(channel) for channel in CHANNELS},
        "components": {
            "schemas": {"Envelope": ENVELOPE, "LeftOut": LEFT_OUT, **schemas_of_data()},
            "messages": {kind.name: _message(kind) for channel in CHANNELS for kind in messages_of(channel)},
            "parameters": dict(_PARAMETERS),
        },
    }


def _server() -> dict[str, object]:
    return {
        "host": "{host}:{port}",
        "protocol": "secure-mqtt",
        "protocolVersion": "5.0",
        "description": "The fleet manager's broker. With MQTT 3.1.1 it works too, without what only 5.0 carries.",
        "variables": {
            "host": {"description": "`host` of [[upstream]]"},
            "port": {"description": "`port` of [[upstream]]; 1883 without TLS", "default": "8883"},
        },
        "bindings": {
            "mqtt": {
                "clientId": "{gateway}",
                "cleanSession": False,
                "lastWill": {
                    "topic": "{root}/v1/{gateway}/up/state",
                    "qos": 1,
                    "message": "offline, with the session's number",
                    "retain": True,
                },
                "keepAlive": 30,
                "sessionExpiryInterval": 604_800,
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _channel(channel: Channel) -> dict[str, object]:
    return {
        "address": channel.address,
        "description": channel.about,
        "messages": {
            kind.name: {"$ref": f"#/components/messages/{kind.name}"} for kind in messages_of(channel)
        },
        "parameters": {
            name: {"$ref": f"#/components/parameters/{name}"}
            for name in _PARAMETERS
            if f"{{{name}}}" in channel.address
        },
    }  # fmt: skip


def _operation(channel: Channel) -> dict[str, object]:
    binding: dict[str, object] = {"qos": channel.qos, "retain": channel.retain, "bindingVersion": BINDING_VERSION}
    if channel.expires:
        binding["messageExpiryInterval"] = {"type": "integer", "minimum": 1}
    operation: dict[str, object] = {
        "action": channel.action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.about.split(". ")[0].rstrip(".") + ".",
        "messages": _messages(channel.name, messages_of(channel)),
        "bindings": {"mqtt": binding},
    }
    if channel.answered_on is not None:
        answers = next(one for one in CHANNELS if one.name == channel.answered_on)
        operation["reply"] = {
            "address": {"description": "always this channel", "location": "$message.payload#/reply_to"},
            "channel": {"$ref": f"#/channels/{answers.name}"},
            "messages": _messages(answers.name, messages_of(answers)),
        }
    return operation


def _messages(channel: str, kinds: Iterable[MessageKind]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{channel}/messages/{kind.name}"} for kind in kinds]


def _message(kind: MessageKind) -> dict[str, object]:
    binding: dict[str, object] = {
        "payloadFormatIndicator": 1,
        "contentType": kind.content_type,
        "bindingVersion": BINDING_VERSION,
    }
    message: dict[str, object] = {
        "name": kind.name,
        "contentType": kind.content_type,
        "payload": _payload(kind),
        "summary": kind.about,
    }
    if kind.correlated:
        message["correlationId"] = {"location": "$message.payload#/id"}
        binding["correlationData"] = {"type": "string", "description": "the command's id"}
    if kind.asks_for_answer:
        binding["responseTopic"] = "{root}/v1/{gateway}/up/res"
    return {**message, "bindings": {"mqtt": binding}}


def _payload(kind: MessageKind) -> Schema:
    if kind.schema is not None:
        return kind.schema
    event = EVENT_TYPES[kind.name]
    return {
        "allOf": [
            ref("Envelope"),
            {
                "type": "object",
                "properties": {
                    "type": {"const": event.type},
                    "stream": {"const": event.stream},
                    "data": {"anyOf": [ref(data_name(kind.name)), ref("LeftOut")]},
                },
            },
        ]
    }
