"""Loading gateway.toml: defaults, all mistakes at once, several files, files that cannot be read, secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import configuration as keys
from gateway.configuration import Configuration, ConfigurationMistakes, load_configuration, read_secret

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_files(text: str, **fragments: str) -> Path:
        """gateway.toml with a site id unless it has its own, and conf.d/NAME.toml for every further one."""
        file = tmp_path / "gateway.toml"
        file.write_text(text if "[site]" in text else f'site.id = "depot"\n{text}')
        (tmp_path / "conf.d").mkdir(exist_ok=True)
        for name, content in fragments.items():
            (tmp_path / "conf.d" / f"{name}.toml").write_text(content)
        return file

    return write_files


def mistakes_in(path: Path) -> list[str]:
    """The mistakes as printed, without the folder."""
    with pytest.raises(ConfigurationMistakes) as raised:
        load_configuration(path, environment={})
    assert str(raised.value) == keys.format_mistakes(raised.value.mistakes)
    return [str(mistake).replace(f"{path.parent}/", "") for mistake in raised.value.mistakes]


def test_no_file_means_safe_defaults() -> None:
    configuration = load_configuration(None)
    assert configuration == Configuration(site=keys.Site(id="site"))
    assert configuration.ocpp.unknown_stations == "refuse"
    assert configuration.web.host == "127.0.0.1"
    assert configuration.ocpp.tls is None


def test_only_the_site_id_is_required(write: Write) -> None:
    assert load_configuration(write('[site]\nid = "site"')) == load_configuration(None)
    assert mistakes_in(write("[site]\n")) == [
        "gateway.toml: site.id: expected 1 to 64 printable characters, got nothing (line 1)"
    ]


def test_the_example_of_the_contract_is_read(write: Write) -> None:
    path = write(
        """
        [site]
        id = "site-0042"
        timezone = "Europe/Amsterdam"
        [ocpp]
        call_timeout_seconds = 30
        [ocpp.tls]
        certificates = [{ chain = "rsa.pem", key_file = "rsa.key" }, { chain = "ec.pem", key_file = "/k/ec.key" }]
        client_ca = "stations-ca.pem"
        [firmware]
        public_url = "http://192.168.1.10:8088"
        ftp_port = 2121
        [[upstream]]
        name = "fleet"
        host = "broker.example"
        [[meter]]
        name = "grid"
        model = "eastron_sdm630"
        transport = { type = "rtu", device = "/dev/ttyUSB0", baudrate = 19200, parity = "E", unit = 7 }
        [[circuit]]
        name = "main"
        limit_amps = [63, 50, 63]
        meter = "grid"
        [[circuit]]
        name = "row-a"
        parent = "main"
        limit_amps = 40
        [[station]]
        id = "CP-1"
        circuit = "row-a"
        password_file = "secrets/CP-1"
        """
    )
    configuration = load_configuration(path)
    folder = path.parent
    assert configuration.ocpp.call_timeout_seconds == 30.0
    assert configuration.ocpp.tls == keys.Tls(
        certificates=(
            keys.Certificate(chain=folder / "rsa.pem", key_file=folder / "rsa.key"),  # type: ignore[arg-type]
            keys.Certificate(chain=folder / "ec.pem", key_file=Path("/k/ec.key")),  # type: ignore[arg-type]
        ),
        client_ca=folder / "stations-ca.pem",
    )
    assert configuration.meters[0].transport == keys.RtuTransport(
        device=Path("/dev/ttyUSB0"), baudrate=19200, parity="E", unit=7
    )
    assert [circuit.limit_amps for circuit in configuration.circuits] == [(63, 50, 63), (40, 40, 40)]
    assert [circuit.background_worst_amps for circuit in configuration.circuits] == [(31.5, 25, 31.5), (0, 0, 0)]
    assert configuration.stations[0].password_file == folder / "secrets/CP-1"
    assert configuration.stations[0].security_profile == 1
    assert configuration.upstreams[0].port == 8883


def test_every_mistake_is_reported_at_once_in_the_order_of_the_file(write: Write) -> None:
    path = write(
        """[site]
