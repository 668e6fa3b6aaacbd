"""/uploads and /stations/{station}/diagnostics: pages, files that no browser looks into, deleting, asking."""

from __future__ import annotations

import json

import pytest

from gateway.model.calls import Answered, CallErrored, Unanswered
from gateway.model.identities import StationId
from gateway.operations.keep_uploads import keep_upload, path_of
from gateway.store import unsupported_requests
from tests.fakes.uploaded_files import received, upload_link, uploaded
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import NOON, Door, PlayedConnection

FILE = StationId("FILE-1")


async def ids(door: Door, query: str = "") -> list[int]:
    return [
        item["upload_id"] for item in (await door.document("GET", f"/api/v1/uploads{query}", role="viewer"))["items"]
    ]


async def test_uploads_are_listed_newest_first(door: Door) -> None:
    await uploaded(door.site, station="A", command_id="c")
    await uploaded(door.site, station="B", kind="log")
    await uploaded(door.site, station="A")
    assert await ids(door) == [3, 2, 1]
    assert await ids(door, "?station=A") == [3, 1]
    assert await ids(door, "?kind=log") == [2]
    assert await ids(door, "?command=c") == [1]
    page = await door.document("GET", "/api/v1/uploads?limit=2")
    assert page["next"] == "2"
    assert await ids(door, "?limit=2&after=2") == [1]
    await door.problem("GET", "/api/v1/uploads?kind=firmware", expect=422)


async def test_an_upload_is_the_document(door: Door) -> None:
    await uploaded(door.site, b"", reason="noise", command_id="c")
    document = await door.document("GET", "/api/v1/uploads/1", role="viewer")
    assert document == {
        "upload_id": 1, "station": "CP-1", "kind": "diagnostics", "reason": "noise", "command_id": "c", "link_id": 1,
        "file_name": "log.txt", "size": 0,
        "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "scheme": "http",
        "address": "192.0.2.7", "forwarding": None, "forward_to": None, "forward_tries": 0, "forward_error": None,
        "empty": True, "received_time": "2027-01-15T08:00:00.000Z", "forward_time": None, "missing_time": None,
    }  # fmt: skip
    for wrong in ("2", "x", "-1"):
        await door.problem("GET", f"/api/v1/uploads/{wrong}", expect=404)


async def test_the_file_goes_out_as_it_came_and_is_no_page(door: Door) -> None:
    content = b"<script>alert(1)</script>" * 10_000
    await keep_upload(
        door.site, received(door.site, await upload_link(door.site), content, file_name='a";\r\nx: y.html')
    )
    response = await door.ask("GET", "/api/v1/uploads/1/file", role="viewer", headers={"Accept-Encoding": "gzip"})
    assert (response.status, await response.read()) == (200, content)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"] == 'attachment; filename="a_x_y.html"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Encoding" not in response.headers
    part = await door.ask("GET", "/api/v1/uploads/1/file", headers={"Range": "bytes=8-13"})
    assert (part.status, await part.read()) == (206, b"alert(")
    assert (await door.ask("GET", "/api/v1/uploads/1/file", role=None)).status == 401


async def test_a_file_that_the_disk_lost_is_gone(door: Door) -> None:
    await uploaded(door.site)
    path_of(door.site, 1).unlink()
    await door.problem("GET", "/api/v1/uploads/1/file", expect=410)
    await door.problem("GET", "/api/v1/uploads/2/file", expect=404)


async def test_deleting_takes_row_and_file(door: Door) -> None:
    await uploaded(door.site)
    assert (await door.ask("DELETE", "/api/v1/uploads/1", role="viewer")).status == 403
    assert (await door.ask("DELETE", "/api/v1/uploads/1", role="operator")).status == 204
    assert not path_of(door.site, 1).exists()
    await door.problem("DELETE", "/api/v1/uploads/1", expect=404)
    await door.problem("DELETE", "/api/v1/uploads/x", expect=404)


async def test_without_a_fleet_manager_nothing_is_forwarded(door: Door) -> None:
    await uploaded(door.site)
    await door.problem("POST", "/api/v1/uploads/1/forward", expect=409)
    await door.problem("POST", "/api/v1/uploads/2/forward", expect=404)


async def test_a_station_is_asked_for_diagnostics(door: Door) -> None:
    station = door.connected.play(PlayedConnection("FILE-1", Answered({"fileName": "d.zip"})))
    wish = {"from": "2027-01-01", "to": "2027-01-02T00:00:00Z", "reason": "noise"}
    document = await door.document("POST", "/api/v1/stations/FILE-1/diagnostics", json=wish, role="operator")
    assert (document["status"], document["response"]) == ("answered", {"fileName": "d.zip"})
    ((action, payload),) = station.asked
    assert (action, payload["startTime"]) == ("GetDiagnostics", "2027-01-01T00:00:00.000Z")
    assert document["request"]["location"] == payload["location"], "who asks is told the address"
    stored = look(door.site.database.path, "SELECT request FROM commands")
    assert str(payload["location"]).rpartition("/")[2] not in json.dumps(stored), "it is a secret"
    jobs = await door.document("GET", "/api/v1/stations/FILE-1/jobs")
    assert jobs["items"][0]["upload_ids"] == []
    await keep_upload(door.site, received(door.site, 1, b"x"))
    for path, place in (("/stations/FILE-1/jobs", "items"), ("/stations/FILE-1", "jobs")):
        document = await door.document("GET", f"/api/v1{path}")
        assert (document[place][0]["upload_ids"], document[place][0]["status"]) == ([1], "Arrived")


@pytest.mark.parametrize(
    ("reply", "status", "word"),
    [
        (CallErrored("InternalError", "", {}), 200, "call_error"),
        (Unanswered("too late"), 504, "unanswered"),
        (None, 409, "not_connected"),
    ],
)
async def test_what_becomes_of_it_is_told_like_a_command(
    door: Door, reply: CallErrored | Unanswered | None, status: int, word: str
) -> None:
    if reply is not None:
        door.connected.play(PlayedConnection("FILE-1", reply))
    document = await door.document("POST", "/api/v1/stations/FILE-1/diagnostics", expect=status)
    assert document["status"] == word


async def test_a_station_without_a_security_log_is_not_asked(door: Door) -> None:
    await door.write(lambda db: unsupported_requests.record(db, FILE, "GetLog", now=NOON))
    await door.problem("POST", "/api/v1/stations/FILE-1/diagnostics", json={"log": "security"}, expect=409)


@pytest.mark.parametrize(
    "wish", [{"log": "all"}, {"from": "yesterday"}, {"to": 5}, {"reason": 5}, {"reason": "x" * 501}, {"until": "x"}]
)
async def test_what_is_asked_wrongly_is_told(door: Door, wish: dict[str, object]) -> None:
    await door.problem("POST", "/api/v1/stations/FILE-1/diagnostics", json=wish, expect=422)


async def test_who_may_ask_whom(door: Door) -> None:
    assert (await door.ask("POST", "/api/v1/stations/FILE-1/diagnostics", role="viewer")).status == 403
    await door.problem("POST", "/api/v1/stations/NOBODY/diagnostics", expect=404)


async def test_uploads_are_measured(door: Door) -> None:
    await uploaded(door.site, b"1234")
    text = await (await door.ask("GET", "/metrics")).text()
    assert "ocpp_gateway_uploads_files 1\n" in text
    assert "ocpp_gateway_uploads_bytes 4\n" in text
    assert 'ocpp_gateway_uploads_total{result="kept"} 1\n' in text
