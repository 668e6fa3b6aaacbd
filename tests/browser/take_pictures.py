"""Takes the pictures of docs/web-page.md: `python -m tests.browser.take_pictures [FOLDER]`. It is not a test.

A busy site is made first: some hours of past in virtual time, then a real daemon on it with cars that charge now. Each
screen is taken on a phone in daylight and on a desk at night, under a name that stays.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from playwright.sync_api import Browser

from tests.browser import played_past
from tests.browser.busy_site import QUICK, add_image
from tests.browser.chromium import DESK, PHONE, Screen, Watched, chromium, watched
from tests.browser.people import account, let_in
from tests.browser.running_site import Site, running_site, short_directory
from tests.end_to_end.running_gateway import PROJECT, Document, wait_until

FOLDER = PROJECT / "docs" / "pictures"

_HOURS = 5.0
_FUSE_AMPS = 63
_STATIONS = 8
_COLOURS = 160
_WANTED_AMPS = {1: 16.0, 2: 10.0, 3: 13.0, 5: 7.0}
_TO_PALETTE = """
async ([address, most]) => {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0);
    const bytes = drawing.getImageData(0, 0, image.width, image.height).data;
    const colours = new Uint32Array(image.width * image.height);
    const often = new Map();
    for (let at = 0; at < colours.length; at++) {
        const one = bytes[4 * at] << 16 | bytes[4 * at + 1] << 8 | bytes[4 * at + 2];
        colours[at] = one;
        often.set(one, (often.get(one) || 0) + 1);
    }
    const kept = [...often].sort((one, other) => other[1] - one[1]).slice(0, most).map(each => each[0]);
    const distance = (one, other) => [16, 8, 0].reduce(
        (sum, bits) => sum + ((one >> bits & 255) - (other >> bits & 255)) ** 2, 0);
    const nearest = one => kept.reduce(
        (best, other, index) => { const far = distance(one, other); return far < best[0] ? [far, index] : best; },
        [Infinity, 0])[1];
    const index = new Map([...often.keys()].map(one => [one, nearest(one)]));
    let text = "";
    const rows = Uint8Array.from(colours, one => index.get(one));
    for (let at = 0; at < rows.length; at += 32768) {
        text += String.fromCharCode(...rows.subarray(at, at + 32768));
    }
    const palette = kept.flatMap(one => [one >> 16 & 255, one >> 8 & 255, one & 255]);
    return [image.width, image.height, palette, btoa(text)];
}
"""
_PAINT_EVERYTHING = "document.querySelectorAll('.station-card').forEach(one => one.style.contentVisibility = 'visible')"
_CARDS = {
    "04A1B2C3D4E5F6": "Anna, van 1",
    "04B2C3D4E5F6A7": "Bert, van 2",
    "04C3D4E5F6A7B8": "Chris, pool car",
    "04D4E5F6A7B8C9": "Dora, van 3",
    "04E5F6A7B8C9D0": "Emil, forklift",
    "04F6A7B8C9D0E1": "Visitors",
}


@dataclass(frozen=True, slots=True)
class Shot:
    """A screen to be taken; `whole`: its whole length; `without`: parts that tell of the machine it is taken on."""

    name: str
    address: str
    stranger: bool = False
    whole: bool = True
    without: str = ""


def main() -> None:
    """Make the site, take all pictures, say how large they are."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with depot() as (site, shots), chromium() as browser:
        for ending, screen, dark in (("phone", PHONE, False), ("desktop-dark", DESK, True)):
            take(browser, site, folder, shots, ending, screen, dark=dark)
        files = sorted(folder.glob("*.png"))
        for file in files:
            made_smaller(browser, file)
    size = sum(file.stat().st_size for file in files)
    print(f"{len(files)} pictures, {size / 1e6:.1f} MB, in {folder}")


@contextmanager
def depot() -> Iterator[tuple[Site, list[Shot]]]:
    """Depot North with its past, and what there is to see."""
    names = tuple(f"POST-{number}" for number in range(1, _STATIONS + 1))
    with short_directory() as directory:
        played_past.play(directory, names, _CARDS, hours=_HOURS, fuse_amps=_FUSE_AMPS)
        with running_site(directory, stations=_STATIONS, name="Depot North", fuse_amps=_FUSE_AMPS) as site:
            yield site, shots_of(site)


