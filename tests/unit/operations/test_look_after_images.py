"""Images that rot, that nobody needs, and that never became whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from firmware_store.images import STEP_BYTES, Examination
from firmware_store.incoming import Partial
from gateway.model.instants import SECOND, Instant
from gateway.operations import look_after_images
from gateway.operations.import_images import receiving
from gateway.operations.keep_backups import back_up, restore
from gateway.operations.keep_house import forget
from gateway.operations.keep_images import image_store, withdraw
from gateway.operations.look_after_images import (
    check_images,
    clear,
    collect_garbage,
    keep_images,
    look_at_sizes,
    report,
)
from gateway.operations.site import Site
from gateway.store import firmware_images
from gateway.store.firmware_images import ImageRow
from gateway.store.writing import Writing
from tests.unit.operations.firmware_site import changes, files, taken
from tests.unit.stations.opened_door import until
from tests.unit.web.conftest import NOON, configuration_in, open_site

DAY = 86_400 * SECOND


async def row_of(site: Site, image_id: str) -> ImageRow:
    row = await site.database.write(lambda db: firmware_images.find(db, image_id))
    assert row is not None
    return row


def spoil(site: Site, row: ImageRow, how: Callable[[Path], object]) -> None:
    path = image_store(site).path(row.sha256)
    path.chmod(0o600)
    how(path)


SPOILT = {
    "another content": (lambda path: path.write_bytes(b"jmage"), "its file has another content", False),
    "cut": (lambda path: path.write_bytes(b"im"), "its file has 2 bytes instead of 5", True),
    "missing": (lambda path: path.unlink(), "its file is missing", True),
}


@pytest.mark.parametrize("how", ["another content", "cut", "missing"])
async def test_what_is_spoilt_is_unusable_at_once_and_a_good_copy_heals_it(tmp_path: Path, how: str) -> None:
    spoils, reason, seen_quickly = SPOILT[how]
    async with open_site(configuration_in(tmp_path)) as site:
        row, same, other = (
            await taken(site, b"image"),
            await taken(site, b"image", version="2"),
            await taken(site, b"o"),
        )
        spoil(site, row, spoils)
        if seen_quickly:
            await look_at_sizes(site)
        else:
            await look_at_sizes(site)
            assert firmware_images.usable(await row_of(site, row.image_id)), "only reading shows it"
            found = await check_images(site)
            assert set(found.damaged) == {row.image_id, same.image_id} and found.whole == [other.image_id]
        for image in (row, same):
            assert not firmware_images.usable(await row_of(site, image.image_id))
        assert firmware_images.usable(await row_of(site, other.image_id))
        await check_images(site)
        await report(site)
        assert "2 images are damaged or missing" in str(site.health.components()["firmware"])

        await taken(site, b"image", version="3")
        for image in (row, same):
            assert firmware_images.usable(await row_of(site, image.image_id))
        await report(site)
        assert site.health.components()["firmware"] is None
        told = [(change, version) for change, version, _ in await changes(site)]
        assert sorted(told[3:]) == [
            ("damaged", "1"), ("damaged", "2"), ("healed", "1"), ("healed", "2"), ("imported", "3"),
        ]  # fmt: skip
        details = {detail for change, _, detail in await changes(site) if change == "damaged"}
        assert details == {reason}


async def test_a_file_that_came_back_is_whole_again(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")
        away = tmp_path / "away"
        image_store(site).path(row.sha256).rename(away)
        await look_at_sizes(site)
        away.rename(image_store(site).path(row.sha256))
        assert (await check_images(site)).healed == [row.image_id]
        assert firmware_images.usable(await row_of(site, row.image_id))


async def test_a_file_that_cannot_be_read_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")

        def broken(self: Examination) -> bool:
            self._end("damaged", "its file cannot be read: Input/output error")
            return False

        with monkeypatch.context() as patch:
            patch.setattr(Examination, "step", broken)
            assert (await check_images(site)).damaged == {row.image_id: "its file cannot be read: Input/output error"}
        assert files(site) != [], "perhaps it can be read again: it stays"


async def test_a_good_copy_that_comes_during_the_check_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        content = b"image" * STEP_BYTES
        row = await taken(site, content[: STEP_BYTES * 2])
        spoil(site, row, lambda path: path.write_bytes(bytes(STEP_BYTES * 2)))
        really = look_after_images._examine

        async def examine(site: Site, sha256: str, **how: Any) -> Any:
            seen = await really(site, sha256, **how)
            assert seen.verdict == "damaged"
            await taken(site, content[: STEP_BYTES * 2])
            return seen

        monkeypatch.setattr(look_after_images, "_examine", examine)
        await check_images(site)
        assert firmware_images.usable(await row_of(site, row.image_id))


async def test_what_was_read_lately_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")
        assert (await check_images(site, older_than_seconds=60)).whole == []
        later = Instant(NOON + 61 * SECOND)
        assert (await check_images(site, older_than_seconds=60, now=later)).whole == [row.image_id]
        spoil(site, row, lambda path: path.write_bytes(b"jmage"))
        assert (await check_images(site, older_than_seconds=60, now=later)).damaged != {}
        assert (await check_images(site, older_than_seconds=60, now=later)).damaged == {}, "known already"
        assert (await check_images(site)).damaged != {}


async def test_bytes_that_nobody_needs_go(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        shared, other, alone = await taken(site, b"s"), await taken(site, b"s", version="2"), await taken(site, b"a")
        for row in (shared, alone):
            await withdraw(site, row.image_id, actor="me")
        assert await collect_garbage(site) == [alone.sha256]
        assert (await row_of(site, alone.image_id)).removed_at == NOON
        assert (await row_of(site, shared.image_id)).removed_at is None
        await withdraw(site, other.image_id, actor="me")
        assert await collect_garbage(site) == [shared.sha256]
        assert await collect_garbage(site) == [] and files(site) == []
        removed = sorted(version for change, version, _ in await changes(site) if change == "removed")
        assert removed == ["1", "1", "2"]


async def test_bytes_of_a_campaign_that_runs_stay(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")
        await site.database.write(
            lambda db: db.execute(
                "INSERT INTO campaigns (campaign_id, name, image_id, policy, state, wave, wave_at, accepted_failures,"
                " source, created_by, created_at) VALUES ('c', 'c', ?, '{}', 'paused', 0, 0, 0, 'api', 'me', 0)",
                (row.image_id,),
            )
        )
        await withdraw(site, row.image_id, actor="me")
        assert await collect_garbage(site) == []
        await site.database.write(lambda db: db.execute("UPDATE campaigns SET finished_at = 1"))
        assert await collect_garbage(site) == [row.sha256]


async def test_bytes_without_a_row_go_but_never_those_that_get_one(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        store = image_store(site)
        orphan = tmp_path / "orphan"
        orphan.write_bytes(b"orphan")
        store.place(orphan, hashlib.sha256(b"orphan").hexdigest())
        rows = await asyncio.gather(*(taken(site, bytes([n])) for n in range(30)), *(_collect(site) for _ in range(10)))
        kept = {row.sha256 for row in rows if row is not None}
        assert set(store.digests()) == kept and len(kept) == 30
        assert (await check_images(site)).damaged == {}


async def _collect(site: Site) -> None:
    await collect_garbage(site)


async def test_what_a_kill_left_goes_at_the_start_and_what_can_be_resumed_stays(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        store = image_store(site)
        for age, name in ((0, "fresh"), (6, "week"), (8, "old")):
            partial = Partial(store, name)
            partial.begin({}, now_seconds=(NOON - age * DAY) / SECOND)
        async with receiving(site) as arriving:
            arriving.write(b"x")
            for name in ("half.part", "x.json.tmp", "no-part.json"):
                (store.incoming / name).write_bytes(b"{}")
            (store.incoming / "in-id-9.tmp").touch()
            await clear(site)
            assert arriving.path.exists(), "somebody writes it already"
        (store.incoming / "later.tmp").touch()
        await clear(site)
        assert (store.incoming / "later.tmp").exists(), "only at the start"
        (store.incoming / "later.tmp").unlink()
        assert files(site) == [f"incoming/{name}" for name in ("fresh.json", "fresh.part", "week.json", "week.part")]


async def test_withdrawn_images_are_forgotten_in_the_end_unless_a_campaign_names_them(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        old, lately, named = [await taken(site, b"image", version=version) for version in "123"]
        for row in (old, lately, named):
            await withdraw(site, row.image_id, actor="me")

        def unit(db: Writing) -> None:
            for row, days in ((old, 91), (lately, 89), (named, 91)):
                removed = (NOON - days * DAY, row.image_id)
                db.execute("UPDATE firmware_images SET removed_at = ? WHERE image_id = ?", removed)
            db.execute(
                "INSERT INTO campaigns (campaign_id, name, image_id, policy, state, wave, wave_at, accepted_failures,"
                " source, created_by, created_at, finished_at)"
                " VALUES ('c', 'c', ?, '{}', 'finished', 0, 0, 0, 'api', 'me', 0, ?)",
                (named.image_id, NOON),
            )

        await site.database.write(unit)
        await forget(site)
        rows = await site.readers.rows("SELECT image_id FROM firmware_images")
        assert {row["image_id"] for row in rows} == {lately.image_id, named.image_id}


async def test_what_was_withdrawn_after_the_backup_stays_withdrawn(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row, other = await taken(site, b"image"), await taken(site, b"other")
        await site.database.write(
            lambda db: db.execute(
                "INSERT INTO transfer_links (token_digest, station, kind, scheme, actor, image_id, sha256, size,"
                " file_name, made_at, expires_at) VALUES (x'00', 'CP', 'image', 'http', 'me', ?, 'ab', 1, 'f', 0, 1)",
                (row.image_id,),
            )
        )
        async with back_up(site) as copy:
            kept = tmp_path / "copy.db"
            kept.write_bytes(copy.read_bytes())
        await withdraw(site, row.image_id, actor="me")
        await restore(site, kept, actor="you")
        back = await row_of(site, row.image_id)
        assert (back.state, back.state_by) == ("withdrawn", "me")
        assert (await row_of(site, other.image_id)).state == "approved"
        (link,) = await site.readers.rows("SELECT ended_at FROM transfer_links")
        assert link["ended_at"] == NOON
        assert site.images.changed.generation == 4, "and its bytes are looked after"


async def test_after_a_restore_missing_bytes_are_noticed(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")
        await withdraw(site, row.image_id, actor="me")
        await collect_garbage(site)
        # the backup was made before it was withdrawn
        await site.database.write(
            lambda db: db.execute("UPDATE firmware_images SET state = 'approved', removed_at = NULL")
        )
        task = asyncio.ensure_future(keep_images(site))
        await until(lambda: "firmware" in site.health.components())
        task.cancel()
        assert not firmware_images.usable(await row_of(site, row.image_id))
        assert "damaged or missing" in str(site.health.components()["firmware"])


async def test_the_loop_collects_soon_after_a_withdrawal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_after_images, "_SETTLE_SECONDS", 0.0)
    async with open_site(configuration_in(tmp_path)) as site:
        row = await taken(site, b"image")
        task = asyncio.ensure_future(keep_images(site))
        await until(lambda: "firmware" in site.health.components())
        await withdraw(site, row.image_id, actor="me")
        await until(lambda: files(site) == [])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_loop_survives_a_disk_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_site(configuration_in(tmp_path)) as site:

        def broken(*rest: object, **more: object) -> int:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(look_after_images, "clear_incoming", broken)
        task = asyncio.ensure_future(keep_images(site))
        await until(lambda: "firmware" in site.health.components())
        assert not task.done()
        assert "Input/output error" in str(site.health.components()["firmware"])
        task.cancel()
