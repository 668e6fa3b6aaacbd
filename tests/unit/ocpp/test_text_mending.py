"""JSON texts that nobody could store or read, mended in place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp.text_mending import LONGEST_LOOKED_INTO_BYTES, with_escaped_controls, without_half_pairs


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (b'{"a": 1.10}', b'{"a": 1.10}'),
        (b'{\n\t"a"\r: "b"}\n', b'{\n\t"a"\r: "b"}\n'),
        (b'{"a\x00": "b\n\\"\x1f"}', b'{"a\\u0000": "b\\u000a\\"\\u001f"}'),
        (b'"\\\\" \n "\\\\\n"', b'"\\\\" \n "\\\\\\u000a"'),
        (b'{"open: \n', b'{"open: \\u000a'),
        (b'"\x01\\', b'"\\u0001\\'),
    ],
)
def test_control_characters_are_escaped_inside_texts_only(raw: bytes, mended: bytes) -> None:
    assert with_escaped_controls(raw) == mended


def test_text_without_an_end_is_looked_at_once() -> None:
    raw = b'\n"' + b'\\"' * (LONGEST_LOOKED_INTO_BYTES // 2 - 10)
    assert with_escaped_controls(raw) == raw  # looking again from each quote would take hours


def test_in_a_very_long_text_controls_become_blanks() -> None:
    raw = b'"\x00' + b"x" * LONGEST_LOOKED_INTO_BYTES + b'\n"'
    assert with_escaped_controls(raw) == b'" ' + b"x" * LONGEST_LOOKED_INTO_BYTES + b' "'


@pytest.mark.parametrize(
    ("raw", "mended"),
    [
        (rb'"\ud83d\udd0c"', rb'"\ud83d\udd0c"'),
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\uDD0C\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ud83d\udd0c"', rb'"\ufffd\ud83d\udd0c"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d\n"', rb'"\\\ufffd\n"'),
        (rb'"\u00e9\u0041"', rb'"\u00e9\u0041"'),
        (b'"plain"', b'"plain"'),
    ],
)
def test_halves_of_surrogate_pairs_are_replaced(raw: bytes, mended: bytes) -> None:
    assert without_half_pairs(raw) == mended


def test_in_a_very_long_text_whole_pairs_go_as_well() -> None:
    raw = rb'"\ud83d\udd0c \udfff"' + b" " * LONGEST_LOOKED_INTO_BYTES
    mended = without_half_pairs(raw)
    assert mended.rstrip() == rb'"\ufffd\ufffd \ufffd"'
    assert len(mended) == len(raw)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=8) | st.sampled_from(["\ud83d", "\udd0c", "\\ud83d", '"', "\n"]), max_size=8))
def test_whatever_was_mended_can_be_stored_and_only_halves_change(texts: list[str]) -> None:
    raw = json.dumps(texts)
    mended = json.loads(without_half_pairs(raw.encode()))
    json.dumps(mended, ensure_ascii=False).encode()
    whole = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
    assert [text.replace("\ufffd", "") for text in mended] == [text.replace("\ufffd", "") for text in whole]
