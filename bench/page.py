"""`./dev bench page [--seconds N] [--stations 10 200] [--write]`: what an open page costs, browser and daemon.

`--day`: instead, a tab left open for a day of messages, played fast.

A real daemon with simulated stations, half of them charging, and a site meter whose building never draws the same
twice. The overview is opened in Debian's Chromium, as on a desk and as on a phone whose processor is six times slower;
the daemon is watched with no tab open, with one, and with ten (readers of the stream that are no browsers, so that they
take no processor from it). Sizes stand side by side. Nothing is held against a goal: times are those of this machine.
"""

from __future__ import annotations

import argparse
import http.client
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser

from bench.measuring import say
from bench.page_in_chromium import Looked, look
from bench.page_readers import Readers
from bench.processes import cpu_seconds, resident_bytes
from tests.browser.chromium import DESK, PHONE, Screen, chromium, watched
from tests.browser.long_day import open_overview, pass_part_of_the_day
from tests.browser.quick_site import quick_site
from tests.browser.running_site import Site, running_site
from tests.end_to_end.running_gateway import wait_until

BEGIN, END = "<!-- written by ./dev bench page --write: begin -->", "<!-- written by ./dev bench page --write: end -->"
_PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_TABS = (0, 1, 10)
_ANSWERS = 20
_LEAST_SETTLING_SECONDS = 30.0  # after stations have booted and sessions begun
_PHONE_SLOWER = 6
_MESSAGES_OF_A_DAY = 40_000
_RELOADS_OF_A_DAY = 1440
_SCREENS: tuple[tuple[Screen, int], ...] = ((DESK, 1), (PHONE, _PHONE_SLOWER))
Rows = dict[str, str]


def main() -> None:
    """Measure each size, print them side by side."""
    arguments = _arguments()
    columns: dict[str, Rows] = {}
    with chromium() as browser:
        if arguments.day:
            _day(browser)
            return
        for stations in arguments.stations:
            say(f"{stations} stations")
            columns[f"{stations} stations"] = _measured(browser, stations, arguments.seconds)
    names = list(dict.fromkeys(name for rows in columns.values() for name in rows))
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    lines += [f"| {name} | " + " | ".join(rows.get(name, "") for rows in columns.values()) + " |" for name in names]
    text = "\n".join(lines)
    print(text)
    if arguments.write:
        _write(text)


