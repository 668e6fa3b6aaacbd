"""The mirror of charging profiles where requests are odd, repeated, or crossed by sessions."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.model.calls import Answered, CallErrored, Unanswered
from gateway.model.identities import StationId, fold_tag
from gateway.model.instants import SECOND, Instant
from gateway.model.sessions import Session, StartRequest
from gateway.model.tags import Verdict
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.describe_profiles import describe_profiles
from gateway.operations.draw_consequences import Started, after_start
from gateway.operations.end_sessions import end_reconstructed
from gateway.operations.reconcile_profiles import reconcile_profiles
from gateway.operations.site import Site
from gateway.store import commands, configuration_keys, transactions
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, PlayedConnected, PlayedConnection, configuration_in, open_site

ACCEPTED = Answered({"status": "Accepted"})
REJECTED = Answered({"status": "Rejected"})
STATION = StationId("FILE-1")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(configuration_in(tmp_path)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between requests that nobody asked for."""
    monkeypatch.setattr("gateway.operations.ask_by_itself._REST_SECONDS", 0)


def profile(number: int, limit: float = 10, **more: Any) -> dict[str, Any]:
    periods = [{"startPeriod": 0, "limit": limit}]
    return {
        "chargingProfileId": number, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": periods}, **more,
    }  # fmt: skip


async def order(site: Site, action: str, payload: Mapping[str, object], reply: object = ACCEPTED) -> PlayedConnection:
    """A command, and what the station says to it."""
    connection = cast(PlayedConnected, site.connected).play(PlayedConnection(STATION, cast(Answered, reply)))
    await carry_out(site, station=STATION, action=action, payload=payload, actor="test")
    return connection


async def set_on(site: Site, connector: object, one: object, reply: object = ACCEPTED) -> None:
    await order(site, "SetChargingProfile", {"connectorId": connector, "csChargingProfiles": one}, reply)


async def known(site: Site) -> tuple[list[int], dict[int, bool]]:
    """(ids in force, uncertain ids with whether they are wanted)."""
    found, uncertain, _ = await describe_profiles(site, STATION)
    return (
        [cast(int, one["charging_profile_id"]) for one in found],
        {cast(int, one["charging_profile_id"]): cast(bool, one["wanted"]) for one in uncertain},
    )


def begin(db: Writing, site: Site, *, second: int = 0) -> Session:
    """A session with the tag TAG begins on connector 1, and its consequences are drawn."""
    at = Instant(NOON + second * SECOND)
    start = StartRequest(
        station=STATION, connector=1, id_tag="TAG", folded_tag=fold_tag("TAG"), meter_start_wh=0,  # type: ignore[arg-type]
        start_at=at, start_text="", message_id="m",
    )  # fmt: skip
    command = commands.take_remote_start(db, STATION, connector=1, folded_tag=start.folded_tag)
    number = transactions.record_start(db, start, Verdict("Accepted"), received_at=at, remote_start_command=command)
    after_start(db, site, Started(start, number, Verdict("Accepted"), command, at))
    session = transactions.find(db, number)
    assert session is not None
    return session


async def test_what_is_no_profile_or_has_no_place_is_sent_and_not_remembered(site: Site) -> None:
    for connector, one in ((1, None), (1, [profile(4)]), ("1", profile(4)), (-1, profile(4)), (1, {"stackLevel": 0})):
        await set_on(site, connector, one)
    # the last one got an id, above the one that was written by hand
    assert await known(site) == ([5], {})


async def test_the_same_profile_set_again_without_an_answer_is_certain_all_the_same(site: Site) -> None:
    await set_on(site, 1, profile(4))
    await set_on(site, 1, profile(4), Unanswered("silence"))
    assert await known(site) == ([4], {})
    await set_on(site, 1, profile(4, 16), Unanswered("silence"))
    await set_on(site, 1, profile(4, 16), Unanswered("silence"))
    _, uncertain, _ = await describe_profiles(site, STATION)
    assert len(uncertain) == 2  # one of each


@pytest.mark.parametrize("answer", [Answered({}), Answered({"status": "Perhaps"}), Answered({"status": None})])
async def test_an_answer_that_says_nothing_leaves_it_open(site: Site, answer: Answered) -> None:
    await set_on(site, 1, profile(4), answer)
    assert await known(site) == ([], {4: True})
    await order(site, "ClearChargingProfile", {"id": 4}, answer)
    assert await known(site) == ([], {4: False})


