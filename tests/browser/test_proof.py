"""Whole stories as people live them, on a phone and on a desk, in daylight and at night: what the page shows is true.

The stories share one site and leave its stations idle. That a site is set up from nothing is told in `test_setup`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.browser.busy_site import add_image
from tests.browser.chromium import DESK, PHONE, Screen, Watched, watched
from tests.browser.people import PASSWORD, Role, let_in
from tests.browser.running_site import FUSE_AMPS, Site, running_site, short_directory
from tests.end_to_end.running_gateway import Document, wait_until

KNOWN_CARD = "CARD-1"
WANTED_AMPS = 14.0
ALLOWANCE_AMPS = 10  # what the building leaves for a car on the first line, when the limit is lowered


@dataclass(frozen=True, slots=True)
class Kind:
    """How somebody looks at the page; `number` tells the kinds apart on the site that they share."""

    number: int
    screen: Screen
    dark: bool

    def __str__(self) -> str:
        return f"{self.screen.name}-{'dark' if self.dark else 'light'}"


KINDS = tuple(
    Kind(number, screen, dark)
    for number, (screen, dark) in enumerate([(PHONE, False), (PHONE, True), (DESK, False), (DESK, True)], 1)
)


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each story is lived four times."""
    assert isinstance(request.param, Kind)
    return request.param


@pytest.fixture(scope="module")
def depot() -> Iterator[Site]:
    """Three stations that let only known cards charge."""
    with short_directory() as directory, running_site(directory, stations=3, unknown_tags="refuse") as site:
        site.gateway.put(f"/id-tags/{KNOWN_CARD}", {"status": "Accepted", "note": "Anna, van 3"})
        yield site


@pytest.fixture
def page(depot: Site, browser: Browser, kind: Kind) -> Iterator[Watched]:
    """A browser that nobody is logged in to; it must be clean in the end."""
    try:
        with watched(browser, depot.address, kind.screen, dark=kind.dark) as opened:
            yield opened
    finally:
        leave_all(depot)


def session_of(site: Site, station: str, card: str = KNOWN_CARD) -> Document:
    """A driver comes to the station; his session, when the gateway knows of it."""
    before = len(site.gateway.transactions(station))
    site.yard.plug_in(station, card)
    wait_until(lambda: len(site.gateway.transactions(station)) > before, "the session to be known")
    return site.gateway.transactions(station)[-1]


def leave_all(site: Site) -> None:
    """Nobody charges any more."""
    for station in site.stations:
        site.yard.leave(station)
        wait_until(
            lambda station=station: all(each["stop_time"] for each in site.gateway.transactions(station)),  # type: ignore[misc]
            f"the end of all sessions of {station}",
        )


def menu(page: Watched, name: str) -> None:
    """Go to one of the screens as people do."""
    button = page.page.get_by_role("button", name="Menu")
    if button.is_visible():
        button.click()
    page.page.get_by_role("navigation", name="Screens").get_by_role("link", name=name, exact=True).click()


def click(page: Watched, name: str) -> None:
    """The one button with this name."""
    page.page.get_by_role("button", name=name, exact=True).click()


def enter(page: Watched, site: Site, role: Role) -> None:
    """Somebody who is logged in already opens the page."""
    let_in(page, site, role)
    page.go("/")


def test_a_code_leads_to_a_login_and_a_password_back_in(depot: Site, page: Watched, kind: Kind) -> None:
    name = f"Installer {kind.number}"
    page.go("/")
    page.page.get_by_role("link", name="I have a one-time code").click()
    page.page.get_by_label("One-time code").fill(depot.one_time_code().lower())
    page.page.get_by_label("Name").fill(name)
    page.page.get_by_label("Password", exact=False).first.fill(PASSWORD)
    page.page.get_by_label("Password once more").fill(PASSWORD)
    click(page, "Go on")
    page.until("location.pathname.startsWith('/setup')", "the setup")
    page.go("/account")
    assert name in page.text() and "installer" in page.text()
    if kind.screen.touch:
        click(page, "Menu")
    click(page, "Log out")
    page.until_text("You are logged out.")
    page.page.get_by_label("Name").fill(name)
    page.page.get_by_label("Password").fill(PASSWORD)
    click(page, "Log in")
    page.until("document.querySelector('h1')?.innerText === 'Overview'", "the overview")


