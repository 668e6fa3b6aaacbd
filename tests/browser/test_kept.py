"""What was typed is there again when the login ended, or the gateway was away, just as it was sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.chromium import Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import Site

AWAY = r"net::ERR_|htmx:sse:error|htmx:error|status of (50[0-9]|401)|chrome-error"
PATH = "/access/reservations"
KEPT = "sessionStorage.getItem('typed')"


def reserve_too_late(page: Watched) -> None:
    """The login has ended when the form is sent."""
    page.go(PATH)
    page.page.fill("#id_tag", "CARD-7")
    page.page.select_option("#station", index=1)
    page.page.context.clear_cookies()
    page.page.click("form[action='/access/reservations'] button")
    page.page.wait_for_url("**/login?next=*")


def test_a_form_sent_after_the_login_ended(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site)
        page.go(PATH)
        page.page.fill("#id_tag", "CARD-7")
        page.page.select_option("#station", index=1)
        cookies = page.page.context.cookies()
        page.page.context.clear_cookies()
        page.page.click("form[action='/access/reservations'] button")
        page.page.wait_for_url("**/login?next=*")
        page.page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.go(PATH)
        assert page.page.input_value("#id_tag") == "CARD-7"
        assert page.page.is_visible("#typed")
        page.page.click("form[action='/access/reservations'] button")  # it can be sent now; an answer ends the keeping
        page.page.wait_for_load_state()
        page.go(PATH)
        assert page.page.input_value("#id_tag") == "" and not page.page.is_visible("#typed")


def test_a_form_sent_while_the_gateway_is_away(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site)
        page.go(PATH)
        page.page.fill("#id_tag", "CARD-8")
        page.page.select_option("#station", index=1)
        page.page.route("**/access/reservations", lambda route: route.abort())
        page.page.click("form[action='/access/reservations'] button")
        page.page.wait_for_url("chrome-error://**")
        page.page.unroute("**/access/reservations")
        page.go(PATH)
        assert page.page.input_value("#id_tag") == "CARD-8"


def test_another_person_gets_nothing_of_it(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site)
        reserve_too_late(page)
        let_in(page, site, "operator")
        page.go(PATH)
        assert page.page.input_value("#id_tag") == "" and not page.page.is_visible("#typed")
        assert page.page.evaluate(KEPT) is None


def test_a_language_chosen_before_the_login_does_not_forget_it(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site)
        reserve_too_late(page)
        page.page.select_option("#language", "de")
        page.until("document.documentElement.lang === 'de'", "the language")
        let_in(page, site)
        page.go(PATH)
        assert page.page.input_value("#id_tag") == "CARD-7"


def test_who_logs_out_leaves_nothing(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site)
        page.go("/load/circuits/main")
        page.page.route("**/what-if", lambda route: route.abort())
        page.page.get_by_label("L1 loses (A)").fill("7")
        page.page.get_by_role("button", name="Show it").click()
        page.page.get_by_role("alert").wait_for()
        assert page.page.evaluate(KEPT)
        page.page.get_by_role("button", name="Log out").click()
        page.page.wait_for_url("**/login")
        assert page.page.evaluate(KEPT) is None


def test_a_form_that_was_not_sent_yet_when_the_login_ended_elsewhere(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site)
        page.go("/load/circuits/main")
        page.page.get_by_label("L1 loses (A)").fill("7")
        page.page.context.clear_cookies()
        site.restart()  # the stream is asked for again
        page.until("location.pathname === '/login'", "the login", seconds=60)
        let_in(page, site)
        page.go("/load/circuits/main")
        assert page.page.get_by_label("L1 loses (A)").input_value() == "7"


def test_what_is_shown_for_a_choice_is_shown_again(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site)
        page.go("/setup/meters")
        page.page.check("input[name=line][value=network]")
        page.page.fill("#host", "192.168.1.20")
        page.page.fill("#name", "grid2")
        page.page.context.clear_cookies()
        page.page.get_by_role("button", name="Add this meter").click()
        page.page.wait_for_url("**/login?next=*")
        let_in(page, site)
        page.go("/setup/meters")
        assert page.page.input_value("#host") == "192.168.1.20" and page.page.is_visible("#host")
        assert not page.page.is_visible("#device")


def lose(route: Route) -> None:
    """What is sent does not arrive; the page stays."""
    if "hx-request" in route.request.headers:
        route.abort()
    else:
        route.fulfill(status=204)


@pytest.mark.parametrize(
    ("path", "form", "field", "secret"),
    [
        ("keys?change=AuthorizationKey", "#change form", "#value", "0123456789abcdef0123456789abcdef"),
        ("actions?open=by-hand", "#deed-by-hand form", "textarea", '{"key": "AuthorizationKey", "value": "hidden"}'),
        ("actions?open=data-transfer", "#deed-data-transfer form", "textarea", "pin=1234"),
        ("certificates", "form[action$='/certificates/install']", "textarea", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_what_may_be_secret_is_not_kept(
    browser: Browser, site: Site, path: str, form: str, field: str, secret: str
) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site)
        page.go(f"/stations/POST-1/{path}")
        page.page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        page.page.fill(f"{form} {field}", secret)
        if "by-hand" in form:
            page.page.fill(f"{form} input", "ChangeConfiguration")
        page.page.route(f"**/stations/POST-1/{path.partition('?')[0]}/**", lose)
        with page.page.expect_request(lambda request: request.method == "POST"):
            page.page.click(f"{form} button[type=submit]")
            if page.page.locator("#question").is_visible():
                page.page.locator("#question button[value=yes]").click()
        assert page.page.evaluate(KEPT) is None
