"""Which minutes of circuits are kept, how often something is written, and that a store that refuses stops nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.model.instants import SECOND, Instant
from gateway.model.load_memory import Memory
from gateway.operations.load_now import Tick
from gateway.operations.record_history import record_history
from gateway.operations.site import Site
from gateway.rules.balance import decide
from tests.unit.rules.load_pictures import METERED, charging, picture, reading
from tests.unit.web.conftest import configuration_in, open_site


def tick(seconds: float, amps: float) -> Tick:
    seen = picture(charging(), circuits=(METERED, replace(METERED, name="other")), readings=(reading(amps),))
    after, decision = decide(seen, Memory())
    return Tick(Instant(int(seconds * SECOND)), seen, Memory(), after, decision)


async def kept(site: Site) -> list[tuple[str, int, int | None]]:
    sql = "SELECT circuit, minute, measured_1_ma FROM circuit_history ORDER BY minute, circuit"
    return await site.database.write(lambda db: db.execute(sql).fetchall())


async def play(site: Site, *ticks: Tick) -> list[tuple[str, int, int | None]]:
    for one in ticks:
        record_history(site, one)
        await kept(site)
    return await kept(site)


async def test_a_row_for_each_circuit_when_its_minute_is_over(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        batches: list[str | None] = []
        committed = site.database.committed
        site.database.committed = lambda failure: (batches.append(failure), committed(failure))[1]  # type: ignore[misc]
        for seconds in range(60, 120):
            record_history(site, tick(seconds, 20.0 + seconds % 7))
        assert site.load.history.waiting == () and not site.load.history.under_way and batches == []
        assert await play(site, tick(120, 1.0)) == [("main", 1, 26_000), ("other", 1, None)]
        assert site.load.history.waiting == () and not site.load.history.under_way
        assert (await play(site, tick(3600, 1.0)))[2:] == [("main", 2, 1000), ("other", 2, None)]


async def test_a_clock_that_is_set_back_widens_the_minute_that_was(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        rows = await play(site, tick(60, 5.0), tick(120, 1.0), tick(61, 9.0), tick(121, 2.0), tick(180, 0.0))
        assert [row for row in rows if row[0] == "main"] == [("main", 1, 9000), ("main", 2, 2000)]


async def test_what_the_store_refuses_is_kept_with_the_next_minute(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(lambda db: db.execute("ALTER TABLE circuit_history RENAME TO away"))
        for minute in range(1, 100):
            record_history(site, tick(minute * 60, float(minute)))
            await site.database.write(lambda db: None)
        assert len(site.load.history.waiting) == 60 and not site.load.history.under_way
        await site.database.write(lambda db: db.execute("ALTER TABLE away RENAME TO circuit_history"))
        assert len(await play(site, tick(6000, 1.0))) == 2 * 60
        assert site.load.history.waiting == ()


async def test_a_store_that_is_closed_stops_nothing(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        record_history(site, tick(60, 1.0))
    record_history(site, tick(120, 1.0))
    assert len(site.load.history.waiting) == 1 and not site.load.history.under_way


async def test_a_minute_that_ends_while_another_is_written_waits_for_its_turn(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        for minute in (1, 2, 3):
            record_history(site, tick(minute * 60, 1.0))
        assert [minute for _, minute, _ in await kept(site)] == [1, 1]
        assert [minute for minute, _ in site.load.history.waiting] == [2]
        assert [minute for _, minute, _ in await play(site, tick(240, 1.0))] == [1, 1, 2, 2, 3, 3]
