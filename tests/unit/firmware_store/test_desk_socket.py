"""The socket between a transfer server and the desk: what is asked is answered, and nothing else can be asked."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from firmware_store.desk_client import DeskClient
from firmware_store.desk_socket import serve_desk
from firmware_store.tickets import Download, NoRoom, Received, Served, Upload
from tests.fakes.paper_desk import PaperDesk, desk_in_thread

GIVE = "give-7d1m0p"
FETCH = "fetch-k3x9q2"


@pytest.fixture
def desk(tmp_path: Path) -> PaperDesk:
    blob = tmp_path / "blob"
    blob.write_bytes(b"image")
    desk = PaperDesk()
    desk.image(FETCH, blob)
    desk.place(GIVE, tmp_path / "incoming")
    return desk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transfers.sock"


def a_file(path: Path, content: bytes = b"log") -> Received:
    path.write_bytes(content)
    return Received(2, path, "../log \u00e9.zip", len(content), "ab" * 32, "ftp", "192.168.1.20")


def test_tickets_travel_whole(desk: PaperDesk, path: Path) -> None:
    client = DeskClient(path)
    with desk_in_thread(desk, path):
        assert client.find(FETCH) == desk.tickets[FETCH]
        assert client.find(GIVE) == desk.tickets[GIVE]
        assert client.find("unknown") is None
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert not path.exists()


def test_what_was_served_and_received_is_told(desk: PaperDesk, path: Path, tmp_path: Path) -> None:
    client = DeskClient(path)
    received = a_file(tmp_path / "incoming" / "ftp-2-a.whole")
    with desk_in_thread(desk, path):
        client.served(FETCH, Served(1, 0, 3, True))
        client.received(GIVE, received)
    assert desk.told == [Served(1, 0, 3, True)]
    assert desk.taken == [(received, b"log")]


def test_no_room_and_a_broken_desk_are_told_apart(desk: PaperDesk, path: Path, tmp_path: Path) -> None:
    client = DeskClient(path)
    received = a_file(tmp_path / "incoming" / "ftp-2-a.whole")
    with desk_in_thread(desk, path):
        desk.broken = True
        with pytest.raises(ConnectionError, match="the database is closed"):
            client.find(FETCH)
        with pytest.raises(ConnectionError, match="the database is closed"):
            client.received(GIVE, received)
        desk.broken, desk.no_room = False, True
        with pytest.raises(NoRoom, match="the disk is full"):
            client.received(GIVE, received)


def _elsewhere(folder: Path) -> Path:
    return folder.parent / "gateway.db"


def _dots(folder: Path) -> Path:
    return folder / ".." / "gateway.db"


def _below(folder: Path) -> Path:
    (folder / "deeper").mkdir()
    return folder / "deeper" / "x"


@pytest.mark.parametrize("where", [_elsewhere, _dots, _below])
def test_a_file_is_taken_from_the_folder_of_its_token_only(
    desk: PaperDesk, path: Path, tmp_path: Path, where: Callable[[Path], Path]
) -> None:
    received = a_file(where(tmp_path / "incoming"))
    with desk_in_thread(desk, path), pytest.raises(ConnectionError, match="not in the folder"):
        DeskClient(path).received(GIVE, received)
    assert desk.taken == [] and received.path.exists()


def test_links_and_other_sizes_are_not_taken(desk: PaperDesk, path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "gateway.db"
    secret.write_bytes(b"log")
    symbolic, hard, other = (tmp_path / "incoming" / name for name in ("symbolic", "hard", "other"))
    symbolic.symlink_to(secret)
    os.link(secret, hard)
    other.write_bytes(b"longer than told")
    with desk_in_thread(desk, path):
        for file in (symbolic, hard, other):
            with pytest.raises(ConnectionError, match="not the plain file"):
                DeskClient(path).received(GIVE, Received(2, file, "x", 3, "", "ftp", ""))
        with pytest.raises(ConnectionError):
            DeskClient(path).received(GIVE, Received(2, tmp_path / "incoming" / "gone", "x", 3, "", "ftp", ""))
    assert desk.taken == []


def test_the_token_must_be_that_of_the_link(desk: PaperDesk, path: Path, tmp_path: Path) -> None:
    received = a_file(tmp_path / "incoming" / "a")
    client = DeskClient(path)
    with desk_in_thread(desk, path):
        for token in (FETCH, "unknown"):
            with pytest.raises(ConnectionError):
                client.received(token, received)
        with pytest.raises(ConnectionError):
            client.served(FETCH, Served(7, 0, 1, True))
    assert desk.taken == [] and desk.told == []


def test_a_transfer_that_began_in_time_may_end(desk: PaperDesk, path: Path, tmp_path: Path) -> None:
    client = DeskClient(path)
    with desk_in_thread(desk, path):
        client.find(GIVE)
        desk.tickets.clear()
        client.received(GIVE, a_file(tmp_path / "incoming" / "a"))
    assert len(desk.taken) == 1


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"{}\n", b"[]\n", b"GET / HTTP/1.1\r\n", b'{"ask": "shell"}\n', b'{"ask": "find"}\n',
        b'{"ask": "find", "token": 5}\n', b"[" * 9000 + b"\n", b'{"ask": "served", "token": "x", "start": 1}\n',
        b'{"ask": "served", "token": "fetch-k3x9q2", "link_id": 1, "start": 5, "end": 1, "begins": true}\n',
        b'{"ask": "served", "token": "fetch-k3x9q2", "link_id": true, "start": 0, "end": 1, "begins": true}\n',
        b"\xff\xfe\n", b"x" * 100_000 + b"\n",
    ],
)  # fmt: skip
def test_garbage_ends_the_connection_and_nothing_else(desk: PaperDesk, path: Path, line: bytes) -> None:
    with desk_in_thread(desk, path):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(path))
            try:
                connection.sendall(line)
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
            assert answer == b"" or json.loads(answer)["answer"] == "not_understood"
        assert DeskClient(path).find(FETCH) is not None
    assert desk.told == [] and desk.taken == []


async def test_silent_clients_are_hung_up_on_and_do_not_crowd_others_out(desk: PaperDesk, path: Path) -> None:
    async with serve_desk(desk, path, silence_seconds=0.2):
        crowd = [await asyncio.open_unix_connection(path) for _ in range(64)]
        refused, refused_writer = await asyncio.open_unix_connection(path)
        assert await refused.read() == b""
        for reader, _ in crowd:
            assert await reader.read() == b""
        ticket = await asyncio.to_thread(DeskClient(path).find, GIVE)
        assert isinstance(ticket, Upload)
        for writer in (refused_writer, *(writer for _, writer in crowd)):
            writer.close()
            await writer.wait_closed()


async def test_the_desk_closes_while_clients_hang(desk: PaperDesk, path: Path) -> None:
    async with asyncio.timeout(5):
        async with serve_desk(desk, path):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b'{"ask": "find", "token": "x"}\n{"ask"')
            assert await reader.readline() == b'{"answer":"nothing"}\n'
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


def test_a_stale_socket_is_replaced_and_a_living_one_is_not(desk: PaperDesk, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as died:
        died.bind(str(path))
    with desk_in_thread(desk, path):
        with pytest.raises(FileExistsError, match="another gateway answers"):
            asyncio.run(_open_and_close(desk, path))
        assert isinstance(DeskClient(path).find(GIVE), Upload)
    path.write_text("no socket")
    with pytest.raises(FileExistsError, match="it is not a socket"):
        asyncio.run(_open_and_close(desk, path))
    assert path.read_text() == "no socket"


async def _open_and_close(desk: PaperDesk, path: Path) -> None:
    async with serve_desk(desk, path):
        pass


def test_long_paths_are_reached(desk: PaperDesk, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    with desk_in_thread(desk, folder / "transfers.sock"):
        assert isinstance(DeskClient(folder / "transfers.sock").find(FETCH), Download)


def test_an_absent_desk_and_one_that_says_nonsense_cannot_be_asked(path: Path) -> None:
    with pytest.raises(OSError):
        DeskClient(path).find(FETCH)
    for nonsense in (b"", b"maybe\n", b"{}\n", b'{"answer": "download", "link_id": "one"}\n', b"[]\n"):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            answering = _answer_in_thread(listener, nonsense)
            with pytest.raises(ConnectionError):
                DeskClient(path).find(FETCH)
            answering.join(5)
        path.unlink()


def _answer_in_thread(listener: socket.socket, answer: bytes) -> Thread:
    def once() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    thread = Thread(target=once)
    thread.start()
    return thread
