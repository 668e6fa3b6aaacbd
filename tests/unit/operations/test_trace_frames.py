"""The log of OCPP frames: off unless asked for, every message when asked for, and never a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.configuration import Log
from gateway.operations.show_frames import Wish, newest_frames
from gateway.operations.trace_frames import logger, masked_frame, tracing
from tests.conformance.site_under_test import STATION, Bench, bench
from tests.fakes.scripted_station import ScriptedStation

SECRET = "4f43415f4f4354545f61646d696e5f74657374"


@pytest.fixture(autouse=True)
def level_restored() -> Iterator[None]:
    level = logger.level
    yield
    logger.setLevel(level)


async def exchange_secrets(gateway: Bench, station: ScriptedStation) -> None:
    change = {"key": "AuthorizationKey", "value": SECRET}
    got, _ = await gateway.sends(station, "ChangeConfiguration", change, answered={"status": "Accepted"})
    assert got == change, "it goes out verbatim"
    keys = [
        {"key": "AuthorizationKey", "readonly": False, "value": SECRET},
        {"key": "HeartbeatInterval", "readonly": False, "value": "300"},
    ]
    await gateway.sends(station, "GetConfiguration", {}, answered={"configurationKey": keys})


async def test_every_message_is_logged_and_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with bench(tmp_path, more=f"{STATION}[log]\nframes = true\n") as gateway, gateway.station() as station:
        await station.boots()
        await exchange_secrets(gateway, station)
    lines = [record.getMessage() for record in caplog.records if record.name == logger.name]
    for start, part in (
        ("received [2", '"BootNotification"'),
        ("sent [3", '"currentTime"'),
        ("sent [2", '"key": "AuthorizationKey"'),
        ("received [3", '"key": "AuthorizationKey"'),
        ("received [3", '"value": "300"'),
    ):
        assert any(line.startswith(start) and part in line for line in lines), (start, part, lines)
    assert SECRET not in caplog.text
    (line, *_) = [record for record in caplog.records if record.name == logger.name]
    assert line.__dict__["station"] == "CP-1"


async def test_nothing_is_logged_unless_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await exchange_secrets(gateway, station)
    assert not [record for record in caplog.records if record.name == logger.name]
    assert SECRET not in caplog.text
    assert tracing(Log()) is None


async def test_what_was_said_can_be_looked_at_without_secrets(tmp_path: Path) -> None:
    async with bench(tmp_path) as gateway, gateway.station() as station:
        await station.boots()
        await exchange_secrets(gateway, station)
        shown = await newest_frames(gateway.site, "CP-1", Wish(100))
        assert [one.action for one in shown[-2:]] == ["BootNotification", "BootNotification"]
        assert {one.frame.direction for one in shown} == {"from_station", "to_station"}
        assert "AuthorizationKey" in str(shown)
        assert SECRET not in str([one.text for one in shown])


@pytest.mark.parametrize(
    "text", [f"[2,{SECRET}".encode(), f'{{"AuthorizationKey":"{SECRET}"}}'.encode(), b"\xff", b"[" * 100_000]
)
def test_what_cannot_be_read_is_told_by_its_length(text: bytes) -> None:
    shown = masked_frame(text)
    assert str(len(text)) in shown
    assert SECRET not in shown
