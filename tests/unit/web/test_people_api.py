"""/users and their codes, for installers."""

from __future__ import annotations

from collections.abc import Mapping

import jsonschema
import pytest

from gateway.model.instants import SECOND
from gateway.operations.manage_users import MOST_USERS
from gateway.store import users
from gateway.store.users import NewUser
from gateway.web.documents import SCHEMAS
from tests.unit.web.conftest import NOON, Door
from tests.unit.web.test_session_api import (
    PASSWORD,
    SESSION,
    USERS,
    as_stranger,
    data_of,
    login,
    make_code,
    make_user,
    secret_of,
    set_clock,
    with_cookie,
)

CODES = f"{USERS}/codes"


def matches(document: object, schema: str) -> None:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)


async def test_answers_are_as_documented(door: Door) -> None:
    user = await door.document("POST", USERS, json={"name": "Ann", "role": "viewer", "password": PASSWORD}, expect=201)
    matches(user, "User")
    matches(await door.document("PATCH", f"{USERS}/{user['user_id']}", json={"role": "operator"}), "User")
    await login(door)
    listed = await door.document("GET", USERS)
    matches(listed, "UserCollection")
    assert listed["items"][0]["last_seen_time"] == "2027-01-15T08:00:00.000Z"
    for body in ({"role": "viewer"}, {"user_id": user["user_id"]}):
        matches(await door.document("POST", CODES, json=body, expect=201), "NewCode")
    codes = await door.document("GET", CODES)
    matches(codes, "CodeCollection")
    assert [code["role"] for code in codes["items"]] == ["operator", "viewer"]
    matches(await door.document("GET", SESSION), "Session")
    audit = await door.document("GET", "/api/v1/audit")
    matches(audit, "AuditCollection")
    assert audit["items"]


async def test_users_are_listed_in_pages_without_their_passwords(door: Door) -> None:
    for name in ("Ann", "Bob", "Eve"):
        await make_user(door, name)
    first = await door.document("GET", USERS, params={"limit": "2"})
    assert [user["name"] for user in first["items"]] == ["Ann", "Bob"]
    rest = await door.document("GET", USERS, params={"limit": "2", "after": first["next"]})
    assert [user["name"] for user in rest["items"]] == ["Eve"] and rest["next"] is None
    assert "argon2" not in str(first)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"name": "Bob", "role": "root", "password": PASSWORD}, 422),
        ({"name": "Bob", "password": PASSWORD}, 422),
        ({"name": "Bob", "role": "viewer"}, 422),
        ({"name": "Bob", "role": "viewer", "password": 5}, 422),
        ({"name": "Bob", "role": "viewer", "password": "short"}, 422),
        ({"name": " Bob", "role": "viewer", "password": PASSWORD}, 422),
        ({"name": "Bob", "role": "viewer", "password": PASSWORD, "user_id": 7}, 422),
        ({"name": "ANN", "role": "viewer", "password": PASSWORD}, 409),
        ({"name": "\uff21nn", "role": "viewer", "password": PASSWORD}, 409),
    ],
)
async def test_users_that_cannot_be_made(door: Door, fields: Mapping[str, object], status: int) -> None:
    await make_user(door)
    problem = await door.problem("POST", USERS, json=fields, expect=status)
    assert all(error["field"] for error in problem["errors"])
    assert len((await door.document("GET", USERS))["items"]) == 1


async def test_there_are_not_too_many(door: Door) -> None:
    def fill(db: object) -> None:
        for number in range(MOST_USERS):
            users.add(db, NewUser(f"U{number}", f"u{number}", "viewer", "x"), now=NOON)  # type: ignore[arg-type]

    await door.write(fill)
    await door.problem("POST", USERS, json={"name": "A", "role": "viewer", "password": PASSWORD}, expect=409)


