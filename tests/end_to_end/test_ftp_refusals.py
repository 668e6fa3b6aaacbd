"""What `ocpp-gateway-ftpd` refuses, with nothing lost: guesses, bounces, traversal, floods, slow lorises."""

from __future__ import annotations

import ftplib
import io
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from firmware_store.ftp_server import FtpServer, FtpSettings
from firmware_store.ftp_tls import TlsFiles
from firmware_store.tickets import Download
from tests.end_to_end.running_ftpd import RawTalk, RunningFtpd, running_ftpd
from tests.end_to_end.running_gateway import free_ports, wait_until
from tests.fakes.certificate_maker import Authority
from tests.fakes.paper_desk import PaperDesk, desk_in_thread

pytestmark = pytest.mark.slow

FETCH = "fetch-k3x9q2"
GIVE = "give-7d1m0p"
NAME = "EVSE_1.2.3.bin"
_CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def ftpd(place: Path) -> Iterator[RunningFtpd]:
    with running_ftpd(place, firmware="transfers_at_once = 2") as running:
        give_tokens(running)
        yield running


def give_tokens(ftpd: RunningFtpd, *, most_bytes: int = 1_000_000) -> None:
    blob = ftpd.directory / "blob"
    blob.write_bytes(_CONTENT)
    ftpd.desk.image(FETCH, blob)
    ftpd.desk.place(GIVE, ftpd.incoming, most_bytes=most_bytes)


def refusal(client: ftplib.FTP, command: str) -> str:
    with pytest.raises((ftplib.error_perm, ftplib.error_temp)) as raised:
        client.sendcmd(command)
    return str(raised.value)[:3]


