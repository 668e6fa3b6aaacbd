"""/system: what runs here, and on what."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.operations import describe_machine
from gateway.version import version
from tests.unit.web.conftest import Door
from tests.unit.web.test_setup_api import expect_schema

SYSTEM = "/api/v1/system"


async def test_what_runs_here(door: Door) -> None:
    found = await door.document("GET", SYSTEM, role="viewer")
    expect_schema("System", found)
    assert found["version"] == version()
    assert found["uptime_seconds"] >= 0 and found["machine"]["uptime_seconds"] >= found["uptime_seconds"]
    assert found["data"]["directory"] == str(door.site.configuration.data.directory)
    assert 0 < found["data"]["disk_free_bytes"] <= found["data"]["disk_bytes"]
    assert found["clock"]["timezone"] == door.site.configuration.site.timezone
    assert found["can_reload"] is False
    await door.problem("GET", SYSTEM, params={"x": "1"}, expect=422)


async def test_a_machine_that_tells_nothing(door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> dict[str, str]:
        raise OSError

    monkeypatch.setattr(describe_machine, "_MODELS", (tmp_path / "none",))
    monkeypatch.setattr(describe_machine.platform, "freedesktop_os_release", refuse)
    monkeypatch.setattr(describe_machine.shutil, "disk_usage", refuse)
    found = await door.document("GET", SYSTEM)
    expect_schema("System", found)
    assert found["machine"]["model"] is None and found["machine"]["operating_system"] is None
    assert found["data"]["disk_bytes"] is None


async def test_the_model_of_a_board(door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"Raspberry Pi 4 Model B\0")
    monkeypatch.setattr(describe_machine, "_MODELS", (tmp_path / "none", tmp_path / "model"))
    assert (await door.document("GET", SYSTEM))["machine"]["model"] == "Raspberry Pi 4 Model B"
