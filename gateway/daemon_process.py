"""The daemon as a service: one process, one configuration after the other, and what systemd is told of it.

SIGTERM ends it; SIGHUP, or a door, has the files read again: wrong ones change nothing, good ones make the gateway
begin anew in this process, and what cannot be started after all gives way to what ran before. The data directory stays
held.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext

from gateway.configuration import Configuration
from gateway.configuration_decided import FILE_NAME
from gateway.configuration_files import is_written
from gateway.daemon import Addresses, Surroundings, data_directory_held, run
from gateway.health import Health
from gateway.operations.reload_configuration import Outcome, Reloads, Taken, Unchanged, Wrong
from gateway.operations.site import Site
from gateway.proof_of_life import ProofOfLife
from gateway.reloading import InForce, in_force, look_again
from gateway.supervision import end_tasks, keep_running
from gateway.systemd_notice import SystemdNotices
from gateway.web.kept_port import KeptPort

logger = logging.getLogger(__name__)

_COMPONENT = "configuration"


def run_until_signal(
    configuration: Configuration,
    *,
    load: Callable[[], Configuration] | None = None,
    load_deciding: Callable[[str], Configuration] | None = None,
    begin: Callable[[Configuration], None] | None = None,
) -> int:
    """Run the gateway in the foreground until SIGTERM or SIGINT; returns the exit code.

    `load` reads the configuration's files again, `load_deciding` with this text as that of site.toml; `begin` is called
    before each configuration is put to work.
    """
    notices = SystemdNotices()
    if notices.heard:
        faulthandler.enable()  # the watchdog ends with SIGABRT, and the journal shows where everything stood
    process = DaemonProcess(
        configuration, load or (lambda: configuration), begin or (lambda _: None), notices, load_deciding
    )
    # Messages make objects that die by themselves; looking for cycles among them took a sixth of the time.
    # What has been loaded until now stays, and is never looked through.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    gc.enable()
    with asyncio.Runner(loop_factory=_fast_loop) as runner:
        runner.run(process.serve())
    return 0


def _what_to_see_to(configuration: Configuration) -> str | None:
    """A site.toml that is left out; or what to do first, where nobody has configured anything yet."""
    if configuration.left_out:
        return (
            f"{configuration.data.directory / FILE_NAME} is left out whole, as it holds mistakes (ocpp-gateway"
            f" check-config): {configuration.left_out[0]}"
        )
    if is_written(configuration.written, "site"):
        return None
    return "there is none, and defaults are in force; next step: ocpp-gateway setup"


def _fast_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


class DaemonProcess:
    """What is in force, what comes next, and whom it is told."""

    def __init__(
        self,
        configuration: Configuration,
        load: Callable[[], Configuration],
        begin: Callable[[Configuration], None],
        notices: SystemdNotices,
        load_deciding: Callable[[str], Configuration] | None = None,
    ) -> None:
        self._now = in_force(configuration)
        self._before: InForce | None = None  # while its successor has not served yet
        self._load = load
        self._begin = begin
        self._notices = notices
        self._proof = ProofOfLife(notices)
        self._load_deciding = load_deciding
        self._reloads = Reloads(reload=self.reload, rehearse=self.rehearse if load_deciding is not None else None)
        self._web_port = KeptPort()
        self._site: Site | None = None  # while its doors are open
        self._serving = asyncio.Event()
        self._turn_over = asyncio.Event()
        self._hung_up = asyncio.Event()
        self._ending = False
        self._looking = asyncio.Lock()

    async def serve(self) -> None:
        """Until a signal ends it: AlreadyRunning, UnusableDatabase, OSError as `run`."""
        self._listen_to_signals()
        with data_directory_held(self._now.configuration.data.directory):
            tasks = [
                asyncio.create_task(keep_running(name, loop, Health()), name=name)
                for name, loop in (("words for systemd", self._proof.keep_telling), ("reloads", self._heed_hang_ups))
            ]
            try:
                while not self._ending:
                    await self._one_life()
            finally:
                self._web_port.close()
                await end_tasks(tasks)

    async def reload(self) -> Outcome:
        """Read the files again; Taken: the doors close in a moment and open again with the new configuration."""
        async with self._looking:
            if self._turn_over.is_set():
                self._hung_up.set()  # the files may have changed since they were read
                return Taken()
            self._notices.reloading("reading the configuration")
            found = await asyncio.to_thread(look_again, self._load, self._now)
            if isinstance(found, Wrong | Unchanged):
                self._stay(found)
                return found
            logger.warning("the configuration has changed: the gateway begins anew")
            self._reloads.failed = None
            self._before, self._now = self._now, found
            self._serving.clear()
            self._turn_over.set()
            return Taken()

    async def rehearse(self, decided: str) -> Outcome:
        """What a reload would say if site.toml said this; nothing is changed."""
        load = self._load_deciding
        assert load is not None, "nobody is told of this method without it"
        found = await asyncio.to_thread(look_again, lambda: load(decided), self._now)
        return found if isinstance(found, Wrong | Unchanged) else Taken()

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end)
        # in a terminal that is closed nobody wants it to go on
        if sys.stdin is None or not sys.stdin.isatty():
            loop.add_signal_handler(signal.SIGHUP, self._hung_up.set)

    def end(self) -> None:
        """The orderly end begins."""
        self._ending = True
        self._web_port.close()
        self._notices.stopping()
        self._turn_over.set()

    async def _one_life(self) -> None:
        """Run what is in force until its turn is over; go back when it cannot even be started."""
        configuration = self._now.configuration
        self._begin(configuration)
        for mistake in configuration.left_out:
            logger.error("site.toml is left out: %s", mistake)
        around = Surroundings(
            started=self._started,
            patient=True,
            hold=lambda _: nullcontext(),
            reloads=self._reloads,
            web_port=self._web_port,
        )
        try:
            await run(configuration, stop=self._turn_over, surroundings=around)
        except Exception as error:
            if self._before is None or self._ending:
                raise
            self._go_back(self._before, error)
        finally:
            self._site = None
            self._proof.closed()
            self._serving.clear()
        if not self._ending:
            self._turn_over.clear()
            gc.collect()  # all of the life before

    def _started(self, site: Site, _: Addresses) -> None:
        self._before, self._site = None, site
        notice = _what_to_see_to(site.configuration)
        if self._reloads.failed is not None:
            notice = f"the new one cannot be started ({self._reloads.failed}): the one before is in force"
        site.health.report(_COMPONENT, None, notice=notice)
        self._reloads.taken += 1
        self._serving.set()
        self._proof.opened(site)

    def _go_back(self, before: InForce, error: Exception) -> None:
        self._reloads.failed = f"{type(error).__name__}: {error}"
        logger.error("the new configuration cannot be started, the one before is taken again", exc_info=error)
        self._now, self._before = before, None

    def _stay(self, found: Wrong | Unchanged) -> None:
        notice = _what_to_see_to(self._now.configuration)
        if isinstance(found, Wrong):
            for mistake in found.mistakes:
                logger.error("the new configuration is not taken: %s", mistake)
            notice = "its files hold mistakes (ocpp-gateway check-config): what they said before is in force"
        self._reloads.failed = None
        if self._site is not None:
            self._site.health.report(_COMPONENT, None, notice=notice)
            self._proof.opened(self._site)

    async def _heed_hang_ups(self) -> None:
        while True:
            await self._hung_up.wait()
            await self._serving.wait()
            self._hung_up.clear()
            outcome = await self.reload()
            logger.info("configuration read again: %s", type(outcome).__name__.lower())
