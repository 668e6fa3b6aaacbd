"""`setup` on a terminal, with a real daemon, a meter on Modbus TCP and a station that knocks, then charges."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.end_to_end.running_gateway import PROJECT, RunningGateway, running_gateway, wait_until
from tests.fakes.modbus_meters import ServedMeter, float_words, on_tcp

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0
VOLTS_AMPS_WATTS = (0, 230.0), (2, 231.0), (4, 229.0), (6, 5.0), (8, 6.0), (10, 7.0), (12, 1150.0), (14, 1386.0), (
    16, 1603.0), (0x34, 4139.0), (0x46, 50.0), (0x48, 1000.0)  # fmt: skip


def sdm630() -> ServedMeter:
    registers = dict.fromkeys(range(80), 0)
    for address, value in VOLTS_AMPS_WATTS:
        registers |= {address + offset: word for offset, word in float_words(value).items()}
    return ServedMeter(1, registers)


class Terminal:
    """A program on a pseudo terminal, typed to by a person who reads."""

    def __init__(self, *command: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            text=True,
        )
        os.close(slave)
        self.said, self._read_upto = "", 0

    def answer(self, question: str, text: str) -> None:
        """Wait for a question that holds these words, then type the answer."""
        self.until(question)
        os.write(self._master, f"{text}\n".encode())

    def until(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self.said.find(words, self._read_upto)) < 0:
            assert time.monotonic() < deadline, f"{words!r} was never said:\n{self.said}"
            if not self._waits_or_reads():
                raise AssertionError(f"it ended before {words!r}:\n{self.said}")
        self._read_upto = found + len(words)

    def ends(self) -> int:
        """Its exit code."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._waits_or_reads():
            assert time.monotonic() < deadline, f"it does not end:\n{self.said}"
        return self.process.wait(PATIENCE_SECONDS)

    def interrupt(self, heard: str) -> None:
        """Ctrl-C, again while nothing comes of it: the interpreter overhears it just before it begins to read."""
        deadline, again = time.monotonic() + PATIENCE_SECONDS, 0.0
        while heard not in self.said:
            assert time.monotonic() < deadline, f"{heard!r} was never said:\n{self.said}"
            if time.monotonic() > again:
                self.process.send_signal(signal.SIGINT)
                again = time.monotonic() + 5.0
            self._waits_or_reads()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _waits_or_reads(self) -> bool:
        """False when everybody on the other side has gone."""
        return not select.select([self._master], [], [], 1.0)[0] or self._read()

    def _read(self) -> bool:
        try:
            read = os.read(self._master, 65_536)
        except OSError:  # everybody on the other side has gone
            return False
        self.said += read.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(read)


@contextmanager
def setup(gateway: RunningGateway, *words: str) -> Iterator[Terminal]:
    command = [sys.executable, "-m", "gateway", "setup", "--config", str(gateway.configuration), *words]
    terminal = Terminal(*command)
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "site") as gateway:
        yield gateway


def knock(gateway: RunningGateway, station: str) -> None:
    with pytest.raises(InvalidStatus):
        come(gateway, station)


