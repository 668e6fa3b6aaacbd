"""Cards: listed, searched, added, changed, removed, grouped, imported, and those that were refused."""

from __future__ import annotations

import pytest
from aiohttp import FormData

from gateway.pages.access_import import content_type_of
from gateway.store import events
from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON

ODD = 'a/b {"<i>&🚗'


async def card(reader: Reader, id_tag: str, **fields: object) -> None:
    answer = await reader.ask("PUT", f"/api/v1/id-tags/{id_tag.replace('/', '%2F')}", json=fields)
    assert answer.status == 200, await answer.text()


@pytest.mark.parametrize("role", ["viewer", "operator", "installer"])
async def test_without_cards_the_next_step_is_told(reader: Reader, role: str) -> None:
    sight = await reader.see("/access", role=role)
    assert "No card is in the list yet" in sight.text
    assert ("Add a card" in sight.links) == (role != "viewer")
    assert "No card belongs to a group" in (await reader.see("/access/groups", role=role)).text


async def test_cards_are_listed_and_found(reader: Reader) -> None:
    await card(reader, "VAN-7", note="Van <7>", parent_id_tag="FLEET")
    await card(reader, "OLD", expiry_date="2020-01-01")
    await card(reader, "LOST", status="Blocked")
    sight = await reader.see("/access", role="viewer")
    for said in ("Van <7>", "May charge", "Expired", "Blocked", "no end"):
        assert said in sight.text
    assert "VAN-7" in (await reader.see("/access?q=van")).links
    assert "VAN-7" not in (await reader.see("/access?status=Blocked")).links
    assert "VAN-7" in (await reader.see("/access?parent=fleet&status=nonsense")).links
    assert "No card fits" in (await reader.see("/access?q=nobody")).text


async def test_long_lists_are_paged(reader: Reader) -> None:
    rows = "\n".join(f"C{number:03}" for number in range(55))
    content = f"id_tag\n{rows}".encode()
    await reader.ask("POST", "/api/v1/id-tags/import", data=content, headers={"Content-Type": "text/csv"})
    sight = await reader.see("/access?q=c")
    assert "C049" in sight.links and "C050" not in sight.links
    more = await reader.see(sight.links["More"])
    assert "C050" in more.links and more.links["Beginning"] == "/access?q=c"


async def test_a_card_is_added_changed_and_removed(reader: Reader) -> None:
    fields = {"id_tag": ODD, "note": "Anna's", "status": "Accepted", "expiry": "2027-06-01T12:00", "parent_id_tag": "G"}
    response = await reader.send("/access/card", fields, role="operator")
    assert response.headers["Location"] == "/access"
    link = (await reader.see("/access")).links[ODD]
    form = (await reader.see(link)).form_to("/access/card")
    assert form.fields == {
        "was": ODD, "then": "", "note": "Anna's", "status": "Accepted", "expiry": "2027-06-01T12:00",
        "parent_id_tag": "G",
    }  # fmt: skip
    await reader.send("/access/card", {**form.fields, "status": "Blocked", "expiry": ""}, role="operator")
    (stored,) = (await reader.document("/id-tags"))["items"]  # type: ignore[misc]
    assert (stored["id_tag"], stored["status"], stored["expiry_date"]) == (ODD, "Blocked", None)
    sight = await reader.see(link)
    assert sight.form_to("/access/card/remove").fields == {"id_tag": ODD}
    await reader.send("/access/card/remove", {"id_tag": ODD}, role="operator")
    assert (await reader.document("/id-tags"))["items"] == []
    response = await reader.send("/access/card/remove", {"id_tag": ODD})
    assert "no%20idTag" in response.headers["Set-Cookie"]


async def test_an_end_that_nobody_changed_stays_exact(reader: Reader) -> None:
    await card(reader, "A", expiry_date="2027-12-31T23:59:59Z")
    form = (await reader.see("/access/card?id_tag=a")).form_to("/access/card")
    await reader.send("/access/card", {**form.fields, "note": "new"})
    (stored,) = (await reader.document("/id-tags"))["items"]  # type: ignore[misc]
    assert (stored["note"], stored["expiry_date"]) == ("new", "2027-12-31T23:59:59.000Z")


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"id_tag": ""}, "id_tag", "Write the number"),
        ({"id_tag": "x" * 21}, "id_tag", "at most 20"),
        ({"id_tag": "known"}, "id_tag", "in the list already"),
        ({"id_tag": "A", "expiry": "soon"}, "expiry", "Write a date"),
        ({"id_tag": "A", "status": "Nice"}, "status", "expected one of"),
        ({"id_tag": "A", "parent_id_tag": "x" * 21}, "parent_id_tag", "1 to 20"),
    ],
)
async def test_mistakes_stand_at_their_fields(reader: Reader, fields: dict[str, str], field: str, said: str) -> None:
    await card(reader, "KNOWN", note="stays")
    response = await reader.send("/access/card", {"note": "kept <b>", **fields}, role="operator", expect=422)
    text = await response.text()
    assert f'id="{field}-mistake"' in text and said in text and "kept &lt;b&gt;" in text
    (stored,) = (await reader.document("/id-tags"))["items"]  # type: ignore[misc]
    assert stored["note"] == "stays"


