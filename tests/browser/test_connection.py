"""The tab tells the truth when the login ended, when nobody answers a form, and when its stream never began."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.chromium import Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import Site

AWAY = r"net::ERR_|htmx:sse:error|htmx:error|status of (503|401)|answer: 503"
COUNTING = """
window.streams = 0;
document.addEventListener("htmx:sse:after:connection", () => { window.streams += 1; });
"""
HIDDEN = "window.away = true; Object.defineProperty(document, 'hidden', { get: () => window.away });"
WAITING = """
window.away = false;
Object.defineProperty(document, "hidden", { get: () => window.away });
const listen = document.addEventListener;
document.addEventListener = function (name, ...more) {
  if (name === "visibilitychange") window.waiting = true;
  return listen.call(this, name, ...more);
};
"""
NOTICE = "!document.getElementById('connection').hidden"


def log_out_in_another_tab(page: Watched) -> None:
    other = page.context.new_page()
    other.goto(f"{page.address}/account")
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url("**/login")
    other.close()


@pytest.mark.parametrize("path", ["/", "/kiosk"])
def test_a_login_that_ended_in_another_tab_is_asked_for_again(browser: Browser, site: Site, path: str) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site, "viewer")
        page.page.add_init_script(COUNTING)
        page.go(path)
        page.until("window.streams === 1", "the stream")
        log_out_in_another_tab(page)
        page.until("location.pathname === '/login'", "the login")


def test_a_tab_that_is_looked_at_first_after_the_login_ended(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site, "viewer")
        page.page.add_init_script(HIDDEN)
        page.go("/sessions")
        log_out_in_another_tab(page)
        page.page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        page.until("location.pathname + location.search === '/login?next=%2Fsessions'", "the login")


def refuse(route: Route) -> None:
    route.fulfill(status=503, headers={"Retry-After": "1"})


@pytest.mark.parametrize("answer", [Route.abort, refuse], ids=["nobody answers", "too many tabs"])
def test_a_stream_that_does_not_begin_is_tried_again(browser: Browser, site: Site, answer: object) -> None:
    asked: list[str] = []

    def told(route: Route) -> None:
        asked.append(route.request.url)
        answer(route)  # type: ignore[operator]

    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site, "viewer")
        page.page.add_init_script(COUNTING)
        page.page.route("**/live/**", told)
        page.go("/")
        page.until(NOTICE, "the notice")
        assert asked and page.page.evaluate("window.streams") == 0
        page.page.unroute("**/live/**")
        page.until("window.streams === 1", "the stream")
        page.until(f"!({NOTICE})", "no more notice")


def test_a_tab_in_the_background_waits_until_somebody_looks(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site, "viewer")
        page.page.add_init_script(COUNTING + WAITING)
        page.page.route("**/live/**", refuse)
        page.go("/")
        page.until(NOTICE, "the notice")
        page.page.evaluate("window.away = true; window.waiting = false")
        page.until("window.waiting", "the time to try again")
        page.page.unroute("**/live/**")
        page.page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        page.until("window.streams === 1", "the stream")


def say_nothing(route: Route) -> None:
    """The request stays without an answer."""


@pytest.mark.parametrize("answer", [Route.abort, say_nothing], ids=["it is not reached", "it is silent"])
def test_a_form_that_is_not_answered(browser: Browser, site: Site, answer: object) -> None:
    with watched(browser, site.address) as page:
        page.foresee(AWAY)
        let_in(page, site)
        page.go("/load/circuits/main")
        page.page.evaluate("htmx.config.defaultTimeout = 500")
        page.page.route("**/what-if", lambda route: answer(route))  # type: ignore[operator]
        page.page.get_by_label("L1 loses (A)").fill("7")
        page.page.get_by_role("button", name="Show it").click()
        page.page.get_by_role("alert").filter(has_text="The gateway did not answer").wait_for()
        page.until("!document.querySelector('form.sending, .htmx-request')", "the end of the wait")
        assert page.page.get_by_label("L1 loses (A)").input_value() == "7"
        page.page.unroute("**/what-if")
        page.page.evaluate("htmx.config.defaultTimeout = 60000")
        page.page.get_by_role("button", name="Show it").click()
        page.until("document.querySelector('#outcome').innerText.trim() !== ''", "what would happen")
        assert page.page.get_by_role("alert").count() == 0
        page.until("!document.querySelector('form.sending')", "the end of the wait")
