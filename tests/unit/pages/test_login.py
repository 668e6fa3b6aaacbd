"""Coming in by code and by password, going out, and the reader's language."""

from __future__ import annotations

from tests.unit.pages.conftest import Reader

PASSWORD = "a horse in the rain"


async def new_code(reader: Reader, role: str = "installer") -> str:
    response = await reader.ask("POST", "/api/v1/users/codes", json={"role": role})
    return str((await response.json())["code"])


async def welcomed(reader: Reader, name: str = "Ann", role: str = "installer") -> str:
    """The cookie of somebody who came in with a code."""
    fields = {"code": await new_code(reader, role), "name": name, "password": PASSWORD, "again": PASSWORD}
    response = await reader.send("/welcome", fields, role=None)
    return response.cookies["ocppgw_session"].value


async def as_user(reader: Reader, cookie: str, path: str) -> tuple[int, str]:
    response = await reader.ask("GET", path, role=None, headers={"Cookie": f"ocppgw_session={cookie}"})
    return response.status, await response.text()


async def test_a_code_makes_a_user_who_comes_in_at_once(reader: Reader) -> None:
    cookie = await welcomed(reader)
    status, text = await as_user(reader, cookie, "/")
    assert status == 200 and ">Ann<" in text


async def test_an_installer_goes_to_the_setup_first(reader: Reader) -> None:
    fields = {"code": await new_code(reader), "name": "Ann", "password": PASSWORD, "again": PASSWORD}
    assert (await reader.send("/welcome", fields, role=None)).headers["Location"] == "/setup"
    fields |= {"code": await new_code(reader, "viewer"), "name": "Bob"}
    assert (await reader.send("/welcome", fields, role=None)).headers["Location"] == "/"


async def test_two_different_passwords_make_nobody(reader: Reader) -> None:
    fields = {"code": await new_code(reader), "name": "Ann", "password": PASSWORD, "again": "something else"}
    response = await reader.send("/welcome", fields, expect=422, role=None)
    text = await response.text()
    assert "The two passwords differ." in text and PASSWORD not in text and 'value="Ann"' in text
    assert (await reader.document("/users"))["items"] == []


async def test_a_wrong_code_is_told_at_its_field(reader: Reader) -> None:
    fields = {"code": "ABCD-EFGH-JKMN", "name": "Ann", "password": PASSWORD, "again": PASSWORD}
    response = await reader.send("/welcome", fields, expect=401, role=None)
    assert 'id="code-mistake"' in await response.text()


async def test_name_and_password_lead_where_one_was_going(reader: Reader) -> None:
    await welcomed(reader)
    away = await reader.ask("GET", "/account?x=1", role=None)
    assert away.headers["Location"] == "/login?next=%2Faccount%3Fx%3D1"
    login = await reader.see("/login?next=%2Faccount%3Fx%3D1", role=None)
    fields = login.form_to("/login").fields | {"name": "Ann", "password": PASSWORD}
    response = await reader.send("/login", fields, role=None)
    assert response.headers["Location"] == "/account?x=1"
    assert "HttpOnly" in str(response.cookies) and "SameSite=Strict" in str(response.cookies)


async def test_a_wrong_password_shows_the_form_again_without_it(reader: Reader) -> None:
    await welcomed(reader)
    response = await reader.send("/login", {"name": "Ann", "password": "not the one at all"}, expect=401, role=None)
    text = await response.text()
    assert "not the one at all" not in text and 'value="Ann"' in text and 'role="alert"' in text


async def test_who_goes_out_is_out(reader: Reader) -> None:
    cookie = await welcomed(reader)
    response = await reader.ask("POST", "/logout", role=None, headers={"Cookie": f"ocppgw_session={cookie}"})
    assert (response.status, response.headers["Location"]) == (303, "/login")
    status, _ = await as_user(reader, cookie, "/")
    assert status == 303


async def test_another_password_of_ones_own(reader: Reader) -> None:
    cookie = {"Cookie": f"ocppgw_session={await welcomed(reader)}"}
    fields = {"old": PASSWORD, "new": "another horse, dry", "again": "another horse, dry"}
    response = await reader.ask("POST", "/account/password", role=None, headers=cookie, data=fields)
    assert response.status == 303
    await reader.send("/login", {"name": "Ann", "password": PASSWORD}, expect=401, role=None)
    await reader.send("/login", {"name": "Ann", "password": "another horse, dry"}, role=None)


async def test_blanks_around_a_password_belong_to_it(reader: Reader) -> None:
    """As they do in the API: what one door takes, the other one takes as well."""
    made = {"name": "Ann", "role": "installer", "password": " correct horse "}
    assert (await reader.ask("POST", "/api/v1/users", json=made)).status == 201
    await reader.send("/login", {"name": "Ann", "password": "correct horse"}, expect=401, role=None)
    response = await reader.send("/login", {"name": " Ann ", "password": " correct horse "}, role=None)
    cookie = {"Cookie": f"ocppgw_session={response.cookies['ocppgw_session'].value}"}
    fields = {"old": " correct horse ", "new": "another horse ", "again": "another horse"}
    differ = await reader.ask("POST", "/account/password", role=None, headers=cookie, data=fields)
    assert differ.status == 422 and 'id="again-mistake"' in await differ.text()
    changed = await reader.ask(
        "POST", "/account/password", role=None, headers=cookie, data=fields | {"again": fields["new"]}
    )
    assert changed.status == 303
    assert (
        await reader.ask("POST", "/api/v1/session", json={"name": "Ann", "password": "another horse "})
    ).status == 201
    code = {"code": await new_code(reader), "name": "Bob", "password": " horse in rain ", "again": " horse in rain "}
    await reader.send("/welcome", code, role=None)
    login = {"name": "Bob", "password": " horse in rain "}
    assert (await reader.ask("POST", "/api/v1/session", json=login)).status == 201


async def test_the_browser_keeps_language_and_theme(reader: Reader) -> None:
    response = await reader.send("/preferences", {"language": "de", "theme": "dark", "next": "/login"}, role=None)
    assert response.headers["Location"] == "/login"
    kept = {"Cookie": "; ".join(f"{name}={each.value}" for name, each in response.cookies.items())}
    text = await (await reader.ask("GET", "/login", role=None, headers=kept)).text()
    assert '<html lang="de" data-theme="dark"' in text


async def test_the_browsers_language_is_spoken(reader: Reader) -> None:
    for accepted, spoken in (("nl-BE,nl;q=0.9,en;q=0.8", "nl"), ("pt, fr;q=0.5", "fr"), ("ja", "en"), ("", "en")):
        text = await (await reader.ask("GET", "/login", role=None, language=accepted)).text()
        assert f'<html lang="{spoken}"' in text, accepted
