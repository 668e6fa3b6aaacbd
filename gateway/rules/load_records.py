"""Which decisions of load limits are worth keeping, and the line of words under which one is found again.

What is lowered or stopped is kept at once, because it is evidence; other changes at most every few seconds, and what
only wanders (which phase binds) at most once a minute, so that a busy site does not wear its disk out. A site where
nothing changes is kept now and then. Knows neither clock nor store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gateway.model.load_decision import Alarm, CircuitDecision, ConnectorDecision, Decision, Send

APART_SECONDS, WANDERING_APART_SECONDS = 5.0, 60.0
BUSY_AT_LEAST_SECONDS, QUIET_AT_LEAST_SECONDS = 900.0, 3600.0
PHRASES_IN_A_LINE = 4

Urgency = Literal["at once", "soon", "some time"]
_SENT = {"increase": "raised", "decrease": "lowered", "start": "let in"}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that this decision changed, in words, and how soon it is to be kept."""

    urgency: Urgency
    text: str


def changes_since(before: Decision | None, now: Decision) -> tuple[Change, ...]:
    """What is new in `now`; nothing when it only goes on. `before` is None for the first decision."""
    if before is None:
        return (Change("soon", "first decision since the start"), *_sent(now))
    return (*_stopped(before, now), *_sent(now), *_of_circuits(before, now), *_told(before, now), *_moved(before, now))


def is_due(changes: tuple[Change, ...], since_seconds: float | None, *, busy: bool) -> bool:
    """Whether to keep a decision now: `changes` are all since the newest kept one (`since_seconds` ago, None: never).

    `busy`: a session runs.
    """
    if since_seconds is None or any(change.urgency == "at once" for change in changes):
        return True
    if since_seconds >= (BUSY_AT_LEAST_SECONDS if busy else QUIET_AT_LEAST_SECONDS):
        return True
    soon = any(change.urgency == "soon" for change in changes)
    return bool(changes) and since_seconds >= (APART_SECONDS if soon else WANDERING_APART_SECONDS)


def line_of(changes: tuple[Change, ...]) -> str:
    """The changes in one line, the most urgent first."""
    order: tuple[Urgency, ...] = ("at once", "soon", "some time")
    texts = list(dict.fromkeys(change.text for urgency in order for change in changes if change.urgency == urgency))
    if not texts:
        return "nothing changed"
    more = len(texts) - PHRASES_IN_A_LINE
    return "; ".join(texts[:PHRASES_IN_A_LINE]) + (f"; and {more} more" if more > 0 else "")


def _stopped(before: Decision, now: Decision) -> Iterator[Change]:
    if now.stops:
        known = {(stop.station, stop.connector) for stop in before.stops}
        for stop in now.stops:
            if (stop.station, stop.connector) not in known:
                yield Change("at once", f"{stop.station}/{stop.connector} stopped: {stop.reason}")


def _sent(now: Decision) -> Iterator[Change]:
    for send in now.sends:
        if send.kind != "renew":
            yield Change("at once" if send.kind == "decrease" else "soon", _words_of(send))


def _words_of(send: Send) -> str:
    return f"{send.station}/{send.connector} {_SENT[send.kind]} to {send.amps:g} A"


def _of_circuits(before: Decision, now: Decision) -> Iterator[Change]:
    known = {circuit.name: circuit for circuit in before.circuits}
    for circuit in now.circuits:
        old = known.get(circuit.name)
        if old is None or (circuit.mode, circuit.effective_limit_amps, circuit.source, circuit.limit_amps) != (
            old.mode, old.effective_limit_amps, old.source, old.limit_amps,
        ):  # fmt: skip
            yield Change("soon", _circuit_words(old, circuit))


def _circuit_words(old: CircuitDecision | None, circuit: CircuitDecision) -> str:
    if old is None:
        return f"{circuit.name} is new"
    if circuit.mode != old.mode:
        return f"{circuit.name}: mode {circuit.mode}"
    return f"{circuit.name}: limit {min(circuit.effective_limit_amps):g} A ({circuit.source})"


def _told(before: Decision, now: Decision) -> Iterator[Change]:
    if before.alarms or now.alarms:
        known, lasting = _kinds(before.alarms), _kinds(now.alarms)
        for kind, subject in sorted(lasting - known):
            yield Change("soon", f"{subject}: alarm {kind.replace('_', ' ')}")
        for kind, subject in sorted(known - lasting):
            yield Change("soon", f"{subject}: no more {kind.replace('_', ' ')}")


def _kinds(alarms: tuple[Alarm, ...]) -> set[tuple[str, str]]:
    return {(alarm.kind, alarm.subject) for alarm in alarms}


def _moved(before: Decision, now: Decision) -> Iterator[Change]:
    if len(before.connectors) != len(now.connectors):
        yield Change("soon", "the connectors of the site are others")
        return
    told = {(send.station, send.connector) for send in now.sends if send.kind != "renew"}
    for old, each in zip(before.connectors, now.connectors, strict=True):
        if (old.station, old.connector) != (each.station, each.connector):
            yield Change("soon", "the connectors of the site are others")
            return
        yield from _of_connector(old, each, told=(each.station, each.connector) in told)


def _of_connector(old: ConnectorDecision, now: ConnectorDecision, *, told: bool) -> Iterator[Change]:
    key = f"{now.station}/{now.connector}"
    if now.compliant != old.compliant:
        yield Change("soon", f"{key} {'follows its limit again' if now.compliant else 'ignores its limit'}")
    if now.cap_amps != old.cap_amps and not told:
        yield Change("soon", f"{key} may draw {now.cap_amps:g} A")
    if now.binding.source != old.binding.source:
        yield Change("soon", f"{key} is held by {now.binding.source}")
    elif (now.binding.circuit, now.binding.phase) != (old.binding.circuit, old.binding.phase):
        yield Change("some time", f"{key} is held by {now.binding.circuit}, phase {now.binding.phase}")
