"""Which topic does what go to? The tree of topics between a gateway and its fleet managers.

Direction before everything, so that an access list has two lines; ids are encoded, because brokers give meaning to
other characters (RabbitMQ to `/`, NATS to `.` and blanks).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = "v1"
SITE_LEVEL = "_site"
_PLAIN = re.compile(rb"[A-Za-z0-9_-]")


def encoded(identity: str) -> str:
    """An id as one level of a topic: letters, digits, `_` and `-`; every other byte of its UTF-8 is `~HH`."""
    text = "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) else f"~{byte:02X}" for byte in identity.encode("utf-8", "replace")
    )
    return f"~{ord(SITE_LEVEL[0]):02X}{text[1:]}" if text == SITE_LEVEL else text


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one gateway under one root; `gateway` is its id, not encoded."""

    root: str
    gateway: str

    @property
    def base(self) -> str:
        """What all topics of this gateway begin with."""
        return f"{self.root}/{VERSION}/{encoded(self.gateway)}"

    def up(self, suffix: str) -> str:
        """A topic that the gateway publishes on."""
        return f"{self.base}/up/{suffix}"

    def down(self, suffix: str) -> str:
        """A topic that fleet managers publish on."""
        return f"{self.base}/dn/{suffix}"

    def event(self, stream: str, station: str | None) -> str:
        """Where an event of a stream goes."""
        return self.up(f"evt/{stream}/{SITE_LEVEL if station is None else encoded(station)}")

    def live(self, station: str | None) -> str:
        """Where live telemetry goes."""
        return self.up(f"live/{SITE_LEVEL if station is None else encoded(station)}")

    def hosts(self) -> str:
        """Where consumers tell whether they are there (a filter)."""
        return f"{self.root}/{VERSION}/_host/+"

    def channel_of(self, topic: str) -> str:
        """What kind of thing a topic of ours carries: `state`, `evt`, `rep` and so on."""
        return topic.removeprefix(self.up("")).partition("/")[0]

    def suffix_of(self, topic: str) -> str | None:
        """What follows `dn/` in a topic that fleet managers publish on; None for any other topic."""
        start = self.down("")
        return topic[len(start) :] if topic.startswith(start) else None

    def host_of(self, topic: str) -> str | None:
        """Which consumer tells its state on this topic; None for any other topic."""
        start = self.hosts()[:-1]
        return topic[len(start) :] if topic.startswith(start) else None
