"""What a command to a station is while it travels the corridor, and what became of it.

Nouns only: who may send what is asked of the rules, how it travels is `carry_out_commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.model.calls import Payload
from gateway.model.identities import CommandId, StationId
from gateway.ocpp.v16.to_station import Answer
from gateway.store.writing import Writing

Status = Literal[
    "answered",
    "call_error",
    "unanswered",
    "not_connected",
    "refused",
    "unknown_station",
    "unknown_action",
    "unknown_image",
]

# the actor of what nobody asked for
GATEWAY = "gateway"


class NotAgreed(Exception):
    """Whoever asked does not want it any more; nothing of the order is stored, and the text says why."""


@dataclass(frozen=True, slots=True)
class Order:
    """One request to a station; `payload` is complete once the order is accepted.

    `new_password_hash`: of the password that ChangeConfiguration(AuthorizationKey) sets (hashing takes long, and is
    done before any unit of work). `warning`: what looked wrong when it was accepted. `image`: of the store, whose
    address a firmware update is to have. `reason`: why an upload is asked for, in a person's words. `agreed`: asked
    last of all.
    """

    command_id: CommandId
    station: StationId
    action: str
    payload: Payload
    actor: str
    new_password_hash: str | None = None
    warning: str | None = None
    image: str | None = None
    reason: str | None = None
    agreed: Agreed | None = None


# runs in the unit that accepts the order, after everything else: notes what whoever asked has to remember of it, or
# raises NotAgreed
Agreed = Callable[[Writing, Order], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an order, for those who heed it.

    `payload`: the station's answer as received, secrets included, None unless `answered`. `answer`: the same, typed,
    None when nothing in it can be relied on. `code`: of a CALLERROR, as the station spells it.
    """

    status: Status
    payload: Payload | None = None
    answer: Answer | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command, for people; the members that do not apply are None. Secrets are masked."""

    command_id: str
    status: Status
    response: Mapping[str, object] | None = None
    code: str | None = None
    description: str | None = None
    request: Mapping[str, object] | None = None  # the payload sent, when the gateway filled something in
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Behalf:
    """A fleet manager's command that this one is carried out for.

    `finished`: told the outcome in the very commit that writes it; runs in a unit of work.
    """

    fleet_command_id: str
    finished: Callable[[Writing, Outcome], None]
