"""What the gateway believes of one station's limits, in memory: the truth of the tasks that send them.

The store has the same (`limits_sent`, `fallback_profiles`, `limiting`), written before anything goes out, for the next
start. What is sent when is decided in `send_limits` and `give_limits`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.model.circuits import LeaseMode, Outlet
from gateway.model.identities import StationId
from gateway.model.limiting import Limiting
from gateway.model.site_picture import LeaseFacts
from gateway.rules import sent_limits
from gateway.rules.load_modes import Abilities, first_try
from gateway.rules.sent_limits import Ledger
from gateway.stations.connection import StationConnection
from gateway.store.fallback_profiles import Fallback

_FALLBACK_AGAIN_SECONDS = 600.0
_RETRY_SECONDS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The newest limit that a connector shall have; `at`: when that was said, by the loop's clock."""

    amps: float
    lease_seconds: float
    transaction_id: int | None
    number_phases: int | None
    at: float
    falls: bool  # it is lower than what may be in force: it overtakes everything


@dataclass(slots=True)
class Place:
    """One connector. `ledgers`: by session in mode A, under None in modes B and C."""

    outlet: Outlet | None = None
    ledgers: dict[int | None, Ledger] = field(default_factory=dict)
    fallback: Fallback | None = None  # as the station last accepted it
    fallback_due: bool = True  # whatever is believed
    fallback_doubted: bool = False  # the station has booted since: without its word it counts as gone
    fallback_given_anew_at: float = float("-inf")  # after a reconnect
    fallback_owed: bool = False  # it reconnected once more since, too soon for flash memory
    refused_fallback: Fallback | None = None  # not tried again before the station boots
    wanted: Wanted | None = None
    due: bool = False  # `wanted` is to be sent
    phases: int = 3  # that its car uses
    draws_amps: float = 0.0
    refusals: int = 0  # of limits, in a row
    cut: tuple[float, float, float] | None = None  # (drew, limit, since): a lowered limit that was accepted
    session_seen: tuple[int | None, float] = (None, 0.0)

    def facts(self, transaction_id: int | None, at: float) -> LeaseFacts | None:
        """What may be in force, with what waits to be sent."""
        ledger = self.ledgers.get(transaction_id, Ledger())
        wanted = self.wanted
        if self.due and wanted is not None and wanted.transaction_id == transaction_id:
            ledger = sent_limits.sending(ledger, wanted.amps, wanted.lease_seconds, at=wanted.at)
        return sent_limits.facts_of(ledger, at=at)

    def learn(self, outlet: Outlet, at: float) -> None:
        """What the plan says now; the fallback is a part of each lease."""
        known, self.outlet = self.outlet, outlet
        if known is None:
            self.phases = len(outlet.phase_rotation)
        elif known.fallback_amps != outlet.fallback_amps and not self.due:
            self.send_again(at)
        if self.fallback_owed:
            self._give_anew(at)

    def doubt(self, at: float) -> None:
        """The station may have lost its limits; a limit that has not run out is to be sent again at once."""
        self.ledgers = {key: sent_limits.doubted(ledger, at=at) for key, ledger in self.ledgers.items()}
        self.send_again(at)

    def reconnected(self, at: float) -> None:
        """Some stations forget their profiles with the connection. Flash wears, so the fallback has a pause."""
        self.doubt(at)
        self._give_anew(at)

    def _give_anew(self, at: float) -> None:
        """Now, or as soon as the pause is over; what is due anyway wears no flash for that."""
        if self.fallback_due:
            self.fallback_owed = False
            return
        self.fallback_owed = at - self.fallback_given_anew_at < _FALLBACK_AGAIN_SECONDS
        if not self.fallback_owed:
            self.fallback_due, self.fallback_given_anew_at = True, at

    def send_again(self, at: float) -> None:
        """The newest limit once more, unless it never went out, or has run out: then its room may be another's."""
        wanted = self.wanted
        if wanted is None:
            return
        facts = sent_limits.facts_of(self.ledgers.get(wanted.transaction_id, Ledger()), at=at)
        if facts is None or facts.ends_in_seconds <= 0:
            self.wanted, self.due = None, False
            return
        most = max(facts.accepted_amps or 0.0, facts.pending_amps or 0.0)
        self.wanted, self.due = replace(wanted, amps=min(wanted.amps, most), at=at), True

    def end(self, transaction_id: int) -> None:
        """The station has ended this session."""
        self.ledgers.pop(transaction_id, None)
        if self.wanted is not None and self.wanted.transaction_id == transaction_id:
            self.wanted, self.due = None, False


@dataclass(slots=True)
class Held:
    """One station. `clear_ids`: profiles of an earlier mode, to be taken away before anything else."""

    station: StationId
    limiting: Limiting | None = None
    told: Abilities = field(default_factory=Abilities)
    told_due: bool = True  # its settings are to be looked at
    told_read: bool = False  # they were once
    pinned: LeaseMode | None = None  # what a person said
    places: dict[int, Place] = field(default_factory=dict)
    clear_ids: list[int] = field(default_factory=list)
    connection: StationConnection | None = None
    came_at: float = float("-inf")  # since when it has this connection
    not_before: float = 0.0
    failures: int = 0
    busy: bool = False
    learned: Limiting | None = None  # from now on it is limited like this
    given_up_at: float | None = None  # since when it counts as one that cannot be limited
    chances: int = 0  # that it has had since then

    @property
    def known(self) -> Limiting:
        """How it can be limited, as far as that is known."""
        return first_try(self.told) if self.limiting is None else self.limiting

    def mode(self, outlet: Outlet) -> LeaseMode:
        """How the connector is limited now; the plan may be a moment old, but knows who cannot be limited at all."""
        return "D" if outlet.mode == "D" else self.pinned or self.known.mode

    def place(self, connector: int) -> Place:
        """The connector, made when it is new."""
        return self.places.setdefault(connector, Place())

    def fallback_wanted(self, place: Place, outlet: Outlet, hold: float) -> Fallback:
        """What the connector shall fall back to; only leases of mode A let a new session wait."""
        waits = self.mode(outlet) == "A" and self.known.starts_at_zero
        return Fallback(outlet.fallback_amps, float(round(hold)) if waits else 0.0)

    def went_well(self) -> None:
        """The station answered."""
        self.failures, self.not_before = 0, 0.0

    def went_wrong(self, at: float) -> None:
        """It did not: the next try after 1, 2, then always 5 seconds."""
        self.not_before = at + _RETRY_SECONDS[min(self.failures, 2)]
        self.failures += 1
