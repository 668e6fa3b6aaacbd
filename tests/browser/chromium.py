"""Debian's Chromium, driven by playwright: phone and desk, light and dark, and a watch over everything that goes wrong.

It decides what counts as wrong on any page: an error on the console or in a script, a request to another host, a
violation of the content security policy, an answer of 500 and more. It does not know the pages.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright

CHROMIUM = "/usr/bin/chromium"
PATIENCE_SECONDS = 15.0

_LOOK_AGAIN_MILLISECONDS = 50
_NOWHERE = ("about", "blob", "chrome-error", "data")
_HARD_BLANKS = r"/[\u00a0\u202f]/g"
_PAGE_CHANGED = re.compile(r"context was destroyed|Cannot find context|navigat", re.IGNORECASE)
_TELL_VIOLATIONS = """
window.addEventListener("securitypolicyviolation", event => console.error(
    `content security policy: ${event.effectiveDirective} stopped ${event.blockedURI} in ${event.sourceFile}`
));
"""


@dataclass(frozen=True, slots=True)
class Screen:
    """Who looks: the size in CSS pixels, and whether by fingers."""

    name: str
    width: int
    height: int
    touch: bool = False


PHONE = Screen("phone", 390, 844, touch=True)
DESK = Screen("desk", 1280, 800)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window. Nothing is downloaded: it is the one of the system."""
    options = ["--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # it refuses to run as root otherwise
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page under watch. `complaints`: everything that went wrong so far and that nobody had foreseen."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    _foreseen: list[re.Pattern[str]] = field(default_factory=list)

    @property
    def context(self) -> BrowserContext:
        """Its cookies, its other tabs."""
        return self.page.context

    def go(self, path: str = "/") -> None:
        """Open a path of the site; whatever the status, a document is there afterwards."""
        self.page.goto(self.address + path, wait_until="domcontentloaded")

    def until(self, expression: str, what: str = "", *, seconds: float = PATIENCE_SECONDS) -> Any:
        """As the function `until`; when patience ends, with what is on the page instead."""
        try:
            return until(self.page, expression, what, seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.text()}") from None

    def until_text(self, text: str, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this can be read somewhere on the page; blanks that do not break are like others."""
        expression = f"document.body.innerText.replace({_HARD_BLANKS}, ' ').includes({_quoted(text)})"
        try:
            until(self.page, expression, seconds=seconds)
        except AssertionError:
            raise AssertionError(f"{text!r} is not on {self.page.url}:\n{self.text()}") from None

    def text(self) -> str:
        """What can be read on the page, with plain blanks."""
        return re.sub("[\u00a0\u202f]", " ", self.page.inner_text("body"))

    def foresee(self, pattern: str) -> None:
        """Complaints that match (a regular expression) are part of the test: a refused form, a daemon that restarts."""
        self._foreseen.append(re.compile(pattern))

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """A PNG of the page, of its whole length or of what is on the screen."""
        # playwright would hide the caret by a style of its own, which the policy stops
        self.page.screenshot(path=file, full_page=whole, caret="initial")

    def assert_clean(self) -> None:
        """Nothing went wrong but what was foreseen."""
        unforeseen = [each for each in self.complaints if not any(one.search(each) for one in self._foreseen)]
        assert not unforeseen, "\n".join(unforeseen)

    def heard(self, message: ConsoleMessage) -> None:
        """The browser or a script wrote to the console."""
        if message.type == "error" or "Content Security Policy" in message.text:
            where = message.location.get("url", "")
            self.complaints.append(f"console: {message.text} ({where})")

    def asked(self, request: Request) -> None:
        """The page fetches something."""
        address = urlsplit(request.url)
        if address.scheme not in _NOWHERE and address.netloc != urlsplit(self.address).netloc:
            self.complaints.append(f"another host: {request.method} {request.url}")


@contextmanager
def watched(
    browser: Browser,
    address: str,
    screen: Screen = DESK,
    *,
    dark: bool = False,
    language: str = "en-GB",
    time_zone: str = "Europe/Amsterdam",
    scripts: bool = True,
) -> Iterator[Watched]:
    """A fresh browser profile with one page, which must be clean when the block is left. `address`: the site's origin.

    Every tab that is opened from it is watched as well.
    """
    context = browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        device_scale_factor=2 if screen.touch else 1,
        has_touch=screen.touch,
        is_mobile=screen.touch,
        color_scheme="dark" if dark else "light",
        locale=language,
        timezone_id=time_zone,
        java_script_enabled=scripts,
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    try:
        context.add_init_script(_TELL_VIOLATIONS)
        page = Watched(context.new_page(), address)
        _listen(context, page)
        yield page
        page.assert_clean()
    finally:
        context.close()


def _listen(context: BrowserContext, page: Watched) -> None:
    context.on("console", page.heard)
    context.on("request", page.asked)
    context.on("weberror", lambda error: page.complaints.append(f"script: {error.error}"))
    context.on(
        "response",
        lambda response: (
            page.complaints.append(f"answer: {response.status} for {response.request.method} {response.url}")
            if response.status >= 500
            else None
        ),
    )


def until(page: Page, expression: str, what: str = "", *, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask for a JavaScript expression until it is true; its value. AssertionError when patience ends.

    Playwright's own waiting for a function evaluates text in the page, which the page's policy forbids.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = page.evaluate(expression)
        except Error as error:
            if not _PAGE_CHANGED.search(error.message):
                raise
            value = None  # the next page is being opened
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what or expression} on {page.url}"
        page.wait_for_timeout(_LOOK_AGAIN_MILLISECONDS)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
