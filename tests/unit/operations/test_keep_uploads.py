"""Uploads are kept within their room and their time; neither a kill nor a lost file leaves a lie."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from firmware_store.tickets import NoRoom
from gateway.configuration import Firmware, Upstream
from gateway.model.identities import CommandId, StationId
from gateway.model.instants import SECOND
from gateway.operations import keep_uploads as module
from gateway.operations.keep_uploads import delete_upload, incoming_folder, keep_upload, path_of, uploads_folder
from gateway.operations.match_uploads import NOTHING_ARRIVED
from gateway.operations.site import Site
from gateway.operations.sweep_uploads import forget_old, hold_beside
from gateway.rules.station_jobs import Moves
from gateway.store import station_jobs, uploads
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing
from tests.fakes.uploaded_files import received, upload_link, uploaded
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import NOON, configuration_in, open_site

CP = StationId("CP-1")
MB = 1_000_000


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    settings = Firmware(upload_limit_mb=2, station_uploads_limit_mb=3, uploads_limit_mb=4, uploads_days=10)
    async with open_site(replace(configuration_in(tmp_path), firmware=settings)) as opened:
        yield opened


def rows(site: Site) -> list[tuple[object, ...]]:
    return look(site.database.path, "SELECT upload_id, station, file_name, size FROM uploads ORDER BY upload_id")


def told(site: Site, kind: str) -> list[dict[str, object]]:
    found = look(site.database.path, "SELECT data FROM events WHERE kind = ? ORDER BY id", kind)
    return [json.loads(str(data)) for (data,) in found]


def files(site: Site) -> list[str]:
    return sorted(path.name for path in uploads_folder(site).rglob("*") if path.is_file())


def job_of(site: Site) -> tuple[object, ...]:
    (found,) = look(site.database.path, "SELECT status, result, detail FROM station_jobs")
    return found


async def begin_job(site: Site, command_id: str = "c") -> None:
    await site.database.write(
        lambda db: station_jobs.begin(db, CP, "log", command_id=CommandId(command_id), status="Accepted", now=NOON)
    )


class TestKeeping:
    async def test_a_file_is_kept_under_its_number_and_told(self, site: Site) -> None:
        link = await upload_link(site, reason="noise", command_id="c")
        one = received(site, link, b"text", file_name="../../etc/a b?.log")
        await keep_upload(site, one)
        assert rows(site) == [(1, "CP-1", "a_b_.log", 4)]
        assert path_of(site, 1).read_bytes() == b"text"
        assert files(site) == ["1"]
        (event,) = told(site, "upload.received")
        assert event == {
            "upload_id": 1, "kind": "diagnostics", "reason": "noise", "command_id": "c", "link_id": link,
            "file_name": "a_b_.log", "size": 4, "sha256": one.sha256, "scheme": "http", "address": "192.0.2.7",
            "empty": False,
        }  # fmt: skip
        (link_row,) = look(site.database.path, "SELECT attempts, bytes_served, complete_at FROM transfer_links")
        assert link_row == (1, 4, NOON)

    async def test_the_ftp_server_which_is_another_user_of_the_group_may_write_where_files_are_received(
        self, site: Site
    ) -> None:
        assert incoming_folder(site).stat().st_mode & 0o7777 == 0o2770

    async def test_an_empty_file_is_kept_and_said_to_be_empty(self, site: Site) -> None:
        await uploaded(site, b"")
        assert told(site, "upload.received")[0]["empty"] is True
        assert path_of(site, 1).read_bytes() == b""

    async def test_several_files_of_one_link_are_kept_up_to_a_bound(self, site: Site) -> None:
        link = await upload_link(site)
        for number in range(module.FILES_PER_LINK):
            await keep_upload(site, received(site, link, b"x", file_name=f"{number}.log"))
        with pytest.raises(NoRoom):
            await keep_upload(site, received(site, link, b"x"))
        assert len(rows(site)) == module.FILES_PER_LINK
        assert os.listdir(incoming_folder(site)) == []

    async def test_without_a_link_for_uploads_nothing_is_kept(self, site: Site) -> None:
        with pytest.raises(NoRoom):
            await keep_upload(site, received(site, 99, b"text"))
        assert files(site) == []

    async def test_a_file_without_a_name_is_called_after_its_kind(self, site: Site) -> None:
        await keep_upload(site, received(site, await upload_link(site, kind="log"), b"x", file_name=""))
        assert rows(site) == [(1, "CP-1", "log", 1)]

    async def test_deleting_takes_row_and_file(self, site: Site) -> None:
        await uploaded(site)
        assert await delete_upload(site, 1, actor="me")
        assert not await delete_upload(site, 1, actor="me")
        assert (rows(site), files(site)) == ([], [])
        assert [(one["why"], one["actor"]) for one in told(site, "upload.deleted")] == [("asked", "me")]

    async def test_a_number_is_never_given_twice(self, site: Site) -> None:
        await uploaded(site)
        await delete_upload(site, 1, actor="me")
        await uploaded(site)
        assert [row[0] for row in rows(site)] == [2]

    async def test_a_file_that_a_restored_backup_does_not_know_is_not_overwritten(self, site: Site) -> None:
        incoming_folder(site)
        path_of(site, 1).write_bytes(b"of another epoch")
        await uploaded(site, b"new")
        assert path_of(site, 1).read_bytes() == b"of another epoch"
        assert path_of(site, 2).read_bytes() == b"new"


class TestRoom:
    async def test_the_oldest_go_for_new_ones_with_their_files(self, site: Site) -> None:
        for _ in range(2):
            await uploaded(site, b"x" * MB)
        await uploaded(site, b"y" * (2 * MB))
        assert [row[0] for row in rows(site)] == [2, 3]
        assert files(site) == ["2", "3"]
        assert [(one["upload_id"], one["why"]) for one in told(site, "upload.deleted")] == [(1, "room")]

    async def test_too_large_a_file_is_not_taken_and_nothing_goes_for_it(self, site: Site) -> None:
        await uploaded(site)
        with pytest.raises(NoRoom, match="more than the 2000000"):
            await keep_upload(site, received(site, await upload_link(site), b"", size=2 * MB + 1))
        assert files(site) == ["1"]

    async def test_a_disk_that_is_nearly_full_takes_nothing(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_lacking_bytes", lambda site: MB)
        with pytest.raises(NoRoom, match="disk"):
            await uploaded(site)
        assert files(site) == []
        (kept,) = [value for name, _, value in site.health.counters.snapshot() if name == "uploads_total"]
        assert kept == 1

    async def test_a_store_that_cannot_write_takes_nothing(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*anything: object) -> None:
            raise StoreUnavailable("disk full")

        monkeypatch.setattr(module, "_keep", fail)
        with pytest.raises(OSError, match="disk full"):
            await uploaded(site)
        assert files(site) == []


class TestJobs:
    async def test_a_file_ends_the_job_of_a_station_that_tells_nothing(self, site: Site) -> None:
        await begin_job(site)
        await uploaded(site, command_id="c")
        assert job_of(site) == ("Arrived", "succeeded", None)
        assert told(site, "log.status")[-1]["status"] == "Arrived"

    async def test_a_file_that_comes_after_the_word_takes_the_doubt_away(self, site: Site) -> None:
        await begin_job(site)

        def end(db: Writing) -> None:
            job = station_jobs.of_command(db, CommandId("c"))
            assert job is not None
            station_jobs.move(db, job.job_id, Moves("Uploaded", 2, "succeeded"), now=NOON, detail=NOTHING_ARRIVED)

        await site.database.write(end)
        await uploaded(site, command_id="c")
        assert job_of(site) == ("Uploaded", "succeeded", None)


class TestSweeping:
    async def test_what_is_too_old_goes_with_its_file(self, site: Site) -> None:
        await uploaded(site)
        await site.database.write(lambda db: db.set_meta("age_judged_at", NOON + 10 * 86_400 * SECOND))
        await forget_old(site)
        assert len(rows(site)) == 1
        await site.database.write(lambda db: db.set_meta("age_judged_at", NOON + 10 * 86_400 * SECOND + 1))
        await forget_old(site)
        assert (rows(site), files(site)) == ([], [])
        assert [one["why"] for one in told(site, "upload.deleted")] == ["age"]

    async def test_leftovers_of_a_kill_go_when_they_are_old(self, site: Site) -> None:
        await uploaded(site)
        orphan, partial = path_of(site, 7), incoming_folder(site) / "part"
        for path in (orphan, partial):
            path.write_bytes(b"x")
        await hold_beside(site)
        assert files(site) == ["1", "7", "part"], "they may be on their way"
        for path in (orphan, partial, path_of(site, 1)):
            os.utime(path, (0, 0))
        await hold_beside(site)
        assert files(site) == ["1"]

    async def test_a_file_that_is_lost_is_told_once_and_may_come_back(self, site: Site) -> None:
        await uploaded(site, b"text")
        path = path_of(site, 1)
        path.write_bytes(b"tex")
        for _ in range(2):
            await hold_beside(site)
        assert [one["upload_id"] for one in told(site, "upload.missing")] == [1]
        assert look(site.database.path, "SELECT missing_at FROM uploads") == [(NOON,)]
        path.write_bytes(b"text")
        await hold_beside(site)
        assert look(site.database.path, "SELECT missing_at FROM uploads") == [(None,)]
        assert len(told(site, "upload.missing")) == 1


async def test_what_waits_goes_to_the_fleet_manager_of_now(tmp_path: Path) -> None:
    upstream = Upstream(name="fleet", host="h", uploads_url="http://h/up")
    async with open_site(replace(configuration_in(tmp_path), upstreams=(upstream,))) as site:
        await uploaded(site)
        assert look(site.database.path, "SELECT forwarding, forward_to, forward_at FROM uploads") == [
            ("waiting", "fleet", NOON)
        ]
        await site.database.write(lambda db: uploads.readdress(db, "other"))
        row = await site.database.write(uploads.next_to_forward)
        assert row is not None and row.forward_to == "other"
        await site.database.write(lambda db: uploads.readdress(db, None))
        assert look(site.database.path, "SELECT forwarding, forward_to, forward_at FROM uploads") == [
            (None, None, None)
        ]
