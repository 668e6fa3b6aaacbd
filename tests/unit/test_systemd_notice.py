"""What is sent to systemd, and what happens where nobody listens."""

from __future__ import annotations

import logging
import os
import socket
import time
from pathlib import Path

import pytest

from gateway.systemd_notice import SystemdNotices, status_line
from tests.fakes.service_manager import ServiceManager


def test_every_word_arrives(tmp_path: Path) -> None:
    with ServiceManager(tmp_path) as manager:
        notices = SystemdNotices(manager.environment)
        assert notices.heard
        notices.ready("all is\nwell")
        notices.stopping()
        assert manager.waiting() == [["READY=1", "STATUS=all is well"], ["STOPPING=1", "STATUS=stopping"]]


def test_reloading_tells_the_monotonic_time_as_sd_notify_wants_it(tmp_path: Path) -> None:
    with ServiceManager(tmp_path) as manager:
        before = time.monotonic_ns() // 1000
        SystemdNotices(manager.environment).reloading("reading")
        told = manager.waiting()[0]
        assert told[0] == "RELOADING=1"
        assert before <= int(told[1].removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_a_socket_without_a_file_is_reached_too() -> None:
    name = f"ocpp-gateway-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        SystemdNotices({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
        assert listening.recv(100) == b"READY=1"


def test_where_nobody_asked_nothing_is_sent() -> None:
    notices = SystemdNotices({})
    assert not notices.heard
    notices.ready("unheard")


def test_a_socket_that_is_gone_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notices = SystemdNotices({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    with caplog.at_level(logging.WARNING):
        notices.tell("WATCHDOG=1")
        notices.tell("WATCHDOG=1")
    assert len(caplog.records) == 1


def test_a_manager_that_does_not_read_never_holds_up_the_gateway(tmp_path: Path) -> None:
    with ServiceManager(tmp_path) as manager:
        notices = SystemdNotices(manager.environment)
        for _ in range(5000):
            notices.tell("WATCHDOG=1")
        assert manager.waiting()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(environment: dict[str, str], seconds: float | None) -> None:
    assert SystemdNotices(environment).feed_every_seconds == seconds


def test_a_status_is_one_line_of_bounded_length() -> None:
    assert status_line("a\n b\tc") == "STATUS=a b c"
    assert len(status_line("x" * 10_000)) < 400
