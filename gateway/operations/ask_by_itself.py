"""How the gateway asks a station for something that nobody asked for: one request, and a little rest after it.

Only functions in the table `AUTOMATIC` of `look_after_stations` ask like this. Some stations drop the connection when
requests follow each other at once.
"""

from __future__ import annotations

import asyncio

from gateway.model.calls import Payload
from gateway.model.identities import StationId
from gateway.ocpp.v16.to_station import Answer, StatusAnswer, read_answer
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.orders import GATEWAY
from gateway.operations.site import Site

_REST_SECONDS = 0.5


class LookAgain(Exception):
    """Something is due that cannot be done now: it is the station's turn again in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


def may_be_asked(site: Site, station: StationId) -> bool:
    """True while the station is connected, accepted, and does not want to be left in peace."""
    connection = site.connected.get(station)
    return connection is not None and not connection.treatment.pending and not connection.treatment.quiet


async def ask(site: Site, station: StationId, action: str, payload: Payload) -> Outcome | None:
    """The station's answer, which may be an error; None: it may not be asked, or said nothing, so ask no more now."""
    if not may_be_asked(site, station):
        return None
    outcome = await carry_out(site, station=station, action=action, payload=payload, actor=GATEWAY)
    if outcome.status not in ("answered", "call_error"):
        return None
    await asyncio.sleep(_REST_SECONDS)
    return outcome


def answer_in(outcome: Outcome, action: str) -> Answer | None:
    """The typed answer; None for an error, and for what cannot be relied on."""
    return None if outcome.response is None else read_answer(action, outcome.response)


def status_in(outcome: Outcome, action: str) -> str | None:
    """The status in the answer, in the spelling of the specification; None when there is none."""
    match answer_in(outcome, action):
        case StatusAnswer(status):
            return status
    return None
