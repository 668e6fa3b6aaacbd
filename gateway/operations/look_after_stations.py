"""The one loop that sends requests nobody asked for: what a station needs after it came, booted, or something changed.

`AUTOMATIC` is the table of what is done, in this order, for one station at a time and for few stations at once. Each
function is cheap when nothing is due. A station is looked after some seconds after it connected or booted (what it has
to say comes first), when something it depends on changed, and about once a day. One that does not answer is tried
again after growing waits. Never asked: stations that are pending, quiet, or all of them with `automatic_calls = false`.
What is asked and why is not known here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from gateway.model.identities import StationId
from gateway.operations.ask_by_itself import LookAgain, may_be_asked
from gateway.operations.ask_for_status import ask_for_status
from gateway.operations.read_settings import read_settings
from gateway.operations.reboot_when_idle import reboot_when_idle
from gateway.operations.reconcile_profiles import reconcile_profiles
from gateway.operations.renew_certificates import renew_certificate
from gateway.operations.repair_settings import repair_settings
from gateway.operations.send_fleet_profiles import send_fleet_profiles
from gateway.operations.send_local_lists import sync_local_list
from gateway.operations.site import Site
from gateway.operations.update_firmware import update_firmware
from gateway.rules.waiting_time import waiting_seconds
from gateway.store import events
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

Care = Callable[[Site, StationId], Awaitable[None]]

AUTOMATIC: tuple[Care, ...] = (
    ask_for_status,
    read_settings,
    repair_settings,
    renew_certificate,
    sync_local_list,
    reconcile_profiles,
    send_fleet_profiles,
    update_firmware,
    reboot_when_idle,
)

# Which events make it a station's turn: its arrival, a person's change of it, another change for it, one for all
# stations; and its removal.
WAKES: Mapping[str, Literal["arrived", "settings_changed", "changed", "all_changed", "removed"]] = MappingProxyType(
    {
        "charging_profiles.uncertain": "changed",
        "document.applied": "all_changed",
        "gateway.restored": "all_changed",
        "id_tag.changed": "all_changed",
        "id_tags.imported": "all_changed",
        "local_list.changed": "changed",
        "local_list.doubted": "changed",
        "station.booted": "arrived",
        "station.connected": "arrived",
        "station.provisioned": "settings_changed",
        "station.removed": "removed",
        "transaction.ended": "changed",
    }
)

SETTLING_SECONDS = 5.0
SOON_SECONDS = 2.0
AGAIN_SECONDS = 86_400.0
MOST_AT_ONCE = 20
_DEBOUNCE_SECONDS = 2.0
_LEAST_WAIT_SECONDS = 60.0
_MOST_WAIT_SECONDS = 21_600.0
_EVENTS_AT_ONCE = 1000
_NEVER = float("inf")


async def look_after_stations(site: Site) -> None:
    """For ever: give each station its turn."""
    turns = _Turns(site)
    turns.cursor = await site.database.write(events.newest_id)
    for station in site.connected.all():
        turns.arrived(station)
    async with asyncio.TaskGroup() as group:
        while True:
            seen = site.journal_signal.generation
            await turns.read_journal()
            for station in turns.begin():
                group.create_task(turns.look_after(station), name=f"looking after {station}")
            await _news(site, seen, turns.next_at())
            await asyncio.sleep(_DEBOUNCE_SECONDS)


async def _news(site: Site, seen: int, until: float) -> None:
    """Wait until the journal grew, or until the loop's time `until`."""
    try:
        async with asyncio.timeout_at(until if until < _NEVER else None):
            await site.journal_signal.newer_than(seen)
    except TimeoutError:
        pass


@dataclass(slots=True)
class _Turn:
    """A station's turn, by the loop's time; `failures` in a row, also over connections (a request may crash it).

    `not_before`: the next try after a failure, however often the station connects until then.
    """

    due_at: float = _NEVER
    not_before: float = 0.0
    failures: int = 0
    running: bool = False


