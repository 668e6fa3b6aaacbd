"""All facts of one tick: what the meters say and what is known of every connector, frozen.

`rules.balance.decide()` sees nothing but this and its own memory, so a recorded picture replays exactly. Ages and
remaining times are seconds at the moment of the picture; `at_seconds` is a clock that never jumps (its zero means
nothing), `now` the wall clock, on which alone the ends of temporary limits depend. Measured currents are by line of the
station; the site's meters are by supply phase. Who fills a picture, and how readings arrive, is not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.model.circuits import Circuit, Outlet, TemporaryLimit
from gateway.model.instants import Instant

MeterTrust = Literal["good", "suspect"]


@dataclass(frozen=True, slots=True)
class MeterReading:
    """The newest reading of a circuit's meter: signed amperes per supply phase (export below 0), None where unread.

    `suspect` is the word of the meters' own checks: frozen, a phase without voltage, nonsense.
    """

    circuit: str
    amps: tuple[float | None, float | None, float | None]
    age_seconds: float
    trust: MeterTrust = "good"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The running session of a connector; `session` is any name that no other session of the connector has.

    `departure_in_seconds` and `wanted_wh` (of the whole session) are what somebody said; None: unknown.
    """

    session: str
    age_seconds: float
    energy_wh: float = 0.0
    departure_in_seconds: float | None = None
    wanted_wh: float | None = None


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """The limits sent to a connector, as the ledger has them: written before each send, settled by the answer.

    `pending_amps` is the largest limit that was sent and may have arrived, but was not answered; `pending_age_seconds`
    counts from the newest send. After a restart every limit of the ledger is pending: `accepted_amps` is None until the
    station has answered. Of all that may be in force, `first_end_in_seconds` is when the first falls back to the
    fallback, `ends_in_seconds` when the last does; below 0 it has.
    """

    accepted_amps: float | None = None
    accepted_age_seconds: float = 0.0
    pending_amps: float | None = None
    pending_age_seconds: float = 0.0
    first_end_in_seconds: float = 0.0
    ends_in_seconds: float = 0.0
    refused: bool = False  # the newest answer was a refusal: what was accepted before is still in force


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """What is known of one connector. `connected`: and heard from since, so that `session` is true again.

    `measured_amps`: by line of the station, None where it never told. `session`: with an open transaction. `lease`: in
    mode A that of this session, never that of an earlier one; in modes B and C the connector's.

    `asked_amps`: a lower limit that people asked for by charging profiles of their own.
    `fallback_confirmed`: the station once accepted the fallback profile and nothing has removed it since.
    """

    station: str
    connector: int
    connected: bool
    status: str = "Available"
    session: SessionFacts | None = None
    measured_amps: tuple[float, ...] | None = None
    measured_age_seconds: float = 0.0
    lease: LeaseFacts | None = None
    fallback_confirmed: bool = True
    asked_amps: float | None = None


@dataclass(frozen=True, slots=True)
class SitePicture:
    """The whole site at one moment. The order of the parts means nothing."""

    at_seconds: float
    now: Instant
    circuits: tuple[Circuit, ...]
    outlets: tuple[Outlet, ...]
    connectors: tuple[ConnectorFacts, ...] = ()
    readings: tuple[MeterReading, ...] = ()
    limits: tuple[TemporaryLimit, ...] = ()
