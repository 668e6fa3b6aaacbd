"""One upstream as its loop sees it now: the link, what waits to be said, how far each stream is acknowledged.

What is said here goes ahead of events and is not durable. Reports are told again after the next birth; the result of a
command is in stream `ops`, and told to whoever asks again. How events are delivered is decided by `rules.delivery`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.configuration import Upstream
from gateway.model.instants import Instant
from gateway.model.links import LinkLike
from gateway.operations.site import Site
from gateway.rules.delivery import Delivery
from gateway.rules.fleet_topics import Topics
from gateway.rules.live_lease import Lease

logger = logging.getLogger(__name__)

MOST_UNSAID = 10_000


FilesShown = tuple[tuple[int, int, int], ...]  # (inode, time of change, size) of the certificate files of a link


class Said(NamedTuple):
    """Something to publish ahead of the events; `topic` is complete. `correlation`: of what it answers."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    correlation: bytes | None = None


@dataclass(slots=True)
class UpstreamNow:
    """`link` is None while the upstream is away; `trouble` says why, in words for people.

    `alarms`: what somebody should see to although the link may work, by a name each. `heard_at`: when anything last
    came from a fleet manager, on the loop's clock. `hosts`: consumers that told whether they are there.
    """

    site: Site
    settings: Upstream
    topics: Topics
    delivery: Delivery
    link: LinkLike | None = None
    connected_since: Instant | None = None
    session: int = 0
    trouble: str | None = "not connected yet"
    alarms: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, Mapping[str, object]] = field(default_factory=dict)
    unsaid: deque[Said] = field(default_factory=deque)
    retained: set[str] = field(default_factory=set)  # topics that hold something of ours in the broker
    noted: set[str] = field(default_factory=set)  # those of them that are on disk
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float = 0.0
    silent_links: int = 0  # in a row that ended because nobody acknowledged anything
    lease: Lease | None = None
    files_shown: FilesShown | None = None  # as they were just before the link was made
    forgetting: bool = False  # what was left in the broker is being taken back: nothing more is said
    forgotten: bool = False  # it is done: somebody took this gateway out of the fleet

    @property
    def name(self) -> str:
        """As in the configuration."""
        return self.settings.name

    def say(
        self, suffix: str, payload: bytes, *, retain: bool = False, qos: int = 1, correlation: bytes | None = None
    ) -> None:
        """Publish on `up/{suffix}`, in order and ahead of events; nothing happens while the upstream is away."""
        if self.link is None or self.forgetting:
            return
        if len(self.unsaid) >= MOST_UNSAID:
            logger.error("%s takes nothing more: what was to be said is dropped", self.name)
            return
        self.unsaid.append(Said(self.topics.up(suffix), payload, retain, qos, correlation))
        self.wake.set()

    def alarm(self, name: str, text: str | None) -> None:
        """Raise an alarm, or (None) clear it; logged when it is news."""
        if text is None:
            if self.alarms.pop(name, None) is not None:
                logger.info("%s: %s is over", self.name, name, extra={"upstream": self.name})
        else:
            if name not in self.alarms:  # numbers in it may change with each message
                logger.warning("%s: %s", self.name, text, extra={"upstream": self.name})
            self.alarms[name] = text
        self.report()

    def report(self) -> None:
        """Tell the health page how this upstream is."""
        notice = "; ".join(self.alarms.values()) or None
        self.site.health.report(f"upstream {self.name}", self.trouble, notice=notice)