def test_wrong_tokens_are_answered_late_and_thrice(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        began = time.monotonic()
        assert talk.log_in("a-wrong-token").startswith("530")
        assert time.monotonic() - began >= 0.9
        assert talk.log_in("../../etc").startswith("530")
        with ftpd.client(FETCH) as good:  # others at the same address are not kept waiting
            assert good.size(NAME) == len(_CONTENT)
    assert ftpd.desk.asked.count("a-wrong-token") == 1
    assert "../../etc" not in ftpd.desk.asked


def test_nobody_sees_or_spoils_what_is_not_theirs(ftpd: RunningFtpd) -> None:
    with ftpd.client(FETCH) as client:
        for command in (
            "STOR x", "APPE x", "STOU", f"DELE {NAME}", f"RNFR {NAME}", "MKD x", "CWD x", "RMD /",
            f"SITE CHMOD 777 {NAME}", f"MFMT 20200101000000 {NAME}", "SIZE /etc/passwd", "MDTM ../../etc/passwd",
        ):  # fmt: skip
            client.makepasv()
            assert refusal(client, command)[0] in "45", command
        for path in (
            "/etc/passwd",
            "../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            f"{NAME}/..",
            "blob",
            "",
            "/",
            "\\..\\x",
        ):
            with pytest.raises(ftplib.Error):
                client.retrbinary(f"RETR {path}", lambda _: None)
        assert client.nlst("/") == [NAME]
    with ftpd.client(GIVE) as client:
        (ftpd.incoming / "other").write_bytes(b"another's")
        assert client.nlst() == client.nlst("/..") == []
        for command in ("RETR other", "SIZE other", "DELE other", "RNFR other", "RMD x", "SITE CHMOD 777 other"):
            client.makepasv()
            assert refusal(client, command)[0] == "5", command
    assert (ftpd.incoming / "other").read_bytes() == b"another's"
    assert (ftpd.directory / "blob").read_bytes() == _CONTENT


def test_names_of_uploads_lead_nowhere(ftpd: RunningFtpd) -> None:
    with ftpd.client(GIVE) as client:
        for path in ("/../../../etc/passwd", "..%2f..%2fx", "/etc/cron.d/x", "C:\\x", "-rf", "a;b|c"):
            client.storbinary(f"STOR {path}", io.BytesIO(b"content"))
        for path in ("x" * 300, "y/" * 600 + "z", "a\x07b", "tab\there"):
            with pytest.raises(ftplib.Error):
                client.storbinary(f"STOR {path}", io.BytesIO(b"content"))
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        assert talk.ask("STOR " + "x" * 10_000).startswith("500")
    names = [received.file_name for received, _ in ftpd.desk.taken]
    assert names == ["passwd", "..%2f..%2fx", "x", "C:\\x", "-rf", "a;b|c"]
    assert {received.path.parent for received, _ in ftpd.desk.taken} == {ftpd.incoming}
    assert list(ftpd.incoming.iterdir()) == []


def test_links_on_the_disk_are_not_followed(ftpd: RunningFtpd) -> None:
    link = ftpd.directory / "link"
    link.symlink_to("/etc/passwd")
    image = ftpd.desk.tickets[FETCH]
    assert isinstance(image, Download)
    ftpd.desk.tickets[FETCH] = replace(image, path=link, size=os.stat("/etc/passwd").st_size)
    with ftpd.client(FETCH) as client, pytest.raises(ftplib.error_perm):
        client.retrbinary(f"RETR {NAME}", lambda _: None)
    ftpd.desk.tickets[FETCH] = replace(image, size=5)  # not the file that was promised
    with ftpd.client(FETCH) as client, pytest.raises(ftplib.error_perm):
        client.retrbinary(f"RETR {NAME}", lambda _: None)


def test_what_is_too_large_is_refused_while_it_comes(place: Path) -> None:
    with running_ftpd(place) as ftpd:
        give_tokens(ftpd, most_bytes=100_000)
        with ftpd.talk() as talk:
            talk.log_in(GIVE)
            with talk.passive() as data:
                talk.ask("STOR endless")
                with pytest.raises(OSError):
                    for _ in range(1000):
                        data.sendall(bytes(10_000))
            assert talk.hear().startswith("552")
        with ftpd.client(GIVE) as client:
            client.storbinary("STOR exact", io.BytesIO(bytes(100_000)))
        assert [received.size for received, _ in ftpd.desk.taken] == [100_000]
        assert list(ftpd.incoming.iterdir()) == []


def test_no_room_is_told(ftpd: RunningFtpd) -> None:
    ftpd.desk.no_room = True
    with ftpd.client(GIVE) as client, pytest.raises(ftplib.error_perm, match="552"):
        client.storbinary("STOR log", io.BytesIO(b"log"))
    assert list(ftpd.incoming.iterdir()) == []


def test_no_bounces(ftpd: RunningFtpd) -> None:
    (port,) = free_ports(1)
    with ftpd.talk() as talk, socket.create_server(("127.0.0.2", port)):
        talk.log_in(FETCH)
        for line in (
            f"PORT 127,0,0,2,{port // 256},{port % 256}", f"EPRT |1|127.0.0.2|{port}|", "PORT 127,0,0,1,0,80",
            "EPRT |1|127.0.0.1|22|", "PORT 1,2,3", "PORT 127,0,0,1,999,999", "EPRT |2|::1|5000|", "EPRT x",
        ):  # fmt: skip
            assert talk.ask(line)[:1] == "5", line
        response = talk.ask("PASV").partition("(")[2].partition(")")[0].split(",")
        at = ("127.0.0.1", int(response[4]) * 256 + int(response[5]))
        with socket.create_connection(at, source_address=("127.0.0.2", 0)) as thief:
            assert talk.hear().startswith("425")
            assert thief.recv(1) == b""


def test_transfers_wait_for_a_place(ftpd: RunningFtpd) -> None:
    with ExitStack() as stack:
        talks = [stack.enter_context(ftpd.talk()) for _ in range(3)]
        channels: list[socket.socket] = []
        for number, talk in enumerate(talks):
            talk.log_in(GIVE)
            channels.append(stack.enter_context(talk.passive()))
            talk.say(f"STOR file-{number}")
        assert [talk.hear()[:3] for talk in talks[:2]] == ["125", "125"]
        talks[2].socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            talks[2].hear()
        channels[0].close()
        assert talks[0].hear().startswith("226")
        talks[2].socket.settimeout(20)
        assert talks[2].hear().startswith("125")
        talks[1].socket.close()
        channels[2].close()
        assert talks[2].hear().startswith("226")


def test_bytes_that_come_before_their_command_wait(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        with talk.passive() as data:
            data.sendall(b"too early")
            assert talk.ask("NOOP").startswith("200")
            assert talk.ask("NOOP").startswith("200")
            assert talk.ask("STOR x").startswith("125")
        assert talk.hear().startswith("226")
    assert [kept for _, kept in ftpd.desk.taken] == [b"too early"]


def test_a_withdrawn_image_stops_at_once(ftpd: RunningFtpd) -> None:
    big = ftpd.directory / "big"
    big.write_bytes(bytes(30_000_000))
    ftpd.desk.image(FETCH, big)
    with ftpd.talk() as talk:
        talk.log_in(FETCH)
        with talk.passive() as data:
            talk.say(f"RETR {NAME}")
            data.recv(1000)
            assert talk.hear().startswith("125")
            del ftpd.desk.tickets[FETCH]
            assert talk.hear().startswith("426 Not allowed")
        with talk.passive():
            assert talk.ask(f"RETR {NAME}").startswith("550")


def test_floods_of_one_address_end_and_others_are_served(ftpd: RunningFtpd) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(ftpd.talk()) for _ in range(40)]
        with socket.create_connection(("127.0.0.1", ftpd.port)) as one_more:
            assert one_more.recv(3) == b"421"
        with socket.create_connection(("127.0.0.1", ftpd.port), source_address=("127.0.0.9", 0)) as other:
            assert other.recv(3) == b"220"
        crowd[0].socket.sendall(b"NOOP\r\n" * 200 + b"x" * 100_000)  # a line without end is thrown away
        while not crowd[0].hear().startswith("500"):
            pass
    with ftpd.client(FETCH) as client:
        assert client.size(NAME) == len(_CONTENT)


def test_who_hung_up_while_kept_waiting_is_not_counted(ftpd: RunningFtpd) -> None:
    for _ in range(40):  # each would be answered late, the last ones after 30 s
        with ftpd.talk() as talk:
            talk.say("USER a-wrong-token", "PASS x")

    def are_served() -> bool:
        with ExitStack() as stack:
            others = [stack.enter_context(socket.create_connection(("127.0.0.1", ftpd.port))) for _ in range(30)]
            return all(other.recv(3) == b"220" for other in others)

    wait_until(are_served, "places for others of this address", patience_seconds=8)


def test_commands_piled_up_behind_a_transfer_are_bounded(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        with talk.passive():
            talk.ask("STOR x")
            talk.say(*["PWD"] * 100)
            assert talk.hear().startswith("421")
            assert talk.is_closed()


def test_the_same_token_has_few_logins(ftpd: RunningFtpd) -> None:
    with ExitStack() as stack:
        talks = [stack.enter_context(ftpd.talk()) for _ in range(5)]
        for talk in talks:
            assert talk.log_in(GIVE).startswith("230")
        assert talks[0].hear().startswith("421")
        assert talks[1].ask("NOOP").startswith("200")


def test_without_the_daemon_stations_are_told_to_come_later(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as before:
        before.log_in(GIVE)
        ftpd.stop_desk()
        with ftpd.talk() as talk:
            assert talk.log_in(FETCH).startswith("421")
        with before.passive():
            assert before.ask("STOR x").startswith("451")
        ftpd.start_desk()
        with ftpd.client(FETCH) as client:
            assert client.size(NAME) == len(_CONTENT)
        data = before.passive()
        assert before.ask("STOR x").startswith("125")
        ftpd.stop_desk()  # it ends in the middle of an upload, and is there again before the station loses patience
        data.sendall(b"whole")
        data.close()
        wait_until(lambda: any(path.suffix == ".whole" for path in ftpd.incoming.iterdir()), "the file to be flushed")
        ftpd.start_desk()
        assert before.hear().startswith("226")
    assert [kept for _, kept in ftpd.desk.taken] == [b"whole"]


def test_what_could_not_be_handed_over_is_offered_again(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        data = talk.passive()
        assert talk.ask("STOR x").startswith("125")
        ftpd.stop_desk()
        data.sendall(b"whole")
        data.close()
        assert talk.hear().startswith("451")
        assert talk.ask("SIZE x").startswith("550"), "who asks how much is there must not think that all is done"
    ftpd.start_desk()
    wait_until(lambda: bool(ftpd.desk.taken), "the file to be offered again")
    assert [kept for _, kept in ftpd.desk.taken] == [b"whole"]


def test_old_partial_files_are_gone_at_the_start(ftpd: RunningFtpd) -> None:
    ftpd.stop()
    old, young, others = (ftpd.incoming / name for name in ("ftp-2-aa.part", "ftp-2-bb.part", "http-3.part"))
    for path in (old, young, others):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(others, (1, 1))
    ftpd.start()
    wait_until(lambda: not old.exists(), "the old one to go")
    assert young.exists() and others.exists()


def test_slow_lorises_are_put_out(place: Path) -> None:
    """With shorter times than stations get: half a command, and an upload byte by byte that holds the only place."""
    desk = PaperDesk()
    desk.place(GIVE, place / "incoming")
    path = place / "desk.sock"
    settings = FtpSettings(
        "127.0.0.1", 0, path, place / "incoming", transfers_at_once=1, stall_seconds=0.5, idle_seconds=0.5
    )
    with desk_in_thread(desk, path), FtpServer(settings) as server, serving(server), ExitStack() as stack:
        half, slow, other = (stack.enter_context(RawTalk(server.port)) for _ in range(3))
        half.socket.sendall(b"NOO")
        slow.log_in(GIVE)
        channel = slow.passive()
        slow.ask("STOR slow")
        other.log_in(GIVE)
        with other.passive() as data:
            other.say("STOR quick")
            dripping = Thread(target=drip, args=(channel,))
            dripping.start()
            assert other.hear().startswith("125")
            data.sendall(b"quick")
        assert other.hear().startswith("226")
        assert slow.hear().startswith("421")
        assert half.hear().startswith("421")
        assert half.is_closed()
        dripping.join(20)
    assert [kept for _, kept in desk.taken] == [b"quick"]


def drip(channel: socket.socket) -> None:
    """A byte now and then, until nobody takes it."""
    pause = Event()
    with channel, suppress(OSError):
        while not pause.wait(0.05):
            channel.sendall(b"s")


def test_ipv6_and_a_limited_rate_under_tls(place: Path) -> None:
    authority = Authority(place / "ca")
    pair = authority.issue("localhost", names="IP:::1")
    desk = PaperDesk()
    blob, path = place / "blob", place / "desk.sock"
    blob.write_bytes(_CONTENT)
    desk.image(FETCH, blob)
    desk.place(GIVE, place / "incoming")
    settings = FtpSettings("::", 0, path, place / "incoming", station_bytes_per_second=2_000_000)
    tls = TlsFiles(lambda: [(pair.chain, pair.key)], "ECDHE+AESGCM")
    with desk_in_thread(desk, path), FtpServer(settings, tls=tls) as server, serving(server):
        for host, passive in (("::1", True), ("127.0.0.1", False)):
            client = ftplib.FTP_TLS(context=authority.client_context(), timeout=20)
            client.context.check_hostname = False
            client.set_pasv(passive)
            client.connect(host, server.port)
            client.login(FETCH, "x")
            client.prot_p()
            received = io.BytesIO()
            began = time.monotonic()
            client.retrbinary(f"RETR {NAME}", received.write)
            assert received.getvalue() == _CONTENT
            assert time.monotonic() - began > 0.2
            client.login(GIVE, "x")
            client.prot_p()
            data, size = client.ntransfercmd("STOR log")  # an empty file, and no word of farewell
            data.close()
            assert client.voidresp().startswith("226") and size is None
            client.storbinary("STOR log", io.BytesIO(_CONTENT))
            client.quit()
    assert [(kept, received.scheme) for received, kept in desk.taken] == [(b"", "ftps"), (_CONTENT, "ftps")] * 2
    assert [received.address for received, _ in desk.taken] == ["::1"] * 2 + ["127.0.0.1"] * 2


@contextmanager
def serving(server: FtpServer) -> Iterator[None]:
    """The server runs in a thread for the length of the block."""
    stopping = Event()
    thread = Thread(target=lambda: server.run(stopping.is_set))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        server.wake()
        thread.join(20)
