"""A version on trial: when it has proven itself, what its end is, and what the one that stands in for it tells."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.operations.prove_version import cannot_start, ended_in_order
from tests.fakes.virtual_site import VirtualSite, play

ON_TRIAL = {"proven": "0.1.0", "trial": "0.2.0", "stamp": "1.2", "starts": 3}


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """0.2.0 runs on trial, as the start program tells it."""
    path = tmp_path / "versions.json"
    path.write_text(json.dumps(ON_TRIAL))
    monkeypatch.setenv("OCPP_GATEWAY_TRIAL", "0.2.0")
    monkeypatch.setenv("OCPP_GATEWAY_VERSIONS", str(path))
    return path


def state(versions: Path) -> object:
    return json.loads(versions.read_text())


def test_two_minutes_of_good_work_prove_it(tmp_path: Path, versions: Path) -> None:
    async def scene(_: VirtualSite) -> None:
        await asyncio.sleep(110)
        assert state(versions) == ON_TRIAL
        await asyncio.sleep(20)
        assert state(versions) == {"proven": "0.2.0"}

    play(tmp_path, scene)


def test_what_cannot_serve_begins_its_two_minutes_again(tmp_path: Path, versions: Path) -> None:
    async def scene(site: VirtualSite) -> None:
        await asyncio.sleep(100)
        site.site.health.report("stations", "the door is shut")
        await asyncio.sleep(10)
        site.site.health.report("stations", None)
        await asyncio.sleep(110)
        assert state(versions) == ON_TRIAL
        await asyncio.sleep(20)
        assert state(versions) == {"proven": "0.2.0"}

    play(tmp_path, scene)


def test_the_version_that_stands_in_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = "version 0.2.0 was given up, it ended; version 0.1.0 runs"
    monkeypatch.setenv("OCPP_GATEWAY_GIVEN_UP", words)

    async def scene(site: VirtualSite) -> None:
        await asyncio.sleep(1)
        assert site.site.health.notices()["version"] == words
        (row,) = await site.rows("SELECT data ->> 'given_up' AS words FROM events WHERE kind = 'gateway.started'")
        assert row["words"] == words

    play(tmp_path, scene)


def test_an_orderly_end_is_no_failed_start(versions: Path) -> None:
    ended_in_order()
    assert state(versions) == ON_TRIAL | {"starts": 0}


def test_a_reason_why_it_can_never_start_is_kept(versions: Path) -> None:
    cannot_start("no room")
    assert state(versions) == ON_TRIAL | {"failed": "no room"}


def test_another_version_says_nothing_about_the_one_on_trial(versions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCPP_GATEWAY_TRIAL", "0.1.0")
    cannot_start("no room")
    monkeypatch.delenv("OCPP_GATEWAY_TRIAL")
    cannot_start("no room")
    ended_in_order()
    assert state(versions) == ON_TRIAL


def test_without_a_start_program_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OCPP_GATEWAY_TRIAL", "OCPP_GATEWAY_VERSIONS"):
        monkeypatch.delenv(name, raising=False)
    cannot_start("no room")
    ended_in_order()


def test_a_state_that_cannot_be_written_is_logged(versions: Path, caplog: pytest.LogCaptureFixture) -> None:
    versions.with_name("versions.json.new").mkdir()
    ended_in_order()
    assert "versions.json cannot be written" in caplog.text
    assert state(versions) == ON_TRIAL
