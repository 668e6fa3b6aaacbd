"""How many tabs are kept up to date at once."""

from __future__ import annotations

from contextlib import ExitStack

from gateway.pages.open_streams import MOST, MOST_OF_ONE, OpenStreams


def test_one_reader_has_so_many_and_others_still_have_theirs() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        assert all(stack.enter_context(streams.one_more("Ann")) for _ in range(MOST_OF_ONE))
        for _ in range(3):
            with streams.one_more("Ann") as admitted:
                assert not admitted
        with streams.one_more("Bob") as admitted:
            assert admitted
    with streams.one_more("Ann") as admitted:
        assert admitted
    assert not streams.by_reader


def test_all_together_have_so_many() -> None:
    streams = OpenStreams()
    with ExitStack() as stack:
        assert all(stack.enter_context(streams.one_more(f"reader {number}")) for number in range(MOST))
        with streams.one_more("Ann") as admitted:
            assert not admitted