def test_an_operator_ends_a_session_from_afar(depot: Site, page: Watched) -> None:
    enter(page, depot, "operator")
    session = session_of(depot, "POST-1")
    wait_until(lambda: sum(depot.yard.amps("POST-1")) > 0, "the car to draw")
    menu(page, "Sessions")
    page.page.locator("#running").get_by_role("link", name=re.compile("POST-1")).click()
    page.until_text("Running")
    click(page, "End the session")
    page.until("document.querySelector('#ending')?.innerText.trim() === ''", "no more button")
    page.until_text("Ended")
    wait_until(lambda: not depot.yard.is_charging("POST-1"), "the station to stop")
    page.until_text("Stopped from afar")
    ended = next(
        each for each in depot.gateway.transactions("POST-1") if each["transaction_id"] == session["transaction_id"]
    )
    assert ended["reason"] == "Remote"
    shown = page.page.locator("#facts .big").inner_text()
    assert re.fullmatch(r"[\d.,]+\s(Wh|kWh)", shown), shown
    page.go("/sessions")
    page.until_text("Nobody is charging now.")


def test_a_lowered_limit_is_obeyed_and_named_until_it_is_lifted(depot: Site, page: Watched) -> None:
    enter(page, depot, "operator")
    session_of(depot, "POST-2")
    depot.yard.want("POST-2", WANTED_AMPS)
    free = (WANTED_AMPS, WANTED_AMPS, WANTED_AMPS)
    wait_until(lambda: depot.yard.amps("POST-2") == free, "the car to draw all it can")
    lowered = int(max(depot.yard.building)) + ALLOWANCE_AMPS
    menu(page, "Load")
    page.page.get_by_role("link", name="main").first.click()
    page.page.get_by_label("Limit per phase in A").fill(str(lowered))
    click(page, "Set the limit")
    page.until_text(f"Limited to {lowered} A")
    wait_until(lambda: 0 < max(depot.yard.amps("POST-2")) <= ALLOWANCE_AMPS, "the car to draw less")
    page.until_text(f"of {lowered} A")
    menu(page, "Overview")
    page.until_text(f"Lowered to {lowered} A instead of {FUSE_AMPS} A by:")
    card = "[...document.querySelectorAll('.station-card')].find(each => each.innerText.includes('POST-2')).innerText"
    page.until(f"{card}.includes('main')", "the reason on the station's card")
    menu(page, "Load")
    click(page, "Lift it")
    page.until("!document.body.innerText.includes('is limited to')", "the limit to be gone")
    wait_until(lambda: depot.yard.amps("POST-2") == free, "the car to draw as before")
    menu(page, "Overview")
    page.until("!document.body.innerText.includes('Lowered to')", "no lowered limit on the overview")


def test_an_unknown_card_is_learned_and_charges(depot: Site, page: Watched, kind: Kind) -> None:
    card = f"04A2B3C4D5E6{kind.number:02}"
    enter(page, depot, "operator")
    menu(page, "Access")
    page.page.get_by_role("link", name="Hold a card to a station").click()
    click(page, "Wait for a card")
    page.until_text("Hold the card to a station now")
    depot.yard.plug_in("POST-3", card)
    page.until_text("This card is not in the list.")
    assert not depot.yard.is_charging("POST-3")
    assert card in page.text()
    page.page.get_by_role("link", name="Save this card").click()
    page.page.get_by_label("Note").fill("Berta, van 4")
    click(page, "Save")
    page.until_text("Berta, van 4")
    session_of(depot, "POST-3", card)
    menu(page, "Sessions")
    page.until_text(card)
    page.until_text("Berta, van 4")


def test_a_rollout_is_begun_and_watched_to_its_end(depot: Site, page: Watched, kind: Kind) -> None:
    version = f"2.0.{kind.number}"
    add_image(depot, version)
    enter(page, depot, "operator")
    menu(page, "Firmware")
    page.page.get_by_role("link", name=re.compile(re.escape(version))).first.click()
    page.page.get_by_role("link", name="Bring it to stations").click()
    page.page.get_by_label("Only those that I choose").check()
    for station in ("POST-1", "POST-2", "POST-3"):
        page.page.get_by_label(re.compile(f"^{station}")).set_checked(station != "POST-1")
    page.page.get_by_label(re.compile("^Connected for at least")).fill("0")
    page.page.get_by_text("Tries and time limits").click()
    page.page.get_by_label(re.compile("^Must be well for")).fill("1")
    page.page.get_by_label(re.compile("^Never more than this share")).fill("100")
    click(page, "See what would happen")
    page.until_text("2 stations take part. Nothing has begun yet.")
    click(page, "Begin")
    page.until_text("The rollout has begun.")
    page.page.evaluate("window.untouched = true")
    page.until("document.querySelector('[id^=wave-]').innerText.match(/\\d+\\s?%/)", "how much a station has loaded")
    page.until_text("1 of 2", seconds=60)
    page.until_text("2 of 2", seconds=60)
    page.until("document.querySelector('#campaign .badge').innerText === 'Finished'", "the end of the rollout")
    assert page.page.evaluate("window.untouched"), "the page was loaded anew"
    assert [depot.yard.firmware(station) for station in ("POST-2", "POST-3")] == [version, version]
    assert page.text().count(f"→ {version}") == 2
