"""What the balancer remembers from tick to tick: nothing else connects two decisions.

An empty memory is always safe: what is forgotten counts as its worst case. It does not survive the program (its times
are those of a clock that begins anew); what must survive is in the ledger of leases. Mappings are by outlet key and by
circuit name, so that any JSON codec carries a memory there and back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.model.circuits import NO_AMPS, Amps


class ConnectorMemory(NamedTuple):
    """What is remembered of one connector; `session` says of which session. Times are `at_seconds` of pictures.

    A named tuple, because many are made in each tick: to replace a field of a frozen dataclass takes ten times as long.
    """

    session: str = ""
    lines: tuple[int, ...] | None = None  # the lines its car draws on, once learned
    drawing_since: float | None = None
    idle_since: float | None = None  # offered its least, draws nothing
    tempted_since: float | None = None  # the same, offered what makes stubborn cars begin; or satisfied
    below_since: float | None = None  # draws clearly less than it may
    demand_amps: float | None = None  # None: as much as the outlet can give
    min_amps: float = 0.0  # learned: 0 while the configured one holds
    satisfied: bool = False
    admitted_since: float | None = None
    cap_amps: float | None = None  # the newest limit that we sent
    changed_at: float | None = None  # when it last became another one
    sent_at: float | None = None
    waiting_since: float | None = None  # since when there is always something unanswered
    old_cap_amps: float = 0.0  # the largest limit that its car may still be following
    excess_since: float | None = None  # draws more than it may
    obeys_since: float | None = None
    defiant: bool = False
    writes_left: float | None = None  # of the station's write budget
    writes_at: float = 0.0
    number_phases: int | None = None  # of the newest limit sent to an outlet that switches phases
    switched_at: float | None = None  # when that last became another number
    single_since: float | None = None  # since when it counts on its first line alone
    three_fit_since: float | None = None  # since when there is room for it on all lines again
    switch_failed: bool = False


@dataclass(frozen=True, slots=True)
class CircuitMemory:
    """What is remembered of one circuit: recent background, and since when its meter shows too much."""

    good_at: float | None = None  # of the newest reading that could be believed
    samples: tuple[tuple[float, Amps, Amps], ...] = ()  # (at, least, most the background can be) of some seconds
    level: Amps = NO_AMPS  # the background as last judged
    peaks: tuple[tuple[float, Amps], ...] = ()  # (at, level) of the window of slow release
    over_since: tuple[float | None, float | None, float | None] = (None, None, None)


@dataclass(frozen=True, slots=True)
class SurplusMemory:
    """Of charging from surplus: since when there is enough or not enough, and whether it is on."""

    on: bool = False
    enough_since: float | None = None
    lacking_since: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it. `Memory()` is that of a program that has just started."""

    connectors: Mapping[str, ConnectorMemory] = field(default_factory=dict)
    circuits: Mapping[str, CircuitMemory] = field(default_factory=dict)
    surplus: SurplusMemory = field(default_factory=SurplusMemory)
