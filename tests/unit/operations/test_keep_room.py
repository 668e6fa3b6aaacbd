"""A disk that is nearly full costs the oldest of what no bill rests on, and raises an alarm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.model.identities import StationId
from gateway.operations import keep_room as module
from gateway.operations.keep_room import keep_room
from gateway.store import events, meter_frames
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, configuration_in, open_site

_MB = 1_000_000
_KEPT = "SELECT (SELECT count(*) FROM meter_frames), (SELECT count(*) FROM events WHERE stream = 'tx')"


def much(db: Writing) -> None:
    """Two megabytes of meter values, and what bills rest on."""
    for _ in range(200):
        meter_frames.append(db, StationId("S-1"), 1, None, None, NOON, os.urandom(10_000))
        events.append(db, "authorization.decided", happened_at=NOON, recorded_at=NOON, data={})
    meter_frames.index(db, [], upto=10**9)


async def test_a_disk_with_room(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(much)
        await keep_room(site, measure=lambda directory: (200 * _MB, 1000 * _MB))
        assert site.health.components()["disk"] is None
        assert tuple(await site.readers.row(_KEPT) or ()) == (200, 200)
        await keep_room(site)
        assert "disk" in site.health.components()


async def test_only_as_much_goes_as_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 10)
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(much)
        measured: list[Path] = []

        def nearly_full(directory: Path) -> tuple[int, int]:
            measured.append(directory)
            return 99 * _MB, 1000 * _MB

        await keep_room(site, measure=nearly_full)
        frames, billing = tuple(await site.readers.row(_KEPT) or ())
        assert 80 <= frames <= 110
        assert billing == 200
        assert set(measured) == {tmp_path}
        assert "99 MB free" in str(site.health.components()["disk"])


async def test_a_disk_that_others_fill_ends_it_when_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(much)
        await keep_room(site, measure=lambda directory: (0, 1000 * _MB))
        assert tuple(await site.readers.row(_KEPT) or ()) == (1, 200)
        assert "0 bytes free" in caplog.text
