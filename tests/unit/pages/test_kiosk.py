"""The wall screen: counts, limits and connectors, without a menu, live, and only to be looked at."""

from __future__ import annotations

from gateway.store.writing import Writing
from tests.unit.pages.conftest import Reader
from tests.unit.pages.played_firmware import ODD, add_station
from tests.unit.pages.test_overview import first_message
from tests.unit.web.conftest import NOON, PlayedConnection


async def test_the_whole_site_without_a_menu(reader: Reader) -> None:
    await add_station(reader, ODD)
    reader.connected.play(PlayedConnection(ODD))

    def unit(db: Writing) -> None:
        for number, status, error in ((1, "Available", "NoError"), (2, "Faulted", "GroundFailure"), (3, "New", "X<")):
            db.execute(
                "INSERT INTO connectors (station, connector, status, error_code, status_at, received_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (ODD, number, status, error, NOON, NOON),
            )

    await reader.site.database.write(unit)
    sight = await reader.see("/kiosk", role="viewer")
    assert "1 free connector" in sight.text and "1 out of service" in sight.text and "0 sessions" in sight.text
    assert f"{ODD} Connector 2 Faulted earth fault" in sight.text and "New" in sight.text and "X<" in sight.text
    assert "main" in sight.text and "1 station not connected" in sight.text
    assert not [tag for tag, _ in sight.elements if tag == "nav"]
    assert [form.method for form in sight.forms] == ["dialog"], "nothing to press but the frame's question"
    assert sight.by_id("live")[1]["hx-sse:connect"] == "/live/kiosk"


async def test_a_site_without_connectors(reader: Reader) -> None:
    assert "No connector is known yet." in (await reader.see("/kiosk", role="viewer")).text


async def test_it_is_kept_up_to_date(reader: Reader) -> None:
    message = await first_message(reader, "/kiosk")
    assert all(f'#kiosk-{name}"' in message for name in ("counts", "circuits", "connectors"))


async def test_who_is_not_logged_in_sees_nothing(reader: Reader) -> None:
    assert (await reader.ask("GET", "/kiosk", role=None)).headers["Location"] == "/login?next=%2Fkiosk"
