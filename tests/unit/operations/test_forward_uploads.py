"""Uploads reach a fleet manager's server over real sockets, whatever it does in between, and are told when they do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.configuration import Upstream
from gateway.configuration_reading import SecretFile
from gateway.model.instants import Instant
from gateway.operations import forward_uploads as module
from gateway.operations.forward_again import CannotForward, forward_again
from gateway.operations.forward_uploads import forward_uploads
from gateway.operations.keep_uploads import path_of
from gateway.operations.site import Site
from gateway.rules import forwarding as rules
from gateway.upstream.send_file import NotSent, Parcel, Sending
from tests.fakes.certificate_maker import Authority
from tests.fakes.upload_server import (
    CUT_OFF,
    HANG_UP,
    REFUSE_EARLY,
    SAY_NOTHING,
    TALK_NONSENSE,
    Fate,
    UploadServer,
    upload_server,
)
from tests.fakes.uploaded_files import uploaded
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import NOON, configuration_in, open_site


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LEAST_SECONDS", 0.005)
    monkeypatch.setattr(rules, "MOST_SECONDS", 0.02)


@pytest.fixture
def server() -> Iterator[UploadServer]:
    with upload_server() as served:
        yield served


@asynccontextmanager
async def site_with(tmp_path: Path, url: str, **more: object) -> AsyncIterator[Site]:
    upstream = Upstream(name="fleet", host="broker.example", uploads_url=url, **more)  # type: ignore[arg-type]
    began = time.monotonic()

    def now() -> Instant:
        return Instant(NOON + round((time.monotonic() - began) * 1e6))

    async with open_site(replace(configuration_in(tmp_path), upstreams=(upstream,))) as opened:
        yield replace(opened, wall_clock=now)


@asynccontextmanager
async def forwarding(site: Site) -> AsyncIterator[None]:
    task = asyncio.create_task(forward_uploads(site))
    try:
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 (rows change without an event)
            await asyncio.sleep(0.005)


def states(site: Site) -> list[tuple[object, ...]]:
    return look(site.database.path, "SELECT forwarding, forward_tries, forward_error FROM uploads ORDER BY upload_id")


def told(site: Site) -> list[dict[str, object]]:
    found = look(site.database.path, "SELECT data FROM events WHERE kind = 'upload.forwarded' ORDER BY id")
    return [json.loads(str(data)) for (data,) in found]


async def test_a_file_is_put_under_its_own_address_with_what_is_known_of_it(
    tmp_path: Path, server: UploadServer
) -> None:
    token = tmp_path / "token"
    token.write_text("secret-1\n")
    async with site_with(tmp_path, server.url + "/", uploads_token_file=SecretFile(token)) as site, forwarding(site):
        await uploaded(site, b"all is well", station="CP/1", reason="grün", command_id="c-1")
        await until(lambda: states(site)[0][0] == "done")
        token.write_text("secret-2")
        await uploaded(site, b"x" * 200_000)
        await until(lambda: states(site)[-1][0] == "done")
    first, second = server.puts
    assert first.path == "/in/site-1/CP%2F1/1/log.txt"
    assert first.body == b"all is well"
    shown = {name: first.headers[name] for name in first.headers if name.startswith("Ocpp")}
    (epoch,) = look(site.database.path, "SELECT value FROM meta WHERE name = 'epoch'")[0]
    assert shown == {
        "Ocpp-Gateway-Epoch": epoch, "Ocpp-Gateway-Station": "CP/1", "Ocpp-Gateway-Kind": "diagnostics",
        "Ocpp-Gateway-Reason": "gr%C3%BCn", "Ocpp-Gateway-Command": "c-1",
        "Ocpp-Gateway-Sha256": told(site)[0]["sha256"],
    }  # fmt: skip
    assert first.headers["Content-Digest"].startswith("sha-256=:")
    assert [put.headers["Authorization"] for put in server.puts] == ["Bearer secret-1", "Bearer secret-2"]
    assert second.body == b"x" * 200_000
    assert [(one["upload_id"], one["result"], one["tries"], one["status"]) for one in told(site)] == [
        (1, "done", 1, 201),
        (2, "done", 1, 201),
    ]


@pytest.mark.parametrize("fate", [500, 503, 301, 401, 408, 425, 429, HANG_UP, TALK_NONSENSE, CUT_OFF], ids=str)
async def test_what_may_pass_is_tried_again_at_the_same_address(
    tmp_path: Path, server: UploadServer, fate: Fate
) -> None:
    server.fates += [fate, fate]
    async with site_with(tmp_path, server.url) as site, forwarding(site):
        await uploaded(site)
        await until(lambda: states(site)[0][0] == "done")
        assert states(site) == [("done", 3, None)]
    assert len({put.path for put in server.puts}) == 1


@pytest.mark.parametrize("fate", [200, 204, 409])
async def test_a_server_that_has_it_already_is_believed(tmp_path: Path, server: UploadServer, fate: int) -> None:
    server.fates.append(fate)
    async with site_with(tmp_path, server.url) as site, forwarding(site):
        await uploaded(site)
        await until(lambda: states(site) == [("done", 1, None)])


@pytest.mark.parametrize("fate", [400, 403, 404, 413])
async def test_what_is_not_wanted_is_given_up_with_the_reason(tmp_path: Path, server: UploadServer, fate: int) -> None:
    server.fates.append(fate)
    async with site_with(tmp_path, server.url) as site, forwarding(site):
        await uploaded(site)
        await uploaded(site)
        await until(lambda: states(site)[1][0] == "done")
        assert states(site)[0] == ("given_up", 1, f"the server answered {fate}: status {fate}")
        assert told(site)[0]["reason"] == f"the server answered {fate}: status {fate}"
        await forward_again(site, 1)
        await until(lambda: states(site)[0] == ("done", 1, None))


async def test_it_goes_on_where_it_was_after_a_restart_and_days_offline(tmp_path: Path) -> None:
    with upload_server() as gone:
        url = gone.url
    async with site_with(tmp_path, url) as site:
        async with forwarding(site):
            await uploaded(site, b"one")
            await uploaded(site, b"two")
            await until(lambda: sum(int(str(row[1])) for row in states(site)) > 6)
        assert {row[0] for row in states(site)} == {"waiting"}
    with upload_server() as back:
        async with site_with(tmp_path, back.url) as site, forwarding(site):
            await until(lambda: {row[0] for row in states(site)} == {"done"})
    assert sorted(put.body for put in back.puts) == [b"one", b"two"]


async def test_the_server_may_ask_to_be_left_alone(tmp_path: Path, server: UploadServer) -> None:
    server.fates.append(429)
    server.answer_headers["Retry-After"] = "7200"
    async with site_with(tmp_path, server.url) as site, forwarding(site):
        await uploaded(site)
        await until(lambda: states(site)[0][1] == 1)
        ((at,),) = look(site.database.path, "SELECT forward_at FROM uploads")
        assert int(str(at)) - site.wall_clock() > 7000 * 10**6
        server.answer_headers.clear()
        await uploaded(site)  # another is not kept waiting
        await until(lambda: states(site)[1][0] == "done")
        assert states(site)[0][0] == "waiting"


async def test_a_clock_that_was_set_back_does_not_stop_it(tmp_path: Path, server: UploadServer) -> None:
    async with site_with(tmp_path, server.url) as site:
        await uploaded(site)
        later = NOON + 400 * 86_400 * 10**6
        await site.database.write(lambda db: db.execute("UPDATE uploads SET forward_at = ?", (later,)))
        async with forwarding(site):
            await until(lambda: states(site)[0][0] == "done")


async def test_a_lost_file_is_given_up(tmp_path: Path, server: UploadServer) -> None:
    async with site_with(tmp_path, server.url) as site:
        await uploaded(site)
        await uploaded(site)
        path_of(site, 1).unlink()
        path_of(site, 2).write_bytes(b"cut")
        async with forwarding(site):
            await until(lambda: {row[0] for row in states(site)} == {"given_up"})
        assert [str(row[2]).partition(" bytes")[0] for row in states(site)] == [
            "the file is not on the disk any more",
            "the file has 3",
        ]
    assert server.puts == []


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
async def test_without_a_token_it_waits(tmp_path: Path, server: UploadServer, content: bytes | None) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    async with site_with(tmp_path, server.url, uploads_token_file=SecretFile(token)) as site, forwarding(site):
        await uploaded(site)
        await until(lambda: states(site)[0][1] == 2)
        assert str(token) in str(states(site)[0][2])
        token.write_text("good")
        await until(lambda: states(site)[0][0] == "done")


async def test_the_server_is_verified(tmp_path: Path) -> None:
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other", "Other Root")
    pair = ours.issue("server", names="IP:127.0.0.1")
    with upload_server((pair.chain, pair.key)) as server:
        async with site_with(tmp_path, server.url, ca=other.file) as site, forwarding(site):
            await uploaded(site)
            await until(lambda: states(site)[0][1] == 1)
            assert "certificate is not accepted" in str(states(site)[0][2])
        assert server.puts == []
        async with site_with(tmp_path, server.url, ca=ours.file) as site, forwarding(site):
            await until(lambda: states(site)[0][0] == "done")


async def test_a_silent_server_holds_nobody_up_and_the_loop_ends_at_once(tmp_path: Path, server: UploadServer) -> None:
    server.fates.append(SAY_NOTHING)
    async with site_with(tmp_path, server.url) as site:
        async with forwarding(site):
            await uploaded(site)
            await until(lambda: server.puts)
            began = time.monotonic()
        await asyncio.get_running_loop().shutdown_default_executor()  # as when the gateway stops
        assert time.monotonic() - began < 2
        assert states(site)[0][:2] == ("waiting", 0)


async def test_a_server_that_refuses_before_it_has_all_is_understood(tmp_path: Path, server: UploadServer) -> None:
    server.fates.append(REFUSE_EARLY)
    async with site_with(tmp_path, server.url) as site, forwarding(site):
        await uploaded(site, b"x" * 20_000_000)
        await until(lambda: states(site)[0][0] == "given_up")
        assert states(site)[0][2] == "the server answered 413: too much"


def test_a_silent_server_is_given_up_after_a_while(tmp_path: Path, server: UploadServer) -> None:
    server.fates.append(SAY_NOTHING)
    file = tmp_path / "file"
    file.write_bytes(b"x")
    with pytest.raises(NotSent, match="in time"):
        Sending(Parcel(f"{server.url}/a", file, 1, {}, silence_seconds=0.05)).run()


async def test_without_anybody_to_forward_to_nothing_can_be_forwarded(tmp_path: Path) -> None:
    async with open_site(configuration_in(tmp_path)) as site:
        await uploaded(site)
        with pytest.raises(CannotForward):
            await forward_again(site, 1)
        assert module.forwarding_upstream(site) is None
