"""What a fleet manager says besides commands: acknowledgements, documents, whether it is there."""

from __future__ import annotations

from gateway.contract.shapes import COUNT, FLAG, NUMBER, TEXT, TIME, object_with, one_of, told
from gateway.model.journal import STREAMS

ACKNOWLEDGEMENT = object_with(
    {
        "epoch": TEXT,
        "stream": one_of(*STREAMS),
        "upto": told(COUNT, "every event of the stream up to this sequence is on the fleet manager's disk"),
        "gap": told(FLAG, "an event beyond upto + 1 came: go back to upto + 1. Say it once per value of upto"),
        "batch": told(FLAG, "several events may come in one message, as a JSON array"),
        "flow": object_with(
            {"max_events_per_s": told(NUMBER, "send no more than this")}, optional=("max_events_per_s",)
        ),
    },
    optional=("gap", "batch", "flow"),
)

HOST_STATE = object_with({"state": one_of("online", "offline"), "timestamp": TIME})
