"""Addresses of the gateway's own store: asked for by a person, or filled into a request, and never kept readable."""

from __future__ import annotations

import re
from typing import Any

import pytest

from firmware_store.tickets import Download, Served, Upload
from gateway.model.calls import Answered
from gateway.operations.serve_transfers import TransferDesk
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door, PlayedConnection

IMAGE = (
    "INSERT INTO firmware_images VALUES (?, ?, 1000, 'post-9.1.bin', ?, NULL, 'no signature', 'api', 'me', ?, ?, 'me',"
    " ?, ?, 0, NULL)"
)
MANIFEST = '{"signature": "c2ln", "signing_certificate": "-----BEGIN CERTIFICATE-----"}'
LINKS = "/api/v1/firmware/images/one/links"
COMMANDS = "/api/v1/stations/FILE-1/commands"


@pytest.fixture(autouse=True)
async def images(door: Door) -> None:
    """One image that may be used, one that nobody approved, one that was withdrawn, one that is damaged."""

    def unit(db: Writing) -> None:
        for number, (name, state, damaged) in enumerate(
            (("one", "approved", None), ("staged", "staged", None), ("gone", "withdrawn", None), ("bad", "approved", 1))
        ):
            db.execute(IMAGE, (name, f"{number}" * 64, MANIFEST, NOON, state, NOON, damaged))
        db.execute("UPDATE firmware_images SET damaged_at = ? WHERE image_id = 'bad'", (NOON,))

    await door.write(unit)


def token_in(location: str) -> str:
    found = re.search("[a-z2-7]{18}", location)
    assert found, location
    return found[0]


async def test_an_address_is_good_for_one_station_and_a_time(door: Door) -> None:
    door.connected.play(PlayedConnection("FILE-1"))
    link = await door.document("POST", LINKS, role="operator", json={"station": "FILE-1"}, expect=201)
    assert re.fullmatch("http://192.168.1.10:8088/f/[a-z2-7]{18}/post-9.1.bin", link["location"])
    assert link["expires_at"] == "2027-01-16T08:00:00.000Z"
    ticket = await TransferDesk(door.site).find(token_in(link["location"]))
    assert isinstance(ticket, Download)
    assert (ticket.station, ticket.size, ticket.sha256, ticket.file_name) == ("FILE-1", 1000, "0" * 64, "post-9.1.bin")
    other = await door.document("POST", LINKS, json={"station": "FILE-1"}, expect=201)
    assert token_in(other["location"]) != token_in(link["location"])
    await door.write(lambda db: db.execute("UPDATE transfer_links SET expires_at = ?", (NOON,)))
    assert await TransferDesk(door.site).find(token_in(link["location"])) is None


@pytest.mark.parametrize(
    ("image", "body", "status"),
    [
        ("none", {"station": "FILE-1"}, 404),
        ("one", {"station": "NOBODY"}, 404),
        ("staged", {"station": "FILE-1"}, 409),
        ("gone", {"station": "FILE-1"}, 409),
        ("bad", {"station": "FILE-1"}, 409),
        ("one", {}, 422),
        ("one", {"station": 1}, 422),
        ("one", {"station": "FILE-1", "more": 1}, 422),
    ],
)
async def test_no_address_for_what_cannot_be_had(door: Door, image: str, body: dict[str, Any], status: int) -> None:
    await door.problem("POST", f"/api/v1/firmware/images/{image}/links", json=body, expect=status)


@pytest.mark.parametrize("change", ["state = 'withdrawn'", "damaged_at = 1"])
async def test_an_image_that_is_withdrawn_cannot_be_fetched_any_more(door: Door, change: str) -> None:
    link = await door.document("POST", LINKS, json={"station": "FILE-1"}, expect=201)
    await door.write(lambda db: db.execute(f"UPDATE firmware_images SET {change}"))
    assert await TransferDesk(door.site).find(token_in(link["location"])) is None


async def test_a_removed_station_cannot_fetch_any_more(door: Door) -> None:
    await door.document("PUT", "/api/v1/stations/API-1", json={}, expect=201)
    link = await door.document("POST", LINKS, json={"station": "API-1"}, expect=201)
    await door.ask("DELETE", "/api/v1/stations/API-1")
    assert await TransferDesk(door.site).find(token_in(link["location"])) is None


