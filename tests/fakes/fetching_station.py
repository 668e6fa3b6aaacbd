"""A station that really loads what it is told to load and really uploads what it is asked for, each in its own way.

Written from the specification and from what embedded stacks do; none of the gateway's code. `WAYS` are the clients:
whole over HTTP/1.1, in small ranges, HTTP/1.0 without a length of its own wish, FTP passive and active.
"""

from __future__ import annotations

import asyncio
import ftplib
import http.client
import io
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.fakes.scripted_station import NOW, ScriptedStation, plugged_in

_PIECE = 16_384
_PATIENCE = 20.0


def load_whole(location: str) -> bytes:
    """One GET over HTTP/1.1."""
    at = urlsplit(location)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=_PATIENCE)
    try:
        connection.request("GET", at.path)
        answer = connection.getresponse()
        assert answer.status == 200, answer.status
        assert answer.getheader("Content-Length"), "an embedded client needs the length"
        return answer.read()
    finally:
        connection.close()


def load_in_ranges(location: str) -> bytes:
    """Many small requests over one connection, as modems with little memory do."""
    at = urlsplit(location)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=_PATIENCE)
    found, size = b"", None
    try:
        while size is None or len(found) < size:
            connection.request("GET", at.path, headers={"Range": f"bytes={len(found)}-{len(found) + _PIECE - 1}"})
            answer = connection.getresponse()
            assert answer.status == 206, answer.status
            size = int(str(answer.getheader("Content-Range")).rpartition("/")[2])
            found += answer.read()
        return found
    finally:
        connection.close()


def load_as_http_10(location: str) -> bytes:
    """HTTP/1.0, and the first try dies in the middle."""
    at = urlsplit(location)
    for dies in (True, False):
        with socket.create_connection((str(at.hostname), at.port or 80), timeout=_PATIENCE) as line:
            line.sendall(f"GET {at.path} HTTP/1.0\r\n\r\n".encode())
            if dies:
                line.recv(1000)
                continue
            received = b""
            while piece := line.recv(65_536):
                received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n")[0], head
    assert b"chunked" not in head.lower()
    return body


def _ftp(location: str, *, passive: bool) -> tuple[ftplib.FTP, str]:
    at = urlsplit(location)
    session = ftplib.FTP(timeout=_PATIENCE)
    session.connect(str(at.hostname), at.port or 21)
    session.login(unquote(at.username or "anonymous"), unquote(at.password or ""))
    session.set_pasv(passive)
    return session, unquote(at.path).lstrip("/")


def _load_by_ftp(location: str, *, passive: bool) -> bytes:
    session, path = _ftp(location, passive=passive)
    found = io.BytesIO()
    with session:
        session.retrbinary(f"RETR {path}", found.write)
    return found.getvalue()


def load_passive(location: str) -> bytes:
    """FTP, the station opens the data connection."""
    return _load_by_ftp(location, passive=True)


def load_active(location: str) -> bytes:
    """FTP, the server opens the data connection."""
    return _load_by_ftp(location, passive=False)


def put(location: str, name: str, content: bytes) -> int:
    """HTTP PUT to exactly the address; the status."""
    at = urlsplit(location)
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=_PATIENCE)
    try:
        connection.request("PUT", at.path, body=content)
        return connection.getresponse().status
    finally:
        connection.close()


def post_form(location: str, name: str, content: bytes) -> int:
    """HTTP POST of a form with one file, the name put behind the address; the status."""
    at, mark = urlsplit(location), "-----------mark"
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    connection = http.client.HTTPConnection(str(at.hostname), at.port, timeout=_PATIENCE)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        connection.request("POST", str(PurePosixPath(at.path) / name), body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def stor(location: str, name: str, content: bytes) -> int:
    """FTP STOR; 200 when the server took it."""
    session, _ = _ftp(location, passive=True)
    with session:
        session.storbinary(f"STOR {name}", io.BytesIO(content))
    return 200


@dataclass
class FetchingStation:
    """`identity`: under which it connects; `load` and `upload`: its clients; `protocols`: what it says that it can."""

    url: str
    identity: str
    protocols: str
    load: Callable[[str], bytes]
    upload: Callable[[str, str, bytes], int]
    version: str = "1.0.0"
    next_version: str = "2.0.0"
    loaded: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    diagnostics: bytes = b"all is well\n"

    async def live(self) -> None:
        """Connect, boot, answer; after an update boot again with the new version. Until cancelled."""
        while True:
            with suppress(ConnectionError):
                async with plugged_in(f"{self.url}/{self.identity}") as station:
                    await self._live_once(station)

    async def _live_once(self, station: ScriptedStation) -> None:
        await station.boots(firmwareVersion=self.version)
        for connector in (0, 1):
            await station.shows(connector, "Available")
        while True:
            asked = await station.requests.get()
            self.asked.append(asked.action)
            station._open = asked
            match asked.action:
                case "UpdateFirmware":
                    await station.answer({})
                    await self._update(station, asked.payload)
                    return
                case "GetDiagnostics":
                    await station.answer({"fileName": f"{self.identity}.log"})
                    await self._upload(station, asked.payload)
                case "GetConfiguration":
                    await station.answer({"configurationKey": [self._key()], "unknownKey": []})
                case "GetLocalListVersion":
                    await station.answer({"listVersion": 0})
                case "TriggerMessage":
                    await station.answer({"status": "NotImplemented"})
                case "GetCompositeSchedule":
                    await station.answer({"status": "Rejected"})
                case "ClearChargingProfile":
                    await station.answer({"status": "Unknown"})
                case _:
                    await station.answer({"status": "Accepted"})

    def _key(self) -> dict[str, Any]:
        return {"key": "SupportedFileTransferProtocols", "readonly": True, "value": self.protocols}

    async def _update(self, station: ScriptedStation, payload: dict[str, Any]) -> None:
        await station.say("FirmwareStatusNotification", {"status": "Downloading"})
        self.loaded.append(await asyncio.to_thread(self.load, payload["location"]))
        for status in ("Downloaded", "Installing"):
            await station.say("FirmwareStatusNotification", {"status": status})
        self.version = self.next_version

    async def _upload(self, station: ScriptedStation, payload: dict[str, Any]) -> None:
        await station.say("DiagnosticsStatusNotification", {"status": "Uploading"})
        name = f"{self.identity}.log"
        status = await asyncio.to_thread(self.upload, payload["location"], name, self.diagnostics)
        told = "Uploaded" if status in (200, 201, 204) else "UploadFailed"
        await station.say("DiagnosticsStatusNotification", {"status": told})


__all__ = ["NOW", "FetchingStation", "load_active", "load_as_http_10", "load_in_ranges", "load_passive", "load_whole"]
