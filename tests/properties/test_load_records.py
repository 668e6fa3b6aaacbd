"""A recorded decision is made again from its bytes, to the last bit, whatever the site went through."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.instants import Instant
from gateway.rules.balance import decide
from gateway.store import load_decisions, migrations
from gateway.store.load_decisions import LoadRecord, pack, read_record, text_of_record
from gateway.store.writing import Writing
from tests.properties.examples import examples
from tests.properties.load_sites import random_site


def records(seed: int, seconds: int) -> list[LoadRecord]:
    """What a random site decided, every 20 seconds."""
    site, found = random_site(Random(seed), faults=True, metered=seed % 2 == 0), []
    for second in range(seconds):
        site.plant.step()
        if second in site.restarts:
            site.desk.restart()
        before, decision = site.desk.memory, site.desk.tick()
        if decision is not None and site.desk.picture is not None and second % 20 == 0:
            found.append(LoadRecord(site.desk.picture, before, decision))
    return found


@settings(max_examples=examples(4, least=1), deadline=None, derandomize=True)
@given(st.integers(min_value=0, max_value=2**32))
def test_a_record_gives_its_decision_again(seed: int) -> None:
    for record in records(seed, 600):
        back = read_record(text_of_record(pack(record)))
        assert back == record
        assert repr(decide(back.picture, back.before)[1]) == repr(record.decision)


def test_and_from_the_real_store(tmp_path: Path) -> None:
    connection = migrations.open_for_writing(tmp_path / "gateway.db")
    kept = records(5, 300)
    for number, record in enumerate(kept):
        load_decisions.keep(Writing(connection), record, at=Instant(number), line="x")
    rows = connection.execute("SELECT record FROM load_decisions ORDER BY decision_id").fetchall()
    connection.close()
    back = [read_record(text_of_record(packed)) for (packed,) in rows]
    assert [decide(each.picture, each.before)[1] for each in back] == [each.decision for each in kept]
