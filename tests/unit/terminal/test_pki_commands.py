"""`pki` and `station certificates`, against a stand-in API and, without a daemon, against the files themselves."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from tests.fakes.openssl_workshop import Workshop, blocks
from tests.unit.terminal.fake_api import FakeApi, serving

pytestmark = pytest.mark.slow

AUTHORITY = {
    "generation": 2,
    "root": "PEM",
    "root_subject": "CN=Root",
    "issuers": [{"subject": "CN=Root", "key": "RSA 3072", "not_after": "2057-01-01T00:00:00Z"}],
}
DATE = {
    "kind": "server", "name": "server-rsa.pem", "station": None, "not_after": "2027-02-01T00:00:00.000Z",
    "days_left": 12, "warning": "server-rsa.pem ends on 2027-02-01",
}  # fmt: skip
ROOT = {
    "certificate_type": "CentralSystemRootCertificate", "hash_algorithm": "SHA256", "issuer_name_hash": "AbC",
    "issuer_key_hash": "dEf", "serial_number": "0A1", "subject": "CN=Root", "not_after": "2057-01-01T00:00:00Z",
    "reported_time": "2027-01-01T00:00:00Z",
}  # fmt: skip
COMMANDS = "POST /api/v1/stations/CP-1/commands"
OF_STATION = "GET /api/v1/stations/CP-1/certificates"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OCPP_GATEWAY_URL", "OCPP_GATEWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "gateway.toml"
    file.write_text(f'[site]\nid = "s"\n[data]\ndirectory = "{tmp_path}"\n')
    return file


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        yield served


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


def do(config: Path, *words: object) -> int:
    return main([*map(str, words), "--config", str(config)])


def answered(**response: object) -> dict[str, object]:
    return {"command_id": "c1", "status": "answered", "response": response}


# With the daemon


def test_show_says_what_needs_attention(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/pki", {"authority": AUTHORITY, "certificates": [DATE]})
    assert do(config, "pki") == do(config, "pki", "show") == 0
    shown = capsys.readouterr().out
    assert "generation 2, root CN=Root" in shown and "attention: server-rsa.pem ends on 2027-02-01" in shown
    api.will_answer("GET /api/v1/pki", {"authority": None, "certificates": []})
    assert do(config, "pki") == 0
    assert "no authority yet" in capsys.readouterr().out


def test_list_shows_ends_and_what_was_issued(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    issued = {"station": "CP-1", "common_name": "SN-1", "state": "pending", "algorithm": "rsa", "serial_number": None}
    api.will_answer("GET /api/v1/pki", {"authority": AUTHORITY, "certificates": [DATE]})
    api.will_answer("GET /api/v1/pki/certificates", {"items": [issued], "next": None})
    assert do(config, "pki", "list") == 0
    shown = capsys.readouterr().out
    assert "server-rsa.pem" in shown and "SN-1" in shown and "pending" in shown
    assert do(config, "pki", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["issued"] == [issued]


def test_the_root_goes_to_standard_output(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/pki/authority", b"-----BEGIN-----\n", kind="application/x-pem-file")
    assert do(config, "pki", "authority") == 0
    assert capsys.readouterr().out == "-----BEGIN-----\n"


def test_a_renewal_must_be_meant(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("POST /api/v1/pki/authority/renew", AUTHORITY)
    assert do(config, "pki", "renew-authority") == 2
    assert api.lines() == []
    assert do(config, "pki", "renew-authority", "--yes") == 0
    assert "generation 2 issues now" in capsys.readouterr().out


def test_an_import_sends_both_files(config: Path, api: FakeApi, workshop: Workshop) -> None:
    api.will_answer("POST /api/v1/pki/authority/import", AUTHORITY)
    key, chain = workshop.file("KEY"), workshop.file("CHAIN")
    assert do(config, "pki", "import-authority", "--key", key, "--chain", chain) == 0
    (_, _, body) = api.requests[-1]
    assert json.loads(body) == {"authorities": [{"private_key": "KEY", "chain": "CHAIN"}]}
    assert do(config, "pki", "import-authority", "--key", key, "--key", key, "--chain", chain) == 2
    assert do(config, "pki", "import-authority", "--key", key.with_name("missing"), "--chain", chain) == 2


def test_a_key_is_written_once_for_its_owner(
    config: Path, api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = {"station": "CP/1", "private_key": "KEY\n", "chain": "CHAIN\n"}
    api.will_answer("POST /api/v1/pki/station-certificates", made, status=201)
    words = ("pki", "station-certificate", "CP/1", "--common-name", "SN-1", "--algorithm", "rsa")
    assert do(config, *words) == 0
    assert capsys.readouterr().out == "KEY\nCHAIN\n"
    assert json.loads(api.requests[-1][2]) == {"station": "CP/1", "algorithm": "rsa", "common_name": "SN-1"}
    assert do(config, *words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == made
    assert do(config, *words, "--folder", tmp_path) == 0
    key = tmp_path / "CP%2F1.key"
    assert (key.read_text(), (tmp_path / "CP%2F1.pem").read_text()) == ("KEY\n", "CHAIN\n")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert do(config, *words, "--folder", tmp_path) == 1  # nothing is overwritten
    assert key.read_text() == "KEY\n"


def test_revoking(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("POST /api/v1/pki/certificates/A%3A1/revoke", {"status": "revoked", "stations": ["CP-1"]})
    assert do(config, "pki", "revoke", "A:1", "--reason", "lost") == 0
    assert capsys.readouterr().out == "revoked; it was of CP-1\n"
    assert json.loads(api.requests[-1][2]) == {"reason": "lost"}
    assert do(config, "pki", "revoke", "B2") == 1


# Without the daemon


def test_everything_that_needs_only_files(config: Path, workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "pki", "show") == 0
    assert "no authority yet" in capsys.readouterr().out
    assert do(config, "pki", "server-certificate") == 1
    capsys.readouterr()
    assert do(config, "pki", "authority") == 0
    first = capsys.readouterr().out
    assert do(config, "pki", "server-certificate", "gateway.local", "10.0.0.7") == 0
    (*_,) = servers = blocks(capsys.readouterr().out)
    assert workshop.verifies(servers[0], trusting=first, purpose="sslserver")
    assert do(config, "pki", "renew-authority", "--yes") == 0
    assert "generation 2 issues now" in capsys.readouterr().out
    assert do(config, "pki", "list", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["authority"]["generation"] == 2 and document["issued"] == []
    assert [one["kind"] for one in document["certificates"]].count("authority") == 4
    key = workshop.key("ec:prime256v1")
    chain = workshop.file(workshop.root("/CN=Operator", key))
    assert do(config, "pki", "import-authority", "--key", key, "--chain", chain) == 0
    assert "its root is CN=Operator" in capsys.readouterr().out
    assert do(config, "pki", "import-authority", "--key", key, "--chain", workshop.file("nothing")) == 1
    assert "nothing was changed: no certificate in PEM form" in capsys.readouterr().err
    assert do(config, "pki", "authority") == 0
    assert blocks(capsys.readouterr().out) == blocks(chain.read_text())


def test_what_needs_the_daemon_says_so(config: Path) -> None:
    assert do(config, "pki", "station-certificate", "CP-1") == 69
    assert do(config, "pki", "revoke", "A1") == 69
    assert do(config, "station", "certificates", "CP-1") == 69


def test_damaged_files_are_named(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "authority-0001.pem").write_text("nonsense")
    for words in (["show"], ["authority"]):
        assert do(config, "pki", *words) == 1
        assert "authority-0001.pem" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no blanks please", ""])
def test_server_names_that_are_none(config: Path, name: str) -> None:
    assert do(config, "pki", "server-certificate", name) == 2


# Certificates in a station


def station_tells(api: FakeApi, *installed: dict[str, Any]) -> None:
    api.will_answer(f"{COMMANDS}/GetInstalledCertificateIds", answered(status="Accepted"))
    api.will_answer(OF_STATION, {"station": "CP-1", "issued": [], "installed": list(installed)})


def test_the_list_asks_the_station_for_both_kinds(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    station_tells(api, ROOT)
    assert do(config, "station", "certificates", "CP-1") == 0
    assert "CN=Root" in capsys.readouterr().out
    asked = [json.loads(body)["certificateType"] for _, _, body in api.requests[:2]]
    assert asked == ["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
    assert do(config, "station", "certificates", "CP-1", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["installed"] == [ROOT]


def test_a_station_that_is_away_is_shown_as_it_was(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    station_tells(api, ROOT)
    away = {"command_id": "c1", "status": "not_connected", "description": "the station is not connected"}
    api.will_answer(f"{COMMANDS}/GetInstalledCertificateIds", away, status=409)
    assert do(config, "station", "certificates", "CP-1") == 0
    shown = capsys.readouterr()
    assert "CN=Root" in shown.out and "this is what it told before" in shown.err


def test_installing_a_file_with_plain_line_ends_or_the_gateways_own_root(
    config: Path, api: FakeApi, workshop: Workshop
) -> None:
    api.will_answer(f"{COMMANDS}/InstallCertificate", answered(status="Accepted"))
    api.will_answer("GET /api/v1/pki/authority", b"OWN\n", kind="application/x-pem-file")
    file = workshop.file("one \r\ntwo\r\n\r\n")
    assert do(config, "station", "certificates", "CP-1", "install", file, "--type", "manufacturer") == 0
    sent = json.loads(api.requests[-1][2])
    assert sent == {"certificateType": "ManufacturerRootCertificate", "certificate": "one\ntwo\n"}
    assert do(config, "station", "certificates", "CP-1", "install") == 0
    sent = json.loads(api.requests[-1][2])
    assert sent == {"certificateType": "CentralSystemRootCertificate", "certificate": "OWN\n"}
    api.will_answer(f"{COMMANDS}/InstallCertificate", answered(status="Rejected"))
    assert do(config, "station", "certificates", "CP-1", "install") == 1
    assert do(config, "station", "certificates", "CP-1", "install", file.with_name("missing")) == 2


def test_the_last_root_is_not_deleted_by_accident(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer(f"{COMMANDS}/DeleteCertificate", {**answered(status="Accepted"), "warning": "it was the last"})
    station_tells(api, ROOT)
    words = ("station", "certificates", "CP-1", "delete", "0a1")
    assert do(config, *words) == 1
    assert "the last root" in capsys.readouterr().err
    assert f"{COMMANDS}/DeleteCertificate" not in api.lines()
    assert do(config, *words, "--yes") == 0
    sent = json.loads(api.requests[-1][2])["certificateHashData"]
    assert sent == {"hashAlgorithm": "SHA256", "issuerNameHash": "AbC", "issuerKeyHash": "dEf", "serialNumber": "0A1"}
    assert "warning: it was the last" in capsys.readouterr().err
    station_tells(api, ROOT, {**ROOT, "serial_number": "B2"})
    assert do(config, *words) == 0


def test_which_certificate_is_deleted_must_be_clear(config: Path, api: FakeApi) -> None:
    station_tells(api, ROOT, {**ROOT, "certificate_type": "ManufacturerRootCertificate"})
    api.will_answer(f"{COMMANDS}/DeleteCertificate", answered(status="NotFound"))
    assert do(config, "station", "certificates", "CP-1", "delete") == 2
    assert do(config, "station", "certificates", "CP-1", "delete", "77") == 1
    assert do(config, "station", "certificates", "CP-1", "delete", "A1") == 1
    assert f"{COMMANDS}/DeleteCertificate" not in api.lines()
    assert do(config, "station", "certificates", "CP-1", "delete", "A1", "--type", "manufacturer") == 1  # NotFound
    assert api.lines()[-1] == f"{COMMANDS}/DeleteCertificate"


def test_renewing_asks_the_station_to_ask(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer(f"{COMMANDS}/ExtendedTriggerMessage", answered(status="Accepted"))
    assert do(config, "station", "certificates", "CP-1", "renew") == 0
    assert json.loads(api.requests[-1][2]) == {"requestedMessage": "SignChargePointCertificate"}
    error = {"command_id": "c1", "status": "call_error", "code": "NotSupported", "description": "no"}
    api.will_answer(f"{COMMANDS}/ExtendedTriggerMessage", error)
    assert do(config, "station", "certificates", "CP-1", "renew") == 1
    assert do(config, "station", "certificates", "CP-1", "renew", "--json") == 1
    assert json.loads(capsys.readouterr().out.split("no\n")[-1]) == error
    assert do(config, "station", "certificates", "NOBODY", "renew") == 1
