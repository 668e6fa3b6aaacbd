"""Long texts are cut wherever they are; everything else stays as it is."""

from __future__ import annotations

import pytest

from gateway.model.clipping import clipped, shortened


@pytest.mark.parametrize("value", [None, True, 7, 1.5, "", "x" * 100, "\u00e4" * 50, {"a": ["b", {"c": None}]}, [], {}])
def test_what_is_short_stays(value: object) -> None:
    assert clipped(value, most_bytes=100) == value


@pytest.mark.parametrize("text", ["x" * 101, "\u00e4" * 51, "\U0001f600" * 1000, "x" * 99 + "\u20ac"])
def test_what_is_long_is_cut_to_whole_characters(text: str) -> None:
    cut = clipped(text, most_bytes=100)
    assert isinstance(cut, str)
    assert len(cut.encode()) <= 100
    beginning, end = cut.split("...")
    assert text.startswith(beginning)
    assert len(beginning.encode()) > 80
    assert end == f" ({len(text.encode())} bytes)"


def test_texts_are_found_everywhere() -> None:
    cut = clipped({"a": [{"b": "x" * 1000}], "y" * 1000: ("z" * 1000, 5)}, most_bytes=50)
    assert isinstance(cut, dict)
    assert len(str(cut)) < 250
    assert cut["a"][0]["b"].endswith("(1000 bytes)")


def test_depth_is_bounded() -> None:
    deep: object = "x"
    for _ in range(900):
        deep = [deep]
    assert str(clipped(deep, most_bytes=10)).count("[") == 32


@pytest.mark.parametrize("value", [None, 7, "x", [1, 2, 3], {"a": [1, 2, 3]}, {"a": {"b": [{"c": [1]}]}}])
def test_short_lists_stay(value: object) -> None:
    assert shortened(value, most_items=3) == value


def test_long_lists_are_cut_wherever_they_are() -> None:
    value = {"a": list(range(9)), "b": [{"c": ["x"] * 4}]}
    assert shortened(value, most_items=3) == {
        "a": [0, 1, 2, "... (9 items)"],
        "b": [{"c": ["x", "x", "x", "... (4 items)"]}],
    }


def test_what_is_nested_without_end_is_left() -> None:
    value: object = list(range(9))
    for _ in range(100):
        value = [value]
    assert shortened(value, most_items=3) == value
