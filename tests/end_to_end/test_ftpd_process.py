"""`ocpp-gateway-ftpd` as a process: what it says and how it ends, and its systemd unit."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.running_ftpd import RunningFtpd, running_ftpd
from tests.end_to_end.running_gateway import PROJECT, wait_until

pytestmark = pytest.mark.slow


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.ftpd", *words],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def test_without_a_port_there_is_nothing_to_do(place: Path) -> None:
    (place / "gateway.toml").write_text('[site]\nid = "site"\n')
    done = run("--config", str(place / "gateway.toml"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ocpp-gateway-ftpd: nothing to do, there is no ftp_port in [firmware]\n"


def test_every_mistake_is_printed(place: Path) -> None:
    file = place / "gateway.toml"
    file.write_text('[site]\nid = "site"\n[firmware]\nftp_port = 99999\nftp_passive_ports = [5, 4]\nport = "x"\n')
    done = run("--config", str(file))
    assert done.returncode == 78
    lines = done.stderr.splitlines()
    assert all(line.startswith(f"{file}: firmware.") and ": expected " in line for line in lines) and len(lines) == 3


def test_a_port_that_is_taken_is_told(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (place / "gateway.toml").write_text(
            f'[site]\nid = "site"\n[data]\ndirectory = "{place}"\n[firmware]\nhost = "127.0.0.1"\nftp_port = {port}\n'
        )
        done = run("--config", str(place / "gateway.toml"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"ocpp-gateway-ftpd: cannot listen on 127.0.0.1, port {port}: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(place: Path, number: signal.Signals) -> None:
    with running_ftpd(place) as ftpd:
        ftpd.desk.place("give-1234", ftpd.incoming)
        with ftpd.talk() as talk:
            talk.log_in("give-1234")
            assert ftpd.stop(number) == 0
            assert talk.hear() == "421 The server stops."


def test_it_waits_for_the_daemon(place: Path) -> None:
    ftpd = RunningFtpd(place)
    blob = place / "blob"
    blob.write_bytes(b"image")
    ftpd.desk.image("fetch-1234", blob)
    ftpd.start()
    try:
        wait_until(lambda: "waiting for the gateway" in ftpd.log_text(), "the warning")
        with ftpd.talk() as talk:
            assert talk.log_in("fetch-1234").startswith("421")
        ftpd.start_desk()
        with ftpd.talk() as talk:
            assert talk.log_in("fetch-1234").startswith("230")
        assert ftpd.stop() == 0
    finally:
        ftpd.stop_desk()
        if ftpd.process is not None:
            ftpd.process.kill()


_SPY = """
import sys
told = open(%r, "a", buffering=1)
def spy(event, arguments):
    if event in ("open", "os.listdir", "os.scandir"):
        told.write(f"{arguments[0]}\\n")
    elif event == "socket.connect":
        told.write(f"{arguments[1]}\\n")
    elif event.startswith("sqlite3"):
        told.write(f"{event}\\n")
sys.addaudithook(spy)
"""


def test_it_opens_nothing_that_is_not_its_own(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spied, spy = place / "spied", place / "spy"
    spy.mkdir()
    (spy / "sitecustomize.py").write_text(_SPY % str(spied))
    monkeypatch.setenv("PYTHONPATH", f"{spy}:{PROJECT}")
    with running_ftpd(place) as ftpd:
        blob = place / "blob"
        blob.write_bytes(b"image")
        ftpd.desk.image("fetch-1234", blob, "x.bin")
        ftpd.desk.place("give-1234", ftpd.incoming)
        with ftpd.client("fetch-1234") as client:
            client.retrbinary("RETR x.bin", lambda _: None)
        with ftpd.client("give-1234") as client:
            client.storbinary("STOR x", io.BytesIO(b"x"))
        assert ftpd.stop() == 0
    lines = {line for line in spied.read_text().splitlines() if str(place) in line} - {str(spied)}
    inside = {line for line in lines if str(ftpd.incoming) not in line and not line.startswith(str(spy))}
    inside.discard(str(place / "conf.d"))
    configured = {str(ftpd.configuration), str(ftpd.data / "site.toml")}
    assert inside == configured | {str(ftpd.data / "transfers" / "desk.sock"), str(blob)}
    assert not any(line.startswith("sqlite3.") for line in spied.read_text().splitlines())


def test_the_passive_ports_and_the_public_address_count(place: Path) -> None:
    more = 'ftp_passive_ports = [42100, 42119]\npublic_url = "http://192.0.2.7:8088"'
    with running_ftpd(place, firmware=more) as ftpd:
        ftpd.desk.place("give-1234", ftpd.incoming)
        with ftpd.talk() as talk:
            talk.log_in("give-1234")
            numbers = talk.ask("PASV").partition("(")[2].partition(")")[0].split(",")
            assert numbers[:4] == ["192", "0", "2", "7"]
            assert 42100 <= int(numbers[4]) * 256 + int(numbers[5]) <= 42119


def test_a_station_is_no_faster_than_it_may(place: Path) -> None:
    with running_ftpd(place, firmware="station_kilobytes_per_second = 200") as ftpd:
        blob = place / "blob"
        blob.write_bytes(bytes(200_000))
        ftpd.desk.image("fetch-1234", blob, "x.bin")
        words = ["curl", "--silent", "--output", os.devnull, "--write-out", "%{time_total} %{size_download}"]
        done = subprocess.run([*words, ftpd.url("fetch-1234", "x.bin")], capture_output=True, text=True, check=True)
        seconds, size = done.stdout.split()
        assert int(size) == 200_000 and float(seconds) > 0.6


def test_systemd_is_told(place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(place / "notify"))
        systemd.settimeout(20)
        (place / "gateway.toml").write_text('[site]\nid = "site"\n')
        done = run("--config", str(place / "gateway.toml"), NOTIFY_SOCKET=str(place / "notify"))
        assert done.returncode == 0
        assert systemd.recv(300).startswith(b"READY=1\n")
