"""/stations: seeing, provisioning, adopting, removing."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.model.identities import StationId
from gateway.store import configuration_keys, station_facts, stations, unsupported_requests
from gateway.store.passwords import is_password
from gateway.store.writing import Writing
from tests.unit.web.conftest import NOON, Door, PlayedConnection

LIST = "/api/v1/stations"


async def row_of(door: Door, station: str) -> stations.StationRow | None:
    return await door.site.database.write(lambda db: stations.find(db, station))


def knock(db: Writing) -> None:
    station_facts.record_knock(db, "NEW-1", "192.0.2.9", now=NOON, most=100)


def pend(db: Writing) -> None:
    station_facts.admit(db, StationId("PEND-1"), origin="knock", admission="pending", now=NOON)


async def test_a_station_of_the_file_is_listed_before_it_ever_connected(door: Door) -> None:
    page = await door.document("GET", LIST, role="viewer")
    (station,) = page["items"]
    assert page["next"] is None
    assert page["knocked"] == []
    assert station["id"] == station["station"] == "FILE-1"
    assert station["origin"] == "file"
    assert station["connected"] is False
    assert (station["circuit"], station["max_amps"], station["min_amps"]) == ("main", 16, 6)
    assert station["has_password"] is False


async def test_a_connected_station_shows_its_connection(door: Door) -> None:
    connection = door.connected.play(PlayedConnection("FILE-1"))
    connection.last_message_at -= 90
    station = await door.document("GET", f"{LIST}/FILE-1")
    assert station["connected"] is True
    assert station["address"] == "192.0.2.7:4000"
    assert station["since"] == "2027-01-15T08:00:00.000Z"
    assert "2027-01-15T07:58:29" <= station["last_message_at"] <= "2027-01-15T07:58:30.000Z"


async def test_everything_remembered_of_a_station_is_shown(door: Door) -> None:
    def remember(db: Writing) -> None:
        station_facts.admit(db, StationId("FILE-1"), origin="file", admission="accepted", now=NOON)
        db.execute(
            "UPDATE stations SET vendor = 'V', model = 'M', serial_number = 'S', firmware_version = '1.2',"
            f" booted_at = {NOON}, clock_offset_ms = -250 WHERE station = 'FILE-1'"
        )
        db.execute(
            "INSERT INTO connectors VALUES ('FILE-1', 1, 'Faulted', 'GroundFailure', 'wet', 'acme', 'E7', ?, ?)",
            (NOON - 5_000_000, NOON),
        )
        for key, value in (("HeartbeatInterval", "300"), ("AuthorizationKey", "00112233")):
            db.execute(
                "INSERT INTO configuration_keys VALUES ('FILE-1', ?, ?, ?, 0, 0, ?)", (key.lower(), key, value, NOON)
            )
        station_facts.add_quirks(db, {(StationId("FILE-1"), "null_payload"): 3}, now=NOON)

    await door.write(remember)
    door.site.quirks_seen[StationId("FILE-1"), "null_payload"] = 2
    door.site.quirks_seen[StationId("FILE-1"), "unknown_property"] = 1
    station = await door.document("GET", f"{LIST}/FILE-1")
    assert (station["vendor"], station["model"], station["serial_number"]) == ("V", "M", "S")
    assert (station["firmware_version"], station["clock_offset_ms"]) == ("1.2", -250)
    assert station["booted_at"] == "2027-01-15T08:00:00.000Z"
    assert station["connectors"] == [
        {
            "connector": 1,
            "status": "Faulted",
            "error_code": "GroundFailure",
            "info": "wet",
            "vendor_id": "acme",
            "vendor_error_code": "E7",
            "status_time": "2027-01-15T07:59:55.000Z",
            "received_time": "2027-01-15T08:00:00.000Z",
        }
    ]
    assert {quirk["quirk"]: quirk["times"] for quirk in station["quirks"]} == {"null_payload": 5, "unknown_property": 1}
    assert all(quirk["description"].endswith(".") for quirk in station["quirks"])
    keys = {key["key"]: key["value"] for key in station["configuration"]}
    assert keys["HeartbeatInterval"] == "300"
    assert "00112233" not in json.dumps(station)
    assert keys["AuthorizationKey"]


async def test_running_transactions_are_shown(door: Door) -> None:
    await door.write(
        lambda db: db.execute(
            "INSERT INTO transactions"
            " (transaction_id, station, connector, id_tag, folded_tag, start_at, meter_start_wh)"
            f" VALUES (7, 'FILE-1', 1, 'A', 'a', {NOON}, 100)"
        )
    )
    station = await door.document("GET", f"{LIST}/FILE-1")
    (running,) = station["running_transactions"]
    assert running["transaction_id"] == 7
    assert running["open"] is True


async def test_pages_follow_the_ids(door: Door) -> None:
    for name in ("C", "A", "B", "Ä/1 x"):
        assert (await door.ask("PUT", f"{LIST}/{_quoted(name)}", json={})).status == 201
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await door.document("GET", LIST, params={"limit": 2, "after": cursor})
        seen += [station["id"] for station in page["items"]]
        cursor = page["next"]
    assert seen == ["A", "B", "C", "FILE-1", "Ä/1 x"]


def _quoted(name: str) -> object:
    from urllib.parse import quote

    return quote(name, safe="")


async def test_knocks_are_listed_until_they_are_adopted(door: Door) -> None:
    await door.write(knock)
    page = await door.document("GET", LIST)
    assert [one["station"] for one in page["knocked"]] == ["NEW-1"]
    knocked = await door.document("GET", LIST, params={"knocked": "true"})
    assert knocked["items"] == page["knocked"]
    assert knocked["items"][0]["address"] == "192.0.2.9"
    adopted = await door.document("PUT", f"{LIST}/NEW-1", json={}, expect=201)
    assert adopted["admission"] == "accepted"
    assert (await door.document("GET", LIST))["knocked"] == []


async def test_adopting_a_pending_station_keeps_its_connection(door: Door) -> None:
    await door.write(pend)
    connection = door.connected.play(PlayedConnection("PEND-1"))
    assert (await door.document("GET", f"{LIST}/PEND-1"))["admission"] == "pending"
    assert (await door.document("PUT", f"{LIST}/PEND-1", json={}, expect=201))["admission"] == "accepted"
    assert connection.ended == []
    assert (await door.document("PUT", f"{LIST}/PEND-1", json={}))["admission"] == "accepted"


async def test_fields_are_set_kept_and_reset(door: Door) -> None:
    fields = {"circuit": "main", "max_amps": 20, "aliases": ["X-1"], "answer_delay_ms": 50}
    connection = door.connected.play(PlayedConnection("CP-1"))
    made = await door.document("PUT", f"{LIST}/CP-1", json=fields, expect=201)
    assert {name: made[name] for name in fields} == fields
    assert connection.treatment.answer_delay_seconds == 0.05
    changed = await door.document("PUT", f"{LIST}/CP-1", json={"id": "CP-1", "max_amps": None, "priority": 3})
    assert (changed["max_amps"], changed["priority"], changed["circuit"]) == (32, 3, "main")
    over_file = await door.document("PUT", f"{LIST}/FILE-1", json={"max_amps": 10})
    assert (over_file["max_amps"], over_file["origin"]) == (10, "file")
    assert (await door.document("PUT", f"{LIST}/FILE-1", json={"max_amps": None}))["max_amps"] == 16


async def test_a_password_is_kept_as_hash_and_never_shown(door: Door) -> None:
    made = await door.document("PUT", f"{LIST}/CP-1", json={"password": "open sesame"}, expect=201)
    assert (made["has_password"], made["security_profile"]) == (True, 1)
    row = await row_of(door, "CP-1")
    assert row is not None and row.password_hash is not None
    assert is_password(row.password_hash, b"open sesame")
    for path in (LIST, f"{LIST}/CP-1", "/api/v1/events?limit=1000"):
        text = await (await door.ask("GET", path)).text()
        assert "sesame" not in text and "argon2" not in text
    kept = await door.document("PUT", f"{LIST}/CP-1", json={"priority": 1})
    assert kept["has_password"] is True
    without = await door.document("PUT", f"{LIST}/CP-1", json={"password": None, "security_profile": 0})
    assert without["has_password"] is False


async def test_hex_of_a_key_means_its_bytes(door: Door) -> None:
    await door.document("PUT", f"{LIST}/CP-1", json={"password": "00" * 15 + "fF"}, expect=201)
    row = await row_of(door, "CP-1")
    assert row is not None and row.password_hash is not None
    assert is_password(row.password_hash, bytes(15) + b"\xff")


async def test_all_mistakes_are_told_at_once_and_nothing_changes(door: Door) -> None:
    wrong = {"id": "other", "maxx_amps": 3, "min_amps": "six", "priority": 1.5, "circuit": "attic", "password": 5,
             "password_file": "/etc/passwd", "security_profile": 9, "nothing": None, "aliases": ["ok", 4]}  # fmt: skip
    problem = await door.problem("PUT", f"{LIST}/CP-1", json=wrong, expect=422)
    named = {error["field"] for error in problem["errors"]}
    assert named == {"id", "maxx_amps", "min_amps", "priority", "circuit", "password", "password_file",
                     "security_profile", "nothing", "aliases[1]"}  # fmt: skip
    assert "did you mean `max_amps`" in json.dumps(problem)
    await door.problem("GET", f"{LIST}/CP-1", expect=404)


@pytest.mark.parametrize(
    ("station", "fields", "field"),
    [
        ("A:B", {"password": "secret"}, "id"),
        ("A:B", {"security_profile": 2, "password": "secret"}, "id"),
        ("CP-1", {"security_profile": 1}, "password"),
        ("CP-1", {"min_amps": 40}, "min_amps"),
        ("CP-1", {"fallback_amps": 33}, "fallback_amps"),
        ("CP-1", {"aliases": ["FILE-1"]}, "aliases"),
        ("CP-1", {"password": ""}, "password"),
        ("CP-1", {"password": "x" * 513}, "password"),
        ("x" * 49, {}, "id"),
    ],
)
async def test_fields_that_do_not_agree_are_refused(
    door: Door, station: str, fields: dict[str, object], field: str
) -> None:
    problem = await door.problem("PUT", f"{LIST}/{_quoted(station)}", json=fields, expect=422)
    assert field in [error["field"] for error in problem["errors"]]


async def test_a_colon_without_password_is_fine(door: Door) -> None:
    assert (await door.ask("PUT", f"{LIST}/A:B", json={})).status == 201


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"[1]", 422)])
async def test_bodies_that_are_no_object(door: Door, body: bytes, status: int) -> None:
    await door.problem("PUT", f"{LIST}/CP-1", data=body, expect=status)


async def test_removing_closes_the_connection_and_keeps_transactions(door: Door) -> None:
    await door.document("PUT", f"{LIST}/CP-1", json={}, expect=201)
    await door.write(
        lambda db: db.execute(
            "INSERT INTO transactions (transaction_id, station, connector, start_at, meter_start_wh)"
            f" VALUES (7, 'CP-1', 1, {NOON}, 100)"
        )
    )
    connection = door.connected.play(PlayedConnection("CP-1"))
    assert (await door.ask("DELETE", f"{LIST}/CP-1")).status == 204
    assert [code for code, _ in connection.ended] == [1000]
    await door.problem("GET", f"{LIST}/CP-1", expect=404)
    await door.problem("DELETE", f"{LIST}/CP-1", expect=404)
    assert (await door.document("GET", "/api/v1/transactions/7"))["station"] == "CP-1"


async def test_a_station_of_the_file_cannot_be_removed(door: Door) -> None:
    problem = await door.problem("DELETE", f"{LIST}/FILE-1", expect=409)
    assert "configuration file" in problem["detail"]


async def test_a_row_whose_table_left_the_file_is_unknown(door: Door) -> None:
    await door.write(
        lambda db: station_facts.admit(db, StationId("GONE-1"), origin="file", admission="accepted", now=NOON)
    )
    await door.problem("GET", f"{LIST}/GONE-1", expect=404)
    await door.problem("DELETE", f"{LIST}/GONE-1", expect=404)
    assert [station["id"] for station in (await door.document("GET", LIST))["items"]] == ["FILE-1"]


async def test_changes_are_told_in_the_journal(door: Door) -> None:
    await door.document("PUT", f"{LIST}/CP-1", json={"password": "secret word"}, expect=201)
    await door.ask("DELETE", f"{LIST}/CP-1")
    events = (await door.document("GET", "/api/v1/events", params={"station": "CP-1"}))["items"]
    assert [event["kind"] for event in events] == ["station.provisioned", "station.removed"]
    assert events[0]["data"]["password"] is True
    assert events[0]["data"]["actor"].startswith("token ")


async def test_two_changes_at_once_both_count(door: Door) -> None:
    await asyncio.gather(
        door.ask("PUT", f"{LIST}/CP-1", json={"priority": 1}), door.ask("PUT", f"{LIST}/CP-1", json={"max_amps": 11})
    )
    station = await door.document("GET", f"{LIST}/CP-1")
    assert (station["priority"], station["max_amps"]) == (1, 11)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "knocked=maybe", "stauts=1"])
async def test_queries_that_mean_nothing_are_refused(door: Door, query: str) -> None:
    await door.problem("GET", f"{LIST}?{query}", expect=422)


async def test_wanted_configuration_keys_are_set_shown_and_taken_back(door: Door) -> None:
    wanted = {"HeartbeatInterval": "600", "MeterValueSampleInterval": "60"}
    station = await door.document(
        "PUT", f"{LIST}/FILE-1", json={"desired_configuration": wanted, "reboot_when_idle": True}
    )
    by_load_limits = {"MeterValuesSampledData": "Current.Import,Energy.Active.Import.Register"}  # it is on a circuit
    assert station["desired_configuration"] == wanted
    assert station["desired_configuration_in_force"] == wanted | by_load_limits
    assert station["reboot_when_idle"] is True
    assert station["settings_drift"] == [
        {"key": key, "desired": value, "reported": None, "state": "unread"}
        for key, value in (wanted | by_load_limits).items()
    ]
    assert (station["reboot_required"], station["capabilities"]["feature_profiles"]) == (False, None)
    station = await door.document("PUT", f"{LIST}/FILE-1", json={"desired_configuration": None})
    assert station["desired_configuration"] == {}
    assert {each["key"] for each in station["settings_drift"]} == {"MeterValueSampleInterval", *by_load_limits}


@pytest.mark.parametrize(
    ("configuration", "field"),
    [
        ({"HeartbeatInterval": 600}, "desired_configuration.HeartbeatInterval"),
        ({"AuthorizationKey": "hunter2"}, "desired_configuration.AuthorizationKey"),
        ({"SecurityProfile": "2"}, "desired_configuration.SecurityProfile"),
        ({"Interval": "1", "interval": "2"}, "desired_configuration.interval"),
        ([], "desired_configuration"),
    ],
)
async def test_configuration_keys_that_cannot_be_wanted(door: Door, configuration: object, field: str) -> None:
    problem = await door.problem("PUT", f"{LIST}/FILE-1", json={"desired_configuration": configuration}, expect=422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert "hunter2" not in json.dumps(problem)
    assert (await door.document("GET", f"{LIST}/FILE-1"))["desired_configuration"] == {}


async def test_what_a_station_told_is_shown_as_what_it_can_do(door: Door) -> None:
    def remember(db: Writing) -> None:
        for key, value in (("NumberOfConnectors", "2"), ("ChargingScheduleAllowedChargingRateUnit", "Current")):
            configuration_keys.record(db, StationId("FILE-1"), key, value=value, readonly=True, now=NOON)
        unsupported_requests.record(db, StationId("FILE-1"), "ClearCache", now=NOON)

    await door.write(remember)
    capabilities = (await door.document("GET", f"{LIST}/FILE-1"))["capabilities"]
    assert (capabilities["connectors"], capabilities["charging_units"]) == (2, ["A"])
    assert capabilities["unsupported"] == ["ClearCache"]


async def test_what_was_changed_here_is_named(door: Door) -> None:
    path = f"{LIST}/{_quoted('a{b}/c')}"
    await door.document("PUT", path, json={"max_amps": 10, "quiet": True}, expect=201)
    assert (await door.document("PUT", path, json={"quiet": None}))["changed_settings"] == ["max_amps"]
    assert (await door.document("GET", f"{LIST}/FILE-1"))["changed_settings"] == []
