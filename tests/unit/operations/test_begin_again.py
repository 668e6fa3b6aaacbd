"""After a kill while stations were asked, and after a restored backup: nobody pretends to know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.model.calls import Answered, Reply
from gateway.model.identities import StationId
from gateway.operations import heed_results, keep_backups
from gateway.operations.begin_again import doubt_everything, end_interrupted, heed_interrupted
from gateway.operations.carry_out_commands import carry_out
from gateway.operations.heed_results import HEEDED
from gateway.operations.site import Site
from gateway.store import commands, configuration_keys
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, PlayedConnected, PlayedConnection, configuration_in, open_site

STATION = StationId("FILE-1")
RESERVED = {"connectorId": 1, "idTag": "TAG", "expiryDate": "2099-01-01T00:00:00Z", "reservationId": 7}
PROFILE = {
    "chargingProfileId": 5, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9}]},
}  # fmt: skip


class Killed(Exception):
    """Instead of the station's answer."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(configuration_in(tmp_path)) as opened:
        yield opened


async def order(site: Site, action: str, payload: Mapping[str, object], reply: Reply | Exception) -> None:
    cast(PlayedConnected, site.connected).play(PlayedConnection(STATION, reply))
    await carry_out(site, station=STATION, action=action, payload=payload, actor="test")


async def kill_during(site: Site, action: str, payload: Mapping[str, object]) -> None:
    with pytest.raises(Killed):
        await order(site, action, payload, Killed())


async def rows(site: Site, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await site.readers.rows(sql, ())]


async def begin_again(site: Site) -> int:
    return await site.database.write(lambda db: end_interrupted(db, site, now=NOON))


async def test_a_reservation_asked_for_is_uncertain(site: Site) -> None:
    await kill_during(site, "ReserveNow", RESERVED)
    assert await begin_again(site) == 1
    assert await rows(site, "SELECT standing FROM reservations") == [("uncertain",)]
    assert await rows(site, "SELECT kind FROM events ORDER BY id") == [("reservation.uncertain",)]
    assert await rows(site, "SELECT status FROM commands") == [("unknown",)]
    assert await begin_again(site) == 0


async def test_a_reservation_that_was_being_cancelled_is_uncertain(site: Site) -> None:
    await order(site, "ReserveNow", RESERVED, Answered({"status": "Accepted"}))
    await kill_during(site, "CancelReservation", {"reservationId": 7})
    assert await rows(site, "SELECT standing FROM reservations") == [("in_force",)]
    await begin_again(site)
    assert await rows(site, "SELECT standing FROM reservations") == [("uncertain",)]


async def test_a_profile_that_was_being_set_is_uncertain(site: Site) -> None:
    await kill_during(site, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE})
    await begin_again(site)
    assert await rows(site, "SELECT profile_id, certain, wanted FROM charging_profiles") == [(5, 0, 1)]


async def test_a_password_on_its_way_counts_beside_the_old_one(site: Site) -> None:
    await kill_during(site, "ChangeConfiguration", {"key": "AuthorizationKey", "value": "AB" * 20})
    await begin_again(site)
    assert await rows(site, "SELECT answer, password_hash IS NOT NULL FROM security_changes") == [("lost", 1)]


async def test_a_job_asked_for_stays_open(site: Site) -> None:
    await kill_during(site, "GetDiagnostics", {"location": "ftp://192.0.2.1/"})
    await begin_again(site)
    ((result, detail),) = await rows(site, "SELECT result, detail FROM station_jobs")
    assert result is None
    assert "nobody knows" in detail


async def test_a_list_that_was_being_sent_may_be_there(site: Site) -> None:
    payload = {"listVersion": 4, "updateType": "Full", "localAuthorizationList": []}
    await kill_during(site, "SendLocalList", payload)
    await begin_again(site)
    assert await rows(site, "SELECT in_flight > 0, highest FROM local_lists") == [(1, 4)]


@pytest.mark.parametrize("action", sorted(HEEDED))
@pytest.mark.parametrize("payload", [{}, {"key": 1, "value": []}, {"idTag": 7, "connectorId": "x", "listVersion": {}}])
async def test_no_odd_request_keeps_the_gateway_from_starting(
    site: Site, action: str, payload: Mapping[str, object]
) -> None:
    await kill_during(site, action, payload)
    assert await begin_again(site) == 1


async def test_a_restored_backup_vouches_for_nothing(site: Site) -> None:
    await order(site, "ReserveNow", RESERVED, Answered({"status": "Accepted"}))
    payload = {"connectorId": 1, "csChargingProfiles": PROFILE}
    await order(site, "SetChargingProfile", payload, Answered({"status": "Accepted"}))
    await order(site, "SendLocalList", {"updateType": "Full"}, Answered({"status": "Accepted"}))
    await order(site, "GetDiagnostics", {}, Answered({"fileName": "a.zip"}))

    def read(db: Writing) -> None:
        configuration_keys.record_reading(db, STATION, how="whole", firmware_version=None, now=NOON)
        doubt_everything(db, now=NOON)

    await site.database.write(read)
    assert await rows(site, "SELECT standing FROM reservations") == [("uncertain",)]
    assert await rows(site, "SELECT certain FROM charging_profiles") == [(0,)]
    assert await rows(site, "SELECT must_ask, contents_known FROM local_lists") == [(1, 0)]
    assert await rows(site, "SELECT station FROM settings_read") == []
    assert await rows(site, "SELECT ended_at FROM transfer_links") == [(NOON,)], "it may have been taken back since"


async def test_what_ran_when_a_backup_was_made_ends_with_its_restore(site: Site) -> None:
    await kill_during(site, "ReserveNow", RESERVED)
    with keep_backups.receiving_place(site) as kept:
        async with keep_backups.back_up(site) as copy:
            kept.write_bytes(copy.read_bytes())
        await keep_backups.restore(site, kept, actor="test")
    assert await rows(site, "SELECT status FROM commands") == [("unknown",)]
    assert await rows(site, "SELECT standing FROM reservations") == [("uncertain",)]


async def test_a_fault_of_ours_with_one_command_keeps_nobody_from_starting(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await kill_during(site, "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE})
    await kill_during(site, "ReserveNow", RESERVED)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(heed_results, "HEEDED", {**HEEDED, "SetChargingProfile": (broken,)})
    await heed_interrupted(site, await site.database.write(commands.running), now=NOON)
    assert "what came of SetChargingProfile could not be noted" in caplog.text
    assert await rows(site, "SELECT standing FROM reservations") == [("uncertain",)]
    assert await site.database.write(lambda db: commands.end_interrupted(db, now=NOON)) == 2
