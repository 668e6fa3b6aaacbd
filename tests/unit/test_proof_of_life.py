"""When the watchdog is fed: the loop turns and the writer does its work; and when it starves."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway import proof_of_life
from gateway.daemon import Surroundings
from gateway.operations.site import Site
from gateway.proof_of_life import ProofOfLife
from gateway.status_words import Counts, status_words
from gateway.store.writing import Writing
from gateway.systemd_notice import SystemdNotices
from tests.fakes.gateway_in_process import Running, running_gateway
from tests.fakes.service_manager import ServiceManager

_WATCHDOG_SECONDS = 0.4


@dataclass(frozen=True, slots=True)
class _Watched:
    gateway: Running
    manager: ServiceManager
    proof: ProofOfLife

    async def next(self, word: str) -> list[str]:
        return await asyncio.to_thread(self.manager.wait_for_word, word)

    async def is_fed(self) -> None:
        """There is a site now, and it proved that it lives."""
        self.proof.opened(self.gateway.site)
        await self.next("READY=1")
        await self.next("WATCHDOG=1")

    async def lets_pass(self, seconds: float) -> list[list[str]]:
        """Everything that systemd is told in this time."""
        self.manager.waiting()
        await asyncio.sleep(seconds)
        return self.manager.waiting()


@asynccontextmanager
async def _watched(tmp_path: Path) -> AsyncIterator[_Watched]:
    with ServiceManager(tmp_path, watchdog_seconds=_WATCHDOG_SECONDS) as manager:
        proof = ProofOfLife(SystemdNotices(manager.environment))
        async with running_gateway(tmp_path, surroundings=Surroundings(web=False)) as gateway:
            telling = asyncio.create_task(proof.keep_telling())
            try:
                yield _Watched(gateway, manager, proof)
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)


async def test_ready_is_told_when_the_doors_are_open_and_the_watchdog_is_fed(tmp_path: Path) -> None:
    async with _watched(tmp_path) as watched:
        assert "EXTEND_TIMEOUT_USEC=90000000" in await watched.next("WATCHDOG=1")  # there is no site yet
        watched.proof.opened(watched.gateway.site)
        await watched.next("READY=1")
        assert (await watched.next("WATCHDOG=1"))[1].startswith("STATUS=0 of 0 stations connected, 0 sessions")
        assert await watched.next("WATCHDOG=1") == ["WATCHDOG=1"]  # the status line is the same


async def test_a_writer_that_stands_still_starves_the_watchdog(tmp_path: Path) -> None:
    async with _watched(tmp_path) as watched:
        await watched.is_fed()
        goes_on = threading.Event()
        hanging = asyncio.create_task(watched.gateway.site.database.write(lambda db: goes_on.wait(20)))
        try:
            await asyncio.sleep(0)
            assert await watched.lets_pass(3 * _WATCHDOG_SECONDS) == []  # although the loop turns all the time
        finally:
            goes_on.set()
        await hanging
        await watched.next("WATCHDOG=1")


async def test_a_loop_that_stands_still_starves_the_watchdog(tmp_path: Path) -> None:
    async with _watched(tmp_path) as watched:
        await watched.is_fed()
        watched.manager.waiting()
        threading.Event().wait(2 * _WATCHDOG_SECONDS)  # no other task runs
        assert watched.manager.waiting() == []
        await watched.next("WATCHDOG=1")


async def test_a_disk_that_refuses_is_no_reason_to_be_killed(tmp_path: Path) -> None:
    async with _watched(tmp_path) as watched:

        def refused(db: Writing, site: Site) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        watched.proof.opened(watched.gateway.site)
        await watched.next("READY=1")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(proof_of_life, "counted", refused)
            await asyncio.to_thread(
                watched.manager.wait_for,
                lambda told: told[0] == "WATCHDOG=1" and told[1:] and told[1].startswith("STATUS=0 stations connected"),
            )


async def test_a_long_restore_is_no_reason_to_be_killed_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _watched(tmp_path) as watched:
        await watched.is_fed()
        goes_on = threading.Event()
        alone = asyncio.create_task(watched.gateway.site.database.alone(lambda _: goes_on.wait(20)))
        try:
            assert len(await watched.lets_pass(3 * _WATCHDOG_SECONDS)) >= 2
            monkeypatch.setattr(proof_of_life, "_LONGEST_WITHOUT_WRITER_SECONDS", 0.0)
            await watched.lets_pass(_WATCHDOG_SECONDS)
            assert await watched.lets_pass(2 * _WATCHDOG_SECONDS) == []
        finally:
            goes_on.set()
        await alone


async def test_a_start_that_never_ends_is_not_fed_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with _watched(tmp_path) as watched:
        await watched.next("WATCHDOG=1")
        monkeypatch.setattr(proof_of_life, "_LONGEST_WITHOUT_WRITER_SECONDS", 0.0)
        assert await watched.lets_pass(2 * _WATCHDOG_SECONDS) == []


async def test_the_status_line_tells_who_is_there_and_what_ails(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        site = gateway.site
        for component in site.health.components():
            site.health.report(component, None)
        assert status_words(site, Counts(1, 2)) == "0 of 1 station connected, 2 sessions"
        site.health.report("meter grid", "no answer")
        site.health.report("disk", None, notice="nearly full")
        told = status_words(site, None)
        assert told == "0 stations connected; meter grid: no answer; attention, disk: nearly full"