async def test_criteria_that_only_the_station_understands_leave_it_open(site: Site) -> None:
    await set_on(site, 1, profile(4))
    await order(site, "ClearChargingProfile", {"id": "4"})
    assert await known(site) == ([], {4: True})


async def test_a_clear_that_is_refused_changes_nothing(site: Site) -> None:
    await set_on(site, 1, profile(4))
    await order(site, "ClearChargingProfile", {}, CallErrored("InternalError", "", {}))
    assert await known(site) == ([4], {})


async def test_a_composite_schedule_of_nowhere_is_not_kept_and_a_huge_one_only_its_size(site: Site) -> None:
    await order(site, "GetCompositeSchedule", {"duration": 60})
    await order(site, "GetCompositeSchedule", {"connectorId": 1, "duration": 60}, Unanswered("silence"))
    assert await site.readers.rows("SELECT 1 FROM composite_schedules") == []
    huge = Answered({"status": "Accepted", "x": list(range(20_000))})
    await order(site, "GetCompositeSchedule", {"connectorId": 1, "duration": 60}, huge)
    (row,) = await site.readers.rows("SELECT response FROM composite_schedules")
    assert row["response"].startswith('{"left_out_bytes": ')
    told = Answered({"status": "Accepted", "vendorPassword": "hush-hush"})
    await order(site, "GetCompositeSchedule", {"connectorId": 1, "duration": 60}, told)
    (row,) = await site.readers.rows("SELECT response FROM composite_schedules")
    assert "hush" not in row["response"]


async def remote_start(site: Site, reply: object, one: object, *, meanwhile: bool = False) -> None:
    """A remote start; `meanwhile`: the session begins before the station has answered."""
    connection = PlayedConnection(STATION, cast(Answered, reply))
    if meanwhile:
        told = connection.call

        async def call(action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Any:
            await site.database.write(lambda db: begin(db, site))
            return await told(action, payload, patience_seconds=patience_seconds)

        connection.call = call  # type: ignore[method-assign]
    cast(PlayedConnected, site.connected).play(connection)
    payload = {"connectorId": 1, "idTag": "TAG", "chargingProfile": one}
    await carry_out(site, station=STATION, action="RemoteStartTransaction", payload=payload, actor="test")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (ACCEPTED, ([4], {})),
        (Unanswered("silence"), ([], {4: True})),
        (REJECTED, ([], {})),
        (Answered({}), ([], {4: True})),
    ],
)
async def test_a_session_that_begins_before_the_answer_to_its_remote_start(
    site: Site, reply: object, expected: object
) -> None:
    await remote_start(site, reply, profile(4, chargingProfilePurpose="TxProfile"), meanwhile=True)
    assert await known(site) == expected


async def test_another_purpose_in_a_remote_start_is_never_certain(site: Site) -> None:
    await remote_start(site, ACCEPTED, profile(4), meanwhile=True)
    assert await known(site) == ([], {4: True})
    await order(site, "ClearChargingProfile", {})
    await remote_start(site, ACCEPTED, profile(5))
    await site.database.write(lambda db: begin(db, site, second=1))
    assert await known(site) == ([], {5: True})


async def test_a_remote_start_without_profile_installs_none(site: Site) -> None:
    await remote_start(site, ACCEPTED, None)
    await site.database.write(lambda db: begin(db, site))
    assert await known(site) == ([], {})


async def test_of_two_remote_starts_the_one_that_the_session_is_put_down_to_is_wanted(site: Site) -> None:
    for number in (4, 5):
        await remote_start(site, ACCEPTED, profile(number, chargingProfilePurpose="TxProfile"))
    await site.database.write(lambda db: begin(db, site))
    assert await known(site) == ([], {4: True, 5: False})
    connection = cast(PlayedConnected, site.connected).play(PlayedConnection(STATION, ACCEPTED))
    await reconcile_profiles(site, STATION)
    assert [action for action, _ in connection.asked] == ["SetChargingProfile"]  # which replaces the other
    assert await known(site) == ([4], {})


async def test_a_profile_without_transaction_dies_with_the_session_of_its_connector(site: Site) -> None:
    session = await site.database.write(lambda db: begin(db, site))
    for connector in (1, 2):
        await set_on(site, connector, profile(connector, chargingProfilePurpose="TxProfile"))
    await site.database.write(lambda db: end_reconstructed(db, site, session, why="connector_free", now=NOON))
    assert await known(site) == ([2], {1: False})