def _measured(browser: Browser, stations: int, seconds: float) -> Rows:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gw-page-")))
        site = stack.enter_context(running_site(directory, stations=stations, fuse_amps=10 * stations, speed=1.0))
        charging = site.stations[: stations // 2]
        for number, name in enumerate(charging):
            site.yard.plug_in(name, f"CARD-{number}")
        for name in charging:
            wait_until(lambda name=name: site.yard.is_charging(name), f"{name} to charge")  # type: ignore[misc]
        stack.enter_context(_restless(site))
        rows = _of_the_daemon(site, seconds)
        for screen, slower in _SCREENS:
            say(f"{stations} stations, {screen.name}")
            who = f"{screen.name}, processor {slower} times slower" if slower > 1 else screen.name
            rows |= _of_the_browser(who, seconds, look(browser, site, screen, slower=slower, seconds=seconds))
    return rows


def _day(browser: Browser) -> None:
    """What a tab uses after a tenth of a day, and at its end."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gw-page-")))
        site = stack.enter_context(quick_site(directory))
        page = stack.enter_context(watched(browser, site.address))
        open_overview(page, site)
        for tenths in (1, 9):
            began = time.monotonic()
            messages, reloads = _MESSAGES_OF_A_DAY * tenths // 10, _RELOADS_OF_A_DAY * tenths // 10
            used = pass_part_of_the_day(page, site, messages=messages, reloads=reloads)
            print(
                f"{messages} messages and {reloads} reloads of the chart in {time.monotonic() - began:.0f} s: "
                f"{used['nodes']} nodes, {used['jsEventListeners']} listeners, {used['jsHeapUsedSize'] / 1e6:.2f} MB"
            )


def _of_the_daemon(site: Site, seconds: float) -> Rows:
    pid = site.gateway.pid
    time.sleep(max(_LEAST_SETTLING_SECONDS, seconds))
    before = resident_bytes(pid)
    first = _answered_after(site)
    after = resident_bytes(pid)
    answers = median(_answered_after(site) for _ in range(_ANSWERS))
    rows = {
        "daemon: memory before the first page": f"{before / 1e6:.1f} MB",
        "daemon: more memory after it": f"{(after - before) / 1e6:.1f} MB",
        "daemon: first answer of `/`": f"{first * 1000:.0f} ms",
        f"daemon: answer of `/`, median of {_ANSWERS}": f"{answers * 1000:.0f} ms",
    }
    bare = 0.0
    for tabs in _TABS:
        with Readers(site.address, site.gateway.token, tabs) as readers:
            readers.wait_for_all()
            began, used, had = time.monotonic(), cpu_seconds(pid), readers.received
            time.sleep(seconds)
            spent = (cpu_seconds(pid) - used) * 60 / (time.monotonic() - began)
            told = (readers.received - had) * 60 / (time.monotonic() - began)
        bare = bare or spent
        rows[f"daemon: CPU in a minute, {tabs} tabs"] = f"{spent:.2f} s"
        if tabs:
            rows[f"daemon: the same / 0 tabs, {tabs} tabs"] = f"{spent / bare:.2f}"
            rows[f"daemon: sent in a minute to each, {tabs} tabs"] = f"{told / tabs / 1000:.0f} kB"
    rows["daemon: memory after all tabs"] = f"{resident_bytes(pid) / 1e6:.1f} MB"
    return rows


def _of_the_browser(who: str, seconds: float, looked: Looked) -> Rows:
    opening, later = looked.opening_tasks_ms, looked.later_tasks_ms
    return {
        f"{who}: long tasks at the opening": _tasks(opening),
        f"{who}: long tasks in the {seconds:g} s after": _tasks(later),
        f"{who}: main thread busy": f"{looked.busy_share * 100:.1f} %",
        f"{who}: messages in a minute": f"{looked.messages * 60 / seconds:.0f}",
        f"{who}: sent to it in a minute": f"{looked.stream_bytes * 60 / seconds / 1000:.0f} kB",
        f"{who}: script memory, begin and end": f"{looked.heap[0] / 1e6:.1f} and {looked.heap[1] / 1e6:.1f} MB",
        f"{who}: DOM nodes, begin and end": f"{looked.nodes[0]} and {looked.nodes[1]}",
    }


def _tasks(milliseconds: list[float]) -> str:
    return f"{len(milliseconds)}, longest {max(milliseconds):.0f} ms" if milliseconds else "none"


def _answered_after(site: Site) -> float:
    host = site.address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=30)
    began = time.perf_counter()
    connection.request("GET", "/", headers={"Authorization": f"Bearer {site.gateway.token}"})
    answer = connection.getresponse()
    assert answer.status == 200 and answer.read()
    took = time.perf_counter() - began
    connection.close()
    return took


@contextmanager
def _restless(site: Site) -> Iterator[None]:
    """What the building draws changes once a second, within what the configuration says of it."""
    over, chance = threading.Event(), random.Random(1)

    def change() -> None:
        while not over.wait(1.0):
            site.yard.building = (chance.uniform(2, 12), chance.uniform(2, 12), chance.uniform(2, 12))

    thread = threading.Thread(target=change, name="building", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _write(text: str) -> None:
    page = _PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    _PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench page", description="What an open page costs.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each is watched (60)")
    parser.add_argument("--stations", type=int, nargs="+", default=[10, 200], help="sizes of the site (10 200)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--day", action="store_true", help="a tab left open for a day, and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    main()
