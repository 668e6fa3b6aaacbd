"""Cards that are presented while somebody learns: noted and journalled, and the station's answer stays what it was."""

from __future__ import annotations

from pathlib import Path

from gateway.operations.learn_tags import begin_learning, end_learning, learning_document
from gateway.operations.manage_tags import put_tag
from tests.conformance.site_under_test import Bench, bench

STATIONS = '[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n'


async def events_of(gateway: Bench) -> list[tuple[object, ...]]:
    rows = await gateway.site.readers.rows(
        "SELECT station, connector, data ->> 'id_tag', data ->> 'known' FROM events"
        " WHERE kind = 'id_tag.presented' ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def test_a_card_is_noted_and_not_accepted(tmp_path: Path) -> None:
    async with bench(tmp_path, more=STATIONS) as gateway, gateway.station() as station:
        await station.boots()
        await put_tag(gateway.site, "VALID", {}, actor="test")
        await station.authorizes("EARLY")
        await begin_learning(gateway.site, seconds=60, station="CP-1", actor="test")
        answer = await station.authorizes("STRANGER")
        assert answer["status"] == "Invalid"
        answer = await station.authorizes("VALID")
        assert answer["status"] == "Accepted"
        start = {"connectorId": 2, "idTag": "OTHER1", "meterStart": 5, "timestamp": "2027-01-15T08:00:00Z"}
        answer = await station.say("StartTransaction", start)
        assert answer["idTagInfo"]["status"] == "Invalid"
        await station.say("StartTransaction", {**start, "idTag": "LONGAGO", "timestamp": "2027-01-14T08:00:00Z"})
        document = learning_document(gateway.site)
        seen = [(one["id_tag"], one["connector"], one["known"]) for one in document["seen"]]  # type: ignore[attr-defined]
        assert seen == [("OTHER1", 2, False), ("VALID", None, True), ("STRANGER", None, False)]
        await end_learning(gateway.site, actor="test")
        await station.authorizes("LATE")
        assert learning_document(gateway.site)["seen"] == []
        assert await events_of(gateway) == [
            ("CP-1", None, "STRANGER", 0),
            ("CP-1", None, "VALID", 1),
            ("CP-1", 2, "OTHER1", 0),
        ]


async def test_another_station_is_not_asked(tmp_path: Path) -> None:
    async with bench(tmp_path, more=STATIONS) as gateway, gateway.station() as station:
        await station.boots()
        await begin_learning(gateway.site, seconds=60, station="CP-2", actor="test")
        await station.authorizes("STRANGER")
        assert learning_document(gateway.site)["state"] == "waiting"
