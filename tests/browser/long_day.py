"""An overview that is left open: messages and reloads of its chart as a day has them, and what is used after them.

Messages come as fast as the tab takes them, so that a day of about 40,000 passes in some minutes.
"""

from __future__ import annotations

from bench.page_in_chromium import COUNTING, memory
from tests.browser.chromium import Watched
from tests.browser.quick_site import QuickSite

_SECONDS_FOR_A_MESSAGE = 0.05
_RELOAD = """
(async (times) => {
  const chart = document.querySelector("power-chart");
  for (let time = 0; time < times; time += 1) await chart.load();
  return chart.chart.data[0].length;
})
"""


def open_overview(page: Watched, site: QuickSite) -> None:
    """Have it open as a viewer, its stream and its chart at work."""
    page.context.set_extra_http_headers({"Authorization": f"Bearer {site.token}"})
    page.page.add_init_script(COUNTING)
    page.go("/")
    page.until("window.counted.messages > 0", "the first message")
    page.until("document.querySelector('power-chart').chart", "the chart")


def pass_part_of_the_day(page: Watched, site: QuickSite, *, messages: int, reloads: int) -> dict[str, int]:
    """Live so long, come to rest; what is used then (`bench.page_in_chromium.memory`)."""
    upto = page.page.evaluate("window.counted.messages") + messages
    site.stir()
    page.until(f"window.counted.messages >= {upto}", "the messages", seconds=30 + messages * _SECONDS_FOR_A_MESSAGE)
    site.rest()
    page.until("!document.querySelector('main').innerText.includes('faulted')", "everything to be at rest")
    points = page.page.evaluate(_RELOAD, reloads)
    assert points > 100
    page.page.evaluate("window.counted.tasks.length = 0")  # the test's own notes
    session = page.context.new_cdp_session(page.page)
    used = memory(session)
    session.detach()
    return used
