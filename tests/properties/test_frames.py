"""Frames survive a round trip, and no text whatsoever makes the reader raise."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.frame import (
    BrokenCall,
    Call,
    CallError,
    CallResult,
    Garbage,
    read_frame,
    write_call,
    write_error,
    write_result,
)
from tests.properties.examples import examples

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
# anything a parser may meet, halves of surrogate pairs included
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(TEXT, TEXT, OBJECT)
def test_a_call_survives(message_id: str, action: str, payload: object) -> None:
    frame = read_frame(write_call(message_id, action, payload))
    assert isinstance(frame, Call)
    assert (frame.message_id, frame.action, json.loads(bytes(frame.payload))) == (message_id, action, payload)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(TEXT, OBJECT)
def test_a_result_survives(message_id: str, payload: object) -> None:
    assert read_frame(write_result(message_id, payload)) == CallResult(message_id, payload)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(TEXT, TEXT, TEXT)
def test_an_error_survives(message_id: str, code: str, description: str) -> None:
    assert read_frame(write_error(message_id, code, description)) == CallError(message_id, code, description, {})


@given(st.lists(WILD, max_size=6) | WILD, st.booleans())
@settings(max_examples=examples(300), derandomize=True, deadline=None)
def test_whatever_can_be_asked_can_be_answered(message: object, ascii_only: bool) -> None:
    """An id is echoed as it came: whatever the reader calls a request, its answer can be put into bytes."""
    frame = read_frame(json.dumps(message, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))
    if isinstance(frame, Call | BrokenCall):
        answer = json.loads(write_result(frame.message_id, {}))
        assert isinstance(message, list)
        assert answer[1] == message[1] or answer[1] is None  # NaN and Infinity have no JSON
    elif isinstance(frame, CallResult | CallError):
        repr(frame).encode()
        json.dumps(getattr(frame, "payload", None), ensure_ascii=False).encode()
    else:
        assert isinstance(frame, Garbage)


NEARLY = st.from_regex(rb'\[[234],"?[a-z0-9\\]{0,3}"?,"[A-Z]{0,2}"?,?\{?["a:1]{0,6}\}?\]', fullmatch=True)


@given(st.binary(max_size=60) | NEARLY)
@settings(max_examples=examples(300), derandomize=True, deadline=None)
def test_bytes_never_raise(text: bytes) -> None:
    read_frame(text)
