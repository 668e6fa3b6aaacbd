"""The units of the two processes: sound for systemd, tight, and in agreement with the program and the package."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from firmware_store.desk_socket import SOCKET_NAME
from gateway.configuration import load_configuration
from gateway.operations.transfer_folders import INCOMING
from gateway.terminal.arguments import parse
from gateway.terminal.commands_reload import LONGEST_CHANGE_SECONDS
from gateway.terminal.exits import CONFIGURATION

pytestmark = pytest.mark.slow

UNITS = Path(__file__).parents[2] / "systemd"
DAEMON, FTPD = UNITS / "ocpp-gateway.service", UNITS / "ocpp-gateway-ftpd.service"
DATA = load_configuration(None).data.directory
BOTH = pytest.mark.parametrize("unit", [DAEMON, FTPD], ids=lambda unit: unit.stem)


def _service(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    table = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif table == "Service" and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@BOTH
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    here = tmp_path / unit.name
    text = unit.read_text()
    for key in ("ExecStart", "ExecReload"):
        for command in _service(unit).get(key, []):
            text = text.replace(f"{key}={command}", f"{key}=/bin/true")
    here.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(here)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@BOTH
def test_the_exposure_is_at_most_one_point_three(unit: Path) -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=13", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


@BOTH
def test_a_mistake_in_the_configuration_is_not_tried_again_and_all_else_is(unit: Path) -> None:
    service = _service(unit)
    assert service["Restart"] == ["always"]
    assert str(CONFIGURATION) in service["RestartPreventExitStatus"][0].split()
    assert "StartLimitIntervalSec=0" in unit.read_text()


def test_the_daemon_is_watched_and_has_time_to_start_and_to_stop() -> None:
    service = _service(DAEMON)
    assert (service["Type"], service["NotifyAccess"]) == (["notify"], ["main"])
    assert service["WatchdogSec"] == ["30"]
    # what the command waits for must be over before systemd gives up on it
    assert int(service["TimeoutStartSec"][0]) > LONGEST_CHANGE_SECONDS
    (words,) = service["ExecReload"]
    assert parse(words.split()[1:], "").carried_out_by == "commands_reload:reload_configuration"


def test_the_daemon_owns_its_data_and_the_serial_lines() -> None:
    service = _service(DAEMON)
    assert [Path("/var/lib") / name for name in service["StateDirectory"]] == [DATA]
    assert service["SupplementaryGroups"] == ["dialout"]
    assert "char-ttyUSB rw" in service["DeviceAllow"]


def test_the_ftp_process_sees_three_folders_and_nothing_else_of_the_data() -> None:
    service = _service(FTPD)
    assert (service["User"], service["Group"]) == (["ocpp-gateway-ftp"], ["ocpp-gateway"])
    assert service["TemporaryFileSystem"] == [f"{DATA}:ro"]
    decided = f"-{DATA}/site.toml"  # a part of the configuration, which may be missing
    assert service["BindReadOnlyPaths"] == [f"{DATA}/firmware", str((DATA / SOCKET_NAME).parent), decided]
    assert service["BindPaths"] == [str(DATA / INCOMING)]


def test_what_may_be_missing_at_the_start_has_a_stand_in() -> None:
    for unit in (DAEMON, FTPD):
        service = _service(unit)
        loaded = {line.partition(":")[0] for line in service["LoadCredential"]}
        assert {line.partition(":")[0] for line in service["SetCredential"]} == loaded
