"""Security events of the gateway itself: logins and TLS handshakes that were refused (white paper A00.FR.323, 408).

Anybody in the network can be refused as often as he likes. So the same refusal (of one station or address, for one
reason) is told a few times, then once in a while with the number of those between; all together at most so many an
hour, those of known stations apart, so that strangers do not hide them. For the others nothing is asked of the disk:
they are in the metric `connections_refused_total`.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant
from gateway.operations.note_security_events import note_security_event
from gateway.operations.site import Site
from gateway.rules.security_profiles import Refused
from gateway.rules.tls_failures import what_failed
from gateway.stations.tls import HandshakeFailure
from gateway.store.writing import Writing

logger = logging.getLogger(__name__)

_A_WHILE = 600 * SECOND
_SAME_IN_A_WHILE = 5
_MOST_AN_HOUR = 100
_HOUR = 3_600 * SECOND
_MOST_REMEMBERED = 1000


@dataclass(slots=True)
class _Told:
    """Of one refusal: since when a while is counted, how often it was told in it, how often it was not since then."""

    begin: Instant
    times: int = 0
    left_out: int = 0


@dataclass(slots=True)
class Refusals:
    """Whom the doors tell of refusals; remembers what was told lately."""

    site: Site
    _told: dict[tuple[str, str], _Told] = field(default_factory=dict)
    _hour: int = 0
    _of_hour: Counter[bool] = field(default_factory=Counter)  # of known stations, of strangers

    def login(self, station: StationId, address: str, refused: Refused) -> None:
        """A known station's connection was refused before the upgrade."""
        self._count(refused.event)
        self._tell(station, address, refused.event, refused.reason)

    def handshake(self, failure: HandshakeFailure) -> None:
        """A connection ended before it was encrypted."""
        told = what_failed(failure.reason, failure.detail)
        self._count(told.event or failure.reason)
        if told.event is not None:
            self._tell(None, failure.address, told.event, told.reason)
        else:
            logger.debug("no TLS with %s: %s", failure.address, told.reason, extra={"address": failure.address})

    def _count(self, reason: str) -> None:
        self.site.health.counters.increase("connections_refused_total", reason=reason)

    def _tell(self, station: StationId | None, address: str, event: str, reason: str) -> None:
        now = self.site.wall_clock()
        times = self._may_tell(station is not None, (station or address, reason), now)
        if not times:
            return
        text = reason if times == 1 else f"{reason} ({times} times since it was last told)"
        who = station or address
        logger.warning("refused %s: %s", who, text, extra={"station": station, "address": address})

        def unit(db: Writing) -> None:
            note_security_event(
                db, self.site, station=station, source="gateway", type=event, tech_info=text, address=address,
                happened_at=now, now=now,
            )  # fmt: skip

        self.site.database.submit(unit, lambda result, error: None)

    def _may_tell(self, known: bool, key: tuple[str, str], now: Instant) -> int:
        """How many refusals are told now with one event; 0 when it is only counted."""
        hour = now // _HOUR
        if hour != self._hour:
            self._hour, self._of_hour = hour, Counter()
        if key not in self._told and len(self._told) >= _MOST_REMEMBERED:
            del self._told[next(iter(self._told))]
        told = self._told.setdefault(key, _Told(now))
        if not told.begin <= now < told.begin + _A_WHILE:
            told.begin, told.times = now, 0
        if told.times >= _SAME_IN_A_WHILE or self._of_hour[known] >= _MOST_AN_HOUR:
            told.left_out += 1
            return 0
        self._of_hour[known] += 1
        told.times += 1
        times, told.left_out = 1 + told.left_out, 0
        return times
