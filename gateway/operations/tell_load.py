"""Tells people of load limits: alarms in the journal, the health of the component, counters for what must not happen.

An alarm is told when it has lasted a moment, and cleared when it has been away for one; each once. What is wrong is
decided by the rules (`Decision.alarms`); why a connector has its limit is told elsewhere.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial

from gateway.model.load_decision import Alarm, AlarmKind
from gateway.operations.load_now import Tick
from gateway.operations.site import Site
from gateway.store import events
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

COMPONENT = "load limits"
LASTING_SECONDS = 5.0
AWAY_SECONDS = 60.0  # so long stations may take to come back, after a start of the gateway all of them
_SERIOUS = ("over_limit", "limit_at_risk")


@dataclass(slots=True)
class _Known:
    """An alarm: what was told last, and since when it has been there or away (seconds of pictures)."""

    alarm: Alarm
    there: bool
    since: float
    told: bool = False


@dataclass(slots=True)
class LoadTeller:
    """Hears of every tick."""

    site: Site
    _known: dict[tuple[AlarmKind, str], _Known] = field(default_factory=dict)
    _violated: bool = False

    async def tell(self, tick: Tick, notes: tuple[str, ...]) -> None:
        """What is news in this tick. Raises StoreUnavailable; then it is told with a later one."""
        at = tick.picture.at_seconds
        self._count(tick)
        self._notice(tick, at)
        serious = [each.alarm.text for each in self._known.values() if each.told and each.alarm.kind in _SERIOUS]
        self.site.health.report(COMPONENT, "; ".join(serious)[:300] or None, notice="; ".join(notes)[:1000] or None)
        for each in [each for each in self._known.values() if each.there != each.told]:
            away = each.there and each.alarm.kind == "station_offline"
            if at - each.since >= (AWAY_SECONDS if away else LASTING_SECONDS):
                await self._tell(each, tick)
        for key in [key for key, each in self._known.items() if not each.there and not each.told]:
            del self._known[key]

    def _count(self, tick: Tick) -> None:
        """Statement S1 is looked at in every tick; a rise of the background may break it until cars have followed."""
        violated = not tick.decision.within_limits
        if violated:
            self.site.health.counters.increase("load_ticks_above_limit_total")
        if violated != self._violated:
            self._violated = violated
            names = ", ".join(each.name for each in tick.decision.circuits if not each.within_limit)
            logger.log(
                logging.WARNING if violated else logging.INFO,
                "load limits: %s",
                f"the worst case of {names} is above its limit, limits are lowered" if violated else "all is within",
            )
        for send in tick.decision.sends:
            self.site.health.counters.increase("load_limits_sent_total", kind=send.kind)

    def _notice(self, tick: Tick, at: float) -> None:
        now = {(alarm.kind, alarm.subject): alarm for alarm in tick.decision.alarms}
        load = self.site.load
        load.alarms_since = {key: load.alarms_since.get(key, tick.at) for key in now}
        for key, alarm in now.items():
            known = self._known.get(key)
            if known is None:
                self._known[key] = _Known(alarm, True, at)
            elif known.there:
                known.alarm = alarm
            else:
                known.alarm, known.there, known.since = alarm, True, at
        for key, known in self._known.items():
            if known.there and key not in now:
                known.there, known.since = False, at

    async def _tell(self, each: _Known, tick: Tick) -> None:
        kind = "load.alarm_raised" if each.there else "load.alarm_cleared"
        data: dict[str, object] = {"alarm": each.alarm.kind, "what": each.alarm.subject, "text": each.alarm.text}
        await self.site.database.write(partial(_append, kind=kind, tick=tick, data=data))
        each.told = each.there
        level = logging.WARNING if each.there else logging.INFO
        no_more = "" if each.there else "no more: "
        logger.log(level, "load limits: %s: %s%s", each.alarm.subject, no_more, each.alarm.text)


def _append(db: Writing, *, kind: str, tick: Tick, data: dict[str, object]) -> None:
    events.append(db, kind, happened_at=tick.at, recorded_at=tick.at, data=data)
