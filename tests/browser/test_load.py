"""Two hundred stations on the overview: an open tab gets little, keeps what it has, and is hardly busy.

No wall time is asserted, for the machine may be busy with other things: what is sent and kept is, and the CPU time of
the page's main thread.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession

from tests.browser.chromium import Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import Site, running_site
from tests.end_to_end.running_gateway import wait_until

STATIONS = 200
CHARGING = 20
MESSAGES = 30
SHORTEST_PAUSE_SECONDS = 0.5
MOST_BUSY_SHARE = 0.25
_NOTES = """
window.notes = { times: [], repeated: [], pieces: 0, known: {} };
document.addEventListener("htmx:sse:before:message", (event) => {
  const notes = window.notes;
  notes.times.push(performance.now() / 1000);
  const told = document.createElement("template");
  told.innerHTML = event.detail.message.data.replaceAll("hx-partial", "section");
  for (const piece of told.content.children) {
    const id = piece.getAttribute("hx-target");
    if (notes.known[id] === piece.innerHTML) notes.repeated.push(id);
    notes.known[id] = piece.innerHTML;
    notes.pieces += 1;
  }
});
"""
_MARK = "document.querySelectorAll('.station-card').forEach((card) => { card.marked = true; })"
_ELEMENTS = "document.getElementsByTagName('*').length"
_MARKED = "[...document.querySelectorAll('.station-card')].filter((card) => card.marked).length"


def opened(page: Watched, site: Site) -> CDPSession:
    let_in(page, site, "operator")
    page.page.add_init_script(_NOTES)
    page.go("/")
    page.until("window.notes.times.length > 0", "the first message", seconds=60)
    session = page.context.new_cdp_session(page.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    return session


def measured(session: CDPSession) -> dict[str, float]:
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def follow(page: Watched, site: Site, messages: int) -> None:
    """Until so many messages more have come, while the building never draws the same twice."""
    chance = random.Random(1)
    upto = page.page.evaluate("window.notes.times.length") + messages

    def arrived() -> Any:
        site.yard.building = (chance.uniform(2, 12), chance.uniform(2, 12), chance.uniform(2, 12))
        return page.page.evaluate("window.notes.times.length") >= upto

    wait_until(arrived, "messages", patience_seconds=120)


def test_two_hundred_stations_stay_smooth(browser: Browser, place: Path) -> None:
    with running_site(place, stations=STATIONS, speed=2.0) as site:
        for number in range(1, CHARGING + 1):
            site.yard.plug_in(f"POST-{number}", f"CARD-{number}")
        for number in range(1, CHARGING + 1):
            wait_until(lambda number=number: site.yard.is_charging(f"POST-{number}"), "the sessions")  # type: ignore[misc]
        with watched(browser, site.address) as page:
            session = opened(page, site)
            follow(page, site, 2)  # sessions have come to the page
            page.page.evaluate(_MARK)
            elements = page.page.evaluate(_ELEMENTS)
            before = measured(session)
            began = page.page.evaluate("performance.now() / 1000")
            follow(page, site, MESSAGES)
            after = measured(session)
            notes = page.page.evaluate("({ ...window.notes, known: 0, ended: performance.now() / 1000 })")
            assert page.page.evaluate(_MARKED) == STATIONS, "a card was made anew"
            assert notes["repeated"] == [], "a piece was sent that had not changed"
            assert page.page.evaluate(_ELEMENTS) <= 1.05 * elements
            times = [time for time in notes["times"] if time >= began]
            assert len(times) - 1 <= (notes["ended"] - began) / SHORTEST_PAUSE_SECONDS + 1
            spent = after["TaskDuration"] - before["TaskDuration"]
            assert spent <= MOST_BUSY_SHARE * (notes["ended"] - began)
