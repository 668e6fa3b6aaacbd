"""What the answering of stations takes care of besides the answers: the order of what bills, and what is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.store.database import Database, StoreUnavailable
from gateway.store.meter_frames import unpack
from tests.conformance.site_under_test import bench
from tests.fakes.scripted_station import NOW

START = {"connectorId": 1, "idTag": "VALID", "meterStart": 1000, "timestamp": NOW}


async def test_behind_a_start_that_was_not_stored_nothing_is_processed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as gateway:
        async with gateway.station() as station:
            await station.boots()
            database, loop = gateway.site.database, asyncio.get_running_loop()
            submit, refused = database.submit, 0

            def once_full(_: object, unit: object, done: Callable[[object, BaseException | None], None]) -> None:
                nonlocal refused
                if refused:
                    submit(unit, done)  # type: ignore[arg-type]
                else:
                    refused += 1
                    loop.call_later(0.05, done, None, StoreUnavailable("database or disk is full"))

            monkeypatch.setattr(Database, "submit", once_full)
            for number in (1, 2):
                told = {**START, "connectorId": number, "meterStart": number}
                station.will_be_answered(str(number), "StartTransaction")
                await station.send(json.dumps([2, str(number), "StartTransaction", told]))
            code, _ = await station.hung_up()
            assert (code, refused) == (1006, 1), "no Close frame"
        await gateway.gone()
        assert await gateway.transactions() == [], "the second start had no right to be first"
        async with gateway.station() as station:
            numbers = [(await station.starts(connector, meter=connector))["transactionId"] for connector in (1, 2)]
            assert numbers == sorted(numbers)


async def test_half_a_character_is_counted_and_what_is_kept_can_be_read(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        start = json.dumps({**START, "idTag": "HALF"}).replace("HALF", r"\ud83d")
        text = f'[2,"a","StartTransaction",{start}]'
        transaction = (await station.say_text(text, message_id="a", action="StartTransaction"))["transactionId"]
        values = [{"timestamp": NOW, "sampledValue": [{"value": "2000"}, {"value": "HALF", "format": "SignedData"}]}]
        measured = {"connectorId": 1, "transactionId": transaction, "meterValue": values}
        text = json.dumps([2, "b", "MeterValues", measured]).replace("HALF", r"1.10 \udd0c \ud83d\udd0c")
        assert await station.say_text(text, message_id="b", action="MeterValues") == {}
        stop = json.dumps({"transactionId": transaction, "meterStop": 2000, "timestamp": NOW, "idTag": "HALF"})
        stopped = f'[2,"c","StopTransaction",{stop}]'.replace("HALF", r"\udd0c")
        assert "idTagInfo" in await station.say_text(stopped, message_id="c", action="StopTransaction")
        recorded = await gateway.transaction(transaction)
        assert (recorded["open"], recorded["id_tag"], recorded["energy_wh"]) == (False, "\ufffd", 1000)
        _, (signed,) = await gateway.values_of(transaction)
        assert signed["value"] == "1.10 \ufffd \U0001f50c"
        (frame,) = await gateway.rows("SELECT encoding, body FROM meter_frames")
        assert rb"1.10 \ufffd \ud83d\udd0c" in unpack(frame["encoding"], frame["body"])
        assert "half_character" in gateway.quirks()


async def test_a_message_id_is_kept_cut(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        long = "i" * 100_000
        assert (await station.say("StartTransaction", START, message_id=long))["transactionId"]
        (row,) = await gateway.rows("SELECT start_message_id FROM transactions")
        assert row["start_message_id"] == "i" * 255


async def test_raw_control_characters_leave_the_rest_of_the_message_as_it_came(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        samples = '[{"value": "A\x02", "format":"SignedData"}, {"value":1.10}]'
        body = f'{{"connectorId" : 1, "meterValue":[{{"timestamp":"{NOW}","sampledValue":{samples}}}]}}'
        assert await station.say_text(f'[2,"a","MeterValues",{body}]', message_id="a", action="MeterValues") == {}
        (frame,) = await gateway.rows("SELECT encoding, body FROM meter_frames")
        assert unpack(frame["encoding"], frame["body"]).decode() == body.replace("\x02", r"\u0002")


async def test_a_secret_under_a_name_that_nobody_asked_for_is_not_kept(tmp_path: Path) -> None:
    values = [{"timestamp": NOW, "sampledValue": [{"value": "1"}], "vendorPassword": "hush-hush"}]
    wrong = [{"timestamp": NOW, "sampledValue": "?", "authKey": "hush-hush"}]
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots(firmwareVersion="password=hush-hush")
        await station.shows(1, "Available", info="token: hush-hush", vendorErrorCode="ftp://a:hush-hush@h/")
        for told in (values, wrong):
            assert await station.say("MeterValues", {"connectorId": 1, "meterValue": told}) == {}
        frames = await gateway.rows("SELECT encoding, body FROM meter_frames")
        bodies = [unpack(row["encoding"], row["body"]).decode() for row in frames]
        assert [json.loads(body)["meterValue"][0]["timestamp"] for body in bodies] == [NOW, NOW]
        stored = [*bodies, *map(repr, await gateway.rows("SELECT * FROM events"))]
        for table in ("stations", "connectors", "quarantine"):
            stored += map(repr, await gateway.rows(f"SELECT * FROM {table}"))
        assert not [text for text in stored if "hush-hush" in text]
