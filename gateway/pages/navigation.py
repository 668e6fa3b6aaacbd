"""The menu: which screens there are, in which order, and who sees them in it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.pages.visit import Visit
from gateway.pages.words import mark
from gateway.web.routes import Access


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; `area` is the first segment of the paths behind it."""

    path: str
    label: str
    access: Access = "viewer"

    @property
    def area(self) -> str:
        """What the paths of this screen begin with."""
        return self.path.strip("/").partition("/")[0]


MENU: tuple[Entry, ...] = (
    Entry("/", mark("Overview")),
    Entry("/stations", mark("Stations")),
    Entry("/sessions", mark("Sessions")),
    Entry("/load", mark("Load")),
    Entry("/access", mark("Access")),
    Entry("/firmware", mark("Firmware")),
    Entry("/diagnostics", mark("Diagnostics"), "operator"),
    Entry("/upstream", mark("Fleet managers")),
    Entry("/setup", mark("Setup"), "installer"),
    Entry("/system", mark("System"), "viewer"),
)


def area_of(visit: Visit) -> str:
    """Which screen the reader is on, as `Entry.area`."""
    return visit.request.path.strip("/").partition("/")[0]
