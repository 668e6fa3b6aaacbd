"""The system: what runs here, users and codes, tokens, who did what, backups, certificates; who may see which."""

from __future__ import annotations

import re

import pytest
from aiohttp import FormData

from gateway.operations.reload_configuration import Outcome, Taken, Unchanged, Wrong
from gateway.store import events
from gateway.version import version
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read
from tests.unit.web.conftest import NOON

OPEN = ["/system", "/system/certificates"]
CLOSED = ["/system/users", "/system/tokens", "/system/audit", "/system/backup"]
ODD = 'Ann <b>"O/Neil"</b> {x} 🚗'


@pytest.mark.parametrize("path", OPEN)
async def test_what_everybody_sees(reader: Reader, path: str) -> None:
    sight = await reader.see(path, role="viewer")
    assert "/system/users" not in sight.links.values()
    assert not [form for form in sight.forms if form.action.startswith("/system")]
    assert "/system/users" in (await reader.see(path)).links.values()


@pytest.mark.parametrize("path", CLOSED)
async def test_what_installers_see(reader: Reader, path: str) -> None:
    await reader.see(path, role="operator", expect=403)
    await reader.see(path)


async def test_what_runs_here(reader: Reader) -> None:
    sight = await reader.see("/system", role="viewer")
    assert version() in sight.text and str(reader.site.configuration.data.directory) in sight.text
    assert "apt install --only-upgrade ocpp-gateway" in sight.text
    assert "/kiosk" in sight.links.values() and "/account" in sight.links.values()
    assert "Reload" not in sight.text
    assert "This gateway has no files to read again." in (await reader.see("/system")).text


def play_reload(reader: Reader, outcome: Outcome) -> None:
    async def reload() -> Outcome:
        return outcome

    reader.site.reloads.reload = reload


async def test_the_configuration_is_read_again(reader: Reader) -> None:
    play_reload(reader, Unchanged())
    assert (await reader.see("/system")).form_to("/system/reload").method == "post"
    response = await reader.send("/system/reload", {})
    assert response.headers["Location"] == "/system" and "Nothing%20has%20changed" in response.headers["Set-Cookie"]
    play_reload(reader, Taken())
    assert "taken" in (await reader.send("/system/reload", {})).headers["Set-Cookie"]
    play_reload(reader, Wrong(["[site] <id>: missing"]))
    told = read(await (await reader.send("/system/reload", {}, expect=422)).text())
    assert "the configuration holds mistakes" in told.text and "[site] <id>: missing" in told.text
    await reader.send("/system/reload", {}, role="operator", expect=403)


async def test_a_reload_that_failed_is_told(reader: Reader) -> None:
    reader.site.reloads.failed = "port taken"
    assert "port taken" in (await reader.see("/system", role="viewer")).text


async def make_user(reader: Reader, name: str, role: str = "installer") -> int:
    fields = {"name": name, "role": role, "password": "correct horse battery"}
    document = await (await reader.ask("POST", "/api/v1/users", json=fields)).json()
    return int(document["user_id"])


async def test_no_user_yet(reader: Reader) -> None:
    sight = await reader.see("/system/users")
    assert "There is no user yet." in sight.text and "None. A code ends" in sight.text