def come(gateway: RunningGateway, station: str) -> ClientConnection:
    return connect(f"{gateway.ocpp_url}/{station}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None)


def say(connection: ClientConnection, action: str, payload: object) -> dict[str, object]:
    connection.send(json.dumps([2, action, action, payload]))
    while (frame := json.loads(connection.recv(PATIENCE_SECONDS)))[0] != 3:
        if frame[0] == 2:
            connection.send(json.dumps([4, frame[1], "NotImplemented", "", {}]))
    answer: dict[str, object] = frame[2]
    return answer


async def test_from_nothing_to_the_first_charge(gateway: RunningGateway) -> None:
    async with on_tcp(sdm630()) as port:
        await asyncio.to_thread(_first_charge, gateway, port)


def _first_charge(gateway: RunningGateway, meter_port: int) -> None:
    knock(gateway, "CP-1")
    with setup(gateway) as terminal:
        terminal.answer("Name for people", "Depot North")
        terminal.answer("Name for machines", "depot-north")
        terminal.answer("Time zone", "Europe/Amsterdam")
        terminal.answer("Serial device, host", f"127.0.0.1:{meter_port}")
        terminal.answer("Which one is the site's meter", "1")
        terminal.answer("Amperes for each phase", "63")
        terminal.answer("CP-1 knocked. Let it in?", "y")
        terminal.answer("The most that it can draw", "16")
        terminal.until(f"{gateway.ocpp_url.rpartition(':')[2].partition('/')[0]}/ocpp/<station id>")
        terminal.answer("Enter looks whether another one knocks", "n")
        terminal.answer("May everybody charge", "n")
        terminal.answer("Number of a card", "04A2B3C4")
        terminal.answer("Number of a card", "")
        terminal.answer("reach the gateway", "n")
        terminal.answer("Make a token", "y")
        terminal.answer("Whose is it", "Ann")
        terminal.answer("Put it to work?", "y")
        assert terminal.ends() == 0, terminal.said
    token = re.search(r"token for Ann, shown only now: (\S+)", terminal.said)
    assert token is not None and "Stations connect to" in terminal.said
    status = gateway.get("/site")
    assert [circuit["name"] for circuit in status["circuits"]] == ["main"]  # type: ignore[attr-defined]
    with come(gateway, "CP-1") as station:
        assert (
            say(station, "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})["status"]
            == "Accepted"
        )
        assert "knocked" not in gateway.command("next-step")
        start = {"connectorId": 1, "idTag": "04A2B3C4", "meterStart": 0, "timestamp": "2027-01-15T08:00:00Z"}
        assert say(station, "StartTransaction", start)["idTagInfo"] == {"status": "Accepted"}
    wait_until(lambda: gateway.get("/meters")["items"][0]["trust"] == "fresh", "the meter to be believed")  # type: ignore[index]


def test_whoever_leaves_changes_nothing(gateway: RunningGateway) -> None:
    before = gateway.configuration.read_bytes()
    with setup(gateway) as terminal:
        terminal.answer("Name for people", "Elsewhere")
        terminal.until("Name for machines")
        terminal.interrupt(heard="nothing was changed")
        assert terminal.ends() == 130
    assert gateway.configuration.read_bytes() == before


def test_many_sites_by_a_file(gateway: RunningGateway) -> None:
    knock(gateway, "CP-9")
    answers = gateway.directory / "answers.toml"
    answers.write_text(
        'name = "Depot 42"\nmain_fuse = 40\nall_that_knocked = true\ncard = ["FLEET-1"]\nstation = ["CP-1=16"]\n'
    )
    told = gateway.command("setup", "--answers", str(answers), "--site-id", "depot-42", "--yes")
    assert "the gateway works with it" in told
    stations = gateway.get("/stations")["items"]
    assert sorted(one["id"] for one in stations) == ["CP-1", "CP-9"]  # type: ignore[attr-defined]
    assert gateway.ask("GET", "/id-tags").document["items"][0]["id_tag"] == "FLEET-1"  # type: ignore[index]
    assert "has not changed" in gateway.command("reload")
    again = gateway.command("setup", "--answers", str(answers), "--site-id", "depot-42", "--yes")
    assert "is written" not in again


def test_a_site_of_which_only_the_shared_files_are_there(gateway: RunningGateway) -> None:
    shared = gateway.directory / "conf.d"
    shared.mkdir()
    gateway.configuration.rename(shared / "shared.toml")
    (shared / "shared.toml").write_text(
        (shared / "shared.toml").read_text().replace('[site]\nid = "foreign-stations"', "")
    )
    told = gateway.command("setup", "--site-id", "depot-42", "--yes")
    assert "the gateway works with it" in told
    assert "depot-42" in gateway.command("check-config")
    assert "depot-42" in gateway.configuration.read_text() and "port" not in gateway.configuration.read_text()


def test_a_dry_run_only_prints(gateway: RunningGateway) -> None:
    before = gateway.configuration.read_bytes()
    assert 'id = "depot-42"' in gateway.command("setup", "--site-id", "depot-42", "--yes", "--dry-run")
    assert gateway.configuration.read_bytes() == before


def test_what_this_machine_lacks_is_said_before_anything_changes(gateway: RunningGateway) -> None:
    before = gateway.configuration.read_bytes()
    there_is_none = ["--meter-model", "eastron_sdm630", "--meter-device", "/dev/no-such-line"]
    told = gateway.try_command("setup", "--yes", *there_is_none)
    assert told.returncode == 78 and "/dev/no-such-line" in told.stderr and "nothing was changed" in told.stderr
    assert gateway.configuration.read_bytes() == before
    assert "has not changed" in gateway.command("reload")


def test_while_the_gateway_does_not_run(gateway: RunningGateway) -> None:
    gateway.stop()
    told = gateway.try_command("setup", "--yes", "--name", "Depot", "--card", "A/1", "--phone", "Ann")
    assert told.returncode == 1
    assert "does not run" in told.stderr and "setup --yes --card 'A/1'" in told.stderr
    assert "token for Ann, shown only now" in told.stdout
    gateway.start()
    assert "card A/1 may charge" in gateway.command("setup", "--yes", "--card", "A/1")
    assert 'name = "Depot"' in gateway.configuration.read_text()


def test_a_site_without_a_file_is_called_as_people_call_it(tmp_path: Path) -> None:
    file = tmp_path / "etc" / "gateway.toml"
    file.parent.mkdir()
    command = [sys.executable, "-m", "gateway", "setup", "--config", str(file), "--yes", "--dry-run"]
    told = subprocess.run([*command, "--name", "Depot North"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert 'id = "depot-north"' in told.stdout
    assert list(file.parent.iterdir()) == []


def test_somebody_who_may_not_look_is_told_so() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as folder:  # everybody may pass, up to `etc`
        Path(folder).chmod(0o755)
        file = Path(folder) / "etc" / "gateway.toml"
        file.parent.mkdir(mode=0o700)
        _expect_refusals(file)


def _expect_refusals(file: Path) -> None:
    code = (
        "import os, sys, gateway.__main__ as m, gateway.terminal.commands_setup, gateway.terminal.commands_next_step;"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(m.main())"
    )
    for words, exit_code, said in (
        (["setup", "--yes", "--name", "X"], 77, "run this as root"),
        (["setup", "--yes", "--name", "X", "--dry-run"], 77, "run this as root"),
        (["next-step"], 0, "its state is for root"),
    ):
        command = [sys.executable, "-c", code, *words, "--config", str(file)]
        told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert (told.returncode, said in told.stdout + told.stderr) == (exit_code, True), told.stderr


def test_nobody_to_ask_and_no_answers(gateway: RunningGateway) -> None:
    told = gateway.try_command("setup")
    assert told.returncode == 2 and "expected answers" in told.stderr


def test_the_next_step_follows_the_site(gateway: RunningGateway) -> None:
    assert "enter ws://" in gateway.command("next-step")
    knock(gateway, "CP-1")
    assert "1 unknown station knocked (CP-1)" in gateway.command("next-step")
    gateway.put("/stations/CP-1", {})
    assert "all is well, 0 of 1 stations connected" in gateway.command("next-step")
    gateway.freeze()
    assert "it does not answer" in gateway.command("next-step")
    gateway.thaw()
