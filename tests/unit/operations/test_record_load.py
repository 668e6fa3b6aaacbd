"""Which ticks are kept, how often, and that a store that refuses stops nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from gateway.model.instants import Instant
from gateway.model.load_decision import Send
from gateway.model.load_memory import Memory
from gateway.operations.load_now import Tick
from gateway.operations.record_load import record_load
from gateway.operations.site import Site
from gateway.rules.balance import decide
from gateway.store import load_decisions
from tests.unit.rules.load_pictures import charging, picture
from tests.unit.web.conftest import configuration_in, open_site


def tick(at: float, *sends: Send) -> Tick:
    seen = picture(charging(), at=at)
    after, decision = decide(seen, Memory())
    return Tick(Instant(int(at)), seen, Memory(), after, replace(decision, sends=sends))


def send(kind: str) -> Send:
    return Send("CP", 1, 10.0, 600.0, kind, "")  # type: ignore[arg-type]


async def lines(site: Site) -> list[str]:
    return await site.database.write(
        lambda db: [line for (line,) in db.execute("SELECT line FROM load_decisions ORDER BY decision_id")]
    )


async def play(site: Site, *ticks: Tick) -> list[str]:
    before = site.load.tick
    for now in ticks:
        await record_load(site, before, now)
        before = site.load.tick = now
        await lines(site)
    return await lines(site)


async def test_changes_are_kept_five_seconds_apart_and_decreases_at_once(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        assert len(await play(site, tick(100), tick(101), tick(102, send("renew")), tick(110))) == 1
        assert len(await play(site, tick(111, send("increase")))) == 2
        assert len(await play(site, tick(112, send("increase")), tick(115))) == 2
        assert (await play(site, tick(116)))[2:] == ["CP/1 raised to 10 A"]
        assert (await play(site, tick(117, send("decrease"))))[3:] == ["CP/1 lowered to 10 A"]
        assert len(await play(site, tick(1016))) == 4
        assert (await play(site, tick(1017)))[4:] == ["nothing changed"]


async def test_a_store_that_refuses_stops_nothing(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await site.database.write(lambda db: db.execute("ALTER TABLE load_decisions RENAME TO away"))
        await record_load(site, None, tick(100))
        await site.database.write(lambda db: db.execute("ALTER TABLE away RENAME TO load_decisions"))
        assert site.load.recording.changes and not site.load.recording.under_way
        assert len(await play(site, tick(106))) == 1


async def test_all_records_together_have_a_bound(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await play(site, *[tick(at, send("decrease")) for at in range(10)])
        await site.database.write(lambda db: load_decisions.delete_beyond(db, bytes_kept=3000, most=500))
        sizes = await site.database.write(lambda db: [n for (n,) in db.execute("SELECT bytes FROM load_decisions")])
        assert 0 < sum(sizes) <= 3000
