"""What a simulated station does when it is asked to update its firmware or to upload diagnostics or a log.

It tells every step as a real one would. Files are fetched and uploaded only if it is its habit (`simulated_transfers`);
else an address without a scheme for files is what fails. It takes plain and signed updates, unlike real stations, which
take one of the two.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from gateway.simulated_link import Away, Object, Refused
from gateway.simulated_outlet import text_of
from gateway.simulated_transfers import SCHEMES, Failed, Fetched, fetch, send

if TYPE_CHECKING:
    from gateway.simulated_station import SimulatedStation

Answer = tuple[Object, Callable[[], None] | None]
What = Literal["firmware", "diagnostics", "log"]
Tell = Callable[[str], Awaitable[None]]

_STEP_SECONDS = 60.0
_AWAY_SECONDS = 5.0


@dataclass(slots=True)
class Jobs:
    """The firmware that runs, and what the station is doing: the status last told, `Idle` when it does nothing."""

    firmware_version: str
    doing: dict[What, str] = field(default_factory=lambda: {"firmware": "Idle", "diagnostics": "Idle", "log": "Idle"})
    fetched: Fetched | None = None  # the newest file that came
    turns: dict[What, int] = field(default_factory=lambda: {"firmware": 0, "diagnostics": 0, "log": 0})

    def next_turn(self, what: What) -> int:
        """A newer request ends the older one."""
        self.turns[what] += 1
        return self.turns[what]

    def busy(self, what: What) -> bool:
        """Whether a request is under way."""
        return self.doing[what] in ("Downloading", "Downloaded", "SignatureVerified", "Installing", "Uploading")


@dataclass(frozen=True, slots=True)
class _Upload:
    """What is asked for; `failed`: the word for a failure, which differs between the two requests."""

    what: What
    location: str
    name: str
    failed: str


def answer_update_firmware(station: SimulatedStation, payload: Object) -> Answer:
    """UpdateFirmware.conf says nothing; the notifications do."""
    location, turn = str(payload["location"]), station.jobs.next_turn("firmware")
    tell = _telling(station, "firmware", "FirmwareStatusNotification", None)
    return {}, lambda: station.in_background(_update(station, location, turn, tell, _no_check))


def answer_signed_update_firmware(station: SimulatedStation, payload: Object) -> Answer:
    """The certificate is looked at before the answer, the signature after the download."""
    firmware, number = _object(payload, "firmware"), payload["requestId"]
    location, signature = str(firmware["location"]), str(firmware["signature"])
    if "BEGIN CERTIFICATE" not in str(firmware["signingCertificate"]):
        return {"status": "InvalidCertificate"}, None
    status = "AcceptedCanceled" if station.jobs.busy("firmware") else "Accepted"
    turn = station.jobs.next_turn("firmware")
    tell = _telling(station, "firmware", "SignedFirmwareStatusNotification", number)

    async def check() -> bool:
        good = _is_base64(signature)
        await tell("SignatureVerified" if good else "InvalidSignature")
        if not good:
            await _security_event(station, "InvalidFirmwareSignature")
        return good

    return {"status": status}, lambda: station.in_background(_update(station, location, turn, tell, check))


def answer_get_diagnostics(station: SimulatedStation, payload: Object) -> Answer:
    """The file's name, and an upload that is told."""
    location = str(payload["location"])
    tell = _telling(station, "diagnostics", "DiagnosticsStatusNotification", None)
    name = _file_name(station, "diagnostics")
    upload = _Upload("diagnostics", location, name, failed="UploadFailed")
    return {"fileName": name}, lambda: station.in_background(_upload(station, upload, tell))


def answer_get_log(station: SimulatedStation, payload: Object) -> Answer:
    """As GetDiagnostics, with a number; a log that is under way is given up."""
    location, number = str(_object(payload, "log")["remoteLocation"]), payload["requestId"]
    status = "AcceptedCanceled" if station.jobs.busy("log") else "Accepted"
    tell = _telling(station, "log", "LogStatusNotification", number)
    name = _file_name(station, str(payload["logType"]))
    upload = _Upload("log", location, name, failed="UploadFailure")
    return {"status": status, "filename": name}, lambda: station.in_background(_upload(station, upload, tell))


def say_how_it_goes(what: What, action: str) -> Callable[[SimulatedStation, object], None]:
    """What a trigger asks for."""
    return lambda station, outlets: station.in_background(
        station.link.call(action, {"status": station.jobs.doing[what]})
    )


async def _update(
    station: SimulatedStation, location: str, turn: int, tell: Tell, check: Callable[[], Awaitable[bool]]
) -> None:
    """Download, check, wait for drivers to leave, install, reboot. Ends early when a newer request has come."""
    jobs = station.jobs
    await tell("Downloading")
    has_come = await _is_fetched(station, location)
    if turn != jobs.turns["firmware"]:
        return
    if not has_come:
        await tell("DownloadFailed")
    elif await _downloaded(tell, check) and turn == jobs.turns["firmware"]:
        await _install(station, location, turn, tell)
    if turn == jobs.turns["firmware"]:
        jobs.doing["firmware"] = "Idle"