async def test_a_new_role_or_password_ends_sessions_and_a_new_name_does_not(door: Door) -> None:
    await make_user(door, "Boss")
    path = f"{USERS}/{await make_user(door)}"
    for changes, status in (({"name": "Anna"}, 200), ({"role": "viewer"}, 401), ({"password": "another horse"}, 401)):
        secret = secret_of(await login(door, "Ann" if "name" in changes else "Anna"))
        await door.document("PATCH", path, json=changes)
        assert (await with_cookie(door, secret, "GET", SESSION)).status == status, changes
    assert (await login(door, "Anna", "another horse")).status == 201
    members = ("name", "name_before", "role", "role_before", "password")
    told = [tuple(one[member] for member in members) for one in await data_of(door, "user.changed")]
    assert told == [
        ("Anna", "Ann", "installer", "installer", False),
        ("Anna", "Anna", "viewer", "installer", False),
        ("Anna", "Anna", "viewer", "viewer", True),
    ]


async def test_a_change_that_changes_nothing_ends_nothing(door: Door) -> None:
    path = f"{USERS}/{await make_user(door)}"
    secret = secret_of(await login(door))
    await door.document("PATCH", path, json={"role": "installer", "name": "Ann"})
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 200
    assert not await data_of(door, "user.changed")


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 422), ({"role": "king"}, 422), ({"name": "BOB"}, 409), ({"name": ""}, 422), ({"password": "ann"}, 422)],
)
async def test_changes_that_are_refused_change_nothing(door: Door, fields: Mapping[str, object], status: int) -> None:
    await make_user(door, "Bob")
    user_id = await make_user(door)
    before = await door.document("GET", USERS)
    await door.problem("PATCH", f"{USERS}/{user_id}", json=fields, expect=status)
    assert await door.document("GET", USERS) == before


async def test_a_name_may_be_written_otherwise(door: Door) -> None:
    user_id = await make_user(door)
    assert (await door.document("PATCH", f"{USERS}/{user_id}", json={"name": "ANN"}))["name"] == "ANN"


async def test_the_last_installer_stays_one(door: Door) -> None:
    ann, bob = await make_user(door), await make_user(door, "Bob", "operator")
    for refused in (("DELETE", None), ("PATCH", {"role": "operator"}), ("PATCH", {"name": "X", "role": "viewer"})):
        problem = await door.problem(refused[0], f"{USERS}/{ann}", json=refused[1], expect=409)
        assert "last installer" in problem["detail"]
    assert [user["name"] for user in (await door.document("GET", USERS))["items"]] == ["Ann", "Bob"]
    await door.document("PATCH", f"{USERS}/{bob}", json={"role": "installer"})
    assert (await door.ask("DELETE", f"{USERS}/{ann}")).status == 204
    await door.problem("DELETE", f"{USERS}/{bob}", expect=409)


async def test_a_removed_user_is_nobody_and_the_id_is_nobodys(door: Door) -> None:
    await make_user(door, "Boss")
    user_id = await make_user(door)
    secret, code = secret_of(await login(door)), await make_code(door, user_id=user_id)
    assert (await door.ask("DELETE", f"{USERS}/{user_id}")).status == 204
    assert (await with_cookie(door, secret, "GET", SESSION)).status == 401
    assert (await login(door)).status == 401
    response = await door.ask("POST", f"{SESSION}/redeem", role=None, json={"code": code, "password": PASSWORD})
    assert response.status == 401
    assert await make_user(door, "Eve") > user_id
    assert [one["name"] for one in await data_of(door, "user.removed")] == ["Ann"]


@pytest.mark.parametrize("user_id", ["99", "x", "-1"])
async def test_users_who_are_not_there(door: Door, user_id: str) -> None:
    await door.problem("PATCH", f"{USERS}/{user_id}", json={"role": "viewer"}, expect=404)
    await door.problem("DELETE", f"{USERS}/{user_id}", expect=404)
    await door.problem("DELETE", f"{CODES}/{user_id}", expect=404)


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 422), ({"role": "viewer", "user_id": 1}, 422), ({"role": "king"}, 422), ({"user_id": "1"}, 422),
     ({"user_id": True}, 422), ({"user_id": 1 << 70}, 422), ({"user_id": 99}, 404), ({"role": "viewer", "x": 1}, 422)],
)  # fmt: skip
async def test_codes_that_cannot_be_made(door: Door, fields: Mapping[str, object], status: int) -> None:
    await door.problem("POST", CODES, json=fields, expect=status)
    assert (await door.document("GET", CODES))["items"] == []


