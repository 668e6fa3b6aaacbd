"""Sessions that stations tell badly: no register, no time, no number, a stop told again, a clock that was never set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.model.instants import text_of
from gateway.operations.keep_house import end_abandoned_sessions
from gateway.operations.provision_stations import put_station, remove_station
from tests.conformance.site_under_test import Bench, bench
from tests.fakes.scripted_station import ScriptedStation

STATIONS = '[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n[[station]]\nid = "EAST"\nutc_offset_minutes = 300\n'
REGISTER = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}
POWER = {"value": "11000", "measurand": "Power.Active.Import"}
EIGHT = "2027-01-15T08:00:00Z"


def at(minute: int) -> str:
    return f"2027-01-15T08:{minute:02d}:00Z"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, ocpp="", more=STATIONS) as running:
        yield running


@pytest.fixture
async def station(gateway: Bench) -> AsyncIterator[ScriptedStation]:
    async with gateway.station() as connected:
        yield connected


async def measures(station: ScriptedStation, register: int, minute: int, **more: Any) -> None:
    await station.measures(1, [{"value": str(register), **REGISTER}], at=at(minute), **more)


class TestRegisterAtTheStart:
    @pytest.mark.parametrize("told", [{}, {"meterStart": -1}, {"meterStart": None}])
    async def test_what_was_not_told_is_not_billed(
        self, gateway: Bench, station: ScriptedStation, told: dict[str, object]
    ) -> None:
        start = {"connectorId": 1, "idTag": "VALID", "timestamp": EIGHT, **told}
        number = (await station.say("StartTransaction", start))["transactionId"]
        assert (await station.say("StartTransaction", start))["transactionId"] == number
        running = await gateway.transaction(number)
        assert (running["meter_start_wh"], running["anomalies"]) == (None, ["meter_start_unknown"])
        await station.stops(number, meter=5_000_000, at=at(30))
        ended = await gateway.transaction(number)
        assert (ended["meter_start_wh"], ended["meter_stop_wh"], ended["energy_wh"]) == (None, 5_000_000, None)
        (event,) = await gateway.events("transaction.ended")
        assert (event["meter_start_wh"], event["energy_wh"]) == (None, None)
        assert (await station.say("StartTransaction", start))["transactionId"] == number

    async def test_it_counts_from_what_was_measured_first(self, gateway: Bench, station: ScriptedStation) -> None:
        start = {"connectorId": 1, "idTag": "VALID", "timestamp": EIGHT}
        number = (await station.say("StartTransaction", start))["transactionId"]
        await station.measures(1, [POWER], at=at(1))
        for minute, register in ((2, 4000), (3, 4500)):
            await measures(station, register, minute, transactionId=number)
        assert (await gateway.transaction(number))["meter_start_wh"] is None
        await station.stops(number, meter=9000, at=at(30))
        ended = await gateway.transaction(number)
        assert (ended["meter_start_wh"], ended["energy_wh"]) == (4000, 5000)
        (event,) = await gateway.events("transaction.ended")
        assert (event["meter_start_wh"], event["energy_wh"]) == (4000, 5000)
        # what was measured is no part of the key
        assert (await station.say("StartTransaction", start))["transactionId"] == number

    async def test_the_data_of_the_stop_may_go_further_back(self, gateway: Bench, station: ScriptedStation) -> None:
        number = (await station.starts(1, meter=-1))["transactionId"]
        await measures(station, 4000, 2, transactionId=number)
        data = [
            {"timestamp": at(0), "sampledValue": [{"value": "3900", "context": "Transaction.Begin", **REGISTER}]},
            {"timestamp": at(30), "sampledValue": [{"value": "9000", "context": "Transaction.End", **REGISTER}]},
        ]
        await station.stops(number, meter=9000, at=at(30), transactionData=data)
        assert (await gateway.transaction(number))["energy_wh"] == 5100

    async def test_a_register_above_the_one_of_the_end_is_no_beginning(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        number = (await station.starts(1, meter=-1))["transactionId"]
        await measures(station, 4000, 2, transactionId=number)
        await station.stops(number, meter=3000, at=at(30))
        assert (await gateway.transaction(number))["energy_wh"] is None

    async def test_a_reconstructed_end_knows_only_what_was_measured(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        silent = (await station.starts(1, meter=-1))["transactionId"]
        metered = (await station.starts(1, "OTHER", meter=-1, at=at(1)))["transactionId"]
        for minute, register in ((2, 4000), (3, 4500)):
            await measures(station, register, minute)
        await station.starts(1, "VALID", meter=5000, at=at(40))
        ended = await gateway.transaction(silent)
        assert (ended["open"], ended["meter_stop_wh"], ended["energy_wh"]) == (False, None, None)
        assert (await gateway.transaction(metered))["energy_wh"] == 500

    async def test_a_register_that_no_meter_has_is_unknown(self, gateway: Bench, station: ScriptedStation) -> None:
        number = (await station.starts(1, meter=10**30))["transactionId"]
        assert (await gateway.transaction(number))["anomalies"] == ["meter_start_out_of_range"]
        await station.stops(number, meter=5000)
        assert (await gateway.transaction(number))["energy_wh"] is None


class TestStopsWithoutNumber:
    async def test_a_stop_told_again_is_no_orphan_and_ends_no_other_session(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        first = (await station.starts(1, meter=1000))["transactionId"]
        await station.stops(-1, meter=3000, at=at(20))
        other = (await station.starts(2, "OTHER", meter=0, at=at(10)))["transactionId"]
        for _ in range(2):
            assert await station.stops(-1, meter=3000, at=at(20)) == {}
        assert [one["transaction_id"] for one in await gateway.transactions()] == [other, first]
        assert (await gateway.transaction(other))["open"] is True
        assert (await gateway.transaction(first))["energy_wh"] == 2000

    @pytest.mark.parametrize("text", ["", "yesterday"])
    async def test_a_stop_without_a_readable_time_is_known_again(
        self, gateway: Bench, station: ScriptedStation, text: str
    ) -> None:
        await station.starts(1, meter=1000)
        for _ in range(2):
            gateway.clock.forward(minutes=1)
            await station.stops(-1, meter=3000, at=text)
        assert len(await gateway.transactions()) == 1

    async def test_a_number_used_in_meter_values_that_nobody_looked_at_yet(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        known = (await station.starts(1, meter=1000))["transactionId"]
        await measures(station, 1500, 1, transactionId=known)
        await station.stops(-1, meter=3000, at=at(20))
        assert (await gateway.transaction(known))["open"] is True
        (row,) = await gateway.rows("SELECT value FROM meta WHERE name = 'meter_indexed_upto'")
        assert row["value"] == 0  # the answer left the index of the whole site alone


class TestOrphans:
    async def test_of_one_number_the_first_stop_counts(self, gateway: Bench, station: ScriptedStation) -> None:
        for minute, meter in ((0, 1000), (0, 1000), (1, 1000), (0, 1001)):
            gateway.clock.forward(seconds=1)
            assert await station.stops(4242, meter=meter, at=at(minute)) == {}
        (kept,) = await gateway.transactions()
        assert (kept["transaction_id"], kept["meter_stop_wh"]) == (4242, 1000)
        assert len(await gateway.events("transaction.orphan_stop")) == 1
        repeated = await gateway.events("transaction.stop_repeated")
        assert [(one["transaction_id"], one["meter_stop_wh"]) for one in repeated] == [(4242, 1000), (4242, 1001)]

    async def test_another_station_has_its_own(self, gateway: Bench, station: ScriptedStation) -> None:
        async with gateway.station("CP-2") as other:
            for one in (station, other, station, other):
                await one.stops(4242, meter=1000)
        assert len(await gateway.transactions()) == 2

    async def test_without_a_time_that_can_be_read_they_are_one(self, gateway: Bench, station: ScriptedStation) -> None:
        for claimed in (-1, 0, 2**31, 10**30):
            for _ in range(3):
                gateway.clock.forward(seconds=1)
                await station.say("StopTransaction", {"transactionId": claimed, "meterStop": 9})
        assert len(await gateway.transactions()) == 4

    async def test_rising_numbers_do_not_use_up_those_of_the_site(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        await gateway.site.database.write(
            lambda db: db.execute("UPDATE meta SET value = ? WHERE name = 'last_transaction_id'", (2**31 - 10_000,))
        )
        for claimed in (10_000, 2**31 - 2):
            await station.stops(claimed)
        number = (await station.starts(1))["transactionId"]
        assert 0 < number < 10_000
        await station.stops(1_000_000)
        assert (await station.starts(2, "OTHER"))["transactionId"] == number + 1


class TestTimes:
    @pytest.mark.parametrize("text", ["", "yesterday", None])
    async def test_a_start_without_a_readable_time_is_one(
        self, gateway: Bench, station: ScriptedStation, text: str | None
    ) -> None:
        start: dict[str, object] = {"connectorId": 1, "idTag": "VALID", "meterStart": 500}
        if text is not None:
            start["timestamp"] = text
        answers = []
        for _ in range(3):
            gateway.clock.forward(minutes=20)
            answers.append(await station.say("StartTransaction", start))
        assert len({answer["transactionId"] for answer in answers}) == 1
        assert len(await gateway.transactions()) == 1
        assert (await station.say("StartTransaction", {**start, "meterStart": 501})) != answers[0]

    async def test_a_clock_never_set_begins_another_session_at_the_same_time(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        numbers, never = [], "1970-01-01T00:00:31Z"
        for day in range(3):
            number = (await station.starts(1, meter=0, at=never))["transactionId"]
            assert (await station.starts(1, meter=0, at=never))["transactionId"] == number  # while it is open
            await station.stops(number, meter=7000 + day, at="1970-01-01T01:00:00Z")
            numbers.append(number)
        assert len(set(numbers)) == 3
        assert [(await gateway.transaction(one))["energy_wh"] for one in numbers] == [7000, 7001, 7002]

    async def test_with_a_clock_that_is_right_a_start_told_after_its_stop_is_that_start(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        number = (await station.starts(1, meter=0, message_id="a"))["transactionId"]
        await station.stops(number, at=at(20))
        gateway.clock.forward(hours=30)
        assert (await station.starts(1, meter=0, message_id="b"))["transactionId"] == number
        assert len(await gateway.transactions()) == 1

    async def test_values_without_a_zone_end_a_session_in_the_stations_zone(self, gateway: Bench) -> None:
        async with gateway.station("EAST") as station:
            number = (await station.starts(1, meter=1000, at="2027-01-15T13:00:00"))["transactionId"]
            sample = [{"value": "1800", **REGISTER}]
            await station.measures(1, sample, at="2027-01-15T13:20:00", transactionId=number)
            await station.starts(1, "OTHER", meter=2000, at="2027-01-15T13:30:00")
        ended = await gateway.transaction(number)
        assert (ended["start_time"], ended["stop_time"]) == ("2027-01-15T08:00:00.000Z", "2027-01-15T08:20:00.000Z")


class TestEndsWithoutStop:
    async def test_the_last_register_is_found_behind_any_number_of_other_values(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        number = (await station.starts(1, meter=1000))["transactionId"]
        await measures(station, 9000, 1, transactionId=number)
        for _ in range(60):
            await station.measures(1, [POWER], at=at(2), transactionId=number)
        await station.starts(1, "OTHER", meter=9500, at=at(40))
        ended = await gateway.transaction(number)
        assert (ended["energy_wh"], ended["stop_time"]) == (8000, "2027-01-15T08:02:00.000Z")

    async def test_an_abandoned_session_counts_in_the_units_of_its_station(
        self, gateway: Bench, station: ScriptedStation
    ) -> None:
        settings = {"energy_scale": 1000, "utc_offset_minutes": 60}
        await put_station(gateway.site, "KILO", settings, actor="tester")
        async with gateway.station("KILO") as kilo:
            number = (await kilo.starts(1, meter=5000, at="2027-01-15T09:00:00"))["transactionId"]
            sample = [{"value": "5042", **REGISTER}]
            await kilo.measures(1, sample, at="2027-01-15T09:10:00", transactionId=number)
            gateway.clock.forward(minutes=15)
            await kilo.shows(1, "Available", timestamp=at(15))
            gateway.clock.forward(hours=2)
            await kilo.say("Heartbeat", {})
            await end_abandoned_sessions(gateway.site)
        ended = await gateway.transaction(number)
        assert (ended["open"], ended["meter_start_wh"], ended["energy_wh"]) == (False, 5_000_000, 42_000)
        assert ended["stop_time"] == "2027-01-15T08:10:00.000Z"

    async def test_the_sessions_of_a_removed_station_end_with_what_was_measured(self, gateway: Bench) -> None:
        await put_station(gateway.site, "GOING", {"energy_scale": 10}, actor="tester")
        async with gateway.station("GOING") as going:
            numbers = [(await going.starts(one, f"TAG-{one}", meter=100))["transactionId"] for one in (1, 2)]
            await measures(going, 150, 5, transactionId=numbers[0])
            assert await remove_station(gateway.site, "GOING", actor="tester") == "removed"
        ended = [await gateway.transaction(one) for one in numbers]
        assert [(one["open"], one["energy_wh"]) for one in ended] == [(False, 500), (False, 0)]
        assert ended[0]["anomalies"] == ["reconstructed", "station_removed"]
        kinds = [row["kind"] for row in await gateway.rows("SELECT kind FROM events ORDER BY id DESC LIMIT 4")]
        assert kinds.count("transaction.ended") == 2


class TestConcurrent:
    async def status(self, gateway: Bench, station: ScriptedStation) -> str:
        answer = await station.starts(1, at=text_of(gateway.clock()), meter=77)
        return str(answer["idTagInfo"]["status"])

    @pytest.mark.parametrize(("minutes", "status"), [(59, "ConcurrentTx"), (61, "Accepted")])
    async def test_a_station_that_is_away_locks_no_tag_for_ever(
        self, gateway: Bench, station: ScriptedStation, minutes: int, status: str
    ) -> None:
        async with gateway.station("CP-2") as away:
            await away.starts(1)
        await gateway.gone("CP-2")
        gateway.clock.forward(minutes=minutes)
        assert await self.status(gateway, station) == status

    async def test_a_station_that_is_there_holds_the_tag(self, gateway: Bench, station: ScriptedStation) -> None:
        async with gateway.station("CP-2") as other:
            await other.starts(1)
            gateway.clock.forward(hours=20)
            assert await self.status(gateway, station) == "ConcurrentTx"

    @pytest.mark.parametrize(("goes_on", "status"), [(False, "Accepted"), (True, "ConcurrentTx")])
    async def test_a_reboot_frees_the_tag_unless_the_session_goes_on(
        self, gateway: Bench, station: ScriptedStation, goes_on: bool, status: str
    ) -> None:
        async with gateway.station("CP-2") as other:
            await other.charges(1)
            gateway.clock.forward(minutes=2)
            await other.boots()
            await other.shows(1, "SuspendedEV" if goes_on else "Finishing", timestamp=at(2))
            assert await self.status(gateway, station) == status

    async def test_a_removed_station_frees_the_tag(self, gateway: Bench, station: ScriptedStation) -> None:
        await put_station(gateway.site, "GOING", {}, actor="tester")
        async with gateway.station("GOING") as going:
            await going.starts(1)
            await remove_station(gateway.site, "GOING", actor="tester")
        assert await self.status(gateway, station) == "Accepted"


class TestWhoDecided:
    @pytest.mark.parametrize(
        ("unknown_tags", "tag", "by"),
        [("refuse", "VALID", "id_tags"), ("refuse", "NOBODY", "id_tags"), ("accept", "NOBODY", "free_charging")],
    )
    async def test_the_list_or_that_everybody_may(self, tmp_path: Path, unknown_tags: str, tag: str, by: str) -> None:
        async with (
            bench(tmp_path, ocpp=f'unknown_tags = "{unknown_tags}"', more=STATIONS) as gateway,
            gateway.station() as station,
        ):
            await station.say("Authorize", {"idTag": tag})
            start = {"connectorId": 1, "idTag": tag, "meterStart": 0, "timestamp": EIGHT, "reservationId": 5}
            answer = await station.say("StartTransaction", start)
            await station.stops(answer["transactionId"], meter=10, at=at(30))
            (decided,), (started,), (ended,) = [
                await gateway.events(kind)
                for kind in ("authorization.decided", "transaction.started", "transaction.ended")
            ]
        assert decided["by"] == started["authorized_by"] == ended["authorized_by"] == by
        assert started["authorization"] == ended["authorization"] == answer["idTagInfo"]["status"]
        assert started["reservation_id"] == ended["reservation_id"] == 5

    async def test_a_session_elsewhere(self, gateway: Bench, station: ScriptedStation) -> None:
        await station.starts(1)
        await station.starts(2)
        first, second = await gateway.events("transaction.started")
        assert (first["authorized_by"], second["authorized_by"]) == ("id_tags", "other_session")
