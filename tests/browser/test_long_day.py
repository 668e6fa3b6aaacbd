"""A tab that is left open does not grow, nor does it hold what others need.

Here it has the reloads of a whole day and a seventh of its messages; `./dev bench page --day` plays all of them.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from bench.page_in_chromium import COUNTING
from tests.browser.chromium import watched
from tests.browser.long_day import open_overview, pass_part_of_the_day
from tests.browser.quick_site import quick_site
from tests.end_to_end.running_gateway import wait_until

MORE_HEAP_BYTES = 2_000_000


def test_a_tab_left_open_for_a_day_does_not_grow(browser: Browser, place: Path) -> None:
    with quick_site(place) as site, watched(browser, site.address) as page:
        open_overview(page, site)
        early = pass_part_of_the_day(page, site, messages=600, reloads=144)
        late = pass_part_of_the_day(page, site, messages=5400, reloads=1296)
        assert abs(late["nodes"] - early["nodes"]) <= early["nodes"] * 0.05, (early, late)
        assert late["jsEventListeners"] <= early["jsEventListeners"] + 5, (early, late)
        assert late["jsHeapUsedSize"] <= early["jsHeapUsedSize"] + MORE_HEAP_BYTES, (early, late)


def test_the_chart_shows_the_last_hours_however_long_the_tab_is_open(browser: Browser, place: Path) -> None:
    with quick_site(place) as site, watched(browser, site.address) as page:
        open_overview(page, site)
        address = "new URL(document.querySelector('power-chart').address()).searchParams.get('from')"
        begin = page.page.evaluate(f"Date.parse({address})")
        page.page.evaluate("document.querySelector('power-chart').began -= 3 * 3600 * 1000")
        later = page.page.evaluate(f"Date.parse({address})")
        assert later - begin in (3 * 3600 * 1000, 3 * 3600 * 1000 + 60_000)


def test_a_closed_tab_leaves_no_stream_behind(browser: Browser, place: Path) -> None:
    with quick_site(place) as site, watched(browser, site.address) as page:
        open_overview(page, site)
        site.stir()
        for _ in range(20):
            page.go("/")
            page.until("window.counted.messages > 0", "the first message")
        page.page.goto("about:blank")
        wait_until(lambda: site.streams_open() == 0, "the streams to end")
        site.rest()


def test_tabs_in_the_background_take_no_connection(browser: Browser, place: Path) -> None:
    with quick_site(place) as site, watched(browser, site.address) as page:
        page.context.set_extra_http_headers({"Authorization": f"Bearer {site.token}"})
        page.context.add_init_script(COUNTING)
        page.context.add_init_script(
            "window.away = true; Object.defineProperty(document, 'hidden', { get: () => window.away });"
        )
        tabs = [page.page, *(page.context.new_page() for _ in range(8))]
        for tab in tabs:
            tab.goto(site.address + "/")
            assert tab.inner_text("h1") == "Overview"
        assert site.streams_open() == 0
        page.page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
        page.until("window.counted.messages > 0", "the stream to begin")
        assert site.streams_open() == 1
        page.page.evaluate("window.away = true; document.dispatchEvent(new Event('visibilitychange'))")
        site.stir()
        wait_until(lambda: site.streams_open() == 0, "the stream to pause")
        site.rest()
