"""What MeterValues may carry: every listed value, signed values untouched, and which session they belong to."""

from __future__ import annotations

import json
import pkgutil
from typing import Any

import pytest

from gateway.operations.attribute_meter_frames import attribute_all
from gateway.store import meter_frames
from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import NOW, ScriptedStation

SCHEMA = json.loads(pkgutil.get_data("ocpp", "v16/schemas/MeterValues.json") or b"")
SAMPLE = SCHEMA["properties"]["meterValue"]["items"]["properties"]["sampledValue"]["items"]["properties"]
LISTED = [(name, value) for name, part in SAMPLE.items() for value in part.get("enum", ())]


async def bodies(gateway: Bench) -> list[bytes]:
    rows = await gateway.rows("SELECT encoding, body FROM meter_frames ORDER BY id")
    return [meter_frames.unpack(row["encoding"], row["body"]) for row in rows]


def test_the_lists_of_the_schema_were_found() -> None:
    assert {name for name, _ in LISTED} == {"context", "format", "measurand", "phase", "location", "unit"}
    assert sum(name == "measurand" for name, _ in LISTED) == 22


async def test_rule_2_4_09_every_listed_value_is_taken_as_it_is(gateway: Bench, station: ScriptedStation) -> None:
    samples = [{"value": "1.5", name: value} for name, value in LISTED]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": NOW, "sampledValue": samples}]}
    assert await station.say("MeterValues", payload) == {}
    assert gateway.quirks() == set()
    assert [json.loads(body) for body in await bodies(gateway)] == [payload]


async def test_rule_2_4_09_each_listed_value_by_itself(gateway: Bench, station: ScriptedStation) -> None:
    for name, value in LISTED:
        assert await station.measures(1, [{"value": "1", name: value}]) == {}
    assert gateway.quirks() == set()
    assert len(await bodies(gateway)) == len(LISTED)


@pytest.mark.parametrize("value", ["0", "-1.5", "1e3", "", "NaN", "0x1F", "1,5", "   7", "9" * 400, "Ünï €"])
async def test_rule_2_4_09_a_value_is_text_and_stays_so(gateway: Bench, station: ScriptedStation, value: str) -> None:
    assert await station.measures(1, [{"value": value}]) == {}
    (body,) = await bodies(gateway)
    assert json.loads(body)["meterValue"][0]["sampledValue"] == [{"value": value}]


async def test_a_signed_value_is_kept_byte_for_byte(gateway: Bench, station: ScriptedStation) -> None:
    signed = (
        'OCMF|{"FV":"1.0","RD":[{"TM":"2027-01-15T08:00:00,000+0000 S","RV":0.100,"RI":"1-b:1.8.0"}]}|{"SD":"3046=="}'
    )
    transaction = await station.charges(1)
    payload = (
        f'{{ "connectorId":1,\t"transactionId" : {transaction},"meterValue":[{{"timestamp":"{NOW}",'
        f'"sampledValue":[{{"value":{json.dumps(signed)},"format":"SignedData","context":"Transaction.Begin"}},'
        '{"value":"1.00","unit":"Wh"},{"value":"\\u0041\\/\\u00e9"}]} ] }'
    )
    assert await station.say_text(f'[2,"a","MeterValues",{payload}]', message_id="a", action="MeterValues") == {}
    assert await bodies(gateway) == [payload.encode()]
    _, (kept,) = await gateway.values_of(transaction)
    assert (kept["value"], kept["context"]) == (signed, "Transaction.Begin")


async def test_the_signed_values_of_a_stop_are_kept_byte_for_byte(gateway: Bench, station: ScriptedStation) -> None:
    transaction = await station.charges(1)
    samples = [
        {"value": "30450221 00=/+\\", "format": "SignedData", "context": context}
        for context in ("Transaction.Begin", "Transaction.End")
    ]
    data = [{"timestamp": NOW, "sampledValue": samples}]
    assert await station.stops(transaction, transactionData=data) == {}
    _, kept = await gateway.values_of(transaction)
    assert [one["context"] for one in kept] == ["Transaction.Begin", "Transaction.End"]
    assert {one["value"] for one in kept} == {"30450221 00=/+\\"}


async def session_of_the_only_frame(gateway: Bench) -> int | None:
    await attribute_all(gateway.site)
    found = await gateway.rows("SELECT transaction_id FROM meter_index")
    return found[0]["transaction_id"] if found else None


@pytest.mark.parametrize("claim", [{}, {"transactionId": -1}, {"transactionId": 0}, {"transactionId": 2**63 - 1}])
async def test_rule_2_4_11_values_without_a_usable_number_belong_to_the_session_on_the_connector(
    gateway: Bench, station: ScriptedStation, claim: dict[str, Any]
) -> None:
    transaction = await station.charges(1)
    assert await station.measures(1, [{"value": "1"}], **claim) == {}
    assert await session_of_the_only_frame(gateway) == transaction


async def test_rule_2_4_11_the_main_meter_belongs_to_no_session(gateway: Bench, station: ScriptedStation) -> None:
    await station.charges(1)
    assert await station.measures(0, [{"value": "123456"}]) == {}
    assert await session_of_the_only_frame(gateway) is None


async def test_rule_2_4_11_values_of_a_connector_without_session_are_kept(
    gateway: Bench, station: ScriptedStation
) -> None:
    await station.charges(1)
    assert await station.measures(2, [{"value": "1"}]) == {}
    assert await session_of_the_only_frame(gateway) is None
    assert len(await bodies(gateway)) == 1


async def test_rule_2_4_11_values_that_name_an_unknown_transaction_are_answered(
    gateway: Bench, station: ScriptedStation
) -> None:
    assert await station.measures(1, [{"value": "1"}], transactionId=4242) == {}
    assert len(await bodies(gateway)) == 1


async def test_rule_2_4_11_values_told_late_belong_to_the_session_of_their_time(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await station.stops(transaction, at="2027-01-15T09:00:00Z")
    assert await station.measures(1, [{"value": "1"}], at="2027-01-15T08:30:00Z") == {}
    assert await session_of_the_only_frame(gateway) == transaction


async def test_rule_2_4_11_the_number_of_another_stations_transaction_is_not_believed(
    gateway: Bench, station: ScriptedStation
) -> None:
    transaction = await station.charges(1)
    await gateway.site.database.write(lambda db: db.execute("UPDATE transactions SET station = 'CP-2'"))
    assert await station.measures(1, [{"value": "1"}], transactionId=transaction) == {}
    assert await session_of_the_only_frame(gateway) is None
