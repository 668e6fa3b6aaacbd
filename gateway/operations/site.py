"""Everything a verb may use, handed to it as one argument. Put together in `daemon.py`, replaced by nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.configuration import Configuration
from gateway.health import Health
from gateway.journal_signal import JournalSignal
from gateway.meters.latest import Latest
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.operations.clock_now import ClockNow
from gateway.operations.documents_now import DocumentsNow
from gateway.operations.fleet_commands_now import FleetCommandsNow
from gateway.operations.fleet_now import FleetNow
from gateway.operations.frames_now import FramesNow
from gateway.operations.images_now import ImagesNow
from gateway.operations.learn_tags_now import LearnTagsNow
from gateway.operations.load_now import LoadNow
from gateway.operations.log_now import LogNow
from gateway.operations.logins_now import LoginsNow
from gateway.operations.reload_configuration import Reloads
from gateway.operations.rollout_now import RolloutNow
from gateway.operations.room_now import RoomNow
from gateway.operations.scan_now import ScanNow
from gateway.operations.transfers_now import TransfersNow
from gateway.stations.connected import Connected
from gateway.store.database import Database
from gateway.store.readers import Readers


@dataclass(frozen=True, slots=True)
class Site:
    """The running gateway's parts. `wall_clock` gives UTC, `new_id` a fresh random id, `clock_quality` how good UTC is.

    `latest_known`: the newest time in the journal when the gateway started; a clock that shows less is behind.
    """

    configuration: Configuration
    database: Database
    readers: Readers
    connected: Connected
    wall_clock: Callable[[], Instant]
    new_id: Callable[[], str]
    journal_signal: JournalSignal
    health: Health
    clock_quality: ClockNow
    latest_known: Instant = field(default_factory=lambda: Instant(0))
    reservations_changed: JournalSignal = field(default_factory=JournalSignal)  # wakes the loop that ends them
    clock_offsets_ms: dict[StationId, int] = field(default_factory=dict)  # as stored; small changes are not
    list_turns: dict[StationId, asyncio.Lock] = field(default_factory=dict)  # one sends a station its list at a time
    quirks_seen: dict[tuple[StationId, str], int] = field(default_factory=dict)  # since they were last stored
    meters: Latest = field(default_factory=Latest)  # the newest reading of each site meter
    failed_by_itself: dict[StationId, set[str]] = field(default_factory=dict)  # how the gateway's own requests failed
    certificates_asked: JournalSignal = field(default_factory=JournalSignal)  # a station waits for a certificate
    uploads_changed: JournalSignal = field(default_factory=JournalSignal)  # there is one more to forward
    load: LoadNow = field(default_factory=LoadNow)  # of load limits: the newest currents of cars and the newest tick
    fleet: FleetNow = field(default_factory=FleetNow)  # the links to fleet managers
    fleet_commands: FleetCommandsNow = field(default_factory=FleetCommandsNow)  # what they asked for, in this life
    images: ImagesNow = field(default_factory=ImagesNow)  # the store of firmware images
    room: RoomNow = field(default_factory=RoomNow)  # how full the disk is
    transfers: TransfersNow = field(default_factory=TransfersNow)  # where stations fetch from and upload to
    documents: DocumentsNow = field(default_factory=DocumentsNow)  # desired-state documents of fleet managers
    logins: LoginsNow = field(default_factory=LoginsNow)  # who tries to log in
    rollout: RolloutNow = field(default_factory=RolloutNow)  # of firmware rollouts
    frames: FramesNow = field(default_factory=FramesNow)  # the newest messages of stations
    log: LogNow = field(default_factory=LogNow)  # the newest lines of the log
    learning: LearnTagsNow = field(default_factory=LearnTagsNow)  # which cards were presented, while somebody asks
    scan: ScanNow = field(default_factory=ScanNow)  # the search for meters that somebody asked for
    reloads: Reloads = field(default_factory=Reloads)  # reading the configuration's files again
