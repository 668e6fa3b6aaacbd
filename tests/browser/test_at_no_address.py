"""The frame around every screen, seen where nothing stands: in each language, on each screen, light and dark."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations
from tests.browser.chromium import DESK, PHONE, Screen, watched
from tests.browser.running_site import running_site

LANGUAGES = ("en", "de", "nl", "fr")


def test_the_frame_is_clean_for_everybody(place: Path, browser: Browser) -> None:
    looks = itertools.product((PHONE, DESK), (False, True), LANGUAGES)
    with running_site(place, stations=0) as site:
        for screen, dark, language in looks:
            with watched(browser, site.address, screen, dark=dark, language=language) as page:
                page.foresee("status of 404")
                page.go("/nowhere")
                assert page.page.get_attribute("html", "lang") == language
                assert violations(page.page) == "", (screen.name, dark, language)
                assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), screen.name


@pytest.mark.parametrize("screen", [PHONE, DESK], ids=lambda screen: screen.name)
def test_it_can_be_read_without_scripts(place: Path, browser: Browser, screen: Screen) -> None:
    with (
        running_site(place, stations=0) as site,
        watched(browser, site.address, screen, scripts=False) as page,
    ):
        page.foresee("status of 404")
        page.go("/nowhere")
        assert "There is no page at this address." in page.text()
