"""The channels between gateway and fleet manager, and the messages on each. It does not know the documents' details."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from gateway.contract.commands import ARGUMENTS, RESULT, command
from gateway.contract.documents import DOCUMENTS, REPORT
from gateway.contract.envelope import EVENT_TYPES
from gateway.contract.fleet_says import ACKNOWLEDGEMENT, HOST_STATE
from gateway.contract.gateway_says import INFO, LIVE, STATE, TEST
from gateway.contract.shapes import Schema, list_of

BINDING_VERSION = "0.2.0"
JSON = "application/json"
EVENT = "application/cloudevents+json; charset=utf-8"
BATCH = "application/cloudevents-batch+json"


class MessageKind(NamedTuple):
    """What may come on a channel; `schema` None: an event of the type that its name says."""

    name: str
    about: str
    schema: Schema | None
    content_type: str = JSON
    correlated: bool = False
    asks_for_answer: bool = False


class Channel(NamedTuple):
    """A topic with its parts that vary. `action` is the gateway's."""

    name: str
    address: str
    operation: str
    action: Literal["send", "receive"]
    about: str
    qos: int = 1
    retain: bool = False
    expires: bool = False
    answered_on: str | None = None


_UP = "{root}/v1/{gateway}/up"
_DOWN = "{root}/v1/{gateway}/dn"

CHANNELS = (
    Channel(
        "state", f"{_UP}/state", "tellState", "send",
        "Online (a birth) or offline. The will says offline, too: one whose session is lower than that of the last"
        " birth says nothing any more.", retain=True,
    ),
    Channel(
        "info", f"{_UP}/info", "tellInfo", "send",
        "The birth certificate: what the site is, which epoch its journal has and where each stream begins.",
        retain=True,
    ),
    Channel(
        "events", f"{_UP}/evt/{{stream}}/{{station}}", "sendEvents", "send",
        "The journal, each event until it is acknowledged. In order of sequence within a stream.",
    ),
    Channel(
        "live", f"{_UP}/live/{{station}}", "sendTelemetry", "send",
        "What is measured now, while somebody asked for it. It may be lost.", qos=0,
    ),
    Channel(
        "reports", f"{_UP}/rep/{{document}}", "reportDocument", "send",
        "Which version of a document is applied, or why it is not.", retain=True,
    ),
    Channel(
        "results", f"{_UP}/res", "answerCommand", "send",
        "What became of a command. The final result is also an event, command.finished, which is never lost.",
    ),
    Channel(
        "test", f"{_UP}/test", "testLink", "send",
        "A message of `ocpp-gateway upstream test`. Ignore it.",
    ),
    Channel(
        "acknowledgements", f"{_DOWN}/ack", "heedAcknowledgement", "receive",
        "How far the fleet manager has a stream on its disk.",
    ),
    Channel(
        "commands", f"{_DOWN}/cmd", "obeyCommand", "receive",
        "What is to be done once. The same id again gets the same result again.", expires=True, answered_on="results",
    ),
    Channel(
        "documents", f"{_DOWN}/des/{{document}}", "applyDocument", "receive",
        "What is to hold from now on. A higher version replaces a lower one.", retain=True,
    ),
    Channel(
        "hosts", "{root}/v1/_host/{consumer}", "heedHost", "receive",
        "Whether a fleet manager is there. People at the site are shown it.", retain=True,
    ),
)  # fmt: skip


def messages_of(channel: Channel) -> Iterator[MessageKind]:
    """The messages that may come on a channel."""
    match channel.name:
        case "state":
            yield MessageKind("state", "Online or offline.", STATE)
        case "info":
            yield MessageKind("info", "The birth certificate.", INFO)
        case "events":
            yield from (MessageKind(name, event.about, None, EVENT) for name, event in EVENT_TYPES.items())
            every: Schema = {"anyOf": [{"$ref": f"#/components/messages/{name}/payload"} for name in EVENT_TYPES]}
            about = "Several events, when an acknowledgement said that they may come so."
            yield MessageKind("events", about, {**list_of(every), "minItems": 1}, BATCH)
        case "live":
            yield MessageKind("live", "Telemetry.", LIVE)
        case "reports":
            yield MessageKind("report", "What became of a document.", REPORT)
        case "results":
            yield MessageKind("result", "What became of a command.", RESULT, correlated=True)
        case "test":
            yield MessageKind("test", "To be ignored.", TEST)
        case "acknowledgements":
            yield MessageKind("acknowledgement", "Cumulative, per stream.", ACKNOWLEDGEMENT)
        case "commands":
            yield from (
                MessageKind(f"command.{kind}", f"Command {kind}.", command(kind), correlated=True, asks_for_answer=True)
                for kind in ARGUMENTS
            )
        case "documents":
            yield from (MessageKind(f"document.{name}", about, schema) for name, (about, schema) in DOCUMENTS.items())
        case "hosts":
            yield MessageKind("host", "Online or offline.", HOST_STATE)
