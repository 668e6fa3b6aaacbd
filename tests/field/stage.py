"""The stage of the field's stories: what an operator sees over HTTP, a station that keeps its queue, a real daemon.

It does not know any story. Stations are `tests.fakes.scripted_station`, the in-process gateway is the certification
bench with the settings of the field, and real daemons are `tests.end_to_end.running_gateway`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from gateway.operations.manage_tokens import create_token
from tests.conformance.site_under_test import Bench, TestClock, bench
from tests.end_to_end.running_gateway import PROJECT, RunningGateway, running_gateway
from tests.fakes.scripted_station import CallError, ScriptedStation

TWO_STATIONS = '[[station]]\nid = "CP-1"\n[[station]]\nid = "CP-2"\n'
REGISTER = {"measurand": "Energy.Active.Import.Register", "unit": "Wh"}
_MOST_TRIES = 3


@dataclass
class Operator:
    """Somebody at the site's web page: sees and does only what the HTTP API offers."""

    session: aiohttp.ClientSession

    async def get(self, path: str, **query: str) -> Any:
        """The document at a path of /api/v1."""
        async with self.session.get(f"/api/v1{path}", params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def sessions(self, **query: str) -> list[Any]:
        """The list of sessions, oldest first."""
        return list(reversed((await self.get("/transactions", limit="1000", **query))["items"]))

    async def put_tag(self, tag: str) -> None:
        """Let a tag charge."""
        async with self.session.put(f"/api/v1/id-tags/{tag}", json={}) as answer:
            assert answer.status in (200, 201), await answer.text()

    async def delete(self, path: str) -> None:
        """Remove what is at a path of /api/v1."""
        async with self.session.delete(f"/api/v1{path}") as answer:
            assert answer.status == 204, await answer.text()

    async def send_list(self, update_type: str, *, station: str = "CP-1") -> tuple[int, Any]:
        """Have the list of tags sent to a station: HTTP status and what became of it."""
        body = {"update_type": update_type}
        async with self.session.post(f"/api/v1/stations/{station}/local-list", json=body) as answer:
            return answer.status, await answer.json(content_type=None)

    async def command(self, action: str, payload: object, *, station: str = "CP-1") -> tuple[int, Any]:
        """Have a request sent to a station: HTTP status and what became of it."""
        async with self.session.post(f"/api/v1/stations/{station}/commands/{action}", json=payload) as answer:
            return answer.status, await answer.json(content_type=None)

    async def backup(self) -> bytes:
        """The database as of now."""
        async with self.session.get("/api/v1/backup") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()

    async def restore(self, content: object, **headers: str) -> tuple[int, Any]:
        """Put a backup in place of what is: HTTP status and document."""
        async with self.session.post("/api/v1/restore", data=content, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def metric(self, name: str) -> float:
        """The number at a name of /metrics."""
        async with self.session.get("/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"ocpp_gateway_{name} "))


@asynccontextmanager
async def site(
    directory: Path, *, ocpp: str = "", more: str = TWO_STATIONS, clock: TestClock | None = None
) -> AsyncIterator[tuple[Bench, Operator]]:
    """A gateway as it is run in the field, with its web door, and somebody who looks at it."""
    async with bench(directory, ocpp=ocpp, more=more, web=True, clock=clock) as gateway:
        token = await create_token(gateway.site, role="installer", name="tester", actor="tester")
        base = f"http://127.0.0.1:{gateway.running.addresses.web_port}"
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token.text}"}) as session:
            yield gateway, Operator(session)


async def empty_queue(station: ScriptedStation, queue: Sequence[tuple[str, object]]) -> list[Any]:
    """Send like a charger's persistent queue: its head is repeated until it gets a conf; the confs."""
    answers = []
    for number, (action, payload) in enumerate(queue):
        for _ in range(_MOST_TRIES):
            answer = await station.say(action, payload, message_id=f"queued-{number}")
            if not isinstance(answer, CallError):
                break
        assert not isinstance(answer, CallError), f"the queue is stuck for ever at {payload}: {answer}"
        answers.append(answer)
    return answers


# Real daemons


def configured(directory: Path) -> Path:
    """A configuration file for commands without a daemon; its data directory is `directory`/data."""
    file = directory / "gateway.toml"
    file.write_text(
        f'[site]\nid = "field"\n[data]\ndirectory = "{directory}/data"\n[web]\nport = 0\n'
        '[ocpp]\nhost = "127.0.0.1"\nport = 0\n[firmware]\nport = 0\n'
    )
    return file


def ocpp_gateway(configuration: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`ocpp-gateway WORDS`, whatever it ends with."""
    command = [sys.executable, "-m", "gateway", *words, "--config", str(configuration)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)


def kill(gateway: RunningGateway) -> None:
    """The power is out: SIGKILL to the daemon that this test started."""
    process, gateway._process = gateway._process, None
    assert process is not None
    process.kill()
    process.wait()


@contextmanager
def real_site(directory: Path, *, more: str = TWO_STATIONS) -> Iterator[RunningGateway]:
    """A real daemon with two stations and the tag VALID."""
    with running_gateway(directory, more=more) as gateway:
        gateway.put("/id-tags/VALID", {})
        yield gateway


def database_of(gateway: RunningGateway) -> Path:
    """The daemon's database file."""
    return gateway.directory / "data" / "gateway.db"


def start_told(connector: int, *, tag: str = "VALID", meter: int, at: str) -> str:
    """The payload of a StartTransaction as text."""
    return json.dumps({"connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": at})
