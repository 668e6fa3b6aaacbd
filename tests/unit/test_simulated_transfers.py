"""The simulated station fetches and uploads over real sockets, resumes, and tells what failed."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import simulated_transfers as module
from gateway.simulated_transfers import Failed, fetch, send
from tests.fakes.breaking_file_server import FileServer, file_server
from tests.unit.test_simulated_station import QUICK, Central, booted, site

pytestmark = pytest.mark.slow

CONTENT = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server(CONTENT) as served:
        yield served


@contextmanager
def ftp_server(folder: Path) -> Iterator[int]:
    """An FTP server of other people, with one user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stands on modules that Python gives up later
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.handlers import FTPHandler
        from pyftpdlib.ioloop import IOLoop
        from pyftpdlib.servers import FTPServer
    authorizer = DummyAuthorizer()
    authorizer.add_user("token", "any", str(folder), perm="elrw")
    loop = IOLoop()
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, "banner": "files", "auth_failed_timeout": 0})
    ftp = FTPServer(("127.0.0.1", 0), handler, ioloop=loop)
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            loop.loop(timeout=0.01, blocking=False)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield ftp.address[1]
    finally:
        stopped.set()
        thread.join(5)
        ftp.close_all()


class TestHttp:
    def test_a_file_is_fetched_whole(self, server: FileServer) -> None:
        got = fetch(f"{server.url}/f/token/fw-1.2.bin")
        assert (got.size, got.sha256, got.tries) == (len(CONTENT), DIGEST, 1)
        assert server.asked == [("GET", "/f/token/fw-1.2.bin", "")]

    def test_what_breaks_is_resumed(self, server: FileServer) -> None:
        server.break_after = [1000, 0, 70_000]
        got = fetch(f"{server.url}/a")
        assert (got.sha256, got.tries) == (DIGEST, 4)
        assert [start for _, _, start in server.asked] == ["", "1000", "1000", "71000"]

    def test_a_server_that_does_not_resume_sends_all_again(self, server: FileServer) -> None:
        server.break_after, server.resumes = [1000], False
        assert fetch(f"{server.url}/a").sha256 == DIGEST

    def test_it_gives_up_in_the_end(self, server: FileServer) -> None:
        server.break_after = [0] * 10
        with pytest.raises(Failed):
            fetch(f"{server.url}/a")
        assert len(server.asked) == 5

    @pytest.mark.parametrize("status", [404, 410])
    def test_what_is_not_there_is_not_asked_for_again(self, server: FileServer, status: int) -> None:
        server.status = status
        with pytest.raises(Failed):
            fetch(f"{server.url}/a")
        assert len(server.asked) == 1

    def test_without_a_length_nobody_knows_whether_it_is_whole(self, server: FileServer) -> None:
        server.says_length = False
        with pytest.raises(Failed):
            fetch(f"{server.url}/a")

    def test_a_log_is_put_to_the_address_or_below_it(self, server: FileServer) -> None:
        send(f"{server.url}/u/token", "a b.txt", b"log")
        send(f"{server.url}/u/token/", "a b.txt", b"log")
        server.only_post = True
        send(f"{server.url}/u/token", "a b.txt", b"log")
        assert server.taken == [
            ("PUT", "/u/token", b"log"), ("PUT", "/u/token/a%20b.txt", b"log"), ("POST", "/u/token", b"log"),
        ]  # fmt: skip
        server.status = 413
        with pytest.raises(Failed):
            send(f"{server.url}/u/token", "a", b"log")


