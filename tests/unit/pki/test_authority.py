"""The authority on disk: made once, private, whole after a power cut; and the server certificates it signs."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.pki import secret_files
from gateway.pki.authority import BrokenAuthority, ensure_authority, generations, load
from gateway.pki.certificate_facts import Unreadable, pem_of
from gateway.pki.dates import dated_authorities, dated_file, dated_servers
from gateway.pki.roll_over import renew_authority
from gateway.pki.server_certificates import ensure_server_certificates
from gateway.pki.trust import trusted_client_authorities
from tests.fakes.openssl_workshop import Workshop, blocks, openssl, public_key_of, text_of
from tests.unit.pki.conftest import CutPower

pytestmark = pytest.mark.slow

NOW = datetime(2027, 1, 15, tzinfo=UTC)
NAMES = ["gateway.example", "192.168.1.10", "fd00::10"]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pki"


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


def test_it_is_made_once_and_is_private(directory: Path) -> None:
    first = ensure_authority(directory, NOW)
    again = ensure_authority(directory, NOW + timedelta(days=1))
    assert [issuer.certificate for issuer in first.issuers] == [issuer.certificate for issuer in again.issuers]
    assert set(modes(directory).values()) == {"0o600"}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_generous_umask_changes_nothing(directory: Path) -> None:
    before = os.umask(0)
    try:
        ensure_server_certificates(directory, NAMES, NOW)
    finally:
        os.umask(before)
    assert set(modes(directory).values()) == {"0o600"}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_that_others_may_enter_is_closed(directory: Path) -> None:
    directory.mkdir(parents=True, mode=0o755)
    ensure_authority(directory, NOW)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_no_file_can_be_read_by_others_while_it_is_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    true_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        true_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    ensure_authority(directory, NOW)
    assert len(seen) == 2 and set(seen) == {0o600}


@pytest.mark.parametrize("write_number", [1, 2, 3, 4, 5, 6])
def test_a_power_cut_at_any_write_leaves_a_usable_authority(
    directory: Path, power_cut_at: CutPower, write_number: int
) -> None:
    with power_cut_at(write_number):
        ensure_server_certificates(directory, NAMES, NOW)
    authority = ensure_authority(directory, NOW)
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    for chain, key in pairs:
        assert public_key_of(chain.read_text()) == openssl("pkey", "-pubout", "-in", key)
    assert authority.number == 1


def test_what_a_power_cut_left_half_written_is_swept(directory: Path) -> None:
    ensure_authority(directory, NOW)
    (directory / ".new-0123").write_text("half a key")
    with secret_files.locked(directory):
        assert not (directory / ".new-0123").exists()


def test_two_processes_make_one_authority(directory: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC\n"
        "from gateway.pki.authority import ensure_authority\n"
        "print(ensure_authority(Path(sys.argv[1]), datetime.now(UTC)).issuers[0].certificate.serial_number)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    assert len(said) == 1


def test_threads_wait_for_each_other(directory: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(pem_of([ensure_authority(directory, NOW).root()]).encode()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 4


@pytest.mark.parametrize("name", ["authority-0001.pem", "authority-0001.key"])
def test_damaged_files_are_named_and_not_overwritten(directory: Path, name: str) -> None:
    ensure_authority(directory, NOW)
    (directory / name).write_text("nonsense")
    with pytest.raises(BrokenAuthority, match=r"authority-0001\.pem: "):
        ensure_authority(directory, NOW)
    assert (directory / name).read_text() == "nonsense"


def test_a_key_of_another_authority_is_not_used(directory: Path, tmp_path: Path) -> None:
    ensure_authority(directory, NOW)
    ensure_authority(tmp_path / "other", NOW)
    (directory / "authority-0001.key").write_text((tmp_path / "other" / "authority-0001.key").read_text())
    with pytest.raises(BrokenAuthority, match="of other certificates"):
        load(directory)


def test_a_new_generation_is_the_way_out_of_damage(directory: Path) -> None:
    ensure_authority(directory, NOW)
    (directory / "authority-0001.key").unlink()
    assert renew_authority(directory, NOW).number == 2
    assert ensure_authority(directory, NOW).number == 2


def test_the_authority_outlives_the_site_and_began_before_every_clock(directory: Path) -> None:
    root = pem_of([ensure_authority(directory, NOW).root()])
    words = text_of(root)
    assert "Not Before: Jan  1 00:00:01 1970 GMT" in words
    assert "Not After : Jan" in words and "2057" in words
    assert "Signature Algorithm: sha256WithRSAEncryption" in words
    assert "CA:TRUE" in words and "Certificate Sign" in words
    assert "Public-Key: (3072 bit)" in words
    assert len(root) <= 5500  # InstallCertificate.req


# Server certificates


def test_both_server_certificates_serve(directory: Path, workshop: Workshop) -> None:
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    root = pem_of([load(directory).root()])
    for (chain, key), (algorithm, bits) in zip(
        pairs, [("rsaEncryption", "2048 bit"), ("id-ecPublicKey", "256 bit")], strict=True
    ):
        words = text_of(chain.read_text())
        assert f"Public Key Algorithm: {algorithm}" in words and bits in words
        assert "Subject: CN = gateway.example" in words
        assert "DNS:gateway.example, IP Address:192.168.1.10, IP Address:FD00:0:0:0:0:0:0:10" in words
        assert "Serial Number:" in words
        assert public_key_of(chain.read_text()) == openssl("pkey", "-pubout", "-in", key)
        assert workshop.verifies(chain.read_text(), trusting=root, purpose="sslserver")
        assert not workshop.verifies(chain.read_text(), trusting=root, purpose="sslclient")


def test_they_stay_while_nothing_changes(directory: Path) -> None:
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    before = [file.stat().st_mtime_ns for pair in pairs for file in pair]
    assert ensure_server_certificates(directory, NAMES, NOW + timedelta(days=3 * 365)) == pairs
    assert [file.stat().st_mtime_ns for pair in pairs for file in pair] == before


@pytest.mark.parametrize(
    ("names", "days"), [(["other.example"], 0), ([*NAMES, "more.example"], 0), (NAMES, 4 * 365 + 2), (NAMES, 6 * 365)]
)
def test_they_are_renewed_with_the_same_keys(directory: Path, names: list[str], days: int) -> None:
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    chains, keys = [pair[0].read_text() for pair in pairs], [pair[1].read_text() for pair in pairs]
    ensure_server_certificates(directory, names, NOW + timedelta(days=days))
    for (chain, key), old_chain, old_key in zip(pairs, chains, keys, strict=True):
        assert chain.read_text() != old_chain
        assert key.read_text() == old_key
        assert f"CN = {names[0]}" in text_of(chain.read_text())


def test_near_the_end_of_the_authority_they_are_not_renewed_all_the_time(directory: Path) -> None:
    late = NOW + timedelta(days=29 * 365 + 200)
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    ensure_server_certificates(directory, NAMES, late)
    before = [chain.read_text() for chain, _ in pairs]
    ensure_server_certificates(directory, NAMES, late + timedelta(days=1))
    assert [chain.read_text() for chain, _ in pairs] == before


def test_missing_and_damaged_files_are_made_anew(directory: Path) -> None:
    pairs = ensure_server_certificates(directory, NAMES, NOW)
    (rsa_chain, rsa_key), (ecdsa_chain, ecdsa_key) = pairs
    rsa_chain.unlink()
    ecdsa_key.write_text(rsa_key.read_text())  # of the wrong kind
    ecdsa_chain.write_text("half a cert")
    ensure_server_certificates(directory, NAMES, NOW)
    for chain, key in pairs:
        assert public_key_of(chain.read_text()) == openssl("pkey", "-pubout", "-in", key)


@pytest.mark.parametrize("names", [[], [""], ["no blanks allowed"], ["gateway.example", "x" * 64]])
def test_names_that_are_none(directory: Path, names: list[str]) -> None:
    with pytest.raises(ValueError):
        ensure_server_certificates(directory, names, NOW)


def test_a_long_name_is_an_alternative_name_only(directory: Path) -> None:
    long = ".".join(["label-of-some-length"] * 4) + ".example"
    ((chain, _), _) = ensure_server_certificates(directory, [long, "short.example"], NOW)
    words = text_of(chain.read_text())
    assert "CN = short.example" in words and f"DNS:{long}" in words


# Trust, dates


def test_trust_is_every_generation_and_the_operators_file(directory: Path, workshop: Workshop) -> None:
    assert trusted_client_authorities(directory, None) == ""
    ensure_authority(directory, NOW)
    renew_authority(directory, NOW)
    theirs = workshop.root("/CN=Theirs", workshop.key("ec:prime256v1"))
    text = trusted_client_authorities(directory, workshop.file("Their root:\n" + theirs.replace("\n", "\r\n")))
    assert len(blocks(text)) == 5
    assert blocks(text)[-1] == blocks(theirs)[0]
    assert "PRIVATE" not in text
    with pytest.raises(Unreadable, match="no certificate in PEM form"):
        trusted_client_authorities(directory, workshop.file("nothing"))
    with pytest.raises(FileNotFoundError):
        trusted_client_authorities(directory, directory / "missing.pem")


def test_dates_of_all_files(directory: Path, workshop: Workshop) -> None:
    assert dated_authorities(directory) == [] and dated_servers(directory) == []
    ensure_authority(directory, NOW)
    renew_authority(directory, NOW)
    ensure_server_certificates(directory, NAMES, NOW)
    assert [one.former for one in dated_authorities(directory)] == [True, True, False, False]
    servers = [one.facts for one in dated_servers(directory)]
    assert [facts.common_name for facts in servers if facts] == ["gateway.example"] * 2
    (directory / "authority-0001.pem").write_text("nonsense")
    (broken,) = dated_authorities(directory)
    assert broken.facts is None and "authority-0001.pem" in str(broken.trouble)
    (missing,) = dated_file("server", "some.key", directory / "missing.pem")
    assert missing.facts is None and "No such file" in str(missing.trouble)


def test_generations_of_a_directory_with_other_files(directory: Path) -> None:
    ensure_authority(directory, NOW)
    (directory / "authority-x.pem").write_text("")
    (directory / "notes.txt").write_text("")
    assert generations(directory) == [1]
