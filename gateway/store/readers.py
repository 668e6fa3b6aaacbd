"""Read-only connections beside the writer (WAL): a reader never waits for the writer and never holds it up.

A small pool of aiosqlite connections, opened when first needed. Their SQL knows `says_all(text, words)`. What a reader
sees is the newest commit at the moment its statement starts; two statements that must agree go inside `reading()` with
one `BEGIN`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiosqlite

_MOST = 4


class Readers:
    """A pool of read-only connections to the database file."""

    __slots__ = ("_free", "_opened", "_path", "_places")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: list[aiosqlite.Connection] = []
        self._opened: list[aiosqlite.Connection] = []
        self._places = asyncio.Semaphore(_MOST)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """One connection for the length of the block; rows come as `sqlite3.Row`."""
        async with self._places:
            connection = self._free.pop() if self._free else await self._open()
            try:
                yield connection
            except BaseException:
                # a cancelled statement may still begin a transaction in the connection's thread
                await connection.rollback()
                raise
            finally:
                if connection.in_transaction:
                    await connection.rollback()
                self._free.append(connection)

    async def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[aiosqlite.Row]:
        """All rows of one statement."""
        async with self.reading() as connection, connection.execute(sql, tuple(parameters)) as cursor:
            return list(await cursor.fetchall())

    async def row(self, sql: str, parameters: Sequence[object] = ()) -> aiosqlite.Row | None:
        """The first row of one statement, or None."""
        found = await self.rows(sql, parameters)
        return found[0] if found else None

    async def close(self) -> None:
        """Close every connection; call when nobody reads any more."""
        while self._opened:
            await self._opened.pop().close()
        self._free.clear()

    async def _open(self) -> aiosqlite.Connection:
        import aiosqlite  # not before somebody reads: stations are served without

        connection = await aiosqlite.connect(f"file:{self._path}?mode=ro", uri=True, isolation_level=None)
        connection.row_factory = aiosqlite.Row
        await connection.create_function("says_all", 2, _says_all, deterministic=True)
        self._opened.append(connection)
        return connection


def _says_all(text: str, words: str) -> bool:
    """Whether the text has all of the words, in any case of any letters; in SQL by the same name."""
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())