async def _downloaded(tell: Tell, check: Callable[[], Awaitable[bool]]) -> bool:
    await tell("Downloaded")
    return await check()


async def _install(station: SimulatedStation, location: str, turn: int, tell: Tell) -> None:
    closed = [outlet for outlet in station.outlets if outlet.operative]
    for outlet in closed:
        station.set_operative(outlet, False)
    await _until(station, lambda: not any(outlet.visited for outlet in station.outlets))
    if turn == station.jobs.turns["firmware"]:
        await tell("Installing")
        await _rest(station)
        station.jobs.firmware_version = _version_in(location)
        boots = station.boots
        await station.reboot("Soft")
        await _until(station, lambda: station.boots > boots)
        await tell("Installed")
        await _security_event(station, "FirmwareUpdated")
    for outlet in closed:
        station.set_operative(outlet, True)


async def _upload(station: SimulatedStation, upload: _Upload, tell: Tell) -> None:
    jobs, what = station.jobs, upload.what
    turn = jobs.next_turn(what)
    await tell("Uploading")
    log = log_of(station)
    has_gone = await _works(station, upload.location, lambda: send(upload.location, upload.name, log))
    if turn == jobs.turns[what]:
        await tell("Uploaded" if has_gone else upload.failed)
    if turn == jobs.turns[what]:
        jobs.doing[what] = "Idle"


async def _is_fetched(station: SimulatedStation, location: str) -> bool:
    def work() -> None:
        station.jobs.fetched = fetch(location)

    return await _works(station, location, work)


async def _works(station: SimulatedStation, location: str, work: Callable[[], None]) -> bool:
    """Whether a transfer works; where it is not the station's habit, only time passes."""
    if not station.habits.transfers:
        await _rest(station)
        return _is_for_files(location)
    if not _is_told(station, location):
        return False
    try:
        await asyncio.to_thread(work)
    except Failed:
        return False
    return True


def log_of(station: SimulatedStation) -> bytes:
    """What the station writes about itself: the keys, its sessions, and how it is."""
    lines = [f"{text_of(station.wall_clock())} {station.identity} firmware {station.jobs.firmware_version}"]
    lines += [f"boots {station.boots}, registration {station.registration}, connected {station.connected}"]
    lines += [f"connector {outlet.number}: {outlet.status}, {outlet.meter.amps} A" for outlet in station.outlets]
    lines += [
        f"{text_of(session.start_at)} session {session.transaction_id} at connector {session.connector}:"
        f" {session.energy_wh} Wh, ended by {session.reason}"
        for session in station.sessions[-100:]
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _telling(station: SimulatedStation, what: What, action: str, number: object) -> Tell:
    """Tells a status, again and again while the gateway is away; what the gateway refuses is not repeated."""

    async def tell(status: str) -> None:
        station.jobs.doing[what] = status
        payload = {"status": status} if number is None else {"status": status, "requestId": number}
        await _insist(station, action, payload)

    return tell


async def _security_event(station: SimulatedStation, type_told: str) -> None:
    event = {"type": type_told, "timestamp": text_of(station.wall_clock())}
    await _insist(station, "SecurityEventNotification", event)


async def _insist(station: SimulatedStation, action: str, payload: Object) -> None:
    while True:
        try:
            await station.link.call(action, payload)
        except Away:
            await asyncio.sleep(_AWAY_SECONDS / station.habits.speed)
        except Refused:
            return
        else:
            return


async def _until(station: SimulatedStation, condition: Callable[[], bool]) -> None:
    """Look every few seconds."""
    while True:
        if condition():
            return
        await asyncio.sleep(_AWAY_SECONDS / station.habits.speed)


async def _no_check() -> bool:
    return True


async def _rest(station: SimulatedStation) -> None:
    await asyncio.sleep(_STEP_SECONDS / station.habits.speed)


def _object(payload: Object, name: str) -> Mapping[str, object]:
    value = payload[name]
    if not isinstance(value, dict):
        raise TypeError(f"{name} must be an object")
    return value


def _is_for_files(location: str) -> bool:
    return urlsplit(location).scheme in SCHEMES


def _is_told(station: SimulatedStation, location: str) -> bool:
    """Whether it says that it can do this scheme."""
    able = station.settings.text("SupportedFileTransferProtocols").split(",")
    return urlsplit(location).scheme.upper() in able


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False


def _version_in(location: str) -> str:
    """The version in the file's name, such as 1.2.3 of `post-1.2.3.bin`; else 2.0.0."""
    found = re.findall(r"\d+(?:\.\d+)+", urlsplit(location).path.rpartition("/")[2])
    return str(found[-1])[:50] if found else "2.0.0"


def _file_name(station: SimulatedStation, what: str) -> str:
    return f"{what}-{station.identity}.txt"[:255]


ANSWERS: dict[str, Callable[[SimulatedStation, Object], Answer]] = {
    "GetDiagnostics": answer_get_diagnostics,
    "GetLog": answer_get_log,
    "SignedUpdateFirmware": answer_signed_update_firmware,
    "UpdateFirmware": answer_update_firmware,
}
