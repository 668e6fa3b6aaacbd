"""What the desk is told of downloads: every byte once, every attempt once, nothing lost while it is away."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_store.progress_notes import ProgressNotes
from tests.fakes.transfer_desk import PaperDesk

pytestmark = pytest.mark.slow  # servers in threads, and clients that keep them waiting


async def test_every_byte_is_told_once(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path)
    notes = ProgressNotes(desk)
    first = notes.begin(1, 0, after=None)
    first.position = 10
    await notes.last_words()
    first.position = 15
    notes.end(first)
    await notes.last_words()
    await notes.last_words()
    assert desk.told_of(1) == [(0, 10, True), (10, 15, False)]
    again = notes.begin(1, 15, after=first)
    again.position = 20
    notes.end(again)
    elsewhere = notes.begin(1, 5, after=again)
    notes.end(elsewhere)
    other_file = notes.begin(2, 5, after=elsewhere)
    notes.end(other_file)
    await notes.last_words()
    assert desk.told_of(1)[2:] == [(15, 20, False), (5, 5, True)]
    assert desk.told_of(2) == [(5, 5, True)]


async def test_nothing_is_lost_while_the_desk_is_away(tmp_path: Path) -> None:
    desk = PaperDesk(tmp_path)
    notes = ProgressNotes(desk)
    pieces = [notes.begin(number, 0, after=None) for number in range(3)]
    for piece in pieces:
        piece.position = 7
        notes.end(piece)
    desk.away = True
    await notes.last_words()
    desk.away = False
    await notes.last_words()
    assert [(one.link_id, one.end) for one in desk.told] == [(0, 7), (1, 7), (2, 7)]
