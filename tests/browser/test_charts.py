"""What charts draw and what they are called: every phase where phases differ, and a name for who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence

from playwright.sync_api import Browser, Page

from tests.browser.chromium import watched
from tests.browser.people import let_in
from tests.browser.running_site import Site
from tests.end_to_end.running_gateway import wait_until

HISTORY = "**/api/v1/site/history?*"
CURVE = "**/api/v1/transactions/*/curve"
LEGEND = "[...document.querySelectorAll('power-chart .u-series .u-label')].map((each) => each.textContent)"
MEASURED = ["Time", "L1 measured", "L2 measured", "L3 measured"]
PER_PHASE = ["L1 limit", "L2 limit", "L3 limit"]


def history(page: Page, limit: Sequence[float], allotted: Sequence[float | None]) -> None:
    """From now on the circuit's history is three minutes long and says this."""
    items = [
        {"time": f"2027-01-31T12:0{minute}:00Z", "measured_amps": [1, 2, 3], "limit_amps": limit} for minute in range(3)
    ]
    later = [{**item, "allotted_amps": allotted} for item in items[1:]]
    page.unroute(HISTORY)
    page.route(HISTORY, lambda route: route.fulfill(json={"items": [{**items[0], "allotted_amps": None}, *later]}))


def test_limits_and_shares_are_drawn_for_every_phase_where_they_differ(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site, "viewer")
        history(page.page, [16, 16, 16], [6, 6, 6.01])
        page.go("/load")
        page.until(f"{LEGEND}.length > 0", "the chart")
        assert page.page.evaluate(LEGEND) == [*MEASURED, "Given to cars", "Limit"]
        history(page.page, [16, 16, 10], [6, 6, 6])
        page.page.evaluate("document.querySelector('power-chart').load()")
        page.until(f"{LEGEND}.includes('L3 limit')", "the limits")
        assert page.page.evaluate(LEGEND) == [*MEASURED, "Given to cars", *PER_PHASE]
        assert page.page.evaluate("document.querySelector('power-chart').chart.data.slice(-3)") == [
            [16, 16, 16],
            [16, 16, 16],
            [10, 10, 10],
        ]
        history(page.page, [16, 16, 16], [6, 0, 0])
        page.page.evaluate("document.querySelector('power-chart').load()")
        page.until(f"{LEGEND}.includes('L3 given to cars')", "the shares")
        given = ["L1 given to cars", "L2 given to cars", "L3 given to cars"]
        assert page.page.evaluate(LEGEND) == [*MEASURED, *given, "Limit"]
        drawn = page.page.evaluate("document.querySelector('power-chart').chart.data.slice(-4)")
        assert drawn == [[None, 6, 6], [None, 0, 0], [None, 0, 0], [16, 16, 16]]


def test_every_chart_has_a_name(browser: Browser, site: Site) -> None:
    site.yard.plug_in("POST-1", "CARD-1")
    wait_until(lambda: len(site.gateway.transactions("POST-1")) == 1, "the session to be known")
    number = site.gateway.transactions("POST-1")[0]["transaction_id"]
    point = {"power_w": 4000, "current_amps": [6, 6, 6], "energy_wh": 100, "soc_percent": 40}
    items = [{"time": f"2027-01-31T12:0{minute}:00Z", **point} for minute in range(3)]
    with watched(browser, site.address) as page:
        let_in(page, site, "viewer")
        page.page.route(CURVE, lambda route: route.fulfill(json={"items": items, "next": None}))
        page.go(f"/sessions/{number}")
        page.page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        for name in ("Power", "Currents of the phases", "Battery", "Energy"):
            page.page.get_by_role("img", name=name, exact=True).wait_for()
        page.go("/stations/POST-1")
        page.page.get_by_role("img", name=f"Power of session {number}", exact=True).wait_for()


def test_the_words_instead_of_a_chart_are_read(browser: Browser, site: Site) -> None:
    with watched(browser, site.address) as page:
        let_in(page, site, "viewer")
        page.page.route(HISTORY, lambda route: route.fulfill(json={"items": []}))
        page.go("/load")
        chart = page.page.get_by_role("group", name="Current per phase against the limit")
        assert chart.get_by_role("paragraph").inner_text().startswith("Nothing is recorded yet.")
