"""The setup on a phone in a garage, and at a desk: from the one-time code to the first charge.

Nobody has decided anything for the daemon. Each save begins the gateway anew, and nobody sees more of it than a
moment's wait.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations
from tests.browser.chromium import DESK, PHONE, Screen, Watched, watched
from tests.browser.people import PASSWORD, let_in
from tests.browser.running_site import Site, fresh_site
from tests.end_to_end.running_gateway import Document, wait_until


def is_at(page: Watched, path: str) -> None:
    """The next page is there, after a moment's wait where the gateway begins anew; nothing stands in people's way."""
    page.until(f"location.pathname === '{path}' && document.readyState === 'complete'", path, seconds=30)
    assert violations(page.page) == "", path
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def press(page: Watched, text: str) -> None:
    """The button or link with this text."""
    page.page.get_by_text(text, exact=True).first.click()


def come_in(page: Watched, site: Site) -> None:
    page.go("/welcome")
    page.page.fill("#code", site.one_time_code())
    page.page.fill("#name", "Kim")
    page.page.fill("#password", PASSWORD)
    page.page.fill("#again", PASSWORD)
    press(page, "Go on")
    is_at(page, "/setup")


def add_the_meter(page: Watched, site: Site) -> None:
    """Tried first, then added; the main fuse follows it."""
    page.page.check("input[name=line][value=network]")
    page.page.fill("#host", "127.0.0.1")
    page.page.fill("#port", str(site.meter_port))
    press(page, "Try it")
    page.until_text("It answers.")
    assert page.page.evaluate("document.querySelector('#device').checkVisibility()") is False
    press(page, "Add this meter")
    is_at(page, "/setup/meters")
    page.until_text("unit")
    meters = cast(list[Document], site.gateway.get("/setup")["meters"])
    assert [meter["name"] for meter in meters] == ["grid"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=lambda screen: screen.name)
def test_from_the_code_to_the_first_charge(place: Path, browser: Browser, screen: Screen, dark: bool) -> None:
    with fresh_site(place) as site, watched(browser, site.address, screen, dark=dark) as page:
        come_in(page, site)
        site.yard.switch_on("CP-1")
        press(page, "Site")
        is_at(page, "/setup/site")
        assert page.page.input_value("#timezone") == "Europe/Amsterdam"
        page.page.fill("#name", "Harbour garage")
        press(page, "Save and go on")
        is_at(page, "/setup/fuse")
        assert "Harbour garage" in page.page.inner_text("header")
        page.page.fill("#main-l1", "40")
        press(page, "Save the main fuse")
        is_at(page, "/setup/fuse")
        press(page, "Next")
        is_at(page, "/setup/meters")
        add_the_meter(page, site)
        press(page, "Next")
        is_at(page, "/setup/stations")
        assert page.page.inner_text("#address-1") == f"{site.gateway.ocpp_url}/"
        press(page, "Copy")
        page.until_text("Copied")
        assert page.page.evaluate("getSelection().toString()") == f"{site.gateway.ocpp_url}/"
        page.until_text("The unknown station CP-1 tried to connect", seconds=60)
        press(page, "Accept CP-1")
        is_at(page, "/setup/stations/CP-1")
        press(page, "Accept this station")
        is_at(page, "/setup/stations")
        page.until("document.querySelector('#setup-known').innerText.includes('Free')", "the station", seconds=60)
        press(page, "Next")
        is_at(page, "/setup/cards")
        learn_a_card(page, site)
        page.go("/setup/done")
        is_at(page, "/setup/done")
        page.until_text("hold a known card")
        site.yard.plug_in("CP-1", "CARD-1")
        page.until_text("It charges", seconds=60)
        assert site.yard.is_charging("CP-1")
        page.go("/setup")
        page.until_text("Everything is set up.")


def learn_a_card(page: Watched, site: Site) -> None:
    """Held to the station, seen on the page, saved there."""
    press(page, "Learn a card")
    is_at(page, "/access/learn")
    press(page, "Wait for a card")
    is_at(page, "/access/learn")
    site.yard.plug_in("CP-1", "CARD-1")
    page.until_text("CARD-1", seconds=30)
    site.gateway.put("/id-tags/CARD-1", {"status": "Accepted"})
    wait_until(lambda: site.gateway.connector_status("CP-1", 1) == "Available", "the refused driver to leave")


def test_free_charging_is_decided_without_scripts(place: Path, browser: Browser) -> None:
    with fresh_site(place) as site, watched(browser, site.address, DESK, scripts=False) as page:
        let_in(page, site)
        page.go("/setup/cards")
        page.page.check("input[value=accept]")
        press(page, "Save")
        page.page.wait_for_url("**/setup/done", timeout=30_000)
        assert "hold any card" in page.text()