async def test_an_uncertain_profile_of_a_session_that_nobody_knows_is_cleared(site: Site) -> None:
    own = profile(4, chargingProfilePurpose="TxProfile", transactionId=99)
    await set_on(site, 1, own, Unanswered("silence"))
    connection = cast(PlayedConnected, site.connected).play(PlayedConnection(STATION, ACCEPTED))
    await reconcile_profiles(site, STATION)
    assert connection.asked == [("ClearChargingProfile", {"id": 4})]
    assert await known(site) == ([], {})


async def test_settling_ends_when_the_station_errs(site: Site) -> None:
    await set_on(site, 1, profile(4), Unanswered("silence"))
    connection = cast(PlayedConnected, site.connected).play(
        PlayedConnection(STATION, CallErrored("InternalError", "", {}))
    )
    await reconcile_profiles(site, STATION)
    assert [action for action, _ in connection.asked] == ["SetChargingProfile", "ClearChargingProfile"]
    assert await known(site) == ([], {4: False})


async def test_only_certain_profiles_that_are_not_over_count_in_a_warning(site: Site) -> None:
    def told(db: Writing) -> None:
        configuration_keys.record(db, STATION, "MaxChargingProfilesInstalled", value="1", readonly=True, now=NOON)

    await site.database.write(told)
    await set_on(site, 1, profile(4), Unanswered("silence"))
    await set_on(site, 2, profile(5, validTo="2027-01-15T07:59:59Z"))
    payload = {"connectorId": 1, "csChargingProfiles": profile(6, stackLevel=1)}
    for expected in (None, "the station keeps at most 1 profiles (MaxChargingProfilesInstalled)"):
        outcome = await carry_out(site, station=STATION, action="SetChargingProfile", payload=payload, actor="test")
        assert outcome.warning == expected
        payload = {"connectorId": 1, "csChargingProfiles": profile(7, stackLevel=2)}


async def test_an_id_that_a_profile_has_is_not_chosen_when_the_numbers_begin_again(site: Site) -> None:
    await set_on(site, 1, profile(1))
    await site.database.write(lambda db: db.execute("UPDATE numbers_given SET value = 2147483646"))
    chosen = profile(1, stackLevel=1)
    del chosen["chargingProfileId"]
    await set_on(site, 1, chosen)
    assert await known(site) == ([1, 2], {})


async def changes(site: Site) -> list[tuple[object, ...]]:
    """(change, connector, id, purpose) of each event about a changed profile."""
    rows = await site.readers.rows("SELECT data FROM events WHERE kind = 'charging_profiles.changed' ORDER BY id")
    found = [json.loads(data) for (data,) in rows]
    assert all(one["actor"] == "test" and one.keys() >= {"stack_level", "transaction_id"} for one in found)
    return [(one["change"], one["connector"], one["charging_profile_id"], one["purpose"]) for one in found]


async def test_what_a_station_accepted_and_cleared_is_told_but_not_of_load_limits(site: Site) -> None:
    await set_on(site, 1, profile(4))
    await set_on(site, 1, profile(5), REJECTED)
    await set_on(site, 1, profile(6), Unanswered("silence"))
    await set_on(site, 1, profile(101, stackLevel=3))
    assert await changes(site) == [("set", 1, 4, "TxDefaultProfile")]
    await order(site, "ClearChargingProfile", {"id": 101})
    await order(site, "ClearChargingProfile", {"id": 399})
    await order(site, "ClearChargingProfile", {"id": 4}, REJECTED)
    assert len(await changes(site)) == 1


async def test_a_clear_tells_each_profile_that_was_known_or_what_it_named(site: Site) -> None:
    await set_on(site, 0, profile(4, chargingProfilePurpose="ChargePointMaxProfile"))
    await set_on(site, 2, profile(5))
    await order(site, "ClearChargingProfile", {}, Answered({"status": "Unknown"}))
    both = [("cleared", 0, 4, "ChargePointMaxProfile"), ("cleared", 2, 5, "TxDefaultProfile")]
    assert (await changes(site))[2:] == both
    await order(site, "ClearChargingProfile", {"connectorId": 1, "stackLevel": 3}, Answered({"status": "Unknown"}))
    await order(site, "ClearChargingProfile", {"connectorId": 1, "stackLevel": 3})
    assert (await changes(site))[4:] == [("cleared", 1, None, None)]