async def test_a_code_for_somebody_new(reader: Reader) -> None:
    sight = await reader.see("/system/users")
    assert sight.form_to("/system/users/codes").fields == {"role": "operator"}
    response = await reader.send("/system/users/codes", {"role": "viewer"}, expect=200)
    made = read(await response.text())
    assert "One-time code for a new viewer" in made.text
    code = re.search(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", made.text)
    assert code is not None
    address = f"http://{reader.client.host}:{reader.client.port}/welcome"
    assert made.links[address] == address
    assert [tag for tag, _ in made.elements].count("svg") == 1
    later = await reader.see("/system/users")
    assert code[0] not in later.text and "made by token 3 (installer)" in later.text
    redeemed = {"code": code[0], "name": ODD, "password": "correct horse battery"}
    assert (await reader.ask("POST", "/api/v1/session/redeem", json=redeemed, role=None)).status == 201
    assert ODD in (await reader.see("/system/users")).text


async def test_a_code_is_taken_back(reader: Reader) -> None:
    await reader.send("/system/users/codes", {"role": "viewer"}, expect=200)
    await reader.send("/system/users/codes/1/remove", {})
    assert "None. A code ends" in (await reader.see("/system/users")).text
    await reader.send("/system/users/codes/1/remove", {}, expect=404)
    await reader.send("/system/users/codes", {"role": "king"}, expect=422)


async def test_a_user_gets_a_code_another_role_and_goes(reader: Reader) -> None:
    await make_user(reader, "Boss")
    user = await make_user(reader, ODD, "viewer")
    code = read(await (await reader.send(f"/system/users/{user}/code", {}, expect=200)).text())
    assert f"One-time code for a new password of {ODD}" in code.text and f"New password of {ODD}" in code.text
    sight = await reader.see("/system/users")
    assert sight.form_to(f"/system/users/{user}/role").fields == {"role": "viewer"}
    await reader.send(f"/system/users/{user}/role", {"role": "operator"})
    assert (await reader.see("/system/users")).form_to(f"/system/users/{user}/role").fields == {"role": "operator"}
    _, form = next(each for each in sight.elements if each[1].get("action") == f"/system/users/{user}/remove")
    assert ODD in form["data-question"]
    await reader.send(f"/system/users/{user}/remove", {})
    assert ODD not in (await reader.see("/system/users")).text
    for deed in ("remove", "role", "code"):
        await reader.send(f"/system/users/{user}/{deed}", {"role": "viewer"}, expect=404)
    await reader.send("/system/users/x/code", {}, expect=404)


async def test_a_user_gets_another_name(reader: Reader) -> None:
    await make_user(reader, "Boss")
    user = await make_user(reader, ODD, "viewer")
    action = f"/system/users/{user}/name"
    form = (await reader.see("/system/users")).form_to(action)
    assert form.fields == {"name": ODD}
    await reader.send(action, {"name": "Berta <i>"})
    assert [each["name"] for each in (await reader.document("/users"))["items"]] == ["Boss", "Berta <i>"]  # type: ignore[attr-defined]
    for name in ("boss", ""):
        response = await reader.ask("POST", action, data={"name": name})
        sight = read(await response.text())
        assert (
            response.status in (409, 422)
            and sight.by_id("name-mistake")
            and sight.form_to(action).fields["name"] == name
        )
    await reader.send("/system/users/99/name", {"name": "X"}, expect=404)
    await reader.send(action, {"name": "X"}, role="operator", expect=403)


async def test_ones_own_role_is_changed_after_a_question(reader: Reader) -> None:
    user = await make_user(reader, "Boss")
    other = await make_user(reader, "Other")
    login = {"name": "Boss", "password": "correct horse battery"}
    cookie = (await reader.send("/login", login, role=None)).cookies["ocppgw_session"].value
    response = await reader.ask("GET", "/system/users", role=None, headers={"Cookie": f"ocppgw_session={cookie}"})
    forms = {each[1].get("action"): each[1] for each in read(await response.text()).elements}
    assert "your own role" in forms[f"/system/users/{user}/role"]["data-question"]
    assert "data-question" not in forms[f"/system/users/{other}/role"]


async def test_the_last_installer_stays(reader: Reader) -> None:
    user = await make_user(reader, "Boss")
    told = read(await (await reader.send(f"/system/users/{user}/remove", {}, expect=409)).text())
    assert "last installer" in told.text and "Boss" in told.text
    await reader.send(f"/system/users/{user}/role", {"role": "viewer"}, expect=409)


async def test_tokens(reader: Reader) -> None:
    sight = await reader.see("/system/tokens")
    assert "viewer 1" in sight.text and sight.form_to("/system/tokens").fields == {"name": "", "role": "viewer"}
    response = await reader.send("/system/tokens", {"name": "Billing <b>", "role": "operator"}, expect=200)
    made = read(await response.text())
    secret = re.search(r"ocppgw_[\w-]+", made.text)
    assert secret is not None and "Token Billing <b>" in made.text
    assert response.headers["Cache-Control"] == "no-store"
    assert secret[0] not in (await reader.see("/system/tokens")).text
    await reader.send("/system/tokens/4/revoke", {})
    assert "Billing" not in (await reader.see("/system/tokens")).text
    await reader.send("/system/tokens/4/revoke", {}, expect=404)


async def test_a_token_with_mistakes(reader: Reader) -> None:
    response = await reader.send("/system/tokens", {"name": "x" * 200, "role": "operator"}, expect=422)
    sight = read(await response.text())
    assert sight.form_to("/system/tokens").fields == {"name": "x" * 200, "role": "operator"}
    assert "up to 100 characters" in sight.text and sight.by_id("name-mistake")


async def test_who_did_what(reader: Reader) -> None:
    sight = await reader.see("/system/audit")
    assert "An API token was made test" in sight.text and "Name installer Role installer" in sight.text
    await reader.ask("PUT", "/api/v1/id-tags/AB", json={})
    by_kind = await reader.see("/system/audit", params={"kind": "id_tag.changed"})
    assert "A card was changed token 3 (installer)" in by_kind.text and "token was made test" not in by_kind.text
    assert by_kind.links["token 3 (installer)"] == "/system/audit?actor=token%203%20%28installer%29"
    by_actor = await reader.see(by_kind.links["token 3 (installer)"])
    assert by_actor.form_to("/system/audit").fields["actor"] == "token 3 (installer)"
    assert "token was made test" not in by_actor.text
    assert "Nobody did anything like this." in (await reader.see("/system/audit", params={"actor": ODD})).text


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2027-01-15", "2027-01-15", True), ("2027-01-16", "", False), ("", "2027-01-14", False),
        ("1971-01-01", "9999-12-31", True),
    ],
)  # fmt: skip
async def test_who_did_what_when(reader: Reader, first: str, last: str, found: bool) -> None:
    sight = await reader.see("/system/audit", params={"first": first, "last": last})
    assert ("An API token was made test" in sight.text) is found


