"""/id-tags: one by one and thousands at once."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.unit.web.conftest import Door

TAGS = "/api/v1/id-tags"
GROUPS = "/api/v1/id-tag-groups"
CSV = {"Content-Type": "text/csv"}


async def tags(door: Door, **query: str) -> list[str]:
    page = await door.document("GET", TAGS, params=query)
    return [tag["id_tag"] for tag in page["items"]]


async def test_a_tag_is_put_shown_replaced_and_removed(door: Door) -> None:
    fields = {"status": "Blocked", "parent_id_tag": "GROUP", "expiry_date": "2027-06-01T12:00:00+02:00", "note": "x"}
    made = await door.document("PUT", f"{TAGS}/Card-1", role="operator", json=fields)
    assert made == {
        "id_tag": "Card-1",
        "status": "Blocked",
        "parent_id_tag": "GROUP",
        "expiry_date": "2027-06-01T10:00:00.000Z",
        "note": "x",
        "updated_time": "2027-01-15T08:00:00.000Z",
        "upstreams": [],
    }
    assert await door.document("GET", f"{TAGS}/CARD-1", role="viewer") == made
    replaced = await door.document("PUT", f"{TAGS}/CARD-1", json={})
    assert (replaced["id_tag"], replaced["status"], replaced["expiry_date"]) == ("CARD-1", "Accepted", None)
    assert await tags(door) == ["CARD-1"]
    assert (await door.ask("DELETE", f"{TAGS}/card-1")).status == 204
    await door.problem("DELETE", f"{TAGS}/card-1", expect=404)
    await door.problem("GET", f"{TAGS}/card-1", expect=404)


@pytest.mark.parametrize(
    ("tag", "fields", "field"),
    [
        ("x" * 21, {}, "id_tag"),
        ("%20", {}, "id_tag"),
        ("A", {"status": "ConcurrentTx"}, "status"),
        ("A", {"status": 1}, "status"),
        ("A", {"status": ["Accepted"]}, "status"),
        ("A", {"parent_id_tag": "x" * 21}, "parent_id_tag"),
        ("A", {"expiry_date": "soon"}, "expiry_date"),
        ("A", {"expiry_date": 5}, "expiry_date"),
        ("A", {"note": 5}, "note"),
        ("A", {"colour": "red"}, "colour"),
        ("A", {"id_tag": "B"}, "id_tag"),
    ],
)
async def test_fields_that_mean_nothing(door: Door, tag: str, fields: dict[str, object], field: str) -> None:
    problem = await door.problem("PUT", f"{TAGS}/{tag}", json=fields, expect=422)
    assert field in [error["field"] for error in problem["errors"]]
    assert await tags(door) == []


async def test_the_list_is_filtered_and_paged(door: Door) -> None:
    for tag, fields in {
        "b": {"status": "Blocked", "note": "Red van"},
        "A": {"parent_id_tag": "G1"},
        "c": {"parent_id_tag": "g1"},
        "D/1": {},
    }.items():
        await door.document("PUT", f"{TAGS}/{tag.replace('/', '%2F')}", json=fields)
    assert await tags(door) == ["A", "b", "c", "D/1"]
    assert await tags(door, status="Blocked") == ["b"]
    assert await tags(door, parent_id_tag="G1") == ["A", "c"]
    assert await tags(door, q="red") == ["b"]
    assert await tags(door, q="d/") == ["D/1"]
    first = await door.document("GET", TAGS, params={"limit": "3"})
    assert [tag["id_tag"] for tag in first["items"]] == ["A", "b", "c"]
    rest = await door.document("GET", TAGS, params={"limit": "3", "after": first["next"]})
    assert [tag["id_tag"] for tag in rest["items"]] == ["D/1"]
    assert rest["next"] is None
    await door.problem("GET", f"{TAGS}?status=Odd", expect=422)


CSV_FILES = {
    "commas": "id_tag,status,parent_id_tag,expiry_date,note\nA,Accepted,G,2027-01-31,first\nB,Blocked,,,\n",
    "semicolons, byte order mark, line ends of Windows": (
        "\ufeffid_tag;status;parent_id_tag;expiry_date;note\r\nA;Accepted;G;2027-01-31T00:00:00Z;first\r\n\r\nB;Blocked;;;\r\n"
    ),
    "other order, quotes, capitals": (
        'Note,ID_TAG,Expiry_Date,Status,Parent_Id_Tag\nfirst," A ",2027-01-31,,G\n,B,,Blocked,\n'
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", CSV_FILES.values(), ids=CSV_FILES)
async def test_csv_as_spreadsheets_write_it(door: Door, content: str) -> None:
    result = await door.document("POST", f"{TAGS}/import", role="operator", data=content.encode(), headers=CSV)
    assert result == {"imported": 2, "refused": 0, "errors": []}
    tag = await door.document("GET", f"{TAGS}/A")
    assert (tag["status"], tag["parent_id_tag"], tag["note"]) == ("Accepted", "G", "first")
    assert tag["expiry_date"] == "2027-01-31T00:00:00.000Z"
    assert (await door.document("GET", f"{TAGS}/B"))["status"] == "Blocked"


BAD = 'id_tag,status,note\nA,Accepted,\nxxxxxxxxxxxxxxxxxxxxx,Odd,\n"B",,"two\nlines"\na,,\nC,,,,too many\n'


async def test_every_mistake_has_its_line_and_nothing_is_imported(door: Door) -> None:
    problem = await door.problem("POST", f"{TAGS}/import", data=BAD, headers=CSV, expect=422)
    assert [(error["line"], error["field"]) for error in problem["errors"]] == [
        (3, "id_tag"),
        (3, "status"),
        (6, "id_tag"),
        (7, ""),
    ]
    assert "line 2" in problem["errors"][2]["detail"]
    assert await tags(door) == []


async def test_a_partial_import_stores_the_good_lines(door: Door) -> None:
    result = await door.document("POST", f"{TAGS}/import?partial=true", data=BAD, headers=CSV)
    assert (result["imported"], result["refused"]) == (2, 4)
    assert await tags(door) == ["A", "B"]


@pytest.mark.parametrize(
    "content",
    [b"", b"tag\nA\n", b"id_tag,colour\nA,red\n", b"id_tag,id_tag\nA,B\n", b"id_tag\n\xff\n", b'id_tag\n"A\n'],
)
async def test_files_that_are_no_list_of_tags(door: Door, content: bytes) -> None:
    problem = await door.problem("POST", f"{TAGS}/import", data=content, headers=CSV, expect=422)
    assert problem["errors"][0]["line"] >= 1


async def test_json_lists(door: Door) -> None:
    items = [{"id_tag": "A"}, {"id_tag": "B", "status": "Invalid", "parent_id_tag": None}]
    for body in (items, {"items": items}):
        assert (await door.document("POST", f"{TAGS}/import", json=body))["imported"] == 2
    problem = await door.problem("POST", f"{TAGS}/import", json=[{"id_tag": 1}, 5, {}], expect=422)
    assert [error["line"] for error in problem["errors"]] == [1, 2, 3]
    for body in (b"{", b'{"a": 1}', b"[" * 100_000):
        headers = {"Content-Type": "application/json"}
        await door.problem("POST", f"{TAGS}/import", data=body, headers=headers, expect=422)


async def test_other_files_are_refused(door: Door) -> None:
    headers = {"Content-Type": "application/pdf"}
    await door.problem("POST", f"{TAGS}/import", data=b"%PDF", headers=headers, expect=415)


async def test_thousands_are_one_write_and_one_event(door: Door) -> None:
    content = "id_tag\n" + "".join(f"TAG{number:05}\n" for number in range(5000))
    result = await door.document("POST", f"{TAGS}/import", data=content, headers=CSV)
    assert result["imported"] == 5000
    events = (await door.document("GET", "/api/v1/events", params={"limit": "1000"}))["items"]
    imports = [event for event in events if event["kind"] == "id_tags.imported"]
    assert [event["data"]["count"] for event in imports] == [5000]
    assert json.dumps(events).count("TAG0") == 0


@pytest.mark.parametrize("path", ["a%00b", "%ED%A0%80", "%FF"])
async def test_tags_that_are_no_text_never_reach_the_store(door: Door, path: str) -> None:
    response = await door.ask("PUT", f"{TAGS}/{path}", json={})
    assert response.status in (200, 422)
    for tag in await tags(door):
        assert tag.isprintable()


async def test_half_a_surrogate_pair_is_not_json_text(door: Door) -> None:
    await door.problem("PUT", f"{TAGS}/A", data=b'{"note": "\\ud800"}', expect=400)
    headers = {"Content-Type": "application/json"}
    body = b'[{"id_tag": "A", "note": "\\ud800"}]'
    await door.problem("POST", f"{TAGS}/import", data=body, headers=headers, expect=422)
    whole = await door.document("PUT", f"{TAGS}/A", data=b'{"note": "\\ud83d\\ude00"}')
    assert whole["note"] == "\N{GRINNING FACE}"


@pytest.mark.parametrize("tag", ["{x}", "a/b", "100 %", "é🚗", "%2F"])
async def test_tags_may_have_any_character(door: Door, tag: str) -> None:
    path = f"{TAGS}/{quote(tag, safe='')}"
    await door.document("PUT", path, json={"note": "odd"})
    assert await tags(door) == [tag]
    assert (await door.document("GET", path))["id_tag"] == tag
    assert (await door.ask("DELETE", path)).status == 204


async def test_all_tags_as_a_file_that_can_be_imported_again(door: Door) -> None:
    rows = [{"id_tag": f"T{number:04}", "note": '=1+1; "x"', "parent_id_tag": "-G"} for number in range(501)]
    await door.document("POST", f"{TAGS}/import", json=rows)
    response = await door.ask("GET", f"{TAGS}.csv", role="viewer")
    assert response.content_type == "text/csv" and "id-tags.csv" in response.headers["Content-Disposition"]
    lines = (await response.text()).splitlines()
    assert lines[0] == "id_tag,status,parent_id_tag,expiry_date,note" and len(lines) == 502
    assert lines[1] == 'T0000,Accepted,\'-G,,"\'=1+1; ""x"""'
    for_excel = await (await door.ask("GET", f"{TAGS}.csv?separator=;&bom=true")).read()
    assert for_excel.startswith(b"\xef\xbb\xbfid_tag;status")
    before = await door.document("GET", f"{TAGS}?limit=1000")
    await door.document("POST", f"{TAGS}/import", data=for_excel, headers=CSV)
    assert await door.document("GET", f"{TAGS}?limit=1000") == before
    for_excel = await (await door.ask("GET", f"{TAGS}.csv?separator=;&decimal=,&bom=true")).read()
    await door.document("POST", f"{TAGS}/import", data=for_excel, headers=CSV)
    assert await door.document("GET", f"{TAGS}?limit=1000") == before
    await door.problem("GET", f"{TAGS}.csv?separator=x", expect=422)
    await door.problem("GET", f"{TAGS}.csv?times=local", expect=422)
    await door.problem("GET", f"{TAGS}.csv?q=x", expect=422)


async def test_groups_with_their_own_tag(door: Door) -> None:
    assert (await door.document("GET", GROUPS, role="viewer")) == {"items": [], "next": None}
    rows = [{"id_tag": f"T{number}", "parent_id_tag": parent} for number, parent in enumerate(("b", "A", "B", "Ä"))]
    rows.append({"id_tag": "A", "status": "Blocked", "expiry_date": "2027-02-01"})
    await door.document("POST", f"{TAGS}/import", json=rows)
    first = await door.document("GET", f"{GROUPS}?limit=2")
    assert first["items"] == [
        {"parent_id_tag": "A", "id_tags": 1, "status": "Blocked", "expiry_date": "2027-02-01T00:00:00.000Z"},
        {"parent_id_tag": "b", "id_tags": 2, "status": None, "expiry_date": None},
    ]
    second = await door.document("GET", GROUPS, params={"after": first["next"]})
    assert ([each["parent_id_tag"] for each in second["items"]], second["next"]) == (["Ä"], None)
