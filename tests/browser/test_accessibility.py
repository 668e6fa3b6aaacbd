"""Every screen with data on it, for everybody: as axe-core judges it, on narrow screens, and for thick fingers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations
from tests.browser.busy_site import BusySite, busy_site
from tests.browser.chromium import DESK, PHONE, Screen, Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import short_directory

NARROW = Screen("narrow", 320, 640, touch=True)  # WCAG 1.4.10: what a desk at 400 % has, or a small phone
STRANGERS = ("/login", "/welcome")
LEAST_TARGET = 24  # WCAG 2.2, 2.5.8
LEAST_MAIN_TARGET = 44

# Links in the middle of a sentence are exempt from 2.5.8, as their lines decide their height; a choice is touched by
# its whole label.
_TARGETS = """
[...document.querySelectorAll('nav a, form a, button, .button, summary, input, select, textarea, .cards a')]
    .filter(each => each.checkVisibility({ visibilityProperty: true }) && each.type !== 'hidden')
    .map(each => each.matches('label input') && each.closest('label') || each)
    .map(each => ({
        what: each.outerHTML.slice(0, 120),
        sentence: each.tagName === 'A' && getComputedStyle(each).display === 'inline' && !each.closest('nav'),
        main: each.matches('button:not(.plain), .button:not(.plain)'),
        width: each.getBoundingClientRect().width,
        height: each.getBoundingClientRect().height,
    }))
"""
_FACTS = """
({
    headings: document.querySelectorAll('h1').length,
    title: document.title,
    language: document.documentElement.lang,
    wide: document.documentElement.scrollWidth - innerWidth,
})
"""


@pytest.fixture(scope="module")
def busy() -> Iterator[BusySite]:
    """One site for all tests here, as they only look."""
    with short_directory() as directory, busy_site(directory) as site:
        yield site


def small(page: Watched) -> list[str]:
    """Controls that a finger misses."""
    found = []
    for each in cast(list[dict[str, object]], page.page.evaluate(_TARGETS)):
        least = LEAST_MAIN_TARGET if each["main"] else LEAST_TARGET
        width, height = cast(float, each["width"]), cast(float, each["height"])
        if not each["sentence"] and (height < least - 0.5 or width < LEAST_TARGET - 0.5):
            found.append(f"{width:g} x {height:g} px: {each['what']}")
    return found


def mistakes(page: Watched, language: str) -> list[str]:
    """What each document must have, whatever is on it."""
    facts = page.page.evaluate(_FACTS)
    found = [f"{facts['headings']} h1"] if facts["headings"] != 1 else []
    found += ["no title"] if facts["title"].partition("·")[0].strip() == "" else []
    found += [f"lang={facts['language']}"] if facts["language"] != language else []
    return found + ([f"{facts['wide']} px wider than the screen"] if facts["wide"] > 0 else [])


def each_screen(busy: BusySite, page: Watched) -> Iterator[str]:
    """Open one after the other: what a stranger sees, then everything, as an installer; folded parts are unfolded."""
    for address in (*STRANGERS, None, *busy.addresses("installer")):
        if address is None:
            let_in(page, busy.site)
            continue
        page.go(address)
        page.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        yield address


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=lambda screen: screen.name)
def test_axe_finds_nothing_on_any_screen(busy: BusySite, browser: Browser, screen: Screen, dark: bool) -> None:
    with watched(browser, busy.site.address, screen, dark=dark) as page:
        found = []
        for address in each_screen(busy, page):
            found += [f"{address}: {one}" for one in (*mistakes(page, "en"), violations(page.page)) if one]
        assert not found, "\n".join(found)


@pytest.mark.parametrize("screen", [PHONE, NARROW], ids=lambda screen: screen.name)
def test_fingers_find_everything_and_nothing_is_wider_than_the_screen(
    busy: BusySite, browser: Browser, screen: Screen
) -> None:
    with watched(browser, busy.site.address, screen, language="de-DE") as page:
        found = []
        for address in each_screen(busy, page):
            found += [f"{address}: {one}" for one in (*mistakes(page, "de"), *small(page))]
        assert not found, "\n".join(found)


def test_a_form_with_mistakes_is_accessible_as_well(busy: BusySite, browser: Browser) -> None:
    with watched(browser, busy.site.address, PHONE) as page:
        page.foresee("status of 4(01|22)")
        let_in(page, busy.site)
        page.go("/load/circuits/main")
        page.page.locator("#limit_amps").fill("much")
        page.page.get_by_role("button", name="Set the limit").click()
        page.until("document.querySelector('[aria-invalid=true]')", "the mistake")
        assert violations(page.page) == ""
        assert page.page.locator("#limit_amps").input_value() == "much"
