"""What else changes when something has happened: a table for each occasion, in the order in which it is done.

Each function runs inside the unit of work that records what happened, so it may run twice and touches nothing but the
database (side effects go through `db.then`). What an answer to a command changes is in `heed_results`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.connectors import ConnectorState
from gateway.model.identities import CommandId, ConnectorId, StationId
from gateway.model.instants import Instant
from gateway.model.reservations import Reservation
from gateway.model.sessions import Session, StartRequest
from gateway.model.tags import Verdict
from gateway.operations import mirror_local_lists, mirror_profiles
from gateway.operations.draw_on_reservations import (
    reservations_after_boot,
    reservations_after_status,
    use_reservation,
)
from gateway.operations.follow_jobs import note_boot
from gateway.operations.heed_certificates import forget_replaced_device
from gateway.operations.heed_limits import limits_after_boot, limits_end_with_session
from gateway.operations.heed_settings import learn_from_boot
from gateway.operations.note_draws import no_draw_when_ended, no_draw_when_free
from gateway.operations.site import Site
from gateway.rules.registration import Device, is_another_device
from gateway.store.station_facts import Nameplate
from gateway.store.stations import StationRow
from gateway.store.writing import Writing


@dataclass(frozen=True, slots=True)
class Booted:
    """A BootNotification: `before` is what was known of the station until now."""

    station: StationId
    before: StationRow | None
    plate: Nameplate
    now: Instant

    @property
    def is_another_device(self) -> bool:
        """What was in the device before says nothing about this one."""
        return self.before is not None and is_another_device(_device(self.before), _device(self.plate))

    @property
    def is_another_model(self) -> bool:
        """It booted before, as something else."""
        before, plate = self.before, self.plate
        return (
            before is not None
            and before.booted_at is not None
            and (before.vendor, before.model) != (plate.vendor, plate.model)
        )

    @property
    def has_other_firmware(self) -> bool:
        """It booted before, with another version."""
        before = self.before
        return (
            before is not None
            and before.booted_at is not None
            and before.firmware_version != self.plate.firmware_version
        )


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A StatusNotification that is news."""

    station: StationId
    connector: ConnectorId
    state: ConnectorState
    now: Instant


@dataclass(frozen=True, slots=True)
class Started:
    """A session was recorded for the first time.

    `command`: the remote start that asked for it, if one did; `reservation`: the one that it uses up, if any;
    `passed_over`: what is reserved for others on its connector.
    """

    start: StartRequest
    transaction_id: int
    verdict: Verdict
    command: CommandId | None
    now: Instant
    reservation: Reservation | None = None
    passed_over: tuple[Reservation, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A session ended, by its station's word or reconstructed; it may end again when that is corrected."""

    session: Session
    now: Instant


def _device(told: StationRow | Nameplate) -> Device:
    return Device(told.vendor, told.model, told.serial_number, told.box_serial_number)


ON_BOOT: tuple[Callable[[Writing, Site, Booted], None], ...] = (
    forget_replaced_device,
    learn_from_boot,
    note_boot,
    mirror_local_lists.boot_may_lose_the_list,
    mirror_profiles.notice_other_device,
    reservations_after_boot,
    limits_after_boot,
)
ON_STATUS: tuple[Callable[[Writing, Site, StatusChanged], None], ...] = (
    mirror_local_lists.conflict_needs_the_list,
    reservations_after_status,
    no_draw_when_free,
)
ON_START: tuple[Callable[[Writing, Site, Started], None], ...] = (
    use_reservation,
    mirror_profiles.install_with_session,
)
ON_END: tuple[Callable[[Writing, Site, Ended], None], ...] = (
    mirror_profiles.end_with_session,
    limits_end_with_session,
    no_draw_when_ended,
)


def after_boot(db: Writing, site: Site, what: Booted) -> None:
    """A station has booted."""
    for draw in ON_BOOT:
        draw(db, site, what)


def after_status(db: Writing, site: Site, what: StatusChanged) -> None:
    """A connector, or the station as a whole (0), is in another state."""
    for draw in ON_STATUS:
        draw(db, site, what)


def after_start(db: Writing, site: Site, what: Started) -> None:
    """A session has begun."""
    for draw in ON_START:
        draw(db, site, what)


def after_end(db: Writing, site: Site, what: Ended) -> None:
    """A session has ended."""
    for draw in ON_END:
        draw(db, site, what)