async def test_days_that_are_none(reader: Reader) -> None:
    early = await reader.see("/system/audit", params={"first": "0001-01-01"}, expect=422)
    assert early.by_id("first-mistake")
    sight = await reader.see("/system/audit", params={"first": "soon", "last": "x"}, expect=422)
    assert sight.text.count("A date is needed") == 2 and sight.form_to("/system/audit").fields["first"] == "soon"
    turned = await reader.see("/system/audit", params={"first": "2027-01-02", "last": "2027-01-01"}, expect=422)
    assert "This is before the first day." in turned.text


async def test_who_did_what_is_paged(reader: Reader) -> None:
    for number in range(60):
        data = {"id_tag": f"T{number}.", "status": "Accepted", "removed": False, "actor": "Ann"}
        await reader.site.database.write(
            lambda db, data=data: events.append(db, "id_tag.changed", happened_at=NOON, recorded_at=NOON, data=data)
        )
    sight = await reader.see("/system/audit", params={"actor": "Ann"})
    assert "T59." in sight.text and "T9." not in sight.text
    older = await reader.see(sight.links["Older"])
    assert "T9." in older.text and older.links["Newest"] == "/system/audit?actor=Ann"


async def test_backups_go_out_and_come_back(reader: Reader) -> None:
    await make_user(reader, "Boss")
    sight = await reader.see("/system/backup")
    assert sight.links["Download a backup"] == "/api/v1/backup"
    fields = {"passphrase": "correct horse", "again": "correct horse"}
    response = await reader.ask("POST", "/system/backup/encrypted", data=fields)
    assert response.status == 200 and ".ocppgwb" in response.headers["Content-Disposition"]
    sealed = await response.read()
    await reader.ask("PUT", "/api/v1/id-tags/NEW", json={})

    wrong = await reader.ask("POST", "/system/backup/restore", data=form_of(sealed, "wrong horse"))
    assert wrong.status == 422 and "nothing was changed" in read(await wrong.text()).text
    part = await reader.ask("POST", "/system/backup/restore", data=form_of(sealed, ""), headers={"HX-Request": "true"})
    told = read(await part.text())
    assert part.status == 422 and "passphrase" in told.text and not told.forms
    assert (await reader.ask("GET", "/api/v1/id-tags/NEW")).status == 200

    restored = await reader.ask("POST", "/system/backup/restore", data=form_of(sealed, "correct horse"))
    assert restored.status == 303 and restored.headers["Location"] == "/login"
    assert "restored" in restored.headers["Set-Cookie"]
    assert (await reader.ask("GET", "/api/v1/id-tags/NEW")).status == 404


async def test_a_passphrase_counts_with_its_blanks(reader: Reader) -> None:
    fields = {"passphrase": "correct horse ", "again": "correct horse "}
    sealed = await (await reader.send("/system/backup/encrypted", fields, expect=200)).read()
    stripped = await reader.ask("POST", "/api/v1/restore", data=form_of(sealed, "correct horse"))
    assert stripped.status == 422
    restored = await reader.ask("POST", "/api/v1/restore", data=form_of(sealed, "correct horse "))
    assert restored.status == 200, await restored.text()


def form_of(content: bytes, passphrase: str) -> FormData:
    form = FormData()
    form.add_field("file", content, filename="x.ocppgwb", content_type="application/octet-stream")
    form.add_field("passphrase", passphrase)
    return form


@pytest.mark.parametrize(
    ("passphrase", "again", "field"), [("correct horse", "other horse", "again"), ("short", "short", "passphrase")]
)
async def test_passphrases_that_are_none(reader: Reader, passphrase: str, again: str, field: str) -> None:
    fields = {"passphrase": passphrase, "again": again}
    sight = read(await (await reader.send("/system/backup/encrypted", fields, expect=422)).text())
    assert sight.by_id(f"{field}-mistake") and sight.form_to("/system/backup/encrypted").fields["passphrase"] == ""


async def test_a_restore_is_asked_for_first(reader: Reader) -> None:
    sight = await reader.see("/system/backup")
    _, form = next(each for each in sight.elements if each[1].get("action") == "/system/backup/restore")
    assert form["enctype"] == "multipart/form-data" and form["data-question"]
    await reader.send("/system/backup/restore", {}, role="operator", expect=403)
