"""An event of the journal as it is stored, whatever stream it belongs to."""

from __future__ import annotations

import json
from typing import NamedTuple

from gateway.model.clocks import ClockState
from gateway.model.instants import Instant

STREAMS = ("tx", "ops", "meter")  # what bills first
METER_KIND = "meter.values"
SITE_KIND = "site.sample"


def kind_of_frame(station: str) -> str:
    """What the event of a meter frame is called; one of no station is a sample of the site."""
    return METER_KIND if station else SITE_KIND


def payload_of(body: bytes | str) -> object:
    """What a meter frame says; text as it was received where that is no JSON: the journal hides nothing."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


class JournalEvent(NamedTuple):
    """`data` is JSON text, of a meter frame the payload as its station sent it (perhaps no JSON at all).

    `previous_id`: how it was known first, before a backup was restored. `clock`: the state of the machine's clock when
    it was recorded, None where that is not known.
    """

    stream: str
    sequence: int
    station_sequence: int | None
    kind: str
    station: str | None
    connector: int | None
    happened_at: Instant
    recorded_at: Instant
    data: bytes
    transaction_id: int | None = None  # of a meter frame, as its station claimed
    previous_id: str | None = None
    clock: ClockState | None = None
