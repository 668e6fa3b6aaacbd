"""/stations/{id}/security: the state, and passwords and profiles sent step by step."""

from __future__ import annotations

import pytest

from gateway.model.calls import Answered, CallErrored, NotConnected, Unanswered
from gateway.model.proofs import ClientCertificate, Proof
from gateway.operations.check_passwords import Passwords, Verified, find_password
from gateway.rules.station_passwords import presented_forms
from gateway.store import stations
from tests.unit.web.conftest import NOON, Door, PlayedConnection

PATH = "/api/v1/stations/CP-1/security"
KEY = "00112233445566778899aabbccddeeff"
ACCEPTED = Answered({"status": "Accepted"})


@pytest.fixture
async def station(door: Door) -> PlayedConnection:
    await door.document("PUT", "/api/v1/stations/CP-1", json={"password": KEY, "security_profile": 1}, expect=201)
    return door.connected.play(PlayedConnection("CP-1", ACCEPTED))


async def counts(door: Door, password: str) -> bool:
    """Whether this is the password in force."""
    row = await door.site.database.write(lambda db: stations.find(db, "CP-1"))
    assert row is not None and row.password_hash is not None
    secret = bytes.fromhex(password)
    found = await find_password(
        Passwords(row.station, (row.password_hash,), None), presented_forms(secret, hex_text_allowed=False), Verified()
    )
    return found.password == "right"


async def test_where_a_station_stands(door: Door, station: PlayedConnection) -> None:
    certificate = ClientCertificate("CP-1", (), "0a", "ff", "Root", NOON, NOON)
    station.proof = Proof(3, None, certificate)
    state = await door.document("GET", PATH, role="viewer")
    assert state == {
        "station": "CP-1",
        "security_profile": 1,
        "profiles_to_come": [],
        "has_password": True,
        "passwords_to_come": [],
        "told_profile": None,
        "connected_profile": 3,
        "certificate": {
            "common_name": "CP-1", "serial_number": "0a", "fingerprint": "ff", "issuer": "Root",
            "not_after": "2027-01-15T08:00:00.000Z",
        },
        "tls_port": None,
    }  # fmt: skip
    await door.problem("GET", "/api/v1/stations/NOBODY/security", expect=404)
    await door.problem("POST", "/api/v1/stations/NOBODY/security", json={"reset": True}, expect=404)
    await door.problem("POST", PATH, role="operator", json={"reset": True}, expect=403)


async def test_a_new_password_a_profile_and_a_reset(door: Door, station: PlayedConnection) -> None:
    wish = {"new_password": True, "security_profile": 2, "reset": True}
    done = await door.document("POST", PATH, json=wish)
    password = done["password"]
    assert done["done"] and len(password) == 40
    assert station.asked == [
        ("ChangeConfiguration", {"key": "AuthorizationKey", "value": password}),
        ("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"}),
        ("Reset", {"type": "Hard"}),
    ]
    assert [step["action"] for step in done["steps"]] == ["ChangeConfiguration", "ChangeConfiguration", "Reset"]
    assert "there is no TLS port" in done["steps"][1]["warning"]
    assert (done["security"]["security_profile"], done["security"]["profiles_to_come"]) == (1, [2])
    assert await counts(door, password) and not await counts(door, KEY)
    stored = str(await door.document("GET", "/api/v1/events")) + str(await door.document("GET", PATH))
    assert password not in stored


async def test_it_stops_where_the_station_says_no(door: Door, station: PlayedConnection) -> None:
    station.reply = Answered({"status": "Rejected"})
    done = await door.document("POST", PATH, json={"new_password": True, "security_profile": 2})
    assert not done["done"] and "password" not in done and len(done["steps"]) == 1
    station.reply = CallErrored("NotSupported", "no", {})
    done = await door.document("POST", PATH, json={"security_profile": 2})
    assert not done["done"] and done["security"]["profiles_to_come"] == []
    assert await counts(door, KEY)


async def test_a_lost_answer_leaves_both(door: Door, station: PlayedConnection) -> None:
    station.reply = Unanswered("connection lost")
    done = await door.document("POST", PATH, json={"new_password": True}, expect=504)
    assert len(done["password"]) == 40  # it may count
    assert [one["answer"] for one in done["security"]["passwords_to_come"]] == ["lost"]
    station.reply = NotConnected("CP-1")
    gone = await door.document("POST", PATH, json={"new_password": True}, expect=409)
    assert "password" not in gone
    # an installer sets something else: nothing is waited for any more
    await door.document("PUT", "/api/v1/stations/CP-1", json={"password": KEY})
    assert (await door.document("GET", PATH))["passwords_to_come"] == []


async def test_only_the_newest_passwords_are_kept(door: Door, station: PlayedConnection) -> None:
    station.reply = Unanswered("connection lost")
    for _ in range(5):
        await door.document("POST", PATH, json={"new_password": True}, expect=504)
    assert len((await door.document("GET", PATH))["passwords_to_come"]) == 3


async def test_an_installer_may_lower_the_profile(door: Door, station: PlayedConnection) -> None:
    await door.document("POST", PATH, json={"security_profile": 2})
    assert (await door.document("PUT", "/api/v1/stations/CP-1", json={"security_profile": 0}))["security_profile"] == 0
    state = await door.document("GET", PATH)
    assert (state["security_profile"], state["profiles_to_come"]) == (0, [])


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({}, "new_password"),
        ({"reset": False}, "new_password"),
        ({"security_profile": 1}, "security_profile"),
        ({"security_profile": 4}, "security_profile"),
        ({"security_profile": True}, "security_profile"),
        ({"security_profile": 2.0}, "security_profile"),
        ({"security_profile": "2"}, "security_profile"),
        ({"password": ""}, "password"),
        ({"password": 5}, "password"),
        ({"password": "x" * 513}, "password"),
        ({"password": KEY, "new_password": True}, "password"),
        ({"new_password": 1}, "new_password"),
        ({"reset": "yes"}, "reset"),
        ({"profile": 2}, "profile"),
    ],
)
async def test_what_is_not_understood_asks_the_station_nothing(
    door: Door, station: PlayedConnection, wish: dict[str, object], field: str
) -> None:
    problem = await door.problem("POST", PATH, json=wish, expect=422)
    assert field in {error["field"] for error in problem["errors"]}
    assert station.asked == []
