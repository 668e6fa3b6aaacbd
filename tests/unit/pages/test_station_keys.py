"""Configuration keys of one station and of all."""

from __future__ import annotations

import pytest

from gateway.model.calls import Answered, CallErrored, Unanswered
from gateway.model.identities import StationId
from gateway.store import configuration_keys
from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.web.conftest import NOON, PlayedConnection

KEYS = "/stations/FILE-1/keys"


def told(db: Writing) -> None:
    for station, key, value, readonly in (
        ("FILE-1", "HeartbeatInterval", "300", False),
        ("FILE-1", "NumberOfConnectors", "2", True),
        ("FILE-1", "<i>", '"', False),
        ("FILE-1", "AuthorizationKey", "secret", False),
        ("CP-2", "heartbeatinterval", "60", False),
        ("CP-2", "Only", "1", False),
    ):
        configuration_keys.record(db, StationId(station), key, value=value, readonly=readonly, now=NOON)


@pytest.fixture
async def two(reader: Reader) -> Reader:
    await reader.ask("PUT", "/api/v1/stations/CP-2", json={})
    await reader.ask("PUT", "/api/v1/stations/FILE-1", json={"desired_configuration": {"HeartbeatInterval": "30"}})
    await reader.site.database.write(told)
    return reader


async def test_keys_with_what_is_wanted(two: Reader) -> None:
    sight = await two.see(KEYS, role="viewer")
    for text in ("HeartbeatInterval", "300", "30 differs", "NumberOfConnectors read only", "<i>"):
        assert text in sight.text, text
    assert "Change" not in sight.links and "secret" not in sight.text
    assert "NumberOfConnectors" not in (await two.see(f"{KEYS}?q=HEART")).text
    assert "NumberOfConnectors" not in (await two.see(f"{KEYS}?only=yes")).text
    assert "No key fits." in (await two.see(f"{KEYS}?q=nothing")).text


async def test_compared_with_another_station(two: Reader) -> None:
    sight = await two.see(f"{KEYS}?with=CP-2&only=yes")
    assert "HeartbeatInterval 300 60 differs" in sight.text
    assert "Only not told 1 differs" in sight.text


async def test_no_keys_yet(reader: Reader) -> None:
    assert "has not told its keys yet" in (await reader.see(KEYS)).text
    assert "No station has told its keys yet." in (await reader.see("/stations/keys")).text


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Answered({"status": "Accepted"}), "Accepted · The station has taken the value."),
        (Answered({"status": "RebootRequired"}), "in effect only after the station has restarted"),
        (Answered({"status": "Rejected"}), "The station refused the value"),
        (Answered({"status": "NotSupported"}), "The station does not have this key."),
        (Answered({"status": "Maybe"}), "Maybe"),
        (Answered({}), "The station has answered."),
        (CallErrored("NotImplemented", "no <b>", {}), "The station does not know this request. no <b>"),
        (Unanswered(), "The station did not answer in time."),
    ],
)
async def test_a_key_is_changed_and_the_answer_told(two: Reader, reply: object, text: str) -> None:
    connection = two.connected.play(PlayedConnection("FILE-1", reply=reply))  # type: ignore[arg-type]
    form = (await two.see(f"{KEYS}?change=HeartbeatInterval", role="operator")).form_to(f"{KEYS}/change").fields
    assert (form["key"], form["value"]) == ("HeartbeatInterval", "300")
    response = await two.send(f"{KEYS}/change", {**form, "value": "30"}, role="operator", expect=200)
    assert text in read(await response.text()).text
    assert connection.asked == [("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "30"})]


async def test_a_masked_secret_is_not_sent_back(two: Reader) -> None:
    form = (await two.see(f"{KEYS}?change=AuthorizationKey")).form_to(f"{KEYS}/change").fields
    assert form["value"] == ""


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("authorizationkey", "", "an empty one would take the secret away"),
        ("AuthorizationKey", " ", "an empty one would take the secret away"),
        ("AuthorizationKey", "***", "stands for a value that is not shown"),
        ("HeartbeatInterval", " *** ", "stands for a value that is not shown"),
    ],
)
async def test_a_secret_is_neither_emptied_nor_overwritten_by_its_mask(
    two: Reader, key: str, value: str, text: str
) -> None:
    connection = two.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    for stations in ("FILE-1", "CP-2"):  # the form of one station, and the others that are ticked
        fields = [("key", key), ("value", value), ("stations", "FILE-1"), ("stations", stations)]
        response = await two.ask("POST", f"{KEYS}/change", data=fields)
        sight = read(await response.text())
        assert response.status == 422 and text in sight.text
        assert sight.by_id("value")[1]["aria-describedby"] == "value-mistake"
    assert connection.asked == []