async def test_few_codes_are_good_and_the_newest_stay(door: Door) -> None:
    made = [await make_code(door, role="viewer") for _ in range(7)]
    listed = await door.document("GET", CODES)
    assert [code["code_id"] for code in listed["items"]] == [7, 6, 5, 4, 3]
    assert not any(code in str(listed) for code in made)
    assert (await door.ask("DELETE", f"{CODES}/7")).status == 204
    assert [one["code_id"] for one in await data_of(door, "code.removed")] == [7]
    set_clock(door, NOON + 8 * 86_400 * SECOND)
    assert (await door.document("GET", CODES))["items"] == []
    stored = str([tuple(row) for row in await door.site.readers.rows("SELECT * FROM one_time_codes")])
    assert made[4] not in stored and made[4].replace("-", "") not in stored


async def test_the_audit_is_newest_first_by_actor_kind_and_time(door: Door) -> None:
    await make_user(door)
    set_clock(door, NOON + 60 * SECOND)
    secret = secret_of(await login(door))
    await with_cookie(door, secret, "PUT", "/api/v1/id-tags/A", json={})
    await with_cookie(door, secret, "PUT", "/api/v1/stations/CP-1", json={})
    whole = (await door.document("GET", "/api/v1/audit"))["items"]
    assert [(one["kind"], one["actor"], one["station"]) for one in whole] == [
        ("station.provisioned", "user Ann", "CP-1"),
        ("id_tag.changed", "user Ann", None),
        ("user.logged_in", "user Ann", None),
        ("user.created", "token 3 (installer)", None),
        *[("token.created", "test", None)] * 3,
    ]

    async def found(**query: str) -> list[str]:
        items = (await door.document("GET", "/api/v1/audit", params=query))["items"]
        return [one["kind"] for one in items]

    assert await found(actor="user Ann", kind="id_tag.changed") == ["id_tag.changed"]
    assert len(await found(actor="user Ann")) == 3 and await found(actor="user") == []
    assert await found(**{"from": "2027-01-15T08:01:00Z"}) == [one["kind"] for one in whole[:3]]
    assert await found(to="2027-01-15T08:01:00Z") == [one["kind"] for one in whole[3:]]
    first = await door.document("GET", "/api/v1/audit", params={"limit": "2"})
    assert [one["kind"] for one in first["items"]] == ["station.provisioned", "id_tag.changed"]
    rest = await door.document("GET", "/api/v1/audit", params={"after": first["next"], "limit": "100"})
    assert [one["event_id"] for one in rest["items"]] == [one["event_id"] for one in whole[2:]]
    assert rest["next"] is None
    await door.problem("GET", "/api/v1/audit", params={"station": "x"}, expect=422)


@pytest.mark.parametrize("ended", ["removed", "demoted"])
@pytest.mark.parametrize("renamed", [False, True])
async def test_codes_end_with_the_rights_of_whoever_made_them(door: Door, ended: str, renamed: bool) -> None:
    await make_user(door, "Boss")
    path = f"{USERS}/{await make_user(door)}"
    made = await with_cookie(door, secret_of(await login(door)), "POST", CODES, json={"role": "installer"})
    code = (await made.json())["code"]
    kept = await make_code(door)
    if renamed:
        await door.document("PATCH", path, json={"name": "Anna"})
    if ended == "removed":
        assert (await door.ask("DELETE", path)).status == 204
    else:
        await door.document("PATCH", path, json={"role": "viewer", "name": "Anja"})
    for text, status in ((code, 401), (kept, 201)):
        body = {"code": text, "name": "New", "password": PASSWORD}
        assert (await as_stranger(door, "POST", f"{SESSION}/redeem", json=body)).status == status


async def test_codes_of_a_token_end_with_it(door: Door) -> None:
    tokens = "/api/v1/tokens"
    made = await door.document("POST", tokens, json={"role": "installer", "name": "crew"}, expect=201)
    bearer = {"Authorization": f"Bearer {made['token']}"}
    answer = await as_stranger(door, "POST", CODES, json={"role": "installer"}, headers=bearer)
    code = (await answer.json())["code"]
    assert (await door.ask("DELETE", f"{tokens}/{made['token_id']}")).status == 204
    body = {"code": code, "name": "New", "password": PASSWORD}
    assert (await as_stranger(door, "POST", f"{SESSION}/redeem", json=body)).status == 401
