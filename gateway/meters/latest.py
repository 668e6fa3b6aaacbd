"""The newest reading of each meter, and how its tries went. True only while the gateway runs; never stored.

Whoever reads meters writes here; verbs look. It does not judge: whether a reading may be believed is a rule's question.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace

from gateway.model.instants import Instant
from gateway.model.meters import Heard, Measured, Phases, Reading

OUTWARD_AMPS = 1.0
"""So much must flow out of a phase before it counts: less is noise around zero."""


class Latest:
    """Meters by name. Counters only grow: readings, and failed tries by what went wrong.

    `announce` is called after each change; it must not raise and not take long.
    """

    __slots__ = ("_heard", "announce", "errors", "reads")

    def __init__(self, announce: Callable[[], None] = lambda: None) -> None:
        self.announce = announce
        self._heard: dict[str, Heard] = {}
        self.reads: Counter[str] = Counter()
        self.errors: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def of(self, name: str) -> Heard:
        """What is known of this meter; nothing yet is known of one that was never read."""
        return self._heard.get(name, Heard())

    def succeeded(self, name: str, measured: Measured, *, wall: Instant, loop_seconds: float) -> None:
        """A reading is complete. Energy registers that it lacks stay as they were."""
        before = self.of(name)
        known = before.reading.measured if before.reading else Measured()
        whole = replace(
            measured,
            energy_import_wh=_newer(measured.energy_import_wh, known.energy_import_wh),
            energy_export_wh=_newer(measured.energy_export_wh, known.energy_export_wh),
        )
        same = before.reading is not None and _instantaneous(whole) == _instantaneous(known)
        self._heard[name] = Heard(
            reading=Reading(whole, wall, loop_seconds),
            unchanged_since=before.unchanged_since if same else loop_seconds,
            outward_since=_outward(before.outward_since, whole.amps, loop_seconds),
        )
        self.reads[name] += 1
        self.announce()

    def energy(self, name: str, measured: Measured) -> None:
        """New energy registers for the newest reading; they do not make it any younger."""
        before = self.of(name)
        if before.reading is None:
            return
        whole = replace(
            before.reading.measured,
            energy_import_wh=_newer(measured.energy_import_wh, before.reading.measured.energy_import_wh),
            energy_export_wh=_newer(measured.energy_export_wh, before.reading.measured.energy_export_wh),
        )
        self._heard[name] = replace(before, reading=replace(before.reading, measured=whole))
        self.announce()

    def failed(self, name: str, kind: str, reason: str) -> None:
        """A try went wrong: what kind of fault, and in words."""
        self._heard[name] = replace(self.of(name), failure=reason)
        self.errors[name][kind] += 1
        self.announce()


def _newer(new: float | None, old: float | None) -> float | None:
    return old if new is None else new


def _instantaneous(measured: Measured) -> tuple[object, ...]:
    return measured.amps, measured.volts, measured.watts, measured.total_watts


def _outward(before: Phases, amps: Phases, now_seconds: float) -> Phases:
    one, two, three = (
        (was if was is not None else now_seconds) if flows is not None and flows < -OUTWARD_AMPS else None
        for was, flows in zip(before, amps, strict=True)
    )
    return one, two, three
