"""What an acknowledgement says, and what is told of one that says nothing."""

from __future__ import annotations

import json

import pytest

from gateway.rules.delivery import Ack
from gateway.rules.fleet_acks import ack_of

GOOD = {"epoch": "e", "stream": "tx", "upto": 7}


def read(**more: object) -> Ack | str:
    return ack_of(json.dumps({**GOOD, **more}).encode())


def test_the_shortest_and_the_longest() -> None:
    assert read() == Ack("e", "tx", 7)
    assert read(gap=True, batch=True, flow={"max_events_per_s": 5}) == Ack(
        "e", "tx", 7, gap=True, batch=True, most_per_second=5.0
    )


@pytest.mark.parametrize("flow", [None, 5, {}, {"max_events_per_s": True}, {"max_events_per_s": 0}, [1]])
def test_a_wish_that_cannot_be_meant_is_none(flow: object) -> None:
    assert read(flow=flow, gap="yes", batch=1) == Ack("e", "tx", 7)


@pytest.mark.parametrize(
    ("payload", "trouble"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"[]", "object"),
        (b"{}", "epoch"),
        (b'{"epoch": "e"}', "stream"),
        (b'{"epoch": "e", "stream": ["tx"]}', "stream"),
        (b'{"epoch": "e", "stream": "tx"}', "upto"),
        (b'{"epoch": "e", "stream": "tx", "upto": -1}', "upto"),
        (b'{"epoch": "e", "stream": "tx", "upto": true}', "upto"),
        (b'{"epoch": "e", "stream": "tx", "upto": 1.5}', "upto"),
    ],
)
def test_what_is_wrong_is_told(payload: bytes, trouble: str) -> None:
    told = ack_of(payload)
    assert isinstance(told, str) and trouble in told
