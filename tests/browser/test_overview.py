"""The overview of a site at which nothing is yet."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.chromium import watched
from tests.browser.people import let_in
from tests.browser.running_site import running_site

NONE_YET = "No station is known yet."


def test_the_first_station_takes_the_place_of_the_word_that_there_is_none(browser: Browser, place: Path) -> None:
    with running_site(place, stations=0, meter=False) as site, watched(browser, site.address) as page:
        let_in(page, site, "viewer")
        page.go("/")
        page.until_text(NONE_YET)
        site.yard.switch_on("FIRST")
        page.until("document.querySelector('.station-card')", "the card")
        page.until(f"!document.body.innerText.includes('{NONE_YET}')", "no more word of none")
