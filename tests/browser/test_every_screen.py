"""Every screen that the page lists, with people at work: clean for each role, in another language, and alive.

Accessibility on each size and colour is in `test_accessibility`, restarts below each screen in `test_restart`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations
from tests.browser.busy_site import BusySite, busy_site
from tests.browser.chromium import PHONE, Watched, watched
from tests.browser.people import Role, let_in
from tests.browser.running_site import Site, short_directory


@pytest.fixture(scope="module")
def busy() -> Iterator[BusySite]:
    """One site for all tests here, as they only look."""
    with short_directory() as directory, busy_site(directory) as site:
        yield site


def wrong_with(page: Watched, address: str) -> list[str]:
    """What a person would stumble over."""
    page.go(address)
    status = page.page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
    found = [] if status == 200 else [f"status {status}"]
    found += [violations(page.page)]
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"{wide} px wider than the screen"] if wide > 0 else []
    return [f"{address}: {one}" for one in found if one]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_stumbles_over_anything(busy: BusySite, browser: Browser, role: Role) -> None:
    with watched(browser, busy.site.address, PHONE, language="de-DE") as page:
        let_in(page, busy.site, role)
        found = [wrong for address in busy.addresses(role) for wrong in wrong_with(page, address)]
        assert not found, "\n".join(found)


def test_an_open_tab_follows_what_happens_and_outlives_the_daemon(site: Site, browser: Browser) -> None:
    with watched(browser, site.address) as page:
        page.foresee("net::ERR_|htmx:sse:error")
        let_in(page, site, "viewer")
        page.go("/")
        site.yard.plug_in("POST-2", "CARD-2")
        page.until_text("CARD-2")
        page.page.evaluate("window.untouched = true")
        site.restart(gently=False)
        site.wait_for_stations()
        page.until_text("CARD-2")
        assert site.yard.leave("POST-2")
        page.until("!document.body.innerText.includes('CARD-2')", "the end of the session to be seen", seconds=30)
        assert page.page.evaluate("window.untouched"), "the page was loaded anew"
