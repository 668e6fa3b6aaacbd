"""What was typed is there again when the login ended, or the gateway was away, just as it was sent."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.browser.chromium import watched
from tests.browser.people import let_in
from tests.browser.running_site import Site

AWAY = r"net::ERR_|htmx:sse:error|status of (50[0-9]|401)|chrome-error"
PATH = "/access/reservations"


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