@dataclass(slots=True)
class _Turns:
    """Whose turn it is. Stations are remembered as long as they are connected, and longer while they fail."""

    site: Site
    cursor: int = 0
    of_station: dict[StationId, _Turn] = field(default_factory=dict)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def read_journal(self) -> None:
        """Note whose turn comes because of what happened since the last time."""
        more = True
        while more:
            try:
                newest, happened = await self.site.database.write(self._read)
            except StoreUnavailable:
                return  # the events wait
            if newest < self.cursor:
                happened = [("gateway.restored", None)]
            more = len(happened) == _EVENTS_AT_ONCE
            self.cursor = newest
            for kind, station in happened:
                self._happened(kind, station)

    def _read(self, db: Writing) -> tuple[int, list[tuple[str, StationId | None]]]:
        return events.of_kinds(db, WAKES, after=self.cursor, most=_EVENTS_AT_ONCE)

    def _happened(self, kind: str, station: StationId | None) -> None:
        match WAKES[kind], station:
            case "arrived", str():
                self.arrived(station)
            case "settings_changed", str():
                if station in self.of_station:
                    turn = self.of_station[station]
                    turn.failures, turn.not_before = 0, 0.0
                self._changed(station)
            case "changed", str():
                self._changed(station)
            case "all_changed", _:
                for one in self.site.connected.all():
                    self._changed(one)
            case "removed", str():
                self.of_station.pop(station, None)

    def arrived(self, station: StationId) -> None:
        """Its turn comes when it has said what it has to say."""
        turn = self._turn(station)
        turn.due_at = max(asyncio.get_running_loop().time() + SETTLING_SECONDS, turn.not_before)

    def _changed(self, station: StationId) -> None:
        if self.site.connected.is_connected(station):
            turn, soon = self._turn(station), asyncio.get_running_loop().time() + SOON_SECONDS
            if turn.failures == 0 and turn.due_at > soon + SETTLING_SECONDS:  # it may be settling still
                turn.due_at = soon

    def _turn(self, station: StationId) -> _Turn:
        return self.of_station.setdefault(station, _Turn())

    def begin(self) -> list[StationId]:
        """The stations whose turn begins now, those that waited longest first."""
        now = asyncio.get_running_loop().time()
        due = sorted(
            (turn.due_at, station)
            for station, turn in self.of_station.items()
            if turn.due_at <= now and not turn.running
        )
        chosen = []
        for _, station in due:
            turn = self.of_station[station]
            turn.due_at = _NEVER
            if self.site.connected.is_connected(station):
                turn.running = True
                chosen.append(station)
            elif not turn.failures:
                del self.of_station[station]
        return chosen

    def next_at(self) -> float:
        """When the next turn comes; of a station whose turn runs: soon, to see whether it is over."""
        return min((turn.due_at for turn in self.of_station.values()), default=_NEVER)

    async def look_after(self, station: StationId) -> None:
        """One station's turn, as soon as there is a place; afterwards it is known when the next one comes."""
        turn = self.of_station[station]
        async with self.places:
            again_in = await _look_after(self.site, station)
        now = asyncio.get_running_loop().time()
        turn.running = False
        if again_in is not None:
            turn.failures, turn.not_before = 0, 0.0
            turn.due_at = min(turn.due_at, now + again_in)  # it may have come anew meanwhile
        else:
            turn.failures += 1
            wait = waiting_seconds(turn.failures, least=_LEAST_WAIT_SECONDS, most=_MOST_WAIT_SECONDS)
            turn.due_at = turn.not_before = now + wait


async def _look_after(site: Site, station: StationId) -> float | None:
    """Do everything that is due for the station; when to look again (seconds), None: it did not go well."""
    again_in, well = AGAIN_SECONDS, True
    for care in AUTOMATIC:
        if not may_be_asked(site, station):
            break
        site.failed_by_itself.pop(station, None)
        try:
            await care(site, station)
        except LookAgain as later:
            again_in = min(again_in, later.seconds)
        except StoreUnavailable as error:
            logger.error("looking after %s stopped: %s", station, error, extra={"station": station})
            return None
        except Exception as error:
            name = getattr(care, "__name__", "?")
            logger.error("%s failed for %s", name, station, exc_info=error, extra={"station": station})
            site.health.counters.increase("automatic_faults_total", care=name)
            well = False
        failed = site.failed_by_itself.pop(station, set())
        well = well and not failed
        if failed & {"unanswered", "not_connected"}:
            break  # asking for more would only take longer
    return again_in if well else None