async def test_other_values_may_be_empty_and_a_secret_keeps_its_blanks(two: Reader) -> None:
    connection = two.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    for key, value in (("<i>", " "), ("HeartbeatInterval", " 30 "), ("AuthorizationKey", " 0123456789abcdef ")):
        await two.send(f"{KEYS}/change", {"key": key, "value": value, "stations": "FILE-1"}, expect=200)
    assert [payload["value"] for _, payload in connection.asked] == ["", "30", " 0123456789abcdef "]


async def test_a_key_for_several_stations_is_set_after_a_question(two: Reader) -> None:
    sight = await two.see(f"{KEYS}?change=HeartbeatInterval")
    form = next(each[1] for each in sight.elements if each[1].get("action") == f"{KEYS}/change")
    assert "all stations" in form["data-question"] and form["data-question-when"] == r"stations=\n"


async def test_who_is_not_connected(two: Reader) -> None:
    response = await two.send(f"{KEYS}/change", {"key": "A", "value": "1", "stations": "FILE-1"}, expect=200)
    assert "nothing was sent" in read(await response.text()).text
    response = await two.send(f"{KEYS}/read", {})
    assert "nothing%20was%20sent" in response.headers["Set-Cookie"]


async def test_one_key_for_several_stations(two: Reader) -> None:
    connection = two.connected.play(PlayedConnection("FILE-1", reply=Answered({"status": "Accepted"})))
    fields = [("key", "A"), ("value", "1"), ("stations", "FILE-1"), ("stations", "CP-2")]
    response = await two.ask("POST", f"{KEYS}/change", data=fields, headers={"HX-Request": "true"})
    sight = read(await response.text())
    assert "FILE-1 · Accepted: The station has taken the value." in sight.text
    assert "CP-2 · The station is not connected" in sight.text
    assert connection.asked == [("ChangeConfiguration", {"key": "A", "value": "1"})]
    assert "Skip to the content" not in sight.text


async def test_mistakes_of_the_form(two: Reader) -> None:
    response = await two.send(f"{KEYS}/change", {"key": "", "value": "1"}, expect=422)
    sight = read(await response.text())
    assert "Enter the name of a key." in sight.text and "Tick at least one station." in sight.text
    assert sight.form_to(f"{KEYS}/change").fields["value"] == "1"


async def test_keys_are_read_again(two: Reader) -> None:
    connection = two.connected.play(PlayedConnection("FILE-1", reply=Answered({"configurationKey": []})))
    response = await two.send(f"{KEYS}/read", {}, role="operator")
    assert response.headers["Location"] == KEYS
    assert connection.asked == [("GetConfiguration", {})]
    await two.send(f"{KEYS}/read", {}, role="viewer", expect=403)


async def test_all_stations_side_by_side(two: Reader) -> None:
    sight = await two.see("/stations/keys?key=heart", role="viewer")
    assert "heartbeatinterval differs" in sight.text.casefold() and "NumberOfConnectors" not in sight.text
    assert sight.links["CP-2"].startswith("/stations/CP-2/keys?change=")
    assert "No key fits." in (await two.see("/stations/keys?key=nothing")).text
