"""FTP as stations speak it, against the real `ocpp-gateway-ftpd`: fetching, uploading, resuming, many clients."""

from __future__ import annotations

import ftplib
import hashlib
import io
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running_ftpd import RunningFtpd, running_ftpd
from tests.end_to_end.running_gateway import wait_until

pytestmark = pytest.mark.slow

FETCH = "fetch-k3x9q2"
GIVE = "give-7d1m0p"
NAME = "EVSE_1.2.3.bin"


@pytest.fixture
def ftpd(place: Path) -> Iterator[RunningFtpd]:
    with running_ftpd(place) as running:
        running.desk.image(FETCH, an_image(place))
        running.desk.place(GIVE, running.incoming)
        yield running


def an_image(place: Path, size: int = 3_000_000) -> Path:
    """Bytes that an ASCII conversion would spoil."""
    path = place / "blob"
    path.write_bytes((bytes(range(256)) + b"\r\n\n\r") * (size // 260))
    return path


def fetched(client: ftplib.FTP, path: str = NAME, rest: int | None = None, *, block: int = 65536) -> bytes:
    pieces: list[bytes] = []
    client.retrbinary(f"RETR {path}", pieces.append, blocksize=block, rest=rest)
    return b"".join(pieces)


def run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def whole_image(ftpd: RunningFtpd) -> bytes:
    return (ftpd.directory / "blob").read_bytes()


@pytest.mark.parametrize("passive", [True, False])
def test_one_file_is_seen_and_fetched(ftpd: RunningFtpd, passive: bool) -> None:
    with ftpd.client(FETCH) as client:
        client.set_pasv(passive)
        assert client.nlst() == [NAME]
        lines: list[str] = []
        client.dir(lines.append)
        assert len(lines) == 1 and lines[0].endswith(NAME)
        assert [name for name, _ in client.mlsd()] == [NAME]
        assert client.size(NAME) == len(whole_image(ftpd))
        assert client.sendcmd(f"MDTM {NAME}").startswith("213 20")
        assert fetched(client) == whole_image(ftpd)
        assert fetched(client, f"/{NAME}", rest=2_999_000) == whole_image(ftpd)[2_999_000:]
    wait_until(lambda: len(ftpd.desk.told) == 2, "what was served")
    assert {served.end for served in ftpd.desk.told} == {len(whole_image(ftpd))}
    starts = sorted((served.start, served.begins) for served in ftpd.desk.told)
    assert starts == [(0, True), (2_999_000, True)]


def test_a_text_type_spoils_nothing(ftpd: RunningFtpd) -> None:
    content = b"a\r\nb\nc\r\r\n\0" * 1000
    with ftpd.talk() as talk:
        talk.log_in(FETCH)
        assert talk.ask("TYPE A N").startswith("200")
        assert talk.ask(f"SIZE {NAME}") == f"213 {len(whole_image(ftpd))}"
        data = talk.passive()
        talk.say(f"RETR {NAME}")
        with data, data.makefile("rb") as stream:
            assert stream.read() == whole_image(ftpd)
    with ftpd.client(GIVE) as client:
        client.sendcmd("TYPE A")
        data = client.transfercmd("STOR log.txt")
        with data:
            data.sendall(content)
        assert client.voidresp().startswith("226")
    assert ftpd.desk.taken[0][1] == content


@pytest.mark.parametrize("passive", [True, False])
def test_an_upload_is_handed_over_before_it_is_answered_for(ftpd: RunningFtpd, passive: bool) -> None:
    content = os.urandom(700_001)
    with ftpd.client(GIVE) as client:
        client.set_pasv(passive)
        assert client.nlst() == []
        client.storbinary("STOR diagnostics.zip", io.BytesIO(content))
        ((received, kept),) = ftpd.desk.taken
        assert kept == content
        assert (received.file_name, received.scheme, received.address) == ("diagnostics.zip", "ftp", "127.0.0.1")
        assert (received.size, received.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert client.size("diagnostics.zip") == len(content)  # stations look whether all arrived
        for _ in range(2):
            client.storbinary("STOU log", io.BytesIO(b"x"))
        names = [received.file_name for received, _ in ftpd.desk.taken[1:]]
        assert len({*names}) == 2 and all(name.startswith("log.") for name in names)
    assert list(ftpd.incoming.iterdir()) == []


def test_invented_folders_and_a_last_rename_are_humoured(ftpd: RunningFtpd) -> None:
    with ftpd.client(GIVE) as client:
        client.mkd("logs")
        client.cwd("/logs/2027/CP-1")
        client.storbinary("STOR a.tmp", io.BytesIO(b"abc"))
        client.rename("a.tmp", "a.zip")
        assert client.pwd() == "/logs/2027/CP-1"
    assert [received.file_name for received, _ in ftpd.desk.taken] == ["a.tmp"]


def test_anonymous_paths_begin_with_the_token(ftpd: RunningFtpd) -> None:
    with ftpd.client() as client:
        client.login("anonymous", "station@site")
        assert client.nlst() == []
        client.cwd(FETCH)
        assert client.nlst() == [NAME]
        assert fetched(client, f"/{FETCH}/{NAME}") == whole_image(ftpd)
        client.storbinary(f"STOR /{GIVE}/in/log.zip", io.BytesIO(b"log"))
    assert ftpd.desk.taken[0][0].file_name == "log.zip"


def test_the_commands_that_old_clients_like(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        assert talk.ask("OPTS UTF8 ON").startswith("200")
        talk.log_in(GIVE)
        for line, code in {
            "SYST": "215", "FEAT": "211", "NOOP": "200", "ALLO 1000": "202", "MODE S": "200", "STRU F": "200",
            "STAT": "211", "TYPE I": "200", "TYPE L 8": "200", "PWD": "257", "CWD": "250", "CDUP": "250", "HELP": "214",
            "REST 0": "350", "ABOR": "225", "XMKD x": "257", "REIN": "230", "QUIT": "221",
        }.items():  # fmt: skip
            assert talk.ask(line)[:3] == code, line


def test_a_broken_download_goes_on_where_it_was(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(FETCH)
        data = talk.passive()
        talk.say(f"RETR {NAME}")
        part = data.recv(100_000)
        data.close()
        talk.hear()
        assert talk.hear().startswith("426")
    with ftpd.client(FETCH) as client:
        assert part + fetched(client, rest=len(part)) == whole_image(ftpd)


def test_a_station_that_dies_uploading_goes_on_later(ftpd: RunningFtpd) -> None:
    content = os.urandom(500_000)
    talk = ftpd.talk()
    with talk:
        talk.log_in(GIVE)
        data = talk.passive()
        assert talk.ask("STOR big.log").startswith("125")
        data.sendall(content[:200_000])
        wait_until(lambda: _partial_bytes(ftpd) == 200_000, "the first part on the disk")
    data.close()  # the control connection first, as a process that dies closes them
    with ftpd.client(GIVE) as client:
        wait_until(lambda: client.size("big.log") == 200_000, "the partial file to rest")
        assert ftpd.desk.taken == []
        client.storbinary("APPE big.log", io.BytesIO(content[200_000:]))
    assert [kept for _, kept in ftpd.desk.taken] == [content]


def test_a_station_whose_connections_end_together_has_died(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        data = talk.passive()
        talk.ask("STOR big.log")
        data.sendall(b"half")
        wait_until(lambda: _partial_bytes(ftpd) == 4, "the half")
        data.close()
    with ftpd.client(GIVE) as client:

        def goes_on() -> bool:
            try:
                client.storbinary("APPE big.log", io.BytesIO(b" and half"))
            except ftplib.error_temp:
                return False  # 450: the gateway has not noticed yet
            return True

        wait_until(goes_on, "the rest to be taken")
    assert [kept for _, kept in ftpd.desk.taken] == [b"half and half"]


def test_an_upload_that_was_reset_is_no_whole_file(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        data = talk.passive()
        talk.ask("STOR x.log")
        data.sendall(b"half")
        wait_until(lambda: _partial_bytes(ftpd) == 4, "the half")
        data.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SOL_SOCKET, SO_LINGER 0: a reset
        data.close()
        assert talk.hear().startswith("426")
        assert talk.ask("SIZE x.log") == "213 4"
        data = talk.passive()
        talk.ask("REST 2")
        talk.ask("STOR x.log")
        data.sendall(b"rst")
        data.close()
        assert talk.hear().startswith("226")
    assert [kept for _, kept in ftpd.desk.taken] == [b"harst"]


def test_the_newest_connection_goes_on_with_the_file(ftpd: RunningFtpd) -> None:
    with ftpd.talk() as dead, ftpd.client(GIVE) as client:
        dead.log_in(GIVE)
        data = dead.passive()
        dead.ask("STOR x.log")
        data.sendall(b"old")
        wait_until(lambda: _partial_bytes(ftpd) == 3, "the old bytes")
        client.storbinary("STOR x.log", io.BytesIO(b"new and whole"))
        assert dead.hear().startswith("421")
        data.close()
    assert [kept for _, kept in ftpd.desk.taken] == [b"new and whole"]


def test_kill_nine_loses_nothing(ftpd: RunningFtpd) -> None:
    content = os.urandom(300_000)
    with ftpd.talk() as fetching, ftpd.talk() as giving:
        fetching.log_in(FETCH)
        giving.log_in(GIVE)
        from_there, to_there = fetching.passive(), giving.passive()
        fetching.say(f"RETR {NAME}")
        giving.say("STOR x.log")
        part = from_there.recv(50_000)
        to_there.sendall(content[:100_000])
        wait_until(lambda: _partial_bytes(ftpd) == 100_000, "the first part on the disk")
        assert ftpd.stop(signal.SIGKILL) == -signal.SIGKILL
        from_there.close()
        to_there.close()
    ftpd.start()
    with ftpd.client(FETCH) as client:
        assert part + fetched(client, rest=len(part)) == whole_image(ftpd)
    with ftpd.client(GIVE) as client:
        assert client.size("x.log") == 100_000
        client.storbinary("STOR x.log", io.BytesIO(content[100_000:]), rest=100_000)
    assert [kept for _, kept in ftpd.desk.taken] == [content]


def test_curl_fetches_and_uploads(ftpd: RunningFtpd, place: Path) -> None:
    curl = ("curl", "--silent", "--show-error", "--max-time", "30")
    whole, part = place / "whole", place / "part"
    run(*curl, "-o", str(whole), ftpd.url(FETCH, NAME))
    run(*curl, "--ftp-port", "-", "-o", str(place / "active"), ftpd.url(FETCH, NAME))
    part.write_bytes(whole_image(ftpd)[:1_000_000])
    run(*curl, "-C", "-", "-o", str(part), ftpd.url(FETCH, NAME))
    run(*curl, "-o", str(place / "anonymous"), f"ftp://127.0.0.1:{ftpd.port}/{FETCH}/{NAME}")
    for file in (whole, part, place / "active", place / "anonymous"):
        assert file.read_bytes() == whole_image(ftpd), file
    run(*curl, "-T", str(whole), ftpd.url(GIVE, "in/"))
    run(*curl, "--ftp-create-dirs", "--ftp-port", "-", "-T", str(whole), ftpd.url(GIVE, "a/b/c.bin"))
    run(*curl, "-a", "-T", str(whole), ftpd.url(GIVE, "appended.bin"))
    assert [received.file_name for received, _ in ftpd.desk.taken] == ["whole", "c.bin", "appended.bin"]
    assert all(kept == whole_image(ftpd) for _, kept in ftpd.desk.taken)


def test_curl_goes_on_with_an_upload(ftpd: RunningFtpd, place: Path) -> None:
    with ftpd.talk() as talk:
        talk.log_in(GIVE)
        data = talk.passive()
        talk.ask("STOR x.bin")
        data.sendall(whole_image(ftpd)[:1_000_000])
        wait_until(lambda: _partial_bytes(ftpd) == 1_000_000, "the first part on the disk")
    data.close()
    url = ftpd.url(GIVE, "x.bin")
    run("curl", "--silent", "--show-error", "--max-time", "30", "-C", "-", "-T", str(place / "blob"), url)
    assert [kept for _, kept in ftpd.desk.taken] == [whole_image(ftpd)]


def test_lftp_mirrors_goes_on_and_uploads(ftpd: RunningFtpd, place: Path) -> None:
    mine, whole = place / "mine", whole_image(ftpd)
    mine.mkdir()
    (mine / NAME).write_bytes(whole[:500_000])
    give = place / "give.zip"
    give.write_bytes(whole[:400_000])
    opening = f"set net:max-retries 1; set net:timeout 10; set ftp:ssl-allow no; open -p {ftpd.port} -u"
    run("lftp", "-c", f"{opening} {FETCH},x 127.0.0.1; lcd {mine}; get -c {NAME}")
    run("lftp", "-c", f"{opening} {FETCH},x 127.0.0.1; mirror / {place / 'mirror'}")
    run("lftp", "-c", f"{opening} {GIVE},x 127.0.0.1; put -c {give}")
    run("lftp", "-c", f"set ftp:passive-mode no; {opening} {GIVE},x 127.0.0.1; put {give} -o other.zip")
    assert (mine / NAME).read_bytes() == whole
    assert (place / "mirror" / NAME).read_bytes() == whole
    assert [received.file_name for received, _ in ftpd.desk.taken] == ["give.zip", "other.zip"]


def _partial_bytes(ftpd: RunningFtpd) -> int:
    return sum(path.stat().st_size for path in ftpd.incoming.glob("*.part"))
