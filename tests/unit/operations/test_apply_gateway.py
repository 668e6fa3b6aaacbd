"""Document gateway: settings that take effect while the gateway runs, and the installer's file that beats them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.operations import apply_gateway
from tests.fakes.documents_desk import Desk
from tests.fakes.gateway_in_process import running_gateway
from tests.fakes.scripted_station import plugged_in


@pytest.fixture(autouse=True)
def level() -> Iterator[None]:
    """The level of the root logger is as before afterwards."""
    before = logging.getLogger().level
    yield
    logging.getLogger().setLevel(before)


def settings(version: int, **values: Any) -> dict[str, Any]:
    return {"doc": "gateway", "version": version, **values}


async def test_the_running_gateway_honours_them_at_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, ocpp="automatic_calls = false", more='[[station]]\nid = "CP"\n') as running:
        desk = Desk(running.site)
        async with plugged_in(running.station_url("CP")) as station:
            assert (await station.boots())["interval"] == 300
            assert (await station.authorizes("X"))["status"] == "Invalid"
            report = await desk.send(
                "gateway", settings(1, heartbeat_seconds=60, unknown_tags="accept", log_level="error")
            )
            assert (report["status"], report["overrides"]) == ("applied", [])
            assert (await station.boots())["interval"] == 60
            assert (await station.authorizes("X"))["status"] == "Accepted"
            assert logging.getLogger().level == logging.ERROR
            logging.getLogger().setLevel(logging.INFO)
            await apply_gateway.begin(running.site)
            assert logging.getLogger().level == logging.ERROR, "as after a restart"
            assert (await desk.send("gateway", None))["status"] == "withdrawn"
            assert (await station.boots())["interval"] == 300
            assert (await station.authorizes("X"))["status"] == "Invalid"
            assert logging.getLogger().level == logging.WARNING


async def test_what_the_file_names_stays(tmp_path: Path) -> None:
    async with running_gateway(
        tmp_path,
        ocpp='unknown_tags = "refuse"\nautomatic_calls = false',
        more='[log]\nlevel = "info"\n[[station]]\nid = "CP"\n',
    ) as running:
        desk = Desk(running.site)
        report = await desk.send("gateway", settings(1, unknown_tags="accept", log_level="error"))
        assert {(one["setting"], one["value"], one["who"]) for one in report["overrides"]} == {
            ("unknown_tags", "refuse", "configuration"), ("log_level", "info", "configuration"),
        }  # fmt: skip
        assert logging.getLogger().level != logging.ERROR
        async with plugged_in(running.station_url("CP")) as station:
            assert (await station.authorizes("X"))["status"] == "Invalid"


async def test_what_it_cannot_honour_is_rejected(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as running:
        bad = settings(1, heartbeat_seconds=301, unknown_tags="?", log_level=1, reboot_when_idle="yes", port=1)
        report = await Desk(running.site).send("gateway", bad)
        assert {error["path"] for error in report["errors"]} == {
            "heartbeat_seconds", "unknown_tags", "log_level", "reboot_when_idle", "port",
        }  # fmt: skip
