"""Who waits for which answer of one station. It knows no sockets and no time; the connection tells it what happened."""

from __future__ import annotations

import asyncio

from gateway.model.calls import Reply, Unanswered
from gateway.ocpp.conversation import Ticket


class WaitingCalls:
    """Our requests to one station and their futures."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: dict[Ticket, asyncio.Future[Reply]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def wait_for(self, ticket: Ticket) -> asyncio.Future[Reply]:
        """The future of a new request's reply; it may fail with Unanswered."""
        future = self._futures[ticket] = asyncio.get_running_loop().create_future()
        return future

    def answered(self, ticket: Ticket, reply: Reply) -> None:
        """The reply has come."""
        future = self._futures.pop(ticket, None)
        if future is not None and not future.done():
            future.set_result(reply)

    def failed(self, ticket: Ticket, reason: str) -> None:
        """No reply will come."""
        future = self._futures.pop(ticket, None)
        if future is not None and not future.done():
            future.set_exception(Unanswered(reason))

    def all_failed(self, reason: str) -> None:
        """No reply will come to anybody."""
        for ticket in list(self._futures):
            self.failed(ticket, reason)

    def given_up(self, ticket: Ticket) -> bool:
        """Nobody waits any more; True when the reply had neither come nor failed."""
        future = self._futures.pop(ticket, None)
        return future is not None and future.cancelled()
