"""The one writer: units of work, committed in groups, answered after their commit is on disk.

`write(unit)` hands a function of `Writing` to the writer thread. Whatever arrives while one batch is being flushed
forms the next batch: no timer, no tuning. A failing unit undoes only itself; a failed commit fails exactly its batch.
This file does not know what the units do. A unit may run twice (see `_run_batch`), so it touches nothing but `db`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from gateway.store import migrations
from gateway.store.writing import StationNumbers, Writing

T = TypeVar("T")
Unit = Callable[[Writing], T]
Done = Callable[[object, BaseException | None], None]
Batch = list[tuple[Unit[object], Done]]


class Outcomes(NamedTuple):
    """Of one batch: (result, error) per unit in order, what to do next, why the store failed (None: it did not)."""

    outcomes: list[tuple[object, BaseException | None]]
    then: list[Callable[[], None]]
    failure: str | None
    wrote: bool  # False: only read, which says nothing about the disk


# A batch is bounded so that one flush stays short and memory stays small; the rest waits for the next one.
_BATCH_MAXIMUM = 2000


class StoreUnavailable(Exception):
    """The disk refused: full, broken or gone. Nothing of the unit is stored; the text says why."""


class Database:
    """The writer thread and its queue. Use `open_database`, then `write` or `submit`, then `close`."""

    __slots__ = (
        "_alone_since",
        "_closed",
        "_connection",
        "_executor",
        "_flushing",
        "_idle",
        "_loop",
        "_station_numbers",
        "_waiting",
        "committed",
        "failure",
        "path",
    )

    def __init__(self, path: Path, connection: sqlite3.Connection, executor: ThreadPoolExecutor) -> None:
        self.path = path
        self.failure: str | None = None  # why the newest batch that writes was not stored, None when it was
        self._connection = connection
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._station_numbers = StationNumbers()
        self.committed: Callable[[str | None], None] = lambda failure: None  # told after each batch that writes
        self._waiting: Batch = []
        self._flushing = False
        self._closed = False
        self._alone_since: float | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, unit: Unit[object], done: Done) -> None:
        """Run `unit` in the next batch; `done(result, error)` is called in the loop after the commit."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        self._waiting.append((unit, done))
        if not self._flushing:
            self._flushing = True
            self._idle.clear()
            self._loop.call_soon(self._flush)

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit`; its result, once the commit is on disk. Raises what the unit raised, or StoreUnavailable."""
        future: asyncio.Future[T] = self._loop.create_future()

        def done(result: object, error: BaseException | None) -> None:
            if future.done():
                return  # the waiter was cancelled; the unit is stored all the same
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(error)

        self.submit(unit, done)
        return await future

    async def alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` on the writer's connection outside any transaction (backup, restore, checkpoint)."""

        def run() -> T:
            self._alone_since = time.monotonic()
            try:
                return work(self._connection)
            finally:
                self._alone_since = None
                self._station_numbers.forget()

        return await self._loop.run_in_executor(self._executor, run)

    def alone_for_seconds(self) -> float:
        """How long the work of `alone` that runs now has been running; 0: none does."""
        since = self._alone_since
        return 0.0 if since is None else max(1e-9, time.monotonic() - since)

    async def close(self) -> None:
        """Store everything that waits, then close. Cancelling does not lose units: the queue drains first."""
        while self._waiting or self._flushing:
            await self._idle.wait()
        self._closed = True
        await self._loop.run_in_executor(self._executor, self._connection.close)
        self._executor.shutdown(wait=True)

    def _flush(self) -> None:
        batch = self._waiting[:_BATCH_MAXIMUM]
        del self._waiting[:_BATCH_MAXIMUM]
        future = self._loop.run_in_executor(self._executor, _run_batch, self._connection, self._station_numbers, batch)
        future.add_done_callback(lambda finished: self._finished(batch, finished))

    def _finished(self, batch: Batch, finished: asyncio.Future[Outcomes]) -> None:
        outcomes, then, failure, wrote = finished.result()
        if wrote:
            self.failure = failure
        if self._waiting:
            self._flush()
        else:
            self._flushing = False
            self._idle.set()
        self._tell(iter(then), zip(batch, outcomes, strict=True), wrote=wrote)

    def _tell(
        self,
        then: Iterator[Callable[[], None]],
        answers: Iterator[tuple[tuple[Unit[object], Done], tuple[object, BaseException | None]]],
        *,
        wrote: bool,
    ) -> None:
        try:
            for follow_up in then:
                follow_up()
            for (_, done), (result, error) in answers:
                done(result, error)
        except BaseException:
            # that was one caller's fault; those behind it in the batch must learn their outcomes all the same
            self._loop.call_soon(partial(self._tell, then, answers, wrote=wrote))
            raise
        if wrote:
            self.committed(self.failure)


async def open_database(path: Path) -> Database:
    """Open or make the database at `path`: integrity check, migrations, WAL. Raises `migrations.UnusableDatabase`."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="store")
    loop = asyncio.get_running_loop()
    try:
        connection = await loop.run_in_executor(executor, migrations.open_for_writing, path)
    except BaseException:
        executor.shutdown(wait=False)
        raise
    return Database(path, connection, executor)


def _run_batch(connection: sqlite3.Connection, numbers: StationNumbers, batch: Batch) -> Outcomes:
    try:
        return _run_together(connection, numbers, batch)
    except Exception:
        # Some unit failed: run again with a savepoint around each, so that it undoes only itself.
        _roll_back(connection)
        numbers.rolled_back()
    try:
        return _run_one_by_one(connection, numbers, batch)
    except sqlite3.Error as error:
        _roll_back(connection)
        numbers.rolled_back()
        reason = f"{type(error).__name__}: {error}"
        return Outcomes([(None, StoreUnavailable(reason)) for _ in batch], [], reason, wrote=True)


def _run_together(connection: sqlite3.Connection, numbers: StationNumbers, batch: Batch) -> Outcomes:
    connection.execute("BEGIN IMMEDIATE")
    before = connection.total_changes
    writing = Writing(connection, numbers)
    outcomes: list[tuple[object, BaseException | None]] = [(unit(writing), None) for unit, _ in batch]
    writing.insert_late_rows()
    connection.execute("COMMIT")
    numbers.committed()
    return Outcomes(outcomes, writing.then, None, wrote=connection.total_changes > before)


def _run_one_by_one(connection: sqlite3.Connection, numbers: StationNumbers, batch: Batch) -> Outcomes:
    connection.execute("BEGIN IMMEDIATE")
    before = connection.total_changes
    writing = Writing(connection, numbers)
    outcomes: list[tuple[object, BaseException | None]] = []
    for unit, _ in batch:
        connection.execute("SAVEPOINT unit")
        remembered = writing.remember()
        try:
            result = unit(writing)
            writing.insert_late_rows()
            outcomes.append((result, None))
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not _is_fault_of_the_unit(error):
                raise
            connection.execute("ROLLBACK TO unit")
            writing.recall(remembered)
            outcomes.append((None, error))
        connection.execute("RELEASE unit")
    connection.execute("COMMIT")
    numbers.committed()
    return Outcomes(outcomes, writing.then, None, wrote=connection.total_changes > before)


_FAULTS_OF_THE_UNIT = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)


def _is_fault_of_the_unit(error: sqlite3.Error) -> bool:
    """True for a violated constraint, a value too big, wrong SQL; False when the disk or the file is to blame."""
    return isinstance(error, _FAULTS_OF_THE_UNIT) or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


def _roll_back(connection: sqlite3.Connection) -> None:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        pass  # SQLite has already rolled back (disk full, I/O error); the next BEGIN tells
