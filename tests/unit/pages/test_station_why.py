"""Why a station had its limit at a moment that is past."""

from __future__ import annotations

from tests.unit.pages.conftest import Reader

PATH = "/stations/FILE-1/why"


async def test_the_form_alone(reader: Reader) -> None:
    sight = await reader.see(PATH, role="viewer")
    assert sight.form_to(PATH).fields == {"at": "", "connector": ""}
    assert (await reader.see("/stations/FILE-1")).links["Why was it so at another time?"] == PATH
    await reader.see("/stations/NOBODY/why", expect=404)


async def test_what_is_no_moment_and_what_nobody_knows_any_more(reader: Reader) -> None:
    assert (await reader.see(f"{PATH}?at=soon", expect=422)).by_id("at-mistake")
    old = await reader.see(f"{PATH}?at=2001-01-01T10:00&connector=1", expect=422)
    assert old.by_id("at-mistake") and old.form_to(PATH).fields["connector"] == "1"
