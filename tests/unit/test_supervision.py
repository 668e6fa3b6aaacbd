"""What keeps named loops running, and ends them."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.supervision import end_tasks
from tests.fakes.virtual_site import START
from tests.fakes.virtual_time import World, run_virtual


def test_a_loop_that_overheard_that_it_is_to_end_is_told_again() -> None:
    heard = 0

    async def overhears(times: int) -> None:
        nonlocal heard
        for _ in range(times):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            heard += 1
        await asyncio.Event().wait()

    async def main(world: World) -> None:
        tasks = [asyncio.create_task(overhears(times)) for times in (0, 2, 3)]
        await asyncio.sleep(0)
        await end_tasks(tasks)
        assert all(task.cancelled() for task in tasks)
        assert heard == 5 and 20 < world.clock.seconds < 40

    run_virtual(main, start=START)


def test_a_long_farewell_is_not_cut_short() -> None:
    said: list[str] = []

    async def takes_leave() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(5)
            said.append("goodbye")

    async def main(world: World) -> None:
        task = asyncio.create_task(takes_leave())
        await asyncio.sleep(0)
        await end_tasks([task])
        assert said == ["goodbye"] and world.clock.seconds < 6

    run_virtual(main, start=START)


def test_how_a_task_ended_is_not_asked() -> None:
    async def fails() -> None:
        raise ValueError

    async def main(world: World) -> None:
        task = asyncio.create_task(fails())
        await end_tasks([task])
        await end_tasks([])
        assert task.cancelled()  # before it began
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        await end_tasks([task])
        assert isinstance(task.exception(), ValueError)

    run_virtual(main, start=START)
