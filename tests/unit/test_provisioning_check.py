"""What the machine must provide: each lack is found, named at its key, and nothing is changed by looking."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.configuration import Configuration, load_configuration
from gateway.configuration_reading import CREDENTIALS_OF_THE_UNIT
from gateway.provisioning_check import check_provisions, notes_about

NO_PORTS = "ocpp.port = 0\nweb.port = 0\nfirmware.port = 0\n"

Load = Callable[[str], Configuration]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load_text(text: str) -> Configuration:
        """With a site, a data directory and any free port unless the text says otherwise."""
        ports = "" if "port = " in text.split("[")[0] else NO_PORTS
        path = tmp_path / "gateway.toml"
        path.write_text(f'site.id = "depot"\ndata.directory = "state"\n{ports}{text}')
        return load_configuration(path, environment={})

    return load_text


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@dataclass(frozen=True)
class Pair:
    chain: Path
    key: Path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    """Two self-signed certificates with their keys."""
    folder = tmp_path_factory.mktemp("pki")
    made = []
    for name in ("one", "two"):
        pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
                *("-subj", f"/CN={name}", "-days", "30", "-out", str(pair.chain), "-keyout", str(pair.key)),
            ],
            check=True,
            capture_output=True,
        )
        made.append(pair)
    return made[0], made[1]


def found(configuration: Configuration, *, daemon_runs: bool = False) -> list[tuple[str, str, str]]:
    mistakes = check_provisions(configuration, daemon_runs=daemon_runs)
    return [(mistake.place.key, mistake.expected, mistake.got) for mistake in mistakes]


def notes(configuration: Configuration, *, resolves: bool = True) -> list[str]:
    return [str(note) for note in notes_about(configuration, resolves=lambda _: resolves)]


def test_a_machine_that_has_everything(load: Load) -> None:
    configuration = load("")
    assert check_provisions(configuration) == ()
    assert notes(configuration) == []
    assert not configuration.data.directory.exists()


def test_mistakes_print_with_file_key_and_line(load: Load, tmp_path: Path) -> None:
    (mistake,) = check_provisions(
        load('[[upstream]]\nname = "f"\nhost = "127.0.0.1"\nuploads_token_file = "none"\nuploads_url = "http://h"')
    )
    assert "upstream[0].uploads_token_file: expected a readable file" in str(mistake)
    (mistake,) = check_provisions(load('[[station]]\nid = "A"\npassword_file = "none"'))
    assert str(mistake) == (
        f"{tmp_path}/gateway.toml: station[0].password_file: expected a readable file, "
        f"got {tmp_path}/none (No such file or directory) (line 8)"
    )


# ports


def test_a_port_that_another_program_holds(load: Load, taken_port: int) -> None:
    configuration = load(f'ocpp = {{ host = "127.0.0.1", port = {taken_port} }}\nweb.port = 0\nfirmware.port = 0\n')
    assert found(configuration) == [("ocpp.port", "a free port", f"{taken_port} (Address already in use)")]
    assert found(configuration, daemon_runs=True) == []


def test_every_listener_is_tried(load: Load, taken_port: int, pairs: tuple[Pair, Pair]) -> None:
    one = pairs[0]
    for section, key in (("web", "web.port"), ("firmware", "firmware.port"), ("firmware", "firmware.ftp_port")):
        others = [f"{other}.port = 0" for other in ("ocpp", "web", "firmware") if f"{other}.port" != key]
        text = "\n".join([*others, f'{section}.host = "127.0.0.1"', f"{key} = {taken_port}\n"])
        assert [where for where, _, _ in found(load(text))] == [key]
    tls = f"port = {taken_port}\ncertificates = [{{ chain = '{one.chain}', key_file = '{one.key}' }}]"
    assert [where for where, _, _ in found(load(f"ocpp.host = '127.0.0.1'\n{NO_PORTS}[ocpp.tls]\n{tls}"))] == [
        "ocpp.tls.port"
    ]


def test_checking_leaves_the_port_free(load: Load, taken_port: int) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    configuration = load(f'ocpp = {{ host = "127.0.0.1", port = {port} }}\nweb.port = 0\nfirmware.port = 0\n')
    assert found(configuration) == found(configuration) == []
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "300.300.300.300"])
def test_an_address_that_is_not_of_this_machine(load: Load, host: str) -> None:
    configuration = load(f'web = {{ host = "{host}", port = 65000 }}\nocpp.port = 0\nfirmware.port = 0\n')
    assert found(configuration) == [("web.host", "an address of this machine", f'"{host}"')]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_localhost_is_an_address_of_this_machine(load: Load, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert found(load(f'web = {{ host = "{host}", port = {port} }}\nocpp.port = 0\nfirmware.port = 0\n')) == []


# the data directory


def test_a_data_directory_that_is_a_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert found(load("")) == [("data.directory", "a directory", f"the file {tmp_path}/state")]


def test_a_data_directory_below_a_file(load: Load, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    configuration = load_configuration(_written(tmp_path, 'data.directory = "file/state"'), environment={})
    assert found(configuration) == [("data.directory", "a directory", f"the file {tmp_path}/file")]


@pytest.mark.parametrize(
    ("exists", "expected"),
    [(True, "a directory that this user may write to"), (False, "a directory that can be made")],
)
def test_a_data_directory_without_permission(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool, expected: str
) -> None:
    nearest = tmp_path / "state" if exists else tmp_path
    nearest.mkdir(exist_ok=True)
    # permissions do not bind root, who may run these tests
    monkeypatch.setattr(os, "access", lambda path, mode: path != nearest)
    assert found(load("")) == [("data.directory", expected, f"{nearest} without permission to write")]


def _written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(f'site.id = "depot"\n{NO_PORTS}{text}')
    return path


# secrets


def test_passwords_of_stations_and_upstreams_must_be_readable_and_not_empty(load: Load, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "good").write_text("secret")
    configuration = load(
        '[[station]]\nid = "A"\npassword_file = "empty"\n[[station]]\nid = "B"\npassword_file = "good"\n'
        '[[upstream]]\nname = "f"\nhost = "127.0.0.1"\npassword_file = "."\n'
    )
    assert found(configuration) == [
        ("upstream[0].password_file", "a readable file", f"{tmp_path} (Is a directory)"),
        ("station[0].password_file", "a password", f"nothing in {tmp_path}/empty"),
    ]
    assert "secret" not in str(check_provisions(configuration)) + str(notes(configuration))


def test_a_credential_of_the_unit_is_a_note_outside_the_unit(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = load('[[station]]\nid = "A"\npassword_file = "credential:cp1"')
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert found(configuration) == []
    (note,) = notes(configuration)
    assert note.endswith("station[0].password_file: note: a credential of the unit: it is checked when the unit starts")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(CREDENTIALS_OF_THE_UNIT))
    assert [where for where, _, _ in found(configuration)] == ["station[0].password_file"]


def test_a_secret_that_everybody_can_read_is_a_note(load: Load, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x" * 16)
    secret.chmod(0o644)
    configuration = load('[[station]]\nid = "A"\npassword_file = "secret"')
    (note,) = notes(configuration)
    assert note.endswith(f"station[0].password_file: note: every user of this machine can read {secret}")
    secret.chmod(0o600)
    assert notes(configuration) == []


def test_the_length_of_a_stations_password_is_told(load: Load, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    configuration = load('[[station]]\nid = "A"\npassword_file = "secret"')
    for good in (b"x" * 16, b"x" * 20 + b"\n", b"0f" * 16, b"0F" * 20):
        secret.write_bytes(good)
        assert notes(configuration) == []
    for bad, length in ((b"abc", 3), (b"x" * 21, 21)):
        secret.write_bytes(bad)
        (note,) = notes(configuration)
        assert "password_file: note: OCPP asks for 16 to 20 bytes" in note and note.endswith(f"{length}")
    assert found(configuration) == []


# certificates


def tls_with(chain: Path, key: Path, rest: str = "") -> str:
    return f'[ocpp.tls]\nport = 0\ncertificates = [{{ chain = "{chain}", key_file = "{key}" }}]\n{rest}'


def test_certificates_that_match_their_keys(load: Load, pairs: tuple[Pair, Pair]) -> None:
    one, two = pairs
    assert found(load(tls_with(one.chain, one.key, f'client_ca = "{two.chain}"'))) == []


def test_a_key_of_another_certificate(load: Load, pairs: tuple[Pair, Pair]) -> None:
    one, two = pairs
    assert found(load(tls_with(one.chain, two.key))) == [
        ("ocpp.tls.certificates[0].key_file", f"the private key of {one.chain}", f"another one in {two.key}")
    ]


def test_a_key_of_another_kind(load: Load, pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    one, key = pairs[0], tmp_path / "rsa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    assert found(load(tls_with(one.chain, key))) == [
        ("ocpp.tls.certificates[0].key_file", f"the private key of {one.chain}", f"another one in {key}")
    ]


def test_a_key_that_is_too_short(load: Load, tmp_path: Path) -> None:
    chain, key = tmp_path / "short.pem", tmp_path / "short.key"
    made = ("openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=x", "-days", "30")
    subprocess.run([*made, "-out", str(chain), "-keyout", str(key)], check=True, capture_output=True)
    assert found(load(tls_with(chain, key))) == [
        ("ocpp.tls.certificates[0].chain", "a key of 2048 bits (RSA) or 224 bits (EC) or more",
         f"a shorter one in {chain}")
    ]  # fmt: skip


def test_a_tls_port_without_files_shows_the_gateways_own_certificates(load: Load) -> None:
    assert found(load("[ocpp.tls]\nport = 0")) == []


def test_files_that_hold_something_else(load: Load, pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("rubbish")
    one = pairs[0]
    assert [(where, expected) for where, expected, _ in found(load(tls_with(rubbish, one.key)))] == [
        ("ocpp.tls.certificates[0].chain", "certificates in PEM form")
    ]
    assert [(where, expected) for where, expected, _ in found(load(tls_with(one.chain, rubbish)))] == [
        ("ocpp.tls.certificates[0].key_file", "a private key in PEM form")
    ]
    configuration = load(tls_with(one.chain, one.key, f'client_ca = "{rubbish}"'))
    assert [where for where, _, _ in found(configuration)] == ["ocpp.tls.client_ca"]


def test_certificate_files_that_are_missing(load: Load, tmp_path: Path) -> None:
    configuration = load(tls_with(tmp_path / "a", tmp_path / "b", 'client_ca = "c"'))
    assert [where for where, _, _ in found(configuration)] == [
        "ocpp.tls.certificates[0].chain",
        "ocpp.tls.certificates[0].key_file",
        "ocpp.tls.client_ca",
    ]


def test_an_encrypted_key_does_not_ask_the_terminal(load: Load, pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    locked = tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", str(pairs[0].key), "-aes256", "-passout", "pass:x", "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    ((where, expected, _),) = found(load(tls_with(pairs[0].chain, locked)))
    assert (where, expected) == ("ocpp.tls.certificates[0].key_file", "a private key without a password")


def test_certificates_of_an_upstream(load: Load, pairs: tuple[Pair, Pair], tmp_path: Path) -> None:
    one, two = pairs
    upstream = '[[upstream]]\nname = "f"\nhost = "127.0.0.1"\n'
    good = load(f'{upstream}ca = "{two.chain}"\nchain = "{one.chain}"\nkey_file = "{one.key}"')
    assert found(good) == []
    bad = load(f'{upstream}ca = "none"\nchain = "{one.chain}"\nkey_file = "{two.key}"')
    assert [where for where, _, _ in found(bad)] == ["upstream[0].ca", "upstream[0].key_file"]


# devices and names


def meter_on(device: Path | str, kind: str) -> str:
    model = {"rtu": "eastron_sdm630", "serial": "dsmr_p1"}[kind]
    return f'[[meter]]\nname = "grid"\nmodel = "{model}"\ntransport = {{ type = "{kind}", device = "{device}" }}\n'


@pytest.mark.parametrize("kind", ["rtu", "serial"])
def test_serial_devices_must_exist_and_be_devices(load: Load, tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("")
    missing = found(load(meter_on(tmp_path / "tty", kind)))
    assert missing == [("meter[0].transport.device", "a serial device", f"{tmp_path}/tty (No such file or directory)")]
    no_device = found(load(meter_on(tmp_path / "file", kind)))
    assert no_device == [("meter[0].transport.device", "a serial device", f"{tmp_path}/file, which is none")]
    primary, secondary = os.openpty()
    try:
        assert found(load(meter_on(os.ttyname(secondary), kind))) == []
    finally:
        os.close(primary)
        os.close(secondary)


@pytest.mark.parametrize(
    ("model", "kind", "mistake"),
    [
        (
            "eastron_sdm360",
            "tcp",
            ("model", 'a model that the gateway knows (did you mean "eastron_sdm630"?)', '"eastron_sdm360"'),
        ),
        ("dsmr_p1", "rtu", ("transport", 'type = "serial", as DSMR and ESMR smart meters, P1 port talk', '"rtu"')),
        ("em340", "serial", ("transport", 'type = "rtu" (or "tcp"), as this model speaks Modbus', '"serial"')),
        ("Eastron SDM-630", "tcp", None),
        ("sml", "tcp", None),
    ],
)
def test_models_must_be_known_and_fit_their_transport(
    load: Load, model: str, kind: str, mistake: tuple[str, str, str] | None
) -> None:
    place = 'host = "127.0.0.1"' if kind == "tcp" else 'device = "/dev/tty"'
    written = f'[[meter]]\nname = "g"\nmodel = "{model}"\ntransport = {{ type = "{kind}", {place} }}'
    mistakes = [one for one in found(load(written)) if not one[0].endswith(".device")]
    if mistake is None:
        assert mistakes == []
        return
    ((where, expected, got),) = mistakes
    assert (where, got) == (f"meter[0].{mistake[0]}", mistake[2]) and expected.startswith(mistake[1])


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ('model = "shelly_pro_3em"', "model: note: its registers are not confirmed: compare the first readings"),
        ('model = "sdm72_v1"', "model: note: it tells no phase currents: it cannot hold a limit in amperes"),
    ],
)
def test_what_is_worth_knowing_of_a_meter(load: Load, text: str, note: str) -> None:
    written = f'[[meter]]\nname = "g"\n{text}\ntransport = {{ type = "tcp", host = "127.0.0.1" }}\n'
    (found_note,) = notes(load(written + '[[circuit]]\nname = "main"\nlimit_amps = 63\nmeter = "g"'))
    assert found_note.endswith(f"meter[0].{note}")


def test_an_unusual_speed_of_a_talker_is_a_note(load: Load) -> None:
    written = '[[meter]]\nname = "g"\nmodel = "sml"\ntransport = { type = "serial", device = "/dev/tty" }'
    (found_note,) = notes(load(written))
    assert found_note.endswith("meter[0].transport.baudrate: note: 115200: such meters usually talk at 9600")
    assert notes(load('[[meter]]\nname = "g"\nmodel = "?"\ntransport = { type = "tcp", host = "127.0.0.1" }')) == []


def test_names_that_cannot_be_looked_up_are_notes(load: Load) -> None:
    configuration = load(
        '[[upstream]]\nname = "f"\nhost = "broker.invalid"\n'
        '[[meter]]\nname = "g"\nmodel = "em340"\ntransport = { type = "tcp", host = "meter.invalid" }'
    )
    assert found(configuration) == []
    assert notes(configuration, resolves=True) == []
    first, second = notes(configuration, resolves=False)
    assert first.endswith('upstream[0].host: note: "broker.invalid" cannot be looked up now')
    assert second.endswith('meter[0].transport.host: note: "meter.invalid" cannot be looked up now')


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_addresses_need_no_name_server(load: Load, host: str) -> None:
    assert notes_about(load(f'[[upstream]]\nname = "f"\nhost = "{host}"')) == ()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("security_profile = 1", "no password_file: the station cannot connect until it gets a password at run time"),
        ("security_profile = 3", "no [ocpp.tls]: the station cannot connect with this profile"),
        ('security_profile = 0\npassword_file = "p"', "password_file is not used with this profile"),
    ],
)
def test_profiles_that_lack_something_are_notes(load: Load, tmp_path: Path, text: str, note: str) -> None:
    (tmp_path / "p").write_text("x")
    (tmp_path / "p").chmod(0o600)
    (found_note,) = notes(load(f'[[station]]\nid = "A"\n{text}'))
    assert found_note.endswith(f"station[0].security_profile: note: {note}")


def test_certificates_that_end_are_notes_and_keep_nothing_from_working(
    load: Load, tmp_path: Path, pairs: tuple[Pair, Pair]
) -> None:
    ended = Pair(tmp_path / "ended.pem", tmp_path / "ended.key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", "/CN=old", "-days", "1", "-out", str(ended.chain), "-keyout", str(ended.key)),
        ],
        check=True,
        capture_output=True,
    )
    leaf, one = tmp_path / "leaf.pem", pairs[0]
    command = f"openssl x509 -in {one.chain} -signkey {one.key} -clrext -days 300 -out {leaf}"
    subprocess.run(command.split(), check=True, capture_output=True)
    configuration = load(tls_with(ended.chain, ended.key, f'client_ca = "{leaf}"'))
    assert check_provisions(configuration) == ()
    told = {note.place.key: note.text for note in notes_about(configuration)}
    assert "(old) ends on" in told["ocpp.tls.certificates[0].chain"]
    assert told["ocpp.tls.client_ca"] == "CN=one is no authority: no station's certificate can be checked with it"


def test_the_sites_own_authority_is_looked_at(load: Load, tmp_path: Path) -> None:
    (tmp_path / "state" / "pki").mkdir(parents=True)
    (tmp_path / "state" / "pki" / "authority-0001.pem").write_text("nonsense")
    (note,) = notes_about(load(""))
    assert note.place.key == "data.directory" and "not readable" in note.text
