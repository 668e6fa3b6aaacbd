"""Who is well, and what was counted since the start. It measures nothing itself: loops and doors report here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

Labels = tuple[tuple[str, str], ...]


class Counters:
    """Numbers that only grow, by name and labels. `messages` is apart because every message touches it."""

    __slots__ = ("_numbers", "messages")

    def __init__(self) -> None:
        self.messages: defaultdict[tuple[str, str, str], int] = defaultdict(int)  # (action, direction, result)
        self._numbers: defaultdict[tuple[str, Labels], float] = defaultdict(float)

    def increase(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add `amount` to the counter `name` with these labels."""
        self._numbers[name, tuple(sorted(labels.items()))] += amount

    def snapshot(self) -> list[tuple[str, Labels, float]]:
        """Every counter as (name, labels, value), messages included as `ocpp_messages_total`."""
        counted = [(name, labels, value) for (name, labels), value in self._numbers.items()]
        for (action, direction, result), times in self.messages.items():
            labels = (("action", action), ("direction", direction), ("result", result))
            counted.append(("ocpp_messages_total", labels, float(times)))
        return counted


class Health:
    """Components and what ails them. Ready means: stations can be served and what they say can be stored."""

    __slots__ = ("_ailments", "_needed", "_notices", "counters")

    def __init__(self, needed: Iterable[str] = ()) -> None:
        self.counters = Counters()
        self._ailments: dict[str, str | None] = {}
        self._notices: dict[str, str] = {}
        self._needed = tuple(needed)

    def report(self, component: str, ailment: str | None, *, notice: str | None = None) -> None:
        """Say that a component is well (None) or what ails it; `notice`: what somebody should see to, well or not."""
        self._ailments[component] = ailment
        self._notices.pop(component, None)
        if notice is not None:
            self._notices[component] = notice

    def components(self) -> dict[str, str | None]:
        """Every component that reported, with what ails it (None: well)."""
        return dict(self._ailments)

    def notices(self) -> dict[str, str]:
        """What somebody should see to before it ails a component."""
        return dict(self._notices)

    def ready(self) -> bool:
        """True when every needed component has reported that it is well."""
        return all(name in self._ailments and self._ailments[name] is None for name in self._needed)