async def test_what_was_served_is_told(door: Door) -> None:
    link = await door.document("POST", LINKS, json={"station": "FILE-1"}, expect=201)
    desk, number = TransferDesk(door.site), link["link_id"]
    for start, end, begins in ((0, 600, True), (900, 1000, True), (500, 700, True), (700, 1000, False)):
        (item,) = (await door.document("GET", "/api/v1/firmware/links"))["items"]
        assert item["complete_time"] is None
        await desk.served(Served(number, start, end, begins))
    (item,) = (await door.document("GET", "/api/v1/firmware/links?station=FILE-1&image=one"))["items"]
    told = {name: item[name] for name in ("attempts", "bytes_served", "served_upto", "sha256", "actor")}
    assert told == {
        "attempts": 3, "bytes_served": 1200, "served_upto": 1000, "sha256": "0" * 64, "actor": "token 3 (installer)"
    }  # fmt: skip
    assert item["complete_time"]
    await desk.served(Served(number, 0, 1000, True))
    assert (await door.document("GET", "/api/v1/firmware/links?station=OTHER"))["items"] == []
    fetched = [
        one for one in (await door.document("GET", "/api/v1/events"))["items"] if one["kind"] == "firmware.fetched"
    ]
    assert len(fetched) == 1, "told once"
    assert fetched[0]["station"] == "FILE-1"
    assert fetched[0]["data"]["sha256"] == "0" * 64


async def test_an_update_is_given_what_is_left_out(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({})))
    outcome = await door.document("POST", f"{COMMANDS}/UpdateFirmware?image=one", json={"retries": 2})
    ((_, payload),) = connection.asked
    assert payload.keys() == {"retries", "location", "retrieveDate"}
    assert outcome["request"] == payload, "whoever asked is told the address"
    assert isinstance(await TransferDesk(door.site).find(token_in(str(payload["location"]))), Download)
    link = (await door.document("GET", f"/api/v1/firmware/links?command={outcome['command_id']}"))["items"][0]
    assert link["image_id"] == "one"


async def test_a_signed_update_has_signature_and_certificate(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    written = {"firmware": {"retrieveDateTime": "2027-01-15T08:00:00Z", "signature": "own"}}
    outcome = await door.document("POST", f"{COMMANDS}/SignedUpdateFirmware?image=one", json=written)
    ((_, payload),) = connection.asked
    assert payload["requestId"] == 1
    firmware = payload["firmware"]
    assert isinstance(firmware, dict)
    assert firmware["signingCertificate"] == "-----BEGIN CERTIFICATE-----"
    assert firmware["signature"] == "own", "what is written stays"
    assert outcome["request"]["firmware"]["location"] == firmware["location"]


@pytest.mark.parametrize("action", ["GetDiagnostics", "GetLog"])
async def test_an_upload_is_given_a_place(door: Door, action: str) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    body = {"logType": "SecurityLog"} if action == "GetLog" else {}
    outcome = await door.document("POST", f"{COMMANDS}/{action}?reason=does%20not%20start", json=body)
    ((_, payload),) = connection.asked
    log = payload.get("log")
    location = str(log["remoteLocation"] if isinstance(log, dict) else payload["location"])
    ticket = await TransferDesk(door.site).find(token_in(location))
    assert isinstance(ticket, Upload)
    assert (ticket.station, ticket.most_bytes) == ("FILE-1", 512_000_000)
    link = (await door.document("GET", f"/api/v1/firmware/links?command={outcome['command_id']}"))["items"][0]
    assert (link["reason"], link["kind"]) == ("does not start", "log" if action == "GetLog" else "diagnostics")


async def test_an_address_that_is_written_goes_out_as_it_is(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({})))
    for action, payload in (
        ("GetDiagnostics", {"location": "ftp://a:secret@h/"}),
        ("UpdateFirmware", {"location": "http://h/x.bin", "retrieveDate": "2027-01-15T08:00:00Z"}),
        ("UpdateFirmware", {}),
    ):
        outcome = await door.document("POST", f"{COMMANDS}/{action}", json=payload)
        assert connection.asked[-1] == (action, payload)
        assert "secret" not in str(outcome)
    assert (await door.document("GET", "/api/v1/firmware/links"))["items"] == []


async def test_no_token_is_kept_or_told(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({})))
    await door.document("POST", f"{COMMANDS}/UpdateFirmware?image=one", json={})
    token = token_in(str(connection.asked[0][1]["location"]))
    for path in ("/jobs", "/events", "/firmware/links", "/stations/FILE-1"):
        assert token not in await (await door.ask("GET", f"/api/v1{path}")).text(), path
    dumped = await door.site.database.write(lambda db: "\n".join(db.connection.iterdump()))
    assert token not in dumped
    assert "192.168.1.10:8088/f/***/post-9.1.bin" in dumped


@pytest.mark.parametrize(("query", "status"), [("image=none", 404), ("image=gone", 409), ("reason=x", 422)])
async def test_nothing_is_sent_without_an_address(door: Door, query: str, status: int) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1", Answered({})))
    response = await door.ask("POST", f"{COMMANDS}/UpdateFirmware?{query}", json={})
    assert response.status == status
    assert connection.asked == []
