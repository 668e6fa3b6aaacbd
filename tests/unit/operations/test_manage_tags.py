"""idTags without the web door."""

from __future__ import annotations

from pathlib import Path

from gateway.operations.manage_tags import Imported, import_tags, put_tag, remove_tag
from gateway.operations.tag_files import TagMistake, read_csv, read_json
from gateway.store import id_tags
from gateway.store.id_tags import TagRow
from tests.unit.web.conftest import NOON, configuration_in, open_site


async def test_tags_are_found_in_any_case_and_kept_as_written(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        row = await put_tag(site, " Card ", {"note": " mine "}, actor="t")
        assert row == TagRow("Card", "Accepted", None, None, "mine", NOON)
        assert await site.database.write(lambda db: id_tags.find(db, "cARD")) == row
        assert await remove_tag(site, "CARD", actor="t")
        assert not await remove_tag(site, "CARD", actor="t")
        assert await site.database.write(lambda db: id_tags.find(db, "Card")) is None


async def test_an_import_is_all_or_nothing_unless_partial(tmp_path: Path) -> None:
    content = b"id_tag;status\nA;Accepted\nB;Perhaps\n"
    mistake = TagMistake(3, "status", "expected one of Accepted, Blocked, Expired, Invalid")
    async with open_site(configuration_in(tmp_path)) as site:
        whole = await import_tags(site, lambda: read_csv(content), partial=False, actor="t")
        assert whole == Imported(0, (mistake,))
        assert await id_tags.read(site.readers, "A") is None
        part = await import_tags(site, lambda: read_csv(content), partial=True, actor="t")
        assert part == Imported(1, (mistake,))
        assert await id_tags.read(site.readers, "A") is not None


async def test_an_import_of_nothing_is_no_event(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        assert await import_tags(site, lambda: read_json(b"[]"), partial=False, actor="t") == Imported(0, ())
        assert await site.readers.rows("SELECT 1 FROM events") == []


def test_lines_are_counted_as_an_editor_does() -> None:
    entries, mistakes = read_csv(b'\xef\xbb\xbfid_tag,note\r\n\r\nA,"two\r\nlines"\r\nB,x\r\n')
    assert [(entry.line, entry.fields["id_tag"]) for entry in entries] == [(3, "A"), (5, "B")]
    assert mistakes == []
