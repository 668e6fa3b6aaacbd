"""The watch itself: it sees what goes wrong on a page, and axe-core judges under the policy of the page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import violations
from tests.browser.chromium import DESK, PHONE, Watched, watched

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
PLAIN = (
    '<!doctype html><html lang="en"><head><title>Plain</title><meta name="viewport" content="width=device-width">'
    '<link rel="icon" href="/icon"></head><body><main><h1>A page</h1>{}</main></body></html>'
)


@contextmanager
def served(body: str, *, script: str = "", status: int = 200) -> Iterator[str]:
    """The address of a site under the policy with one page, a script, a place that fails."""
    answers = {"/": (status, "text/html", PLAIN.format(body)), "/script.js": (200, "text/javascript", script)}
    answers["/icon"] = (204, "image/png", "")
    answers["/fails"] = (503, "text/plain", "no")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, kind, text = answers.get(self.path, (404, "text/plain", "nothing here"))
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


SCRIPT = '<script src="/script.js"></script>'


def after_all(page: Watched) -> None:
    """Everything that the page does by itself has been done."""
    page.page.wait_for_load_state("networkidle")


def test_a_good_page_is_clean_on_every_screen(browser: Browser, tmp_path: Path) -> None:
    script = "document.querySelector('h1').textContent = matchMedia('(prefers-color-scheme: dark)').matches"
    for screen in (PHONE, DESK):
        for dark in (False, True):
            with (
                served(SCRIPT.join(("<p>Hello</p>", "")), script=script) as address,
                watched(browser, address, screen, dark=dark) as page,
            ):
                page.go()
                page.until_text(str(dark).lower())
                assert page.page.evaluate("[innerWidth, innerHeight]") == [screen.width, screen.height]
                assert page.page.evaluate("navigator.maxTouchPoints > 0") is screen.touch
                assert violations(page.page) == ""
                assert page.page.evaluate("typeof axe") == "undefined"
                page.picture(tmp_path / f"{screen.name}.png")
                assert (tmp_path / f"{screen.name}.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("body", "script", "complaint"),
    [
        (SCRIPT, "console.error('lost the thread')", "console: lost the thread"),
        (SCRIPT, "null.length", "script: .*null"),
        (SCRIPT, "Promise.reject(new Error('let down'))", "script: .*let down"),
        (SCRIPT, "fetch('/fails')", r"answer: 503 for GET .*/fails"),
        (SCRIPT, "fetch('/nowhere')", "console: .*404"),
        (SCRIPT, "location = 'http://elsewhere.invalid/'", "another host: GET http://elsewhere.invalid/"),
        (SCRIPT, "fetch('http://elsewhere.invalid/')", "content security policy: connect-src"),
        ("<script>1</script>", "", "content security policy: script-src-elem stopped inline"),
        ('<p style="color: red">red</p>', "", "content security policy: style-src-attr stopped inline"),
        (SCRIPT, "try { new Function('1') } catch {}", "content security policy: script-src stopped eval"),
    ],
)
def test_what_goes_wrong_is_seen_unless_it_was_foreseen(
    browser: Browser, body: str, script: str, complaint: str
) -> None:
    with served(body, script=script) as address:
        with pytest.raises(AssertionError, match=complaint), watched(browser, address) as page:
            page.go()
            after_all(page)
        with watched(browser, address) as page:
            page.go()
            after_all(page)
            page.foresee(r"^(console|script|answer|another host): ")


def test_other_tabs_are_watched_as_well(browser: Browser) -> None:
    script = "if (opener) console.error('from the second tab'); else open('/')"
    with (
        served(SCRIPT, script=script) as address,
        pytest.raises(AssertionError, match="from the second tab"),
        watched(browser, address) as page,
    ):
        page.go()
        while len(page.context.pages) < 2:
            page.page.wait_for_timeout(50)
        page.context.pages[1].wait_for_load_state("networkidle")


def test_axe_tells_what_hinders_people(browser: Browser) -> None:
    with served('<img src="/icon"><form><input name="amps"></form>') as address, watched(browser, address) as page:
        page.go()
        told = violations(page.page)
        assert "image-alt (critical)" in told and "label (critical)" in told and 'name="amps"' in told
        assert "heading-order" not in told


def test_what_never_comes_ends_the_wait(browser: Browser) -> None:
    with served("<p>Hello</p>") as address, watched(browser, address) as page:
        page.go()
        with pytest.raises(AssertionError, match="in vain for the moon"):
            page.until("document.querySelector('#moon')", "the moon", seconds=0.2)
        with pytest.raises(AssertionError, match=r"'moon' is not on .*:\nA page"):
            page.until_text("moon", seconds=0.2)
