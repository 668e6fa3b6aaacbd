"""A small honest OCPP 1.6 charging station, for `demo` and for the tests: drivers come and go by a seeded chance.

It speaks over a real socket (`simulated_link`), keeps its sessions through every interruption, and remembers in
`sessions` what it believes it billed. Time comes from the event loop and an injected wall clock, chance from the seed:
the same seed on a virtual-time loop gives the same day. It knows nothing of the gateway's own code.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote

from gateway import simulated_commands
from gateway.simulated_charging import Profiles
from gateway.simulated_habits import DEFAULT_HABITS, Habits
from gateway.simulated_jobs import Jobs
from gateway.simulated_link import Away, Link, Object, Refused, forgiving
from gateway.simulated_local_list import LocalList
from gateway.simulated_outlet import Meter, Outlet, Session, text_of
from gateway.simulated_reservations import Reservations
from gateway.simulated_settings import Settings

__all__ = ["DEFAULT_HABITS", "Habits", "SimulatedStation", "utc_now"]


def utc_now() -> datetime:
    """The wall clock of a station outside tests."""
    return datetime.now(UTC)


class SimulatedStation:
    """Run `run()` in a task. `gateway_url` is everything before the station id, such as `ws://127.0.0.1:9000/ocpp`."""

    def __init__(
        self,
        identity: str,
        gateway_url: str,
        *,
        seed: int,
        habits: Habits = DEFAULT_HABITS,
        wall_clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.identity = identity
        self.habits = habits
        self.sessions: list[Session] = []
        self.boots = 0
        self.registration: str | None = None  # newest BootNotification.conf status
        self.settings = Settings(habits.connectors, habits.file_transfer_protocols)
        self.jobs = Jobs(habits.firmware_version)
        self.remembered_tags: dict[str, str] = {}
        self.local_list = LocalList()
        self.profiles = Profiles(habits.connectors)
        self._seed = seed
        self.wall_clock = wall_clock
        self.outlets: list[Outlet] = []
        self.reservations: Reservations = Reservations(self)
        self.operative = True
        self.link: Link = Link(
            f"{gateway_url.rstrip('/')}/{quote(identity, safe='')}",
            rng=random.Random(f"{seed}/link"),
            answer=lambda action, payload: simulated_commands.answer(self, action, payload),
            attend=self._attend,
            password=habits.password,
            patience_seconds=habits.patience_seconds,
            repeats_under_first_id=habits.repeats_under_first_id,
        )
        self._booted = False
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def connected(self) -> bool:
        """Whether the socket is open and the newest boot was accepted."""
        return self.link.connected and self.registration == "Accepted" and self._booted

    async def run(self) -> None:
        """Boot and live until cancelled, which is a power cut: nobody will ever stop the sessions that run then."""
        now = asyncio.get_running_loop().time()
        if not self.outlets:
            for number in range(1, self.habits.connectors + 1):
                chance = random.Random(f"{self._seed}/{number}")
                self.outlets.append(Outlet(number, Meter(chance.uniform(0, 5e6), now), chance))
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self.link.stay_connected())
                for outlet in self.outlets:
                    tasks.create_task(self._drivers(outlet))
        finally:
            self._tasks, self._booted, self.registration = None, False, None
            self.reservations.forget()
            for outlet in self.outlets:
                outlet.lose_power(asyncio.get_running_loop().time(), self.habits.speed)
                self.profiles.end_session(outlet.number)

    async def visit(
        self, connector: int, id_tag: str, *, seconds: float | None = None, ask: bool = True
    ) -> Session | None:
        """A driver plugs in, shows a tag, charges (None: until ended) and leaves. Returns None when not allowed."""
        outlet = self.outlets[connector - 1]
        outlet.visited, outlet.id_tag = True, id_tag
        try:
            await self._show(outlet, "Preparing")
            await self._rest(5)
            if ask and not await self._allowed(id_tag):
                return None
            if not self.reservations.may_charge(outlet, id_tag):
                return None
            session = await self._charge(outlet, id_tag, seconds)
            await self._show(outlet, "Finishing")
            await self._rest(10)
            return session
        finally:
            outlet.visited, outlet.next_profile = False, None
            await self.show_idle(outlet)

    def end(self, connector: int, reason: str = "Local") -> bool:
        """Stop the session on a connector; False when none runs."""
        return self.outlets[connector - 1].end(reason)

    def start_remotely(self, outlet: Outlet, id_tag: str, profile: Object | None) -> None:
        """A driver was sent by the gateway: plug in and charge, asking first if AuthorizeRemoteTxRequests says so."""
        outlet.visited, outlet.next_profile = True, profile
        seconds = outlet.random.expovariate(1 / self.habits.mean_session_seconds) if self.habits.busy else None
        ask = self.settings.yes("AuthorizeRemoteTxRequests")
        self.in_background(self.visit(outlet.number, id_tag, seconds=seconds, ask=ask))

    def set_operative(self, outlet: Outlet, operative: bool) -> None:
        """Take a connector out of or into service; while a driver is at it, it changes when he leaves."""
        outlet.operative = operative
        if not operative:
            self.reservations.end_at(outlet)
        if not outlet.visited:
            self.in_background(self.show_idle(outlet))

    async def show_idle(self, outlet: Outlet) -> None:
        """The status of a connector that nobody is at."""
        if not outlet.visited:
            free = "Reserved" if self.reservations.holds(outlet) else "Available"
            await self._show(outlet, free if outlet.operative else "Unavailable")

    def limit(self, outlet: Outlet) -> None:
        """Let the profiles of this moment act."""
        now = asyncio.get_running_loop().time()
        outlet.meter.read(now, self.habits.speed)
        limit = self.profiles.amps(outlet.number, self.wall_clock(), outlet.running())
        wait = outlet.draw(limit, now, self.habits.follows_within_seconds)
        if wait is not None:
            asyncio.get_running_loop().call_later(wait, self.limit, outlet)

    async def lose_network(self, seconds: float) -> None:
        """Cut the connection; it is tried again after so many seconds."""
        await self.link.drop(seconds)

    async def wind_down(self, within_seconds: float) -> None:
        """End every session and see its bill delivered, as far as time allows."""
        for outlet in self.outlets:
            outlet.end("Local")
        try:
            async with asyncio.timeout(within_seconds):
                for outlet in self.outlets:
                    await outlet.idle.wait()
                await self.link.drained()
        except TimeoutError:
            pass  # what could not be delivered stays kept

    def in_background(self, doing: Coroutine[object, object, object]) -> None:
        """Start what follows an answer (a remote start, a reboot) beside everything else."""
        if self._tasks is None:
            doing.close()
        else:
            self._tasks.create_task(forgiving(doing))

    async def reboot(self, kind: str) -> None:
        """Reset.req `Soft` stops sessions first; `Hard` goes at once and reports them afterwards."""
        for outlet in self.outlets:
            outlet.end(f"{kind}Reset")
        if kind == "Soft":
            await self.wind_down(30 / self.habits.speed)
        self._booted, self.registration = False, None
        await self.link.drop(self.habits.reboot_seconds / self.habits.speed)

    async def send_boot(self) -> None:
        """BootNotification; an accepted one lets everything else follow."""
        payload: Object = {
            "chargePointVendor": self.habits.vendor,
            "chargePointModel": self.habits.model,
            "chargePointSerialNumber": self.identity[:25],
            "firmwareVersion": self.jobs.firmware_version,
        }
        answer = await self.link.call("BootNotification", payload)
        self.registration = str(answer["status"])
        interval = answer.get("interval")
        if isinstance(interval, int) and interval > 0:
            self.settings.answer_change({"key": "HeartbeatInterval", "value": str(interval)})
        self._booted = self._booted or self.registration == "Accepted"

    async def send_status(self, outlet: Outlet | None) -> None:
        """StatusNotification of one connector, or of connector 0 (None)."""
        status = outlet.status if outlet else "Available" if self.operative else "Unavailable"
        moment = outlet.status_at if outlet and outlet.status_at else self.wall_clock()
        payload: Object = {
            "connectorId": outlet.number if outlet else 0,
            "status": status,
            "errorCode": "NoError",
            "timestamp": text_of(moment),
        }
        await self.link.call("StatusNotification", payload)
        if outlet:
            outlet.reported = status

    def sample(self, outlet: Outlet, context: str) -> Object:
        """A `meterValue` entry of this moment."""
        self.limit(outlet)
        measurands = self.settings.text("MeterValuesSampledData").split(",")
        return {"timestamp": text_of(self.wall_clock()), "sampledValue": outlet.meter.sample(measurands, context)}

    async def _attend(self) -> None:
        while not self._booted:
            with suppress(Refused):
                await self.send_boot()
            if not self._booted:
                await asyncio.sleep(self.settings.whole("HeartbeatInterval"))
            else:
                self.boots += 1
                for outlet in self.outlets:
                    outlet.reported = None
        self.link.release()
        await forgiving(self.send_status(None))
        for outlet in self.outlets:
            await self._report(outlet)
        while True:
            await asyncio.sleep(self.settings.whole("HeartbeatInterval") or 300)
            await forgiving(self.link.call("Heartbeat", {}))

    async def _drivers(self, outlet: Outlet) -> None:
        while True:
            await self._rest(outlet.random.expovariate(1 / self.habits.mean_pause_seconds))
            # the same card cannot be at two connectors: the second start would be refused as ConcurrentTx
            here = {other.id_tag for other in self.outlets if other.visited}
            tag = outlet.random.choice([tag for tag in self.habits.id_tags if tag not in here] or self.habits.id_tags)
            seconds = outlet.random.expovariate(1 / self.habits.mean_session_seconds)
            if self.habits.busy and outlet.free() and self.reservations.may_charge(outlet, tag):
                await self.visit(outlet.number, tag, seconds=seconds)

    async def _charge(self, outlet: Outlet, id_tag: str, seconds: float | None) -> Session:
        loop = asyncio.get_running_loop()
        session = self._start(outlet, id_tag)
        until = None if seconds is None else loop.time() + seconds / self.habits.speed
        await self._show(outlet, "Charging")
        while outlet.end_reason is None:
            interval = self.settings.whole("MeterValueSampleInterval")
            sample_at = loop.time() + max(interval / self.habits.speed, 1.0) if interval else None
            wake_at = min((at for at in (until, sample_at) if at is not None), default=None)
            try:
                async with asyncio.timeout_at(wake_at):
                    await outlet.ending.wait()
            except TimeoutError:
                if until is not None and loop.time() >= until:
                    outlet.end("Local")
                else:
                    self._keep_sample(outlet, session)
        self._stop(outlet, session)
        return session

    def _start(self, outlet: Outlet, id_tag: str) -> Session:
        now = asyncio.get_running_loop().time()
        session = Session(outlet.number, id_tag, self.wall_clock(), outlet.meter.read(now, self.habits.speed))
        amps = round(outlet.random.uniform(6.0, self.habits.most_amps), 1)
        outlet.wanted_amps = (amps, amps, amps) if outlet.random.random() < 0.7 else (amps, 0.0, 0.0)
        outlet.session, outlet.end_reason = session, None
        self.profiles.begin_session(outlet.number, outlet.next_profile)
        self.limit(outlet)
        outlet.ending.clear()
        outlet.idle.clear()
        self.sessions.append(session)

        def answered(answer: Object | None) -> None:
            info = answer.get("idTagInfo") if answer else None
            session.transaction_id = -1 if answer is None else int(str(answer["transactionId"]))
            session.authorization = str(info["status"]) if isinstance(info, dict) else None
            refused = session.authorization not in (None, "Accepted")
            if refused and outlet.session is session and self.settings.yes("StopTransactionOnInvalidId"):
                outlet.end("DeAuthorized")

        payload: Object = {
            "connectorId": outlet.number,
            "idTag": id_tag,
            "meterStart": session.start_wh,
            "timestamp": text_of(session.start_at),
            **self.reservations.use(outlet, id_tag),
        }
        self.link.keep("StartTransaction", lambda: payload, answered)
        return session

    def _stop(self, outlet: Outlet, session: Session) -> None:
        now = asyncio.get_running_loop().time()
        session.stop_wh = outlet.meter.read(now, self.habits.speed)
        session.stop_at, session.reason = self.wall_clock(), outlet.end_reason
        outlet.meter.amps, outlet.session = (0.0, 0.0, 0.0), None
        self.profiles.end_session(outlet.number)
        outlet.idle.set()

        def answered(answer: Object | None) -> None:
            session.settled = answer is not None

        payload: dict[str, object] = {
            "meterStop": session.stop_wh,
            "timestamp": text_of(session.stop_at),
            "reason": session.reason,
        }
        if session.reason == "Local":
            payload["idTag"] = session.id_tag
        self.link.keep("StopTransaction", lambda: {"transactionId": session.known_id, **payload}, answered)

    def _keep_sample(self, outlet: Outlet, session: Session) -> None:
        values = [self.sample(outlet, "Sample.Periodic")]
        self.link.keep(
            "MeterValues",
            lambda: {"connectorId": outlet.number, "transactionId": session.known_id, "meterValue": values},
            lambda answer: None,
        )

    async def _allowed(self, id_tag: str) -> bool:
        try:
            answer = await self.link.call("Authorize", {"idTag": id_tag})
        except (Away, Refused):
            known = self.settings.yes("LocalAuthorizeOffline") and self.local_list.says(id_tag, self.remembered_tags)
            return known == "Accepted" if known else self.settings.yes("AllowOfflineTxForUnknownId")
        info = answer["idTagInfo"]
        status = str(info["status"]) if isinstance(info, dict) else "Invalid"
        self.reservations.remember_group(id_tag, info)
        if self.settings.yes("AuthorizationCacheEnabled"):
            self.remembered_tags[id_tag] = status
        return status == "Accepted"

    async def _show(self, outlet: Outlet, status: str) -> None:
        outlet.status, outlet.status_at = status, self.wall_clock()
        await self._report(outlet)

    async def _report(self, outlet: Outlet) -> None:
        if self.connected and outlet.reported != outlet.status:
            await forgiving(self.send_status(outlet))

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.habits.speed)
