"""What is believed of a station's list comes back as it was written; it is settled only if nothing happened since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.model.identities import FoldedTag
from gateway.model.local_lists import Changes, Entry
from gateway.model.tags import KnownTag, Verdict
from gateway.rules.local_list_memory import Checked, Memory
from gateway.rules.local_lists import Told
from gateway.store import configuration_keys, id_tags, local_lists
from gateway.store.database import Database
from gateway.store.id_tags import TagRow
from gateway.store.readers import Readers
from gateway.store.writing import Writing
from tests.unit.store.opened_database import CP, NOW, opened_database

CHECKED = Checked(4, 10, NOW)
MEMORY = Memory(5, 7, True, 2, False, True, True, NOW, 3, NOW, "Failed", CHECKED, 9)
A, B = FoldedTag("a"), FoldedTag("b")
LIST = Changes({A: Entry("A", Verdict("Accepted", "P", NOW)), B: Entry("B", None)}, {})


@asynccontextmanager
async def place(directory: Path) -> AsyncIterator[tuple[Database, Readers]]:
    """A database and its readers."""
    async with opened_database(directory) as database:
        readers = Readers(database.path)
        try:
            yield database, readers
        finally:
            await readers.close()


async def standing(database: Database) -> local_lists.Standing:
    return await database.write(lambda db: local_lists.standing(db, CP))


async def holdings(database: Database) -> local_lists.Holdings:
    return local_lists.holdings(await database.write(lambda db: local_lists.rows(db, CP)))


async def test_people_see_what_decisions_are_made_on(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, readers):
        await database.write(lambda db: id_tags.put(db, [TagRow("A", "Accepted", None, None, "", NOW)]))
        await database.write(lambda db: local_lists.change_entries(db, CP, "Full", LIST))
        await database.write(lambda db: local_lists.save(db, CP, MEMORY))
        assert local_lists.holdings(await local_lists.read_rows(readers, CP)) == await holdings(database)


async def test_a_memory_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):
        assert await database.write(lambda db: local_lists.find(db, CP)) == Memory()
        assert (await standing(database)).memory == Memory()
        for memory in (MEMORY, Memory(highest=3), Memory(supported=True)):
            await database.write(lambda db, memory=memory: local_lists.save(db, CP, memory))  # type: ignore[misc]
            assert await database.write(lambda db: local_lists.find(db, CP)) == memory
            assert (await standing(database)).memory == memory


async def test_entries_are_replaced_changed_and_forgotten(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):
        await database.write(lambda db: local_lists.change_entries(db, CP, "Full", LIST))
        assert (await holdings(database)).held == LIST.put
        changes = Changes({FoldedTag("c"): Entry("C", Verdict("Blocked"))}, {A: "A", FoldedTag("z"): "Z"})
        await database.write(lambda db: local_lists.change_entries(db, CP, "Differential", changes))
        assert (await holdings(database)).held.keys() == {"b", "c"}
        assert await database.write(lambda db: local_lists.count_entries(db, CP)) == 2
        await database.write(lambda db: local_lists.change_entries(db, CP, "Full", Changes({}, {})))
        assert (await holdings(database)).held == {}


async def test_a_list_is_settled_only_when_nothing_happened_to_it_meanwhile(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):
        await database.write(lambda db: local_lists.save(db, CP, MEMORY))
        later = Checked(5, None, None)
        assert await database.write(lambda db: local_lists.settle(db, CP, later, changes=8)) is False
        assert (await database.write(lambda db: local_lists.find(db, CP))).checked == CHECKED
        assert await database.write(lambda db: local_lists.settle(db, CP, later, changes=9)) is True
        assert (await database.write(lambda db: local_lists.find(db, CP))).checked == later


async def test_what_a_station_reported_is_read_as_far_as_it_makes_sense(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):

        async def told(**settings: str | None) -> Told:
            def unit(db: Writing) -> None:
                for key, value in settings.items():
                    configuration_keys.record(db, CP, key, value=value, readonly=True, now=NOW)

            await database.write(unit)
            return (await standing(database)).told

        assert await told() == Told()
        sent = await told(
            SupportedFeatureProfiles="Core", LocalAuthListEnabled=" TRUE ", LocalAuthListMaxLength="0",
            SendLocalListMaxLength=" 20",
        )  # fmt: skip
        assert sent == Told(False, True, 0, 20)
        assert (await told(LocalAuthListEnabled="false")).enabled is False
        sent = await told(
            SupportedFeatureProfiles=None, LocalAuthListEnabled="perhaps", LocalAuthListMaxLength="-1",
            SendLocalListMaxLength="9" * 30,
        )  # fmt: skip
        assert sent == Told()


async def test_whether_lists_are_switched_on_is_known_once_it_was_reported(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):
        for value, on in ((None, False), ("false", False), ("True ", True)):
            assert await database.write(lambda db: local_lists.is_switched_on(db, CP)) is False
            await database.write(
                lambda db, value=value: configuration_keys.record(  # type: ignore[misc]
                    db, CP, "LocalAuthListEnabled", value=value, readonly=False, now=NOW
                )
            )
            assert await database.write(lambda db: local_lists.is_switched_on(db, CP)) is on


async def test_the_revision_counts_what_stations_may_have_to_hear_of(tmp_path: Path) -> None:
    async with place(tmp_path) as (database, _):

        async def revision() -> int:
            return (await standing(database)).revision

        tags = [TagRow(name, "Accepted", None, None, "", NOW) for name in ("A", "B")]
        seen = [await revision()]
        await database.write(lambda db: id_tags.put(db, tags))
        seen.append(await revision())
        await database.write(lambda db: id_tags.remove(db, "a"))
        seen.append(await revision())
        assert seen == sorted(set(seen))
        await database.write(lambda db: id_tags.remove(db, "never there"))
        assert await revision() == seen[-1]


async def test_tags_come_with_their_parents(tmp_path: Path) -> None:
    tags = [
        TagRow("Parent", "Blocked", None, NOW, "", NOW),
        TagRow("Child", "Accepted", "PARENT", None, "", NOW),
        TagRow("Self", "Accepted", "self", None, "", NOW),
        TagRow("Orphan", "Accepted", "Nobody", None, "", NOW),
    ]
    async with place(tmp_path) as (database, _):
        await database.write(lambda db: id_tags.put(db, tags))
        found = dict((await holdings(database)).tags)
    assert found == {
        "parent": KnownTag("Parent", "Blocked", None, NOW),
        "child": KnownTag("Child", "Accepted", "PARENT", None, "Blocked", NOW),
        "self": KnownTag("Self", "Accepted", "self"),
        "orphan": KnownTag("Orphan", "Accepted", "Nobody"),
    }