class TestFtp:
    def test_a_file_is_fetched_and_a_log_is_stored(self, tmp_path: Path) -> None:
        (tmp_path / "fw 1.bin").write_bytes(CONTENT)
        with ftp_server(tmp_path) as port:
            got = fetch(f"ftp://token:any@127.0.0.1:{port}/fw%201.bin")
            assert (got.size, got.sha256) == (len(CONTENT), DIGEST)
            send(f"ftp://token:any@127.0.0.1:{port}/", "my log.txt", b"log")
            assert (tmp_path / "my log.txt").read_bytes() == b"log"
            with pytest.raises(Failed):
                fetch(f"ftp://token:any@127.0.0.1:{port}/nothing")
            with pytest.raises(Failed):
                send(f"ftp://token:wrong@127.0.0.1:{port}/", "a", b"log")

    def test_what_breaks_is_resumed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "fw").write_bytes(CONTENT)
        take, times = module._Parts.take, iter(range(10**6))

        def breaking(parts: module._Parts, piece: bytes) -> None:
            if next(times) == 2:
                raise ConnectionResetError
            take(parts, piece)

        monkeypatch.setattr(module._Parts, "take", breaking)
        with ftp_server(tmp_path) as port:
            got = fetch(f"ftp://token:any@127.0.0.1:{port}/fw")
        assert (got.sha256, got.tries) == (DIGEST, 2)


@pytest.mark.parametrize("location", ["nowhere", "sftp://h/a", "http:///a", "http://127.0.0.1:1/a"])
def test_an_address_that_leads_nowhere_fails(location: str) -> None:
    with pytest.raises(Failed):
        fetch(location)
    with pytest.raises(Failed):
        send(location, "a", b"x")


REALLY = replace(QUICK, transfers=True, file_transfer_protocols="HTTP")


def statuses(central: Central, kind: str) -> list[str]:
    return [told["status"] for told in central.all_of(f"{kind}StatusNotification")]


async def test_a_station_installs_what_it_fetched(server: FileServer) -> None:
    server.break_after = [100]
    async with site(REALLY) as (central, station):
        await booted(central, station)
        wanted = {"location": f"{server.url}/f/token/fw-4.5.6.bin", "retrieveDate": "2027-01-15T08:00:00Z"}
        await central.ask("UpdateFirmware", wanted)
        await central.until(lambda: "Installed" in statuses(central, "Firmware"))
        assert station.jobs.firmware_version == "4.5.6"
        assert station.jobs.fetched is not None and station.jobs.fetched.sha256 == DIGEST


async def test_a_failed_fetch_and_a_failed_upload_are_told(server: FileServer) -> None:
    server.status = 404
    async with site(REALLY) as (central, station):
        await booted(central, station)
        await central.ask("UpdateFirmware", {"location": f"{server.url}/fw", "retrieveDate": "x"})
        await central.until(lambda: statuses(central, "Firmware") == ["Downloading", "DownloadFailed"])
        await central.ask("GetDiagnostics", {"location": f"{server.url}/u"})
        await central.until(lambda: statuses(central, "Diagnostics") == ["Uploading", "UploadFailed"])
        log = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": f"{server.url}/u"}}
        await central.ask("GetLog", log)
        await central.until(lambda: statuses(central, "Log") == ["Uploading", "UploadFailure"])
        assert station.jobs.firmware_version == "1.0.0"


async def test_a_log_says_how_the_station_is(server: FileServer) -> None:
    async with site(REALLY) as (central, station):
        await booted(central, station)
        answer = await central.ask("GetDiagnostics", {"location": f"{server.url}/u/"})
        await central.until(lambda: "Uploaded" in statuses(central, "Diagnostics"))
    ((method, path, body),) = server.taken
    assert (method, path) == ("PUT", "/u/diagnostics-SIM%201.txt")
    assert answer == {"fileName": "diagnostics-SIM 1.txt"}
    assert b"SIM 1 firmware 1.0.0" in body and b"connector 1: Available" in body


async def test_what_it_says_that_it_cannot_it_does_not(server: FileServer) -> None:
    async with site(replace(REALLY, file_transfer_protocols="FTP")) as (central, station):
        await booted(central, station)
        keys = (await central.ask("GetConfiguration", {"key": ["SupportedFileTransferProtocols"]}))["configurationKey"]
        assert keys == [{"key": "SupportedFileTransferProtocols", "readonly": True, "value": "FTP"}]
        await central.ask("GetDiagnostics", {"location": f"{server.url}/u/"})
        await central.ask("UpdateFirmware", {"location": f"{server.url}/fw", "retrieveDate": "x"})
        await central.until(lambda: "UploadFailed" in statuses(central, "Diagnostics"))
        await central.until(lambda: "DownloadFailed" in statuses(central, "Firmware"))
    assert server.asked == []
