"""How far downloads came, told to the desk every few seconds and soon after each end, also when the desk was away.

A request that goes on exactly where the last one of the same connection ended is one attempt with it: a station that
fetches in a thousand small pieces tries once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from firmware_store.tickets import Desk, Served

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN = 2.0
_SECONDS_AFTER_AN_END = 0.3
_MOST_KEPT = 10_000
_LAST_WORDS_SECONDS = 1.0


@dataclass(slots=True)
class Piece:
    """What goes out in one go: bytes `start` to `position` are with the kernel, those to `told` are told."""

    link_id: int
    start: int
    position: int
    told: int
    counted: bool = False  # as an attempt
    ended: bool = False


@dataclass(slots=True)
class ProgressNotes:
    """For one event loop; `keep_telling` runs as a task of it."""

    desk: Desk
    _pieces: list[Piece] = field(default_factory=list)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, link_id: int, start: int, *, after: Piece | None) -> Piece:
        """A part of the file begins to go out; `after` is what the same connection fetched last."""
        if after is not None and after.link_id == link_id and after.position == start:
            if after.ended and not any(piece is after for piece in self._pieces):
                self._pieces.append(after)
            after.ended = False
            return after
        piece = Piece(link_id, start, start, start)
        self._pieces.append(piece)
        if len(self._pieces) > _MOST_KEPT:  # the desk has been away for very long
            del self._pieces[0]
        return piece

    def end(self, piece: Piece) -> None:
        """No more of it goes out for now."""
        piece.ended = True
        self._ended.set()

    async def keep_telling(self) -> None:
        """For ever: tell what is new."""
        while True:
            try:
                async with asyncio.timeout(_SECONDS_BETWEEN):
                    await self._ended.wait()
                await asyncio.sleep(_SECONDS_AFTER_AN_END)  # small pieces end in quick succession
            except TimeoutError:
                pass
            self._ended.clear()
            await self._tell()

    async def last_words(self) -> None:
        """Tell what is left, when the servers stop."""
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                await self._tell()
        except TimeoutError:
            logger.warning("the progress of %d downloads could not be noted in time", len(self._pieces))

    async def _tell(self) -> None:
        for piece in list(self._pieces):
            position = piece.position
            if position > piece.told or not piece.counted:
                try:
                    await self.desk.served(Served(piece.link_id, piece.told, position, begins=not piece.counted))
                except OSError as error:
                    logger.warning("the progress of downloads cannot be noted now: %s", error)
                    return
                piece.told, piece.counted = position, True
        self._pieces = [
            piece for piece in self._pieces if not (piece.ended and piece.counted and piece.position == piece.told)
        ]
