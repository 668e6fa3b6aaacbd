"""Whatever is lost, refused, forgotten or restarted: the ledger never says less than what the station really allows."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rules import sent_limits
from gateway.rules.sent_limits import Ledger
from tests.properties.examples import examples

FALLBACK = 6.0
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 32), st.sampled_from([600, 1200])),
        st.tuples(st.sampled_from(["arrive", "accept", "refuse", "not_sent", "lose", "doubt", "restart"]),
                  st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 700), st.just(0)),
    ),
    max_size=40,
)  # fmt: skip


@dataclass
class Station:
    """What it holds: a limit until then, and its fallback afterwards."""

    amps: float = FALLBACK
    until: float = 0.0

    def allows(self, at: float) -> float:
        return self.amps if at < self.until else FALLBACK


@dataclass
class World:
    """A station, a ledger, the rows on disk, and one call under way at most."""

    station: Station
    ledger: Ledger
    rows: list[tuple[float, float]]
    call: tuple[float, float, float] | None = None  # amps, lease, when it was sent
    arrived: bool = False
    at: float = 0.0

    def play(self, kind: str, number: int, lease: int) -> None:
        match kind:
            case "wait":
                self.at += number
            case "send" if self.call is None:
                self.rows.append((number, lease))
                self.ledger = sent_limits.sending(self.ledger, number, lease, at=self.at)
                self.call, self.arrived = (number, lease, self.at), False
            case "arrive" if self.call is not None and not self.arrived:
                amps, seconds, sent = self.call
                self.station, self.arrived = Station(amps, sent + seconds), True
            case "accept" if self.arrived and self.call is not None:
                self.rows = self.rows[-1:]
                self.ledger, self.call = sent_limits.accepted(self.ledger, at=self.at), None
            case "refuse" if self.call is not None and not self.arrived:
                self.rows.pop()
                self.ledger, self.call = sent_limits.refused(self.ledger), None
            case "not_sent" if self.call is not None and not self.arrived:
                self.rows.pop()
                self.ledger, self.call = sent_limits.not_sent(self.ledger), None
            case "lose" if self.call is not None:
                self.ledger, self.call = sent_limits.silent(self.ledger), None
            case "doubt":  # the station comes anew, and has forgotten everything but its fallback
                self.station = Station()
                self.ledger, self.call = sent_limits.doubted(self.ledger, at=self.at), None
            case "restart":
                self.ledger, self.call = Ledger(), None
                for amps, seconds in self.rows:
                    restored = sent_limits.restored(amps, seconds, at=self.at)
                    self.ledger = sent_limits.with_restored(self.ledger, restored)

    def check(self) -> None:
        facts, real = sent_limits.facts_of(self.ledger, at=self.at), self.station.allows(self.at)
        if facts is None:
            assert real <= FALLBACK and self.ledger.empty
            return
        worst = max(facts.accepted_amps or 0.0, facts.pending_amps or 0.0)
        if facts.first_end_in_seconds <= 0 or facts.accepted_amps is None:
            worst = max(worst, FALLBACK)
        assert real <= worst, (self.station, facts)
        if facts.ends_in_seconds <= 0:
            assert real <= FALLBACK
        assert facts.first_end_in_seconds <= facts.ends_in_seconds


@given(EVENTS)
@settings(max_examples=examples(400), deadline=None, derandomize=True)
def test_the_worst_case_is_never_below_what_the_station_holds(events: list[tuple[str, int, int]]) -> None:
    world = World(Station(), Ledger(), [])
    for kind, number, lease in events:
        world.play(kind, number, lease)
        world.check()


def test_what_answers_change_and_what_they_do_not() -> None:
    empty = Ledger()
    assert sent_limits.accepted(empty, at=0.0) is empty
    assert sent_limits.doubted(empty, at=0.0) == empty
    once = sent_limits.accepted(sent_limits.sending(empty, 16, 600, at=0.0), at=1.0)
    facts = sent_limits.facts_of(sent_limits.refused(sent_limits.sending(once, 10, 600, at=2.0)), at=5.0)
    assert facts is not None and facts.refused
    assert (facts.accepted_amps, facts.accepted_age_seconds, facts.pending_amps) == (16, 4.0, None)
    assert (facts.first_end_in_seconds, facts.ends_in_seconds) == (595.0, 595.0)
