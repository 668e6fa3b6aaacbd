"""Keeps named loops running: an unexpected exception marks the loop unwell and starts it again after a while.

One broken meter or peer never stops the site. It does not know what the loops do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from gateway.health import Health
from gateway.rules.waiting_time import waiting_seconds

logger = logging.getLogger(__name__)

_AGAIN_SECONDS = 10.0  # longer than the longest farewell (of a link to a slow broker), which must not be cut short


async def keep_running(name: str, loop: Callable[[], Awaitable[None]], health: Health) -> None:
    """Run `loop` for ever; restart it with growing waits when it fails. Ends only when cancelled."""
    failures = 0
    while True:
        started = asyncio.get_running_loop().time()
        health.report(name, None)
        try:
            await loop()
            return
        except Exception as error:
            logger.error("%s failed and will be started again", name, exc_info=error)
            health.report(name, f"{type(error).__name__}: {error}"[:200])
        if asyncio.get_running_loop().time() - started > 600:
            failures = 0
        failures += 1
        await asyncio.sleep(waiting_seconds(failures, least=1.0, most=60.0))


async def end_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel them and wait; who has not ended after 10 s is cancelled again. How they ended is not asked.

    Once is not always enough: a group of tasks that fails in the very moment in which it is cancelled raises its
    failure alone, and a loop that heeds the failure goes on.
    """
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN_SECONDS)