async def test_a_viewer_looks_but_changes_nothing(reader: Reader) -> None:
    await card(reader, "A", note="Anna")
    sight = await reader.see("/access/card?id_tag=A", role="viewer")
    assert "Anna" in sight.text and not [form for form in sight.forms if form.action.startswith("/access")]
    assert "not in the list" in (await reader.see("/access/card?id_tag=B", role="viewer")).text
    for path in ("/access/card", "/access/card/remove", "/access/import", "/access/learn", "/access/lists"):
        assert (await reader.ask("POST", path, role="viewer", data={"id_tag": "A"})).status == 403, path
    assert (await reader.ask("GET", "/access/import", role="viewer")).status == 403


async def test_groups_with_the_state_of_their_own_card(reader: Reader) -> None:
    await card(reader, "A", parent_id_tag="FLEET")
    await card(reader, "B", parent_id_tag="fleet")
    await card(reader, "C", parent_id_tag=ODD)
    await card(reader, "FLEET", status="Blocked")
    sight = await reader.see("/access/groups", role="viewer")
    assert "Blocked" in sight.text and "not in the list" in sight.text
    assert "C" in (await reader.see(sight.links[ODD])).links


async def test_cards_that_were_refused_lately_can_be_let_in(reader: Reader) -> None:
    def decided(db: Writing, id_tag: str, status: str, kind: str = "authorization.decided") -> None:
        name = "status" if kind == "authorization.decided" else "authorization"
        data = {"id_tag": id_tag, name: status}
        events.append(db, kind, station="S-1", happened_at=NOON, recorded_at=NOON, data=data)

    def unit(db: Writing) -> None:
        decided(db, "ODD<b>", "Invalid")
        decided(db, "LET in", "Invalid")
        decided(db, "let IN", "Accepted")
        decided(db, "gone", "Blocked", "transaction.started")

    await reader.site.database.write(unit)
    sight = await reader.see("/access", role="operator")
    assert "2 cards were refused lately" in sight.text and "LET in" not in sight.text
    assert (await reader.see(sight.links["Let this card charge"])).form_to("/access/card").fields["id_tag"] == "ODD<b>"
    assert "Look at this card" in sight.links
    assert "Let this card charge" not in (await reader.see("/access", role="viewer")).links


async def upload(reader: Reader, content: bytes, *, partial: bool = False, expect: int) -> str:
    form = FormData()
    form.add_field("file", content, filename="cards.csv")
    if partial:
        form.add_field("partial", "on")
    response = await reader.ask("POST", "/access/import", role="operator", data=form)
    text = await response.text()
    assert response.status == expect, text
    return text


async def test_a_file_is_imported_and_mistakes_stand_on_their_lines(reader: Reader) -> None:
    await reader.see("/access/import", role="operator")
    wrong = b"id_tag;status\nA;Accepted\nB;<i>\n"
    text = await upload(reader, wrong, expect=422)
    assert "Line 3, status" in text and "1 mistake" in text
    assert (await reader.document("/id-tags"))["items"] == []
    assert "1 card was imported" in await upload(reader, wrong, partial=True, expect=200)
    await upload(reader, b'\xef\xbb\xbf[{"id_tag": "J"}]', expect=303)
    assert [each["id_tag"] for each in (await reader.document("/id-tags"))["items"]] == ["A", "J"]  # type: ignore[attr-defined]
    response = await reader.ask("POST", "/access/import", role="operator", data={"file": "no file"})
    assert response.status == 422 and "Choose a file first." in await response.text()


def test_the_kind_of_a_file_is_seen_from_its_beginning() -> None:
    assert content_type_of(b" \n[1]") == content_type_of(b"{}") == "application/json"
    assert content_type_of(b"id_tag\n[") == content_type_of(b"") == "text/csv"


async def test_the_list_goes_out_and_comes_back(reader: Reader) -> None:
    await card(reader, "=A", note="-1; <b>", parent_id_tag="G")
    address = (await reader.see("/access", role="viewer")).links["Table for Excel"]
    content = await (await reader.ask("GET", address, role="viewer")).read()
    before = (await reader.document("/id-tags"))["items"]
    await reader.send("/access/card/remove", {"id_tag": "=A"})
    await upload(reader, content, expect=303)
    assert (await reader.document("/id-tags"))["items"] == before
