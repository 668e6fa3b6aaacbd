"""Document auth-list on a real database: merged, taken back, reported; the framework of documents with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.configuration import Upstream
from gateway.model.clocks import RawClock
from gateway.model.fleet_documents import Applied
from gateway.model.instants import SECOND, Instant, text_of
from gateway.model.links import Message
from gateway.operations import apply_auth_list, document_kinds, settle_documents
from gateway.operations.clock_now import ClockNow
from gateway.operations.document_kinds import KINDS
from gateway.operations.document_turn import Applying
from gateway.operations.heed_documents import MOST_BYTES, heed_document
from gateway.operations.manage_tags import import_tags, put_tag, remove_tag
from gateway.operations.settle_documents import settle_document
from gateway.operations.site import Site
from gateway.operations.tag_files import read_json
from gateway.operations.upstream_now import UpstreamNow
from gateway.store import id_tags
from gateway.store.database import Database, StoreUnavailable
from gateway.store.writing import Writing
from tests.fakes.documents_desk import Desk
from tests.unit.web.conftest import NOON, configuration_in, open_site


@asynccontextmanager
async def open_desk(tmp_path: Path, **clock: Any) -> AsyncIterator[Desk]:
    upstreams = (Upstream("fleet", "h"), Upstream("second", "h"), Upstream("guest", "h", required=False))
    async with open_site(replace(configuration_in(tmp_path), upstreams=upstreams)) as site:
        yield Desk(replace(site, **clock) if clock else site)


def tag(id_tag: str, status: str = "Accepted", **more: object) -> dict[str, object]:
    return {"id_tag": id_tag, "status": status, **more}


def auth_list(version: int, *entries: dict[str, object], **more: object) -> dict[str, object]:
    return {"doc": "auth-list", "version": version, "entries": list(entries), **more}


async def tags_of(site: Site) -> dict[str, str]:
    rows = await id_tags.page(site.readers, after="", limit=1000, status=None, parent=None, containing=None)
    return {row.id_tag: row.status for row in rows}


async def test_a_list_is_applied_told_and_repeated_without_effect(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send("auth-list", auth_list(7, tag("A"), tag("B", "Blocked")))
        assert report == {
            "doc": "auth-list", "version": 7, "status": "applied", "errors": [], "per_station": {}, "overrides": [],
            "applied_at": text_of(NOON), "applied_version": 7,
        }  # fmt: skip
        assert desk.said[-1][2], "reports are retained"
        assert await tags_of(desk.site) == {"A": "Accepted", "B": "Blocked"}
        assert await desk.send("auth-list", auth_list(7, tag("A"), tag("B", "Blocked"))) == report
        assert await desk.send("auth-list", auth_list(6, tag("C"))) == report
        (events,) = await desk.site.readers.rows("SELECT count(*) FROM events WHERE kind = 'document.applied'")
        assert tuple(events) == (1,)
        desk.said.clear()
        await desk.is_born()
        assert desk.report("auth-list") == report


async def test_a_delta_changes_and_a_wrong_base_asks_for_the_whole(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.send("auth-list", auth_list(1, tag("A"), tag("B")))
        report = await desk.send("auth-list", auth_list(3, tag("C"), base_version=2))
        assert (report["status"], report["errors"][0]["code"], report["applied_version"]) == (
            "rejected",
            "full_needed",
            1,
        )
        assert await tags_of(desk.site) == {"A": "Accepted", "B": "Accepted"}
        report = await desk.send("auth-list", auth_list(3, tag("b", "Blocked"), base_version=1, deleted=["A", "?"]))
        assert report["status"] == "applied"
        assert await tags_of(desk.site) == {"b": "Blocked"}
        report = await desk.send("auth-list", auth_list(3, tag("Z")))
        assert report["errors"][0]["code"] == "version_reused"
        assert report["applied_version"] == 3


async def test_every_mistake_is_named_and_nothing_applied(tmp_path: Path) -> None:
    entries = [
        tag("A"),
        tag("a"),
        tag("B", "Maybe"),
        {"id_tag": "C", "colour": 1},
        5,
        tag("D" * 21),
        tag("E", expiry_date="x"),
    ]
    async with open_desk(tmp_path) as desk:
        report = await desk.send("auth-list", {"version": 1, "entries": entries, "else": 1})
        assert report["status"] == "rejected"
        assert {error["path"] for error in report["errors"]} == {
            "else", "entries[1].id_tag", "entries[2].status", "entries[3].colour", "entries[4]", "entries[5].id_tag",
            "entries[6].expiry_date",
        }  # fmt: skip
        assert await tags_of(desk.site) == {}
        assert (await desk.send("auth-list", {"version": 1, "entries": {}}))["status"] == "rejected"
        report = await desk.send("auth-list", auth_list(1, tag("A"), inline={"entries": []}))
        assert report["status"] == "rejected"
        await desk.send("auth-list", auth_list(1, tag("A")))
        report = await desk.send("auth-list", auth_list(2, tag("A"), base_version=1, deleted=["a", 5]))
        assert [error["path"] for error in report["errors"]] == ["deleted[0]", "deleted[1]"]


async def test_of_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        report = await desk.send("auth-list", auth_list(1, *(tag("A") for _ in range(500))))
        assert len(report["errors"]) == 101
        assert report["errors"][-1]["detail"] == "399 more mistakes"


async def test_what_is_no_document_is_told_too(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        for payload in (b"{", b"[]", b" " * (MOST_BYTES + 1)):
            report = await desk.send("auth-list", payload)
            assert (report["status"], report["version"]) == ("rejected", None)
        report = await desk.send("colours", {"version": 1})
        assert report["errors"][0]["code"] == "unknown_document"
        assert await desk.send("../etc", {"version": 1}) == {}


async def test_the_sites_own_tags_are_never_taken_away_and_block_wins(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        site = desk.site
        await put_tag(site, "Own", {"note": "the caretaker"}, actor="anna")
        await put_tag(site, "Bad", {"status": "Blocked"}, actor="anna")
        report = await desk.send("auth-list", auth_list(1, tag("OWN", "Blocked"), tag("bad"), tag("Fleet")))
        assert await tags_of(site) == {"Own": "Blocked", "Bad": "Blocked", "Fleet": "Accepted"}
        assert report["overrides"] == [
            {"id_tag": "bad", "status": "Blocked", "who": "site", "when": text_of(NOON), "override": True}
        ]
        stored = await put_tag(site, "own", {"status": "Accepted"}, actor="anna")
        assert getattr(stored, "status", None) == "Blocked", "the site cannot open what the fleet blocks"
        await desk.send("auth-list", auth_list(2))
        assert await tags_of(site) == {"own": "Accepted", "Bad": "Blocked"}


async def test_a_local_block_is_an_override_and_survives_everything(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        site = desk.site
        await desk.send("auth-list", auth_list(1, tag("A"), tag("B"), tag("C")))
        await put_tag(site, "A", {"status": "Blocked", "note": "stolen"}, actor="operator")
        assert await remove_tag(site, "B", actor="operator")
        assert not await remove_tag(site, "B", actor="operator"), "it is deleted already"
        await import_tags(site, lambda: read_json(b'[{"id_tag": "C", "status": "Blocked"}, {"id_tag": "D"}]'),
                          partial=False, actor="operator")  # fmt: skip
        report = await desk.send("auth-list", auth_list(2, tag("A"), tag("B"), tag("C"), tag("E")))
        assert [(one["id_tag"], one["status"], one["who"]) for one in report["overrides"]] == [
            ("A", "Blocked", "operator"), ("B", "Blocked", "operator"), ("C", "Blocked", "operator"),
        ]  # fmt: skip
        await put_tag(site, "C", {}, actor="operator")
        await desk.send("auth-list", auth_list(3))
        assert await tags_of(site) == {"A": "Blocked", "D": "Accepted"}, "blocks stay, what was only lifted goes"


async def test_several_upstreams_may_name_a_tag(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        second = Desk(desk.site, "second")
        await desk.send("auth-list", auth_list(1, tag("A"), tag("B")))
        await second.send("auth-list", auth_list(40, tag("A", "Blocked")))
        assert await tags_of(desk.site) == {"A": "Blocked", "B": "Accepted"}
        await desk.is_born()
        (override,) = desk.report("auth-list")["overrides"]
        assert (override["id_tag"], override["who"], override["when"]) == ("A", "second", None)
        await second.send("auth-list", auth_list(41))
        assert await tags_of(desk.site) == {"A": "Accepted", "B": "Accepted"}


async def test_a_document_taken_away_leaves_its_tags_until_somebody_sets_them(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        site, second = desk.site, Desk(desk.site, "second")
        await desk.send("auth-list", auth_list(9, tag("A"), tag("B"), tag("C"), tag("D"), tag("E", "Blocked")))
        await second.send("auth-list", auth_list(1, tag("C", "Blocked"), tag("E")))
        await remove_tag(site, "B", actor="operator")
        assert (await desk.send("auth-list", None))["status"] == "withdrawn"
        assert await tags_of(site) == {"A": "Accepted", "C": "Blocked", "D": "Accepted", "E": "Blocked"}
        await put_tag(site, "D", {"note": "ours now"}, actor="anna")
        assert (await desk.send("auth-list", auth_list(1, tag("X"))))["status"] == "applied", "numbers begin anew"
        assert await tags_of(site) == {"C": "Blocked", "D": "Accepted", "E": "Blocked", "X": "Accepted"}
        await desk.send("auth-list", auth_list(2, tag("D", "Blocked")))
        await desk.send("auth-list", auth_list(3))
        assert await tags_of(site) == {"C": "Blocked", "D": "Accepted", "E": "Blocked"}, "D is the site's"
        await second.send("auth-list", auth_list(2))
        assert await tags_of(site) == {"D": "Accepted", "E": "Blocked"}, "a block that was left stays"
        assert await second.send("load", None) == {}


async def test_it_waits_for_its_time_also_over_a_restart(tmp_path: Path) -> None:
    time = NOON
    async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
        later = text_of(Instant(NOON + 60 * SECOND))
        report = await desk.send("auth-list", auth_list(1, tag("A"), not_before=later))
        assert report["status"] == "pending"
    async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
        await settle_document(desk.site, "fleet", "auth-list", fetch=True)
        assert await tags_of(desk.site) == {}
        time = Instant(NOON + 60 * SECOND)
        await settle_document(desk.site, "fleet", "auth-list", fetch=True)
        assert await tags_of(desk.site) == {"A": "Accepted"}


async def test_it_expires_while_it_waits(tmp_path: Path) -> None:
    time = NOON
    async with open_desk(tmp_path, wall_clock=lambda: time) as desk:
        at = text_of(Instant(NOON + 60 * SECOND))
        await desk.send("auth-list", auth_list(1, tag("A"), not_before=at, expires=at))
        time = Instant(NOON + 60 * SECOND)
        await settle_document(desk.site, "fleet", "auth-list", fetch=True)
        await desk.is_born()
        assert desk.report("auth-list")["errors"][0]["code"] == "expired"


async def test_deltas_do_not_make_a_list_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply_auth_list, "MOST_TAGS", 3)
    async with open_desk(tmp_path) as desk:
        assert (await desk.send("auth-list", auth_list(1, *(tag(f"T{n}") for n in range(4)))))["status"] == "rejected"
        await desk.send("auth-list", auth_list(1, *(tag(f"T{n}") for n in range(3))))
        report = await desk.send("auth-list", auth_list(2, tag("T3"), base_version=1))
        assert (report["status"], report["errors"][0]["code"]) == ("rejected", "too_large")
        many = {"doc": "auth-list", "version": 9, "base_version": 1, "entries": [], "deleted": ["A", "B", "C", "D"]}
        report = await desk.send("auth-list", many)
        assert (report["status"], report["errors"][0]["code"]) == ("rejected", "too_large"), "read no further"
        report = await desk.send("auth-list", auth_list(3, tag("T3"), base_version=1, deleted=["T0"]))
        assert report["status"] == "applied"


async def test_nothing_expires_by_a_clock_that_nobody_keeps(tmp_path: Path) -> None:
    unkept = ClockNow(lambda: RawClock(False, 16_000_000, "0123abcd", 0, NOON))
    async with open_desk(tmp_path, clock_quality=unkept) as desk:
        report = await desk.send("auth-list", auth_list(1, tag("A"), expires=text_of(Instant(NOON - SECOND))))
        assert (report["status"], report["errors"][0]["code"]) == ("applied", "clock_unsynced")


async def test_a_fault_of_ours_rejects_the_document_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def falls(db: Writing, turn: Applying, wanted: object) -> Applied:
        db.execute("DELETE FROM id_tags")
        raise ZeroDivisionError

    async with open_desk(tmp_path) as desk:
        await desk.send("auth-list", auth_list(1, tag("A")))
        monkeypatch.setattr(document_kinds, "KINDS", {**KINDS, "auth-list": replace(KINDS["auth-list"], apply=falls)})
        monkeypatch.setattr(settle_documents, "KINDS", document_kinds.KINDS)
        report = await desk.send("auth-list", auth_list(2))
        assert (report["status"], report["errors"][0]["code"]) == ("rejected", "internal_error")
        assert await tags_of(desk.site) == {"A": "Accepted"}


class FullDisk:
    """A store that takes nothing."""

    async def write(self, unit: object) -> None:
        raise StoreUnavailable("disk full")


async def test_what_is_not_on_disk_is_not_acknowledged(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        full = Desk(replace(desk.site, database=cast(Database, FullDisk())))
        message = Message("t", json.dumps(auth_list(1, tag("A"))).encode(), on_ack=full.count_ack)
        with pytest.raises(StoreUnavailable):  # `hear` tries again
            await heed_document(cast(UpstreamNow, full), "auth-list", message)
        assert full.acked == 0
        await heed_document(cast(UpstreamNow, desk), "auth-list", replace(message, on_ack=desk.count_ack))
        assert desk.acked == 1
        assert await tags_of(desk.site) == {"A": "Accepted"}