id = ""
[ocpp]
port = 70000
hearbeat_seconds = 300
strict = "yes"
unknown_tags = "maybe"
[[station]]
id = "A"
[[station]]
id = "B"
[[station]]
id = "C"
min_amps = "six"
"""
    )
    assert mistakes_in(path) == [
        'gateway.toml: site.id: expected 1 to 64 printable characters, got "" (line 2)',
        "gateway.toml: ocpp.port: expected a whole number from 0 to 65535, got 70000 (line 4)",
        "gateway.toml: ocpp.hearbeat_seconds: expected a known key (did you mean `heartbeat_seconds`?),"
        " got an unknown key (line 5)",
        'gateway.toml: ocpp.strict: expected true or false, got "yes" (line 6)',
        'gateway.toml: ocpp.unknown_tags: expected one of "refuse", "accept", got "maybe" (line 7)',
        'gateway.toml: station[2].min_amps: expected a number from 0 to 10000, got "six" (line 14)',
    ]


UPSTREAM = '[[upstream]]\nname = "fleet"\nhost = "b"\n'


def test_every_phase_rotation_is_accepted(write: Write) -> None:
    for rotation in ("123", "132", "213", "231", "312", "321", "1", "2", "3"):
        path = write(f'[[station]]\nid = "A"\nphase_rotation = "{rotation}"')
        assert load_configuration(path).stations[0].phase_rotation == rotation


def test_port_0_may_stand_more_than_once(write: Write) -> None:
    configuration = load_configuration(write("ocpp.port = 0\nweb.port = 0\nfirmware.port = 0"))
    assert (configuration.ocpp.port, configuration.web.port, configuration.firmware.port) == (0, 0, 0)


def test_ports_may_be_shared_by_different_addresses(write: Write) -> None:
    path = write('ocpp = { host = "127.0.0.1", port = 9000 }\nweb = { host = "127.0.0.2", port = 9000 }')
    assert load_configuration(path).web.port == 9000


def test_a_station_needs_only_an_id(write: Write) -> None:
    (station,) = load_configuration(write('[[station]]\nid = "A:1"')).stations
    assert station == keys.StationSettings(id="A:1")
    assert station.security_profile == 0


def test_a_written_security_profile_is_kept_beside_a_password(write: Write) -> None:
    path = write('[[station]]\nid = "A"\npassword_file = "p"\nsecurity_profile = 0')
    assert load_configuration(path).stations[0].security_profile == 0


def test_the_broker_port_follows_tls(write: Write) -> None:
    assert load_configuration(write(UPSTREAM + "tls = false")).upstreams[0].port == 1883
    assert load_configuration(write(UPSTREAM + "tls = false\nport = 7")).upstreams[0].port == 7


@pytest.mark.parametrize(("text", "seconds"), [("", 900), ("heartbeat_seconds = 400", 1200), ("", 900)])
def test_silence_allowed_is_three_heartbeats_at_least_900(write: Write, text: str, seconds: float) -> None:
    assert load_configuration(write(f"[ocpp]\n{text}")).ocpp.silence_allowed_seconds == seconds


def test_an_idle_timeout_of_its_own_beats_the_heartbeat(write: Write) -> None:
    assert load_configuration(write("[ocpp]\nidle_timeout_seconds = 5")).ocpp.silence_allowed_seconds == 5


# several files


def test_fragments_are_merged_in_lexical_order(write: Write) -> None:
    path = write(
        '[site]\nid = "a"\nname = "A"\n[[station]]\nid = "1"\naliases = ["x", "y"]',
        b='[site]\nname = "B"\n[[station]]\nid = "3"',
        a='[site]\nname = "C"\ntimezone = "Europe/Paris"\n[[station]]\nid = "2"',
    )
    configuration = load_configuration(path)
    assert configuration.site == keys.Site(id="a", name="B", timezone="Europe/Paris")
    assert [station.id for station in configuration.stations] == ["1", "2", "3"]


def test_a_list_of_values_is_replaced_not_added_to() -> None:
    from gateway.configuration_files import Node, Place, merged

    place = Place("f", "k")
    older, newer = Node([Node(1, place)], place), Node([Node(2, place)], place)
    assert merged(older, newer) is newer


def test_a_mistake_names_the_file_and_the_position_in_it(write: Write) -> None:
    path = write('[[station]]\nid = "1"', b='[[station]]\nid = "2"\n[[station]]\nid = "1"\n', c="[ocpp]\nport = -1")
    assert mistakes_in(path) == [
        'conf.d/b.toml: station[1].id: expected an identity that is not taken, got "1" (line 4)',
        "conf.d/c.toml: ocpp.port: expected a whole number from 0 to 65535, got -1 (line 2)",
    ]


def test_paths_in_fragments_begin_in_the_folder_of_the_main_file(write: Write) -> None:
    path = write("", a='data.directory = "state"')
    assert load_configuration(path).data.directory == path.parent / "state"


def test_other_files_in_conf_d_are_left_alone(write: Write) -> None:
    path = write("")
    (path.parent / "conf.d" / "notes.txt").write_text("not toml")
    assert load_configuration(path).site.id == "depot"


# files that cannot be read


def test_a_named_file_that_is_missing_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes_in(tmp_path / "none.toml") == [
        'none.toml: (file): expected a readable file, got "No such file or directory"'
    ]


def test_a_syntax_error_names_its_line_and_hides_nothing_else(write: Write) -> None:
    path = write("[site]\nid = \n", a="[ocpp]\nport = -1")
    assert mistakes_in(path) == [
        'gateway.toml: line 2: expected valid TOML, got "Invalid value (at line 2, column 6)"',
        "conf.d/a.toml: ocpp.port: expected a whole number from 0 to 65535, got -1 (line 2)",
    ]


def test_what_a_file_with_a_syntax_error_might_hold_is_not_missed(write: Write) -> None:
    path = write('[[station]]\nid = "A"\ncircuit = "main"', a='[[circuit]]\nname = "main"\nlimit_amps =')
    (found,) = mistakes_in(path)
    assert found.startswith("conf.d/a.toml: the end of the file: expected valid TOML")


def test_an_unfinished_file_is_a_syntax_error(write: Write) -> None:
    (found,) = mistakes_in(write("[site"))
    assert found.startswith(("gateway.toml: line ", "gateway.toml: the end of the file: "))
    assert "expected valid TOML" in found


def test_text_that_is_not_utf_8_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b'site.id = "\xe9"')
    assert mistakes_in(path) == ["gateway.toml: (file): expected UTF-8 text, got byte 11 that is not"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b'\xef\xbb\xbfsite.id = "a"')
    assert load_configuration(path).site.id == "a"


def test_values_are_shown_on_one_short_line(write: Write) -> None:
    (found,) = mistakes_in(write(f'log.level = """a\n{"b" * 100}"""'))
    assert "\n" not in found
    assert found.split("got ")[1].startswith('"a\N{REPLACEMENT CHARACTER}bbb')
    assert len(found) < 200


def test_lines_are_found_below_tables_in_arrays(write: Write) -> None:
    text = (
        'site.id = "a"  # [site]\n[[meter]]\nname = "m"\nmodel = "x"\n[meter.transport]\n'
        'type = "rtu"\ndevice = "/d"\n[[meter]]\nname = "n"\nmodel = "x"\n[meter.transport]\ntype = "rtu"\n'
        'device = "/d"\nunit = 999\n'
    )
    (found,) = mistakes_in(write(text))
    assert found.startswith("gateway.toml: meter[1].transport.unit: ")
    assert found.endswith("(line 14)")


# secrets


def test_credentials_are_looked_up_where_systemd_put_them(write: Write) -> None:
    path = write('[[station]]\nid = "A"\npassword_file = "credential:cp1"')
    inside = load_configuration(path, environment={"CREDENTIALS_DIRECTORY": "/run/x"})
    assert inside.stations[0].password_file == Path("/run/x/cp1")
    outside = load_configuration(path, environment={})
    assert outside.stations[0].password_file == Path("/run/credentials/ocpp-gateway.service/cp1")


def test_only_secrets_may_be_credentials(write: Write) -> None:
    path = write('data.directory = "credential:x"')
    assert load_configuration(path).data.directory == path.parent / "credential:x"


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"pass", b"pass"),
        (b"pass\n", b"pass"),
        (b"pass\r\n", b"pass"),
        (b"pass\n\n", b"pass\n"),
        (b" pass\r", b" pass\r"),
        (b"\xff\x00\n", b"\xff\x00"),
        (b"", b""),
    ],
)
def test_a_secret_loses_exactly_one_line_end(tmp_path: Path, content: bytes, secret: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert read_secret(tmp_path / "secret") == secret
