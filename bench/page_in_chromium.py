"""One screen of the page watched in Chromium for a while: long tasks, the stream, the main thread, memory.

What is opened and by whom is said by `bench.page`. The counting in the page is done by a script that runs before the
page's own; a task is long from 50 ms on, as browsers have it.
"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession

from tests.browser.chromium import Screen, Watched, watched
from tests.browser.people import let_in
from tests.browser.running_site import Site

COUNTING = """
window.counted = { tasks: [], messages: 0, characters: 0 };
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.counted.tasks.push(task.duration);
}).observe({ type: "longtask", buffered: true });
document.addEventListener("htmx:sse:after:message", (event) => {
  window.counted.messages += 1;
  window.counted.characters += event.detail.message.data.length;
});
"""
_OPENING_MILLISECONDS = 3000


@dataclass(frozen=True, slots=True)
class Looked:
    """What was counted. Pairs are of the begin and the end; `stream_bytes` are those of the messages' data."""

    opening_tasks_ms: list[float]
    later_tasks_ms: list[float]
    busy_share: float
    messages: int
    stream_bytes: int
    heap: tuple[int, int]
    nodes: tuple[int, int]


def look(browser: Browser, site: Site, screen: Screen, *, slower: int, seconds: float) -> Looked:
    """Open the overview, let it come to rest, watch it for so long. `slower`: so many times than this machine."""
    with watched(browser, site.address, screen) as page:
        let_in(page, site, "operator")
        page.page.add_init_script(COUNTING)
        session = page.context.new_cdp_session(page.page)
        session.send("Performance.enable")
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.go("/")
        page.until("window.counted.messages > 0", "the first message", seconds=60)
        page.page.wait_for_timeout(_OPENING_MILLISECONDS)
        opening = _counted(page)
        before, began = _metrics(session)
        page.page.wait_for_timeout(seconds * 1000)
        later = _counted(page)
        after, ended = _metrics(session)
        taken = len(opening["tasks"])
        return Looked(
            opening["tasks"],
            later["tasks"][taken:],
            (ended["TaskDuration"] - began["TaskDuration"]) / (ended["Timestamp"] - began["Timestamp"]),
            later["messages"] - opening["messages"],
            later["characters"] - opening["characters"],
            (before["jsHeapUsedSize"], after["jsHeapUsedSize"]),
            (before["nodes"], after["nodes"]),
        )


def memory(session: CDPSession) -> dict[str, int]:
    """`nodes`, `jsEventListeners` and `jsHeapUsedSize` (bytes) after everything that can be let go is gone."""
    session.send("HeapProfiler.collectGarbage")
    counters = session.send("Memory.getDOMCounters")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    return {"nodes": counters["nodes"], "jsEventListeners": counters["jsEventListeners"], "jsHeapUsedSize": int(used)}


def _metrics(session: CDPSession) -> tuple[dict[str, int], dict[str, float]]:
    counted = memory(session)
    metrics = session.send("Performance.getMetrics")["metrics"]
    return counted, {each["name"]: each["value"] for each in metrics}


def _counted(page: Watched) -> dict[str, list[float]]:
    return page.page.evaluate("window.counted")  # type: ignore[no-any-return]
