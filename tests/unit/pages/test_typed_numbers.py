from __future__ import annotations

import pytest

from gateway.pages.typed_numbers import number, whole_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("007", 7), ("999999999", 999_999_999), ("1000000000", None), ("", None), ("-1", None), ("1.5", None),
        ("\u0663", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_whole_numbers(text: str, value: int | None) -> None:
    assert whole_number(text) == value


def test_a_whole_number_may_have_more_digits_where_it_is_said() -> None:
    assert whole_number("1000000000", digits=10) == 1_000_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16), ("-3", -3), ("6,5", 6.5), ("6.5", 6.5), ("1e3", 1000.0), ("", None), ("six", None), ("1,2,3", None),
        ("nan", None), ("inf", None), ("1e999", None), ("1_0", None), ("\u0663", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_numbers_with_a_point_or_a_comma(text: str, value: float | None) -> None:
    assert number(text) == value
