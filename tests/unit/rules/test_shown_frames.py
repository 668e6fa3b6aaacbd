"""Messages as people see them: found by action and words, answers by what they answer, and never a secret."""

from __future__ import annotations

import json

import pytest

from gateway.model.frames import LONGEST_KEPT_BYTES, Direction, KeptFrame
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.rules.shown_frames import ShownFrame, Wish, shown_frames

SECRET = "4f43415f4f4354545f61646d"


def kept(*told: tuple[Direction, object]) -> list[KeptFrame]:
    frames = []
    for number, (direction, message) in enumerate(told, 1):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        cut = text[:LONGEST_KEPT_BYTES]
        frames.append(KeptFrame(number, StationId("CP-1"), Instant(number), direction, cut, len(text)))
    return frames


def ids(found: list[ShownFrame]) -> list[int]:
    return [one.frame.frame_id for one in found]


FRAMES = kept(
    ("from_station", [2, "1", "Heartbeat", {}]),
    ("to_station", [3, "1", {"currentTime": "2027-01-15T08:00:00Z"}]),
    ("to_station", [2, "1", "Reset", {"type": "Soft"}]),
    ("from_station", [4, "1", "NotSupported", "no", {}]),
    ("from_station", [3, "unasked", {}]),
)


def test_the_newest_come_first_with_kind_and_action() -> None:
    found = shown_frames(FRAMES, Wish(10))
    assert [(one.kind, one.action, one.message_id) for one in found] == [
        ("result", None, "unasked"),
        ("error", "Reset", "1"),
        ("call", "Reset", "1"),
        ("result", "Heartbeat", "1"),
        ("call", "Heartbeat", "1"),
    ]
    assert found[2].text == '[2, "1", "Reset", {"type": "Soft"}]'


def test_wishes() -> None:
    assert ids(shown_frames(FRAMES, Wish(2))) == [5, 4]
    assert ids(shown_frames(FRAMES, Wish(2, before=4))) == [3, 2]
    assert ids(shown_frames(FRAMES, Wish(9, action="Reset"))) == [4, 3]
    assert ids(shown_frames(FRAMES, Wish(9, direction="to_station"))) == [3, 2]
    assert ids(shown_frames(FRAMES, Wish(9, words="SOFT"))) == [3]
    assert shown_frames([], Wish(9)) == []


@pytest.mark.parametrize("text", [b"", b"{}", b'[2,"1","Heartbeat",{', b"\xff\xff", b"[2," + b"[" * 2000, b'[2,"1",{}'])
def test_what_is_no_message_is_told_by_its_length(text: bytes) -> None:
    (found,) = shown_frames(kept(("from_station", text)), Wish(1))
    assert found.text == f"({len(text)} bytes that are no OCPP message)"
    assert found.action in (None, "Heartbeat")


def test_a_number_as_message_id_is_shown() -> None:
    (found,) = shown_frames(kept(("from_station", b"[2,17]")), Wish(1))
    assert (found.kind, found.action, found.message_id) == ("call", None, "17")


def test_a_secret_is_masked_wherever_the_station_repeats_it() -> None:
    change = {"key": "AuthorizationKey", "value": SECRET}
    frames = kept(
        ("to_station", [2, "a", "ChangeConfiguration", change]),
        ("from_station", [4, "a", "InternalError", f"cannot set {SECRET}", {}]),
        ("from_station", [2, SECRET, "DataTransfer", {"vendorId": "x", "data": SECRET}]),
        ("to_station", [2, "b", "GetDiagnostics", {"location": "ftp://me:s3cretword@host/"}]),
    )
    shown = shown_frames(frames, Wish(9))
    assert SECRET not in str([(one.text, one.message_id) for one in shown])
    assert "s3cretword" not in str([one.text for one in shown])
    assert "AuthorizationKey" in shown[-1].text
    assert shown_frames(frames, Wish(9, words=SECRET)) == [], "nobody can guess a secret by searching"


@pytest.mark.parametrize("order", [("key", "value"), ("value", "key")])
def test_of_a_cut_message_no_unfinished_object_is_shown(order: tuple[str, str]) -> None:
    named = {"key": "AuthorizationKey", "value": SECRET + "}" + "x" * 5000}
    keys = [{"key": f"K{number}", "value": "{" * 5} for number in range(3)]
    answer = [3, "1", {"configurationKey": [*keys, {name: named[name] for name in order}]}]
    (found,) = shown_frames(kept(("from_station", answer)), Wish(1))
    assert SECRET not in found.text
    assert '"K2"' in found.text
    assert found.text.endswith(f"({len(json.dumps(answer))} bytes)")
    lonely = [2, "1", "ChangeConfiguration", {name: named[name] for name in order}]
    (found,) = shown_frames(kept(("to_station", lonely)), Wish(1))
    assert found.action == "ChangeConfiguration"
    assert SECRET not in found.text
    text = json.dumps(["2", "x" * 5000]).replace('"2"', "2").encode()
    (found,) = shown_frames(kept(("to_station", text)), Wish(1))
    assert found.text == f" ... ({len(text)} bytes)"
