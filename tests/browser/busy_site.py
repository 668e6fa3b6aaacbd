"""A site with something to see on every screen, and the addresses of all screens on it.

It decides what happened there: a session that runs and one that ended, cards, a lowered limit, a reservation, an image
and its rollout that waits to go on. What the screens make of it is not known here. A new screen is in `addresses` by
itself; one whose address has a part that is not in `parts` fails until somebody says which.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gateway.operations.manage_tokens import ROLES
from gateway.pages.application import PAGES
from gateway.pages.table import Page
from tests.browser.people import Role
from tests.browser.running_site import Site, running_site
from tests.end_to_end.running_gateway import Document, wait_until

IMAGE_BYTES = 60_000
QUICK = {
    "canary": 1,
    "pause_after_canary": True,
    "wave_share": 1.0,
    "min_connected_seconds": 0,
    "health_seconds": 1,
    "most_share_of_connectors": 1.0,
}

_PART = re.compile(r"\{(\w+)(?::[^{}]*)?\}")
_USUAL = {"station": "POST-1", "circuit": "main", "name": "fleet"}
_BROKER = '[[upstream]]\nname = "fleet"\nhost = "127.0.0.1"\nport = 1\ntls = false\n'  # nobody listens there


@dataclass(frozen=True, slots=True)
class BusySite:
    """`parts`: what stands for `{name}` in the address of a screen."""

    site: Site
    parts: Mapping[str, str]

    def addresses(self, role: Role) -> list[str]:
        """Of the screens that somebody with this role may open."""
        return [self.address_of(page) for page in screens(role)]

    def address_of(self, page: Page) -> str:
        """Where the screen is, here."""
        return _PART.sub(lambda part: self.parts[part[1]], page.path)


def screens(role: Role = "installer") -> list[Page]:
    """Everything that somebody with this role may open."""
    allowed = {"public", *ROLES[: ROLES.index(role) + 1]}
    return [page for page in PAGES if page.method == "GET" and page.access in allowed]


@contextmanager
def busy_site(directory: Path) -> Iterator[BusySite]:
    """Three stations: POST-1 charges, POST-2 has done so, POST-3 has a new firmware."""
    with running_site(directory, stations=3, more=_BROKER) as site:
        ended = _sessions(site)
        _cards(site)
        image, campaign = _firmware(site)
        more = {"transaction_id": str(ended), "image": image, "campaign": campaign}
        yield BusySite(site, {**_USUAL, **more})


def add_image(site: Site, version: str) -> str:
    """Take an image for the yard's stations into the store; its number."""
    file = site.gateway.directory / f"example-{version}.bin"
    file.write_bytes(bytes(IMAGE_BYTES))
    facts = ("--vendor", "Example", "--model", "Simulated-22", "--version", version)
    site.gateway.command("firmware", "import", str(file), *facts)
    images = cast(list[Document], site.gateway.get("/firmware/images")["items"])
    return next(str(each["image_id"]) for each in images if each["version"] == version)


def _sessions(site: Site) -> int:
    """One ended, one running; the number of the first."""
    for station, card in (("POST-2", "CARD-2"), ("POST-1", "CARD-1")):
        site.yard.plug_in(station, card)
        wait_until(lambda station=station: len(site.gateway.transactions(station)) == 1, "a session")  # type: ignore[misc]
    wait_until(lambda: site.yard.leave("POST-2"), "the driver to leave")
    wait_until(lambda: site.gateway.transactions("POST-2")[0]["stop_time"] is not None, "the end of the session")
    return cast(int, site.gateway.transactions("POST-2")[0]["transaction_id"])


def _cards(site: Site) -> None:
    site.gateway.put("/id-tags/CARD-1", {"status": "Accepted", "note": "Anna, van 3"})
    site.gateway.put("/id-tags/LOST-1", {"status": "Blocked", "note": "lost in May", "parent_id_tag": "FLEET"})
    site.gateway.put("/site/limits/main", {"limit_amps": 32, "source": "dso"})


def _firmware(site: Site) -> tuple[str, str]:
    """An image and a rollout of it that waits after its first station."""
    image = add_image(site, "2.0.0")
    wishes = {"name": "Spring", "image_id": image, "stations": ["POST-3", "POST-2"], "policy": QUICK}
    answer = site.gateway.ask("POST", "/firmware/campaigns", wishes)
    assert answer.status == 201, answer
    campaign = cast(Document, answer.document)["campaign_id"]
    wait_until(lambda: site.gateway.get(f"/firmware/campaigns/{campaign}")["state"] == "waiting", "the rollout to wait")
    return image, str(campaign)
