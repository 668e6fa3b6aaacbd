"""/reservations: pages, filters, what is over; and the same in a station's document and in the metrics."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door

PATH = "/api/v1/reservations"


def row(db: Writing, number: int, station: str, standing: str, *, seconds: int = 3600) -> None:
    over = NOON if standing in ("used", "ended") else None
    why, used_by = "expired" if standing == "ended" else None, 7 if standing == "used" else None
    db.execute(
        "INSERT INTO reservations (number, command_id, station, reservation_id, connector, id_tag, folded_tag,"
        " expiry_at, asked_at, standing, ended_at, ended_why, transaction_id)"
        " VALUES (?1, 'c' || ?1, ?2, ?1 + 100, 1, 'T', 't', ?3, 0, ?4, ?5, ?6, ?7)",
        (number, station, NOON + seconds * 1_000_000, standing, over, why, used_by),
    )


@pytest.fixture
async def filled(door: Door) -> Door:
    """On FILE-1 in force 101 and 106, doubtful 102 and 103, over 104, 105 and by the clock 108; 107 elsewhere."""

    def unit(db: Writing) -> None:
        for number, standing in enumerate(["in_force", "uncertain", "asked", "used", "ended", "in_force"], 1):
            row(db, number, "FILE-1", standing)
        row(db, 7, "OTHER", "in_force")
        row(db, 8, "FILE-1", "in_force", seconds=0)
        row(db, 9, "FILE-1", "uncertain", seconds=0)

    await door.site.database.write(unit)
    return door


async def numbers(door: Door, **query: str) -> tuple[list[int], Any]:
    page = await door.document("GET", PATH, role="viewer", params=query)
    return [one["reservation_id"] for one in page["items"]], page["next"]


async def test_only_what_is_in_force(filled: Door) -> None:
    assert await numbers(filled) == ([101, 106, 107], None)
    assert await numbers(filled, station="FILE-1") == ([101, 106], None)
    assert await numbers(filled, station="FILE-1", uncertain="true") == ([102, 103], None)
    assert await numbers(filled, uncertain="false") == ([101, 106, 107], None)
    assert await numbers(filled, station="NOBODY") == ([], None)
    page = await filled.document("GET", PATH, params={"station": "OTHER"})
    assert page["items"] == [
        {
            "reservation_id": 107,
            "station": "OTHER",
            "connector": 1,
            "id_tag": "T",
            "parent_id_tag": None,
            "expiry_time": "2027-01-15T09:00:00.000Z",
        }
    ]


async def test_page_by_page(filled: Door) -> None:
    first, cursor = await numbers(filled, limit="2")
    assert first == [101, 106]
    assert await numbers(filled, limit="2", after=cursor) == ([107], None)
    assert await numbers(filled, limit="3") == ([101, 106, 107], None)


@pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "0"}, {"uncertain": "perhaps"}, {"statoin": "FILE-1"}])
async def test_what_cannot_be_asked(filled: Door, query: dict[str, str]) -> None:
    await filled.problem("GET", PATH, expect=422, params=query)


async def test_in_the_documents_of_stations(filled: Door) -> None:
    station = await filled.document("GET", "/api/v1/stations/FILE-1")
    assert [one["reservation_id"] for one in station["reservations"]] == [101, 106]
    (listed,) = (await filled.document("GET", "/api/v1/stations"))["items"]
    assert listed["reservations"] == station["reservations"]


async def test_in_the_metrics(filled: Door) -> None:
    lines = (await (await filled.ask("GET", "/metrics", role=None)).text()).splitlines()
    assert 'ocpp_gateway_reservations{state="in_force"} 3' in lines
    assert 'ocpp_gateway_reservations{state="uncertain"} 2' in lines
