"""/documents and whose a tag is: what fleet managers want, how old it is, what the site overrides."""

from __future__ import annotations

from gateway.model.instants import text_of
from tests.fakes.documents_desk import Desk
from tests.unit.web.conftest import NOON, Door


async def test_documents_are_listed_with_their_age_and_overrides(door: Door) -> None:
    assert await door.document("GET", "/api/v1/documents") == {"items": [], "next": None}
    desk = Desk(door.site)
    entries = [{"id_tag": "A", "status": "Accepted"}]
    await desk.send("auth-list", {"doc": "auth-list", "version": 4, "entries": entries})
    await desk.send("load", {"version": 1, "limits": [{"circuit": "roof", "limit_amps": 5}]})
    stored = await door.document("PUT", "/api/v1/id-tags/a", role="operator", json={"status": "Blocked"})
    assert (stored["status"], stored["upstreams"]) == ("Blocked", ["fleet"])
    listed = (await door.document("GET", "/api/v1/documents"))["items"]
    assert [(one["doc"], one["status"], one["owner"]) for one in listed] == [
        ("auth-list", "applied", "fleet"), ("load", "rejected", "site"),
    ]  # fmt: skip
    one = listed[0]
    assert (one["upstream"], one["version"], one["applied_at"], one["age_seconds"]) == ("fleet", 4, text_of(NOON), 0)
    assert [(override["id_tag"], override["status"]) for override in one["overrides"]] == [("A", "Blocked")]
    only = await door.document("GET", "/api/v1/documents?doc=load")
    assert [one["doc"] for one in only["items"]] == ["load"]
    await door.document("GET", "/api/v1/documents?doc=colours", expect=422)


async def test_a_tag_that_the_fleet_blocks_is_not_opened_and_the_answer_says_so(door: Door) -> None:
    entries = [{"id_tag": "A", "status": "Blocked"}]
    await Desk(door.site).send("auth-list", {"version": 4, "entries": entries})
    stored = await door.document("PUT", "/api/v1/id-tags/A", role="operator", json={"status": "Accepted"})
    assert (stored["status"], stored["upstreams"]) == ("Blocked", ["fleet"])
    listed = await door.document("GET", "/api/v1/id-tags")
    assert [(one["id_tag"], one["upstreams"]) for one in listed["items"]] == [("A", ["fleet"])]
