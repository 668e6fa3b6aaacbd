"""Settings of all stations side by side, and one key for many stations."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.calls import Answered, NotConnected, Reply
from gateway.model.identities import StationId
from gateway.operations.apply_key_to_many import AT_ONCE
from gateway.store import configuration_keys
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door, PlayedConnection
from tests.unit.web.test_frames_api import expect_shape

KEYS = "/api/v1/configuration-keys"
APPLY = f"{KEYS}/apply"


async def report(door: Door, **stations: Mapping[str, str | None]) -> None:
    def unit(db: Writing) -> None:
        for station, keys in stations.items():
            for key, value in keys.items():
                configuration_keys.record(db, StationId(station), key, value=value, readonly=False, now=NOON)

    await door.write(unit)


async def test_side_by_side(door: Door) -> None:
    await report(door, A={"Interval": "5", "AuthorizationKey": "one", "Only": None}, B={"interval": "6"})
    await report(door, B={"AuthorizationKey": "two"}, C={"Interval": "5"})
    page = await door.document("GET", KEYS, role="viewer")
    expect_shape(page, "KeyOfStationsCollection")
    assert [(one["key"], one["differs"]) for one in page["items"]] == [
        ("AuthorizationKey", True),
        ("Interval", True),
        ("Only", False),
    ]
    assert page["items"][0]["values"][0] == {
        "station": "A",
        "value": "***",
        "readonly": False,
        "reboot_required": False,
    }
    assert [(one["station"], one["value"]) for one in page["items"][1]["values"]] == [
        ("A", "5"),
        ("B", "6"),
        ("C", "5"),
    ]
    first = await door.document("GET", f"{KEYS}?limit=1")
    rest = await door.document("GET", f"{KEYS}?limit=5&after={first['next']}")
    assert [one["key"] for one in (*first["items"], *rest["items"])] == ["AuthorizationKey", "Interval", "Only"]
    found = await door.document("GET", f"{KEYS}?key=INTER&station=C")
    assert [[value["station"] for value in one["values"]] for one in found["items"]] == [["C"]]
    await door.problem("GET", f"{KEYS}?wrong=1", expect=422)


async def test_one_key_for_many(door: Door) -> None:
    for station in ("A", "B", "C"):
        await door.document("PUT", f"/api/v1/stations/{station}", json={}, expect=201)
    one = door.connected.play(PlayedConnection("A", Answered({"status": "Accepted"})))
    door.connected.play(PlayedConnection("B", NotConnected("B")))
    body = {"stations": ["C", "A", "B", "NOBODY"], "key": "HeartbeatInterval", "value": "60"}
    answer = await door.document("POST", APPLY, json=body)
    expect_shape(answer, "KeyApplied")
    assert [(item["station"], item["status"], item["answer"]) for item in answer["items"]] == [
        ("C", "not_connected", None),
        ("A", "answered", "Accepted"),
        ("B", "not_connected", None),
        ("NOBODY", "unknown_station", None),
    ]
    assert one.asked == [("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"})]


async def test_what_is_refused_asks_nobody(door: Door) -> None:
    one = door.connected.play(PlayedConnection("FILE-1", Answered({"status": "Accepted"})))
    good = {"stations": ["FILE-1"], "key": "K", "value": "1"}
    for wrong in (
        {"stations": []},
        {"stations": ["FILE-1", "FILE-1"]},
        {"stations": [1]},
        {"stations": "FILE-1"},
        {"stations": [f"S{number}" for number in range(501)]},
        {"key": ""},
        {"key": 5},
        {"key": "x" * 51},
        {"value": None},
        {"value": "x" * 501},
        {"key": "AuthorizationKey"},
        {"more": 1},
    ):
        problem = await door.problem("POST", APPLY, json={**good, **wrong}, expect=422)
        assert "no station was asked" in problem["detail"]
    await door.problem("POST", APPLY, json=good, role="operator", expect=403)
    assert one.asked == []


@dataclass
class Slow(PlayedConnection):
    running: int = 0

    async def call(self, action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Reply:
        COUNTS.append(len(COUNTS) + 1)
        RUNNING[0] += 1
        RUNNING[1] = max(RUNNING)
        await asyncio.sleep(0.01)
        RUNNING[0] -= 1
        return Answered({"status": "Accepted"})


COUNTS: list[int] = []
RUNNING = [0, 0]


async def test_only_a_few_are_asked_at_a_time(door: Door) -> None:
    names = [f"S{number}" for number in range(2 * AT_ONCE)]
    for name in names:
        await door.document("PUT", f"/api/v1/stations/{name}", json={}, expect=201)
        door.connected.play(Slow(name))
    await door.document("POST", APPLY, json={"stations": names, "key": "K", "value": "1"})
    assert (len(COUNTS), RUNNING) == (2 * AT_ONCE, [0, AT_ONCE])