def shots_of(site: Site) -> list[Shot]:
    """Let some charge, begin a rollout, lower a limit; every screen that then has something to show."""
    cards = list(_CARDS)
    for number, card in zip(_WANTED_AMPS, cards, strict=False):
        site.yard.plug_in(f"POST-{number}", card)
    wait_until(lambda: all(site.yard.is_charging(f"POST-{number}") for number in _WANTED_AMPS), "cars that charge")
    for number, amps in _WANTED_AMPS.items():
        site.yard.want(f"POST-{number}", amps)
    session = site.gateway.transactions("POST-1")[-1]["transaction_id"]
    account(site, "operator")
    account(site, "viewer")
    image = add_image(site, "2.0.0")
    wishes = {"name": "Spring update", "image_id": image, "stations": ["POST-6", "POST-7"], "policy": QUICK}
    answer = site.gateway.ask("POST", "/firmware/campaigns", wishes)
    campaign = cast(Document, answer.document)["campaign_id"]
    wait_until(lambda: site.gateway.get(f"/firmware/campaigns/{campaign}")["state"] == "waiting", "the rollout")
    site.yard.switch_off("POST-8")
    noted = _minutes_noted(site)
    wait_until(lambda: _minutes_noted(site) > noted + 1, "two minutes of history", patience_seconds=200.0)
    return [
        Shot("login", "/login", stranger=True),
        Shot("welcome", "/welcome", stranger=True),
        Shot("overview", "/"),
        Shot("kiosk", "/kiosk"),
        Shot("stations", "/stations"),
        Shot("station", "/stations/POST-1"),
        Shot("station-actions", "/stations/POST-1/actions"),
        Shot("station-settings", "/stations/POST-1/settings", whole=False),
        Shot("station-keys", "/stations/POST-1/keys", whole=False),
        Shot("station-messages", "/stations/POST-1/messages", whole=False),
        Shot("sessions", "/sessions", whole=False),
        Shot("session", f"/sessions/{session}"),
        Shot("totals", "/sessions/totals"),
        Shot("load", "/load"),
        Shot("circuit", "/load/circuits/main"),
        Shot("access", "/access"),
        Shot("learn", "/access/learn"),
        Shot("firmware", "/firmware"),
        Shot("rollout", f"/firmware/campaigns/{campaign}"),
        Shot("diagnostics", "/diagnostics", whole=False),
        Shot("upstream", "/upstream"),
        Shot("setup", "/setup"),
        Shot("setup-fuse", "/setup/fuse"),
        Shot("setup-meters", "/setup/meters"),
        Shot("setup-stations", "/setup/stations"),
        Shot("system", "/system", without="[aria-labelledby=machine-title], [aria-labelledby=data-title]"),
        Shot("users", "/system/users"),
        Shot("backup", "/system/backup"),
    ]


def _minutes_noted(site: Site) -> int:
    steps = cast(list[Document], site.gateway.get("/site/history?points=2000")["items"])
    return sum(step["measured_amps"] is not None for step in steps)


def take(
    browser: Browser, site: Site, folder: Path, shots: list[Shot], ending: str, screen: Screen, *, dark: bool
) -> None:
    """Each of them on this screen; `ending`: of the files' names."""
    with watched(browser, site.address, screen, dark=dark) as page:
        for stranger in (True, False):
            if not stranger:
                let_in(page, site)
            for shot in shots:
                if shot.stranger is stranger:
                    _take(page, shot, folder / f"{shot.name}-{ending}.png")


def _take(page: Watched, shot: Shot, file: Path) -> None:
    page.go(shot.address)
    page.page.wait_for_load_state("load")
    page.until(
        "[...document.querySelectorAll('power-chart')].every(each => each.closest('details:not([open])')"
        " || each.querySelector('canvas, p'))",
        "the charts",
    )
    page.page.evaluate(_PAINT_EVERYTHING)
    if shot.without:
        page.page.evaluate("parts => document.querySelectorAll(parts).forEach(each => each.remove())", shot.without)
    page.page.wait_for_timeout(700)  # until bars and charts stand still
    page.picture(file, whole=shot.whole)


def made_smaller(browser: Browser, file: Path) -> None:
    """A palette instead of all colours: rare ones become the nearest that is frequent."""
    context = browser.new_context()
    page = context.new_page()
    address = "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()
    width, height, palette, pixels = page.evaluate(_TO_PALETTE, [address, _COLOURS])
    context.close()
    indexes = base64.b64decode(pixels)
    rows = b"".join(b"\0" + indexes[row * width : (row + 1) * width] for row in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", bytes(palette)), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


if __name__ == "__main__":
    main()
