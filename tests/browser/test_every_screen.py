"""Every screen that the page lists, with people at work: clean, accessible, no wider than the screen, for each role.

A new screen is in here by itself; one whose address has a part that is not in PARTS fails until somebody says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from gateway.pages.application import PAGES
from gateway.web.login import ROLES
from tests.browser.axe import violations
from tests.browser.chromium import DESK, PHONE, Screen, Watched, watched
from tests.browser.people import Role, let_in
from tests.browser.running_site import Site, running_site, short_directory
from tests.end_to_end.running_gateway import wait_until

# a screen's address says `{name}`; what stands there at this site
PARTS = {"station": "POST-1", "station_id": "POST-1", "identity": "POST-1"}
_PART = re.compile(r"\{(\w+)(?::[^{}]*)?\}")


@pytest.fixture(scope="module")
def busy_site() -> Iterator[Site]:
    """A site where one station charges."""
    with short_directory() as directory, running_site(directory) as site:
        site.yard.plug_in("POST-1", "CARD-1")
        wait_until(lambda: len(site.gateway.transactions("POST-1")) == 1, "the session to be known")
        yield site


def addresses(role: Role) -> list[str]:
    """Of the screens that somebody with this role may open."""
    allowed = {"public", *ROLES[: ROLES.index(role) + 1]}
    return [
        _PART.sub(lambda part: PARTS[part[1]], page.path)
        for page in PAGES
        if page.method == "GET" and page.access in allowed
    ]


def wrong_with(page: Watched, address: str) -> list[str]:
    """What a person would stumble over."""
    page.go(address)
    status = page.page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
    found = [] if status == 200 else [f"status {status}"]
    found += [violations(page.page)]
    wide = page.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found += [f"{wide} px wider than the screen"] if wide > 0 else []
    return [f"{address}: {one}" for one in found if one]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=lambda screen: screen.name)
def test_an_installer_stumbles_over_nothing(busy_site: Site, browser: Browser, screen: Screen, dark: bool) -> None:
    with watched(browser, busy_site.address, screen, dark=dark) as page:
        let_in(page, busy_site)
        found = [wrong for address in addresses("installer") for wrong in wrong_with(page, address)]
        assert not found, "\n".join(found)


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nor_does_anybody_else(busy_site: Site, browser: Browser, role: Role) -> None:
    with watched(browser, busy_site.address, PHONE, language="de-DE") as page:
        let_in(page, busy_site, role)
        found = [wrong for address in addresses(role) for wrong in wrong_with(page, address)]
        assert not found, "\n".join(found)


def test_an_open_tab_follows_what_happens_and_outlives_the_daemon(site: Site, browser: Browser) -> None:
    with watched(browser, site.address) as page:
        page.foresee("net::ERR_|htmx:sse:error")
        let_in(page, site, "viewer")
        page.go("/")
        before = page.text()
        site.yard.plug_in("POST-2", "CARD-2")
        page.until(f"document.body.innerText !== {before!r}", "the session to be seen")
        page.page.evaluate("window.untouched = true")
        site.restart(gently=False)
        site.wait_for_stations()
        charging = page.text()
        assert site.yard.leave("POST-2")
        page.until(f"document.body.innerText !== {charging!r}", "the end of the session to be seen", seconds=30)
        assert page.page.evaluate("window.untouched"), "the page was loaded anew"
