"""Whole stories as people live them, on a phone and on a desk, in daylight and at night: what the page shows is true.

The stories share a site and leave its stations idle. Short ones are lived once in each way to look; where the site
takes its time, four people look at once, each in another way. That a site is set up from nothing is told in
`test_setup`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.busy_site import add_image
from tests.browser.chromium import DESK, PHONE, Screen, Watched, watched
from tests.browser.people import PASSWORD, Role, let_in
from tests.browser.running_site import FUSE_AMPS, Site, running_site, short_directory
from tests.end_to_end.running_gateway import Document, wait_until

KNOWN_CARD = "CARD-1"
WANTED_AMPS = 16.0
ALLOWANCE_AMPS = 14  # what the building leaves for a car on the first line, when the limit is lowered


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
    with ExitStack() as afterwards:
        afterwards.callback(leave_all, depot)
        yield afterwards.enter_context(watched(browser, depot.address, kind.screen, dark=kind.dark))


@pytest.fixture
def pages(depot: Site, browser: Browser) -> Iterator[list[Watched]]:
    """Four operators with the page before them, each in another way; all must be clean in the end."""
    with ExitStack() as afterwards:
        afterwards.callback(leave_all, depot)
        opened = [
            afterwards.enter_context(watched(browser, depot.address, kind.screen, dark=kind.dark)) for kind in KINDS
        ]
        for each in opened:
            enter(each, depot, "operator")
        yield opened


def leave_all(site: Site) -> None:
    """Nobody charges any more."""
    for station in site.stations:
        site.yard.leave(station)
        wait_until(
            lambda station=station: all(each["stop_time"] for each in site.gateway.transactions(station)),  # type: ignore[misc]
            f"the end of all sessions of {station}",
        )


def session_of(site: Site, station: str, card: str = KNOWN_CARD) -> Document:
    """A driver comes to the station; his session, when the gateway knows of it."""
    before = len(site.gateway.transactions(station))
    site.yard.plug_in(station, card)
    wait_until(lambda: len(site.gateway.transactions(station)) > before, "the session to be known")
    return site.gateway.transactions(station)[-1]


def menu(page: Watched, name: str) -> None:
    """Go to one of the screens as people do."""
    open_menu(page)
    page.page.get_by_role("navigation", name="Screens").get_by_role("link", name=name, exact=True).click()


def open_menu(page: Watched) -> None:
    """It is always open on a desk."""
    button = page.page.get_by_role("button", name="Menu")
    if button.is_visible():
        button.click()


def click(page: Watched, name: str) -> None:
    """The one button with this name."""
    page.page.get_by_role("button", name=name, exact=True).click()


def enter(page: Watched, site: Site, role: Role) -> None:
    """Somebody who is logged in already opens the page."""
    let_in(page, site, role)
    page.go("/")


def log_in(page: Watched, name: str) -> None:
    """By the form that is open."""
    page.page.locator("#name").fill(name)
    page.page.locator("#password").fill(PASSWORD)
    click(page, "Log in")
    page.until("document.querySelector('h1')?.innerText === 'Overview'", "the overview")


def test_a_code_leads_to_a_login_and_a_password_back_in(depot: Site, page: Watched, kind: Kind) -> None:
    name = f"Installer {kind.number}"
    page.go("/")
    page.page.get_by_role("link", name="I have a one-time code").click()
    page.page.locator("#code").fill(depot.one_time_code().lower())
    page.page.locator("#name").fill(name)
    for field in ("#password", "#again"):
        page.page.locator(field).fill(PASSWORD)
    click(page, "Go on")
    page.until("location.pathname.startsWith('/setup')", "the setup")
    open_menu(page)
    page.page.get_by_role("link", name=name).click()
    page.until_text("Who I am")
    assert "installer" in page.text()
    open_menu(page)
    click(page, "Log out")
    page.until_text("You are logged out.")
    log_in(page, name)


def test_an_operator_ends_a_session_from_afar(depot: Site, page: Watched) -> None:
    enter(page, depot, "operator")
    session = session_of(depot, "POST-1")
    wait_until(lambda: sum(depot.yard.amps("POST-1")) > 0, "the car to draw")
    menu(page, "Sessions")
    page.page.locator("#running").get_by_role("link", name=re.compile("POST-1")).click()
    page.until_text("Running")
    click(page, "End the session")
    click(page, "Yes, go on")
    page.until("document.querySelector('#ending')?.innerText.trim() === ''", "no more button")
    page.until_text("Ended")
    wait_until(lambda: not depot.yard.is_charging("POST-1"), "the station to stop")
    page.until_text("Stopped from afar")
    ended = depot.gateway.get(f"/transactions/{session['transaction_id']}")
    assert ended["reason"] == "Remote"
    shown = page.page.locator("#facts .big").inner_text()
    assert re.fullmatch(r"[\d.,]+\s(Wh|kWh)", shown), shown
    page.go("/sessions")
    page.until_text("Nobody is charging now.")


def test_an_unknown_card_is_learned_and_charges(depot: Site, page: Watched, kind: Kind) -> None:
    card = f"04A2B3C4D5E6{kind.number:02}"
    enter(page, depot, "operator")
    menu(page, "Access")
    page.page.get_by_role("link", name="Hold a card to a station").click()
    page.page.get_by_role("button", name=re.compile("^(Wait for a card|Next card)$")).click()
    page.until_text("Hold the card to a station now")
    depot.yard.plug_in("POST-3", card)
    page.until_text(card)
    page.until_text("This card is not in the list.")
    assert not depot.yard.is_charging("POST-3")
    page.page.get_by_role("listitem").filter(has_text=card).get_by_role("link", name="Save this card").click()
    page.page.get_by_label("Note").fill("Berta, van 4")
    click(page, "Save")
    page.until_text("Berta, van 4")
    session_of(depot, "POST-3", card)
    menu(page, "Sessions")
    page.until_text(card)
    page.until_text("Berta, van 4")


def test_a_lowered_limit_is_obeyed_and_named_until_it_is_lifted(depot: Site, pages: list[Watched]) -> None:
    session_of(depot, "POST-2")
    depot.yard.want("POST-2", WANTED_AMPS)
    free = (WANTED_AMPS, WANTED_AMPS, WANTED_AMPS)
    wait_until(lambda: depot.yard.amps("POST-2") == free, "the car to draw all it can")
    drawn = "16 A\n"
    lowered = int(max(depot.yard.building)) + ALLOWANCE_AMPS
    for page in pages:
        page.until_text(drawn)
    for page in pages:  # everybody sets it, which is the same limit again
        menu(page, "Load")
        page.page.get_by_role("link", name="main").first.click()
        page.page.locator("#limit_amps").fill(str(lowered))
        click(page, "Set the limit")
        page.until_text(f"Limited to {lowered} A")
        page.until_text(f"of {lowered} A")
        menu(page, "Overview")
    wait_until(
        lambda: 0 < max(depot.yard.amps("POST-2")) <= ALLOWANCE_AMPS, "the car to draw less", patience_seconds=60
    )
    for page in pages:
        page.until_text(f"Lowered to {lowered} A instead of {FUSE_AMPS} A by:")
        card = page.page.locator(".station-card", has_text="POST-2")
        page.until_text(f"of {lowered} A")
        assert "main" in card.locator(".why").inner_text()
    menu(pages[0], "Load")
    click(pages[0], "Lift it")
    pages[0].until("!document.body.innerText.includes('is limited to')", "the limit to be gone")
    for page in pages[1:]:
        page.until("!document.body.innerText.includes('Lowered to')", "no lowered limit on the overview")
    wait_until(lambda: depot.yard.amps("POST-2") == free, "the car to draw as before", patience_seconds=60)
    for page in pages[1:]:
        page.until_text(drawn)


def test_a_rollout_is_begun_and_watched_to_its_end(depot: Site, pages: list[Watched]) -> None:
    version = "2.0.1"
    add_image(depot, version)
    for page in pages:
        plan_rollout(page, version)
    click(pages[-1], "Begin")
    pages[-1].until_text("The rollout has begun.")
    for page in pages[:-1]:
        menu(page, "Firmware")
        page.page.get_by_role("link", name="Rollouts").click()
        page.page.get_by_role("link", name=re.compile(re.escape(version))).first.click()
    for page in pages:
        page.page.evaluate("window.untouched = true")
    for page in pages:
        page.until("document.querySelector('[id^=wave-]').innerText.match(/\\d+\\s?%/)", "how much has been loaded")
    for done in ("1 of 2", "2 of 2"):
        for page in pages:
            page.until_text(done, seconds=60)
    for page in pages:
        page.until("document.querySelector('#campaign .badge').innerText === 'Finished'", "the end of the rollout")
        assert page.page.evaluate("window.untouched"), "the page was loaded anew"
        assert page.text().count(f"→ {version}") == 2
    assert [depot.yard.firmware(station) for station in ("POST-2", "POST-3")] == [version, version]


def plan_rollout(page: Watched, version: str) -> None:
    """Fill in the form for POST-2 and POST-3, and see what would happen."""
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


@pytest.fixture(scope="module")
def lonely_site() -> Iterator[Site]:
    """One station, for stories that turn everything upside down."""
    with short_directory() as directory, running_site(directory, stations=1) as site:
        yield site


def test_a_backup_brings_back_what_was(lonely_site: Site, browser: Browser, kind: Kind, tmp_path: Path) -> None:
    site = lonely_site
    kept, lost = f"KEPT-{kind.number}", f"LOST-{kind.number}"
    passphrase = "" if kind.dark else "three horses on a boat"
    site.gateway.put(f"/id-tags/{kept}", {"status": "Accepted"})
    with watched(browser, site.address, kind.screen, dark=kind.dark) as page:
        name = let_in(page, site)
        page.go("/")
        file = backed_up(page, tmp_path, passphrase)
        site.gateway.put(f"/id-tags/{lost}", {"status": "Accepted"})
        assert site.gateway.ask("DELETE", f"/id-tags/{kept}").status == 204
        page.page.locator("#file").set_input_files(file)
        page.page.locator("#restore-passphrase").fill(passphrase)
        click(page, "Restore")
        click(page, "Yes, go on")
        page.until_text("The backup is restored.")
        page.go("/access")
        page.until("location.pathname === '/login'", "the login, as the old one is over")
        page.page.locator("#name").fill(name)
        page.page.locator("#password").fill(PASSWORD)
        click(page, "Log in")
        page.until_text(kept)
        assert lost not in page.text()
    site.wait_for_stations()


def backed_up(page: Watched, folder: Path, passphrase: str) -> Path:
    """Go to the backups and download one."""
    menu(page, "System")
    page.page.get_by_role("link", name="Backup", exact=True).click()
    with page.page.expect_download() as download:
        if passphrase:
            page.page.locator("#passphrase").fill(passphrase)
            page.page.locator("#again").fill(passphrase)
            click(page, "Download an encrypted backup")
        else:
            page.page.get_by_role("link", name="Download a backup").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file
