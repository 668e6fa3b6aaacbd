"""The daemon is replaced below open pages, orderly and by a power cut: streams come back, forms go, logins hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, StorageState

from tests.browser.busy_site import BusySite, busy_site, screens
from tests.browser.chromium import DESK, Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import short_directory
from tests.end_to_end.running_gateway import wait_until

AWAY = r"net::ERR_|htmx:sse:error|status of 50[0-9]"  # what a browser says while the daemon is away
_COUNT_STREAMS = """
window.streams = 0;
document.addEventListener("htmx:sse:after:connection", () => { window.streams += 1; });
"""


@pytest.fixture(scope="module")
def busy() -> Iterator[BusySite]:
    """One site for all tests here: restarts are what it is for."""
    with short_directory() as directory, busy_site(directory) as site:
        yield site


@pytest.fixture(scope="module")
def login(busy: BusySite, browser: Browser) -> StorageState:
    """What a browser knows in which an installer is logged in, since before all restarts."""
    with watched(browser, busy.site.address) as page:
        let_in(page, busy.site)
        return page.context.storage_state()


def opened(afterwards: ExitStack, busy: BusySite, browser: Browser, login: StorageState, address: str) -> Watched:
    """The screen in a browser of its own, as a browser has only six connections to a site."""
    page = afterwards.enter_context(watched(browser, busy.site.address, DESK))
    page.foresee(AWAY)
    page.context.add_cookies(login["cookies"])  # type: ignore[arg-type]
    page.context.add_init_script(_COUNT_STREAMS)
    page.go(address)
    return page


@pytest.fixture(scope="module")
def operator(busy: BusySite, browser: Browser) -> StorageState:
    """The same of an operator: of one person only so many tabs are kept up to date."""
    with watched(browser, busy.site.address) as page:
        let_in(page, busy.site, "operator")
        return page.context.storage_state()


def test_every_live_screen_goes_on(
    busy: BusySite, browser: Browser, login: StorageState, operator: StorageState
) -> None:
    live = [page for page in screens() if page.pieces is not None]
    with ExitStack() as afterwards:
        tabs = [
            opened(afterwards, busy, browser, login if page.access == "installer" else operator, busy.address_of(page))
            for page in live
        ]
        for tab in tabs:
            tab.until("window.streams === 1", "the stream")
            tab.page.evaluate("window.untouched = true")
        for restarts, gently in enumerate((True, False), 1):
            busy.site.restart(gently=gently)
            for tab in tabs:
                tab.until(f"window.streams > {restarts}", "the stream after the restart", seconds=60)
                tab.until("document.getElementById('connection')?.hidden ?? true", "no more notice")
                assert tab.page.evaluate("window.untouched"), f"{tab.page.url} was loaded anew"
                tab.page.evaluate(f"window.streams = {restarts + 1}")


@pytest.mark.parametrize("gently", [True, False], ids=["orderly", "killed"])
def test_every_screen_opens_again_and_nobody_is_logged_out(
    busy: BusySite, browser: Browser, login: StorageState, gently: bool
) -> None:
    busy.site.restart(gently=gently)
    with ExitStack() as afterwards:
        page = opened(afterwards, busy, browser, login, "/account")
        for address in busy.addresses("installer"):
            page.go(address)
            status = page.page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
            assert status == 200, f"{address}: {status}"
            assert page.page.url.endswith("/login") is False, f"{address}: logged out"


@pytest.mark.parametrize("gently", [True, False], ids=["orderly", "killed"])
def test_forms_that_were_filled_in_before_are_sent_after_it(
    busy: BusySite, browser: Browser, login: StorageState, gently: bool
) -> None:
    card = "GENTLE" if gently else "ROUGH"
    with ExitStack() as afterwards:
        plain = opened(afterwards, busy, browser, login, "/access/card")
        plain.page.get_by_label("Number of the card").fill(card)
        plain.page.get_by_label("Note").fill("typed before the restart")
        by_part = opened(afterwards, busy, browser, login, "/load/circuits/main")
        by_part.page.get_by_label("L1 loses (A)").fill("7")
        busy.site.restart(gently=gently)
        busy.site.wait_for_stations()
        assert plain.page.get_by_label("Note").input_value() == "typed before the restart"
        plain.page.get_by_role("button", name="Save", exact=True).click()
        plain.until_text(card)
        wait_until(lambda: busy.site.gateway.ask("GET", f"/id-tags/{card}").status == 200, "the card to be known")
        by_part.page.get_by_role("button", name="Show it").click()
        by_part.until("document.querySelector('#outcome').innerText.trim() !== ''", "what would happen")
