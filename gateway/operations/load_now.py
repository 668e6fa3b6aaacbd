"""What load limits know this moment: the newest measured current of every connector, and the newest tick.

True only while the gateway runs; never stored. Stations' messages write draws, the loop of `balance_load` writes ticks,
`heed_limits` writes what becomes of limits, whoever tells people of the site reads both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gateway.journal_signal import JournalSignal
from gateway.model.circuits import Outlet
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.load_decision import Decision
from gateway.model.load_memory import Memory
from gateway.model.site_picture import SitePicture
from gateway.rules.car_currents import Register
from gateway.rules.circuit_history import Extremes
from gateway.rules.limit_clock import LimitClock
from gateway.rules.load_records import Change
from gateway.rules.station_clocks import StationClock


class Draw(NamedTuple):
    """What a car draws: amperes by wired line of its station (L1 first) at loop time, and the energy register then."""

    amps: tuple[float, ...]
    loop_seconds: float
    energy_register_wh: float | None = None


class LimitNews(NamedTuple):
    """Something that changes what a station holds of our limits; already in the store. No connector: all of them.

    booted: it may have forgotten them; new_device: also how it can be limited is to be found out anew; ended: the
    session, by its station's word; fallback_lost and lease_lost: somebody else's request may have removed them; told:
    it told settings; removed: nothing that is known of it counts any more.
    """

    station: StationId
    kind: Literal["booted", "new_device", "ended", "fallback_lost", "lease_lost", "told", "removed"]
    connector: int | None = None
    transaction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """One decision with what it was made from: `decide(picture, before)` gives `(after, decision)` again."""

    at: Instant
    picture: SitePicture
    before: Memory
    after: Memory
    decision: Decision


@dataclass(slots=True)
class Recording:
    """What `record_load` remembers: when it last kept a tick, what changed since, whether one is being written."""

    at_seconds: float | None = None
    changes: tuple[Change, ...] = ()
    under_way: bool = False


@dataclass(slots=True)
class History:
    """What `record_history` remembers: the extremes of the minute that runs, and those that are not written yet."""

    minute: int | None = None
    circuits: dict[str, Extremes] = field(default_factory=dict)
    waiting: tuple[tuple[int, Mapping[str, Extremes]], ...] = ()
    under_way: bool = False


@dataclass(slots=True)
class LoadNow:
    """The newest of everything. `tick` is None until the first, and where no circuit is configured.

    `outlets`: those of the newest plan; nobody else's draws are noted. `notes`: what people should know of the plan.
    """

    outlets: dict[tuple[StationId, int], Outlet] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    draws: dict[tuple[StationId, int], Draw] = field(default_factory=dict)
    registers: dict[tuple[StationId, int], Register] = field(default_factory=dict)  # from which energy is counted on
    clocks: dict[StationId, StationClock] = field(default_factory=dict)
    tick: Tick | None = None
    limit_clock: LimitClock | None = None  # the time that ends of limits are judged by
    limit_news: list[LimitNews] = field(default_factory=list)  # until `LimitSender` has heard them
    limits_wake: JournalSignal = field(default_factory=JournalSignal)  # there is something for `LimitSender` to do
    recording: Recording = field(default_factory=Recording)
    history: History = field(default_factory=History)
    alarms_since: dict[tuple[str, str], Instant] = field(
        default_factory=dict
    )  # by kind and subject, of those there are

    def tell_limits(self, news: LimitNews) -> None:
        """Let `LimitSender` know, once the commit is on disk."""
        self.limit_news.append(news)
        self.limits_wake.announce()
