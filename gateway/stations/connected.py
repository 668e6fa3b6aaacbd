"""Who is connected now: one connection per station, the newest wins. True only while the gateway runs.

An old connection's end never touches the new one's state. The answers given to a station are remembered here, per
identity and not per socket, because a retry may come over the next connection (OCPP-J 1.6 errata 3.1).
"""

from __future__ import annotations

from gateway.model.calls import NotConnected, Payload, Reply
from gateway.model.identities import StationId
from gateway.ocpp.conversation import AnswersGiven
from gateway.stations.connection import StationConnection

_MOST_REMEMBERED = 5000


class Connected:
    """The registry of open station connections."""

    __slots__ = ("_connections", "_given")

    def __init__(self) -> None:
        self._connections: dict[StationId, StationConnection] = {}
        self._given: dict[StationId, AnswersGiven] = {}

    def get(self, station: StationId) -> StationConnection | None:
        """The station's connection, or None."""
        return self._connections.get(station)

    def is_connected(self, station: StationId) -> bool:
        """True while the station has an open connection."""
        return station in self._connections

    def all(self) -> dict[StationId, StationConnection]:
        """A copy of the registry."""
        return dict(self._connections)

    def __len__(self) -> int:
        return len(self._connections)

    def answers_given(self, station: StationId) -> AnswersGiven:
        """The newest answers to this identity; the memory is bounded in stations and in answers."""
        given = self._given.get(station)
        if given is None:
            if len(self._given) >= _MOST_REMEMBERED:
                del self._given[next(iter(self._given))]
            given = self._given[station] = AnswersGiven()
        return given

    def forget_answers(self) -> None:
        """Answers of another life of the database (after a restore) must not be replayed."""
        for given in self._given.values():
            given.answers.clear()

    def add(self, connection: StationConnection) -> None:
        """The newest authenticated connection of a station takes its place; the older one is closed without waiting."""
        older = self._connections.get(connection.station)
        self._connections[connection.station] = connection
        if older is not None and older is not connection:
            older.end(1000, "replaced by a newer connection")

    def remove(self, connection: StationConnection) -> bool:
        """Forget `connection` if it is still its station's newest; True if it was."""
        if self._connections.get(connection.station) is connection:
            del self._connections[connection.station]
            return True
        return False

    async def call(self, station: StationId, action: str, payload: Payload, *, patience_seconds: float) -> Reply:
        """Send a request to the station and return its reply. Raises NotConnected, Unanswered."""
        connection = self._connections.get(station)
        if connection is None:
            raise NotConnected(station)
        return await connection.call(action, payload, patience_seconds=patience_seconds)
