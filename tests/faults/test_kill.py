"""kill -9 of the whole daemon right before and right after each of its commits: every session is there exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.persistent_station import Station, assert_told_once

PROJECT = Path(__file__).resolve().parents[2]
# More commits than two sessions need; the test asserts that the last n was beyond the end.
MOST_COMMITS = 30


class Nursery:
    """The other end of tests/faults/nursery.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, **request: object) -> dict[str, int | None]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


class MortalGateway:
    """A gateway whose first life ends at a commit; the next ones live."""

    def __init__(self, nursery: Nursery, directory: Path, commit: int, moment: str) -> None:
        self.nursery = nursery
        self.configuration = directory / "gateway.toml"
        self.configuration.write_text(
            f'[site]\nid = "s"\n[data]\ndirectory = "{directory}"\n'
            '[ocpp]\nhost = "127.0.0.1"\nport = 0\nunknown_stations = "accept"\nunknown_tags = "accept"\n'
        )
        self.commit, self.moment = commit, moment
        self.deaths = 0
        self.pid: int | None = None
        self.port: int | None = None

    async def dial(self) -> str:
        """The URL of a gateway that lives; asked again, the first one must have died and is buried."""
        if self.pid is not None and self.deaths == 0:
            self.bury()
        while self.pid is None:
            commit = 0 if self.deaths else self.commit
            born = self.nursery.ask(configuration=str(self.configuration), commit=commit, moment=self.moment)
            self.pid, self.port = born["pid"], born["port"]
            if self.port is None:
                self.bury()  # it did not live to serve
        return f"ws://127.0.0.1:{self.port}/ocpp/CP1"

    def bury(self) -> None:
        """Wait for the end of the first life."""
        assert self.nursery.ask(wait=self.pid)["status"] == -9
        self.deaths += 1
        self.pid = None

    def stop(self) -> None:
        assert self.nursery.ask(stop=self.pid)["status"] == 0


@pytest.mark.parametrize("fresh_ids", [False, True], ids=["same ids", "fresh ids"])
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_every_session_exactly_once(nursery: Nursery, tmp_path: Path, moment: str, fresh_ids: bool) -> None:
    for commit in range(1, MOST_COMMITS + 1):
        directory = tmp_path / str(commit)
        directory.mkdir()
        gateway = MortalGateway(nursery, directory, commit, moment)
        station = Station(gateway.dial, fresh_ids=fresh_ids)
        await station.two_sessions()
        gateway.stop() if gateway.deaths else nursery.ask(stop=gateway.pid)
        assert_told_once(directory / "gateway.db", station)
        assert station.errors == []
        if gateway.deaths == 0:
            assert commit > 8, "each message has a commit of its own"
            return
    raise AssertionError("a daemon died at a commit that two sessions do not need")
