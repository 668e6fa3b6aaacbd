"""The page by keyboard alone: what the eye finds the Tab key finds, focus is seen, and is not lost to what is live."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.browser.chromium import DESK, PHONE, Watched, watched
from tests.browser.people import PASSWORD, account, let_in
from tests.browser.running_site import Site
from tests.end_to_end.running_gateway import wait_until

_MOST_STOPS = 120
_FOCUSED = """
(() => {
    const each = document.activeElement;
    const name = each.labels?.[0]?.innerText || each.innerText || each.getAttribute('aria-label') || '';
    return name.split('\\n')[0].trim();
})()
"""
_IS_SEEN = """
(() => {
    const style = getComputedStyle(document.activeElement);
    return document.activeElement.matches(':focus-visible')
        && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
})()
"""


def press(page: Watched, *keys: str) -> None:
    """One after the other."""
    for key in keys:
        page.page.keyboard.press(key)


def tab_to(page: Watched, name: str) -> None:
    """Go on by Tab until the control with this name has the focus, which must be seen all the way."""
    passed = []
    for _ in range(_MOST_STOPS):
        press(page, "Tab")
        focused = page.page.evaluate(_FOCUSED)
        passed.append(focused)
        if page.page.evaluate("document.activeElement !== document.body"):
            assert page.page.evaluate(_IS_SEEN), f"the focus is not seen on {focused!r}"
        if focused == name:
            return
    raise AssertionError(f"Tab does not lead to {name!r} on {page.page.url}, only to {passed}")


def charging(site: Site) -> None:
    """A car at POST-1."""
    site.yard.plug_in("POST-1", "CARD-1")
    wait_until(lambda: len(site.gateway.transactions("POST-1")) == 1, "the session to be known")


def test_from_the_login_to_the_end_of_a_session(site: Site, browser: Browser) -> None:
    name = account(site, "operator")
    charging(site)
    with watched(browser, site.address, PHONE) as page:
        page.go("/")
        tab_to(page, "Name")
        page.page.keyboard.type(name)
        press(page, "Tab")
        page.page.keyboard.type(PASSWORD)
        press(page, "Enter")
        page.until_text("Overview")
        tab_to(page, "Menu")
        press(page, "Enter")
        assert page.page.get_attribute(".menu-button", "aria-expanded") == "true"
        tab_to(page, "Sessions")
        press(page, "Enter")
        page.until_text("Running now")
        tab_to(page, "POST-1 · connector 1")
        press(page, "Enter")
        page.until_text("End the session")
        tab_to(page, "End the session")
        press(page, "Enter")
        page.until("document.querySelector('#question').open", "the question")
        tab_to(page, "Yes, go on")
        press(page, "Enter")
        wait_until(lambda: not site.yard.is_charging("POST-1"), "the station to stop")
        page.until_text("Stopped from afar")


def test_a_filter_is_used(site: Site, browser: Browser) -> None:
    charging(site)
    with watched(browser, site.address) as page:
        let_in(page, site, "viewer")
        page.go("/sessions")
        tab_to(page, "State")
        page.page.keyboard.type("End")
        tab_to(page, "Show")
        press(page, "Enter")
        page.until("new URLSearchParams(location.search).get('state') === 'ended'", "the answer to the filter")
        assert page.page.locator("select[name=state]").input_value() == "ended"


def test_a_question_is_answered_and_the_focus_comes_back(site: Site, browser: Browser) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site, "operator")
        page.go("/stations/POST-2/actions#reset")
        page.page.locator("#reset summary").focus()
        if page.page.get_attribute("#reset", "open") is None:
            press(page, "Enter")
        tab_to(page, "Restart")
        press(page, "Enter")
        page.until("document.querySelector('#question').open", "the question")
        assert page.page.evaluate(_FOCUSED) == "Cancel", "what harms nobody comes first"
        press(page, "Escape")
        page.until("!document.querySelector('#question').open", "no more question")
        assert page.page.evaluate(_FOCUSED) == "Restart", "the focus is back where it was"
        assert site.yard.is_accepted("POST-2"), "Escape is no"
        press(page, "Enter")
        page.until("document.querySelector('#question').open", "the question again")
        press(page, "Shift+Tab")
        page.until(f"({_FOCUSED}) === 'Yes, go on'", "the focus on yes")
        press(page, "Enter")
        page.until("!document.querySelector('#question').open", "the answer")
        page.until_text("The station restarts.")
        site.wait_for_stations()


def test_only_what_could_harm_is_asked_about(site: Site, browser: Browser) -> None:
    """Out of service, not in service; a limit of nothing, not one of 16 A."""
    with watched(browser, site.address) as page:
        let_in(page, site, "operator")
        page.go("/stations/POST-2/actions?open=availability")
        page.page.locator("#availability-kind").select_option("Inoperative")
        page.page.locator("#availability").get_by_role("button", name="Change").click()
        page.until("document.querySelector('#question').open", "the question")
        page.page.locator("#question button", has_text="Cancel").click()
        page.page.locator("#availability-kind").select_option("Operative")
        page.page.locator("#availability").get_by_role("button", name="Change").click()
        page.until("document.querySelector('#availability').innerText.includes('Accepted')", "the answer")
        assert not page.page.evaluate("document.querySelector('#question').open")
        page.go("/load/circuits/main")
        page.page.locator("#limit_amps").fill("0/16/16")
        page.page.get_by_role("button", name="Set the limit").click()
        page.until("document.querySelector('#question').open", "the question")
        page.page.locator("#question button", has_text="Cancel").click()
        assert not page.page.locator("#until").is_visible(), "only for a time of one's own"
        page.page.locator("#minutes").select_option("until")
        assert page.page.locator("#until").is_visible()
        page.page.locator("#minutes").select_option("30")
        page.page.locator("#limit_amps").fill("16/10/16")
        page.page.get_by_role("button", name="Set the limit").click()
        page.until_text("is limited to 16")
        page.page.get_by_role("button", name="Lift it").click()
        page.until_text("is lifted")


def test_a_question_asked_again_at_once_is_answered_too(site: Site, browser: Browser) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site, "operator")
        page.go("/stations/POST-2/actions?open=reset")
        button = "document.querySelector('#reset form button')"
        page.page.evaluate(f"{button}.click()")
        # the first "close" is only told when the second question is there
        page.page.evaluate(f"() => {{ document.querySelector('#question').close('no'); {button}.click(); }}")
        page.page.locator("#question button", has_text="Yes, go on").click()
        page.until_text("The station restarts.", seconds=60)
        site.wait_for_stations()


def test_what_is_live_does_not_take_the_focus(site: Site, browser: Browser) -> None:
    with watched(browser, site.address, DESK) as page:
        let_in(page, site, "operator")
        page.go("/")
        page.until_text("POST-1")
        page.page.locator(".station-card a", has_text="POST-1").focus()
        before = page.page.locator(".station-card", has_text="POST-1").inner_text()
        charging(site)
        page.until(f"!document.body.innerText.includes({before!r})", "the card to change")
        page.until_text("CARD-1")
        assert page.page.evaluate(_FOCUSED) == "POST-1"
        press(page, "Enter")
        page.until("location.pathname === '/stations/POST-1'", "the station's page")


def test_the_first_stop_leads_past_the_menu(site: Site, browser: Browser) -> None:
    with watched(browser, site.address, DESK) as page:
        let_in(page, site, "operator")
        page.go("/load")
        tab_to(page, "Skip to the content")
        press(page, "Enter")
        assert page.page.evaluate("document.activeElement.id") == "content"
        tab_to(page, "main")
