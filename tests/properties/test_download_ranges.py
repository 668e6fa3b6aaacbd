"""Random Range headers against RFC 9110 14 written down once more, slowly and one byte after another."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from firmware_store.ranges import Asked, Choice, Otherwise, Part, Unchanged, Unsatisfiable, Whole, choice, part_of
from tests.properties.examples import examples

ETAG = '"' + "ab" * 32 + '"'

numbers = some.integers(0, 40).map(str) | some.sampled_from(["", "007", "99999999999999999999999"])
ranges = some.tuples(numbers, numbers).map("-".join)
items = some.lists(ranges | some.sampled_from(["", " ", "x", "1-2-3", "--1", "+1-2", "1 - 2", "\u0661-"]), max_size=3)
headers = some.one_of(
    items.map(lambda pieces: "bytes=" + ",".join(pieces)),
    some.tuples(some.sampled_from(["Bytes=", "lines=", "bytes", ""]), ranges).map("".join),
    some.text(max_size=12),
)


def by_the_book(header: str, size: int) -> set[int] | None:
    """The positions that a header with one range selects; None: the header is to be ignored. Several: None as well."""
    unit, _, spec = header.partition("=")
    if unit.lower().strip() != "bytes":
        return None
    first, _, last = (part.strip(" \t") for part in spec.strip(" \t,").partition("-"))
    if first == "":
        wanted = range(max(0, size - int(last)), size)
    elif last == "":
        wanted = range(int(first), max(size, int(first)))
    elif int(last) < int(first):
        return None
    else:
        wanted = range(int(first), min(int(last), size) + 1)
    return {position for position in wanted if position < size}


@settings(max_examples=examples(400), derandomize=True)
@given(first=some.integers(0, 60) | some.none(), last=some.integers(0, 60) | some.none(), size=some.integers(0, 50))
@example(first=None, last=0, size=5)
@example(first=5, last=None, size=5)
def test_one_range_selects_what_the_rfc_says(first: int | None, last: int | None, size: int) -> None:
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    got = part_of(header, size)
    if first is None and last is None:
        assert got == Whole()
        return
    expected = by_the_book(header, size)
    match got:
        case Whole():
            assert expected is None
        case Unsatisfiable():
            assert expected == set()
        case Part(start, end):
            assert set(range(start, end)) == expected


@settings(max_examples=examples(600), derandomize=True)
@given(header=headers, size=some.integers(0, 50))
def test_any_header_gets_a_part_of_the_file_or_all_of_it(header: str, size: int) -> None:
    match part_of(header, size):
        case Part(start, end):
            assert 0 <= start < end <= size
            assert header.partition("=")[0].strip().lower() == "bytes"
        case Unsatisfiable():
            assert "-" in header
        case Whole():
            pass


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=-1", Part(9, 10)),
        ("bytes=-99", Part(0, 10)),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=10-", Unsatisfiable()),
        ("bytes= 2-4 ,", Part(2, 5)),
        ("bytes=0-1,3-4", Whole()),
        ("bytes=20-30,40-", Unsatisfiable()),
        ("bytes=4-2", Whole()),
        ("bytes=", Whole()),
        ("octets=0-1", Whole()),
        ("bytes=99999999999999999999999-", Whole()),
    ],
)
def test_single_cases(header: str, expected: Choice) -> None:
    assert part_of(header, 10) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(("bytes=1-2",)), Part(1, 3)),
        (Asked(("bytes=1-2", "bytes=3-4")), Whole()),
        (Asked(("bytes=1-2",), if_range=ETAG), Part(1, 3)),
        (Asked(("bytes=1-2",), if_range=f"W/{ETAG}"), Whole()),
        (Asked(("bytes=99-",), if_range='"other"'), Whole()),
        (Asked(if_none_match=f'"x", W/{ETAG}'), Unchanged()),
        (Asked(if_none_match="*"), Unchanged()),
        (Asked(if_match=f'"x", {ETAG}'), Whole()),
        (Asked(if_match=f"W/{ETAG}"), Otherwise()),
        (Asked(if_match='"x"', if_none_match=ETAG), Otherwise()),
    ],
)
def test_conditions(asked: Asked, expected: Choice) -> None:
    assert choice(asked, etag=ETAG, size=10) == expected
    if isinstance(expected, Part):
        assert choice(asked, etag=ETAG, size=10, is_get=False) == Whole()
