"""Every rule of gateway.toml: what breaks it is reported once, at its key, in words that say what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.configuration import ConfigurationMistakes, load_configuration


def mistakes_in(folder: Path, text: str) -> list[str]:
    """The mistakes as printed, without the folder, of a gateway.toml with a site id and this text."""
    path = folder / "gateway.toml"
    path.write_text(f'site.id = "depot"\n{text}')
    with pytest.raises(ConfigurationMistakes) as raised:
        load_configuration(path, environment={})
    return [str(mistake).replace(f"{folder}/", "") for mistake in raised.value.mistakes]


METER = '[[meter]]\nname = "{}"\nmodel = "m"\ntransport = {{ type = "rtu", device = "/dev/x", {} }}\n'
TALKER = '[[meter]]\nname = "{}"\nmodel = "m"\ntransport = {{ type = "serial", device = "/dev/x" }}\n'
CIRCUITS = '[[circuit]]\nname = "main"\nlimit_amps = 63\n'
ON_MAIN = CIRCUITS + '[[station]]\nid = "A"\ncircuit = "main"\n'
UPSTREAM = '[[upstream]]\nname = "fleet"\nhost = "b"\n'


def hours(begin: str, end: str, limit: str = "limit_amps = 6") -> str:
    """A schedule of one entry."""
    return f"schedule = [{{ from = {begin}, to = {end}{', ' if limit else ''}{limit} }}]"


WRONG = [
    # types and bounds
    ("ocpp.port = -1", "ocpp.port: expected a whole number from 0 to 65535, got -1"),
    ("ocpp.port = true", "ocpp.port: expected a whole number from 0 to 65535, got true"),
    ("ocpp.port = 9000.0", "ocpp.port: expected a whole number from 0 to 65535, got 9000.0"),
    ("ocpp = 3", "ocpp: expected a table, got 3"),
    ("station = 3", "station: expected a list, got 3"),
    ('station = ["CP"]', 'station[0]: expected a table, got "CP"'),
    ("ocpp.call_timeout_seconds = 0", "ocpp.call_timeout_seconds: expected a number from 0.1 to 604800, got 0"),
    ("ocpp.call_timeout_seconds = nan", "ocpp.call_timeout_seconds: expected a number from 0.1 to 604800, got nan"),
    ("ocpp.call_timeout_seconds = inf", "ocpp.call_timeout_seconds: expected a number from 0.1 to 604800, got inf"),
    ("ocpp.call_timeout_seconds = true", "ocpp.call_timeout_seconds: expected a number from 0.1 to 604800, got true"),
    ("ocpp.heartbeat_seconds = 0", "ocpp.heartbeat_seconds: expected a whole number from 1 to 86400, got 0"),
    ("ocpp.idle_timeout_seconds = -1", "ocpp.idle_timeout_seconds: expected a number from 0 to 604800, got -1"),
    ("ocpp.max_frame_bytes = 10", "ocpp.max_frame_bytes: expected a whole number from 65536 to 100000000, got 10"),
    ("ocpp.answering_queue = 0", "ocpp.answering_queue: expected a whole number from 1 to 10000, got 0"),
    ("ocpp.heartbeat_seconds = 2026-01-01", "got the date or time 2026-01-01"),
    ('ocpp.unknown_stations = "maybe"', 'expected one of "refuse", "pending", "accept", got "maybe"'),
    ('ocpp.host = "two words"', 'ocpp.host: expected a host name or an address, got "two words"'),
    ('data.directory = ""', 'data.directory: expected a path, got ""'),
    ("data.directory = 1", "data.directory: expected a path, got 1"),
    ('site.timezone = "Europe/Amsterdm"', 'site.timezone: expected a time zone such as "Europe/Amsterdam"'),
    ('site.timezone = "../passwd"', "site.timezone: expected a time zone"),
    ('firmware.public_url = "ftp://x"', 'firmware.public_url: expected an address such as "http'),
    ('firmware.public_url = "http://x:99999"', "firmware.public_url: expected an address"),
    ("firmware.upload_limit_mb = 0", "firmware.upload_limit_mb: expected a whole number from 1 to 102400, got 0"),
    ("retention.transactions_days = 0", "retention.transactions_days: expected a whole number from 400 to 36500"),
    ("retention.meter_days = 0", "retention.meter_days: expected a whole number from 30 to 36500"),
    ("retention.operations_days = 0", "retention.operations_days: expected a whole number from 1 to 36500"),
    ("retention.quarantine_days = 0", "retention.quarantine_days: expected a whole number from 1 to 36500"),
    ("retention.commands_days = 6", "retention.commands_days: expected a whole number from 7 to 36500"),
    ("retention.backups = 0", "retention.backups: expected a whole number from 1 to 1000, got 0"),
    ('log.level = "loud"', 'log.level: expected one of "error", "warning", "info", "debug", got "loud"'),
    # configuration keys of stations
    ('[[station]]\nid = "A"\ndesired_configuration = 3', "station[0].desired_configuration: expected a table, got 3"),
    (
        '[[station]]\nid = "A"\ndesired_configuration = { MeterValueSampleInterval = 60 }',
        'station[0].desired_configuration.MeterValueSampleInterval: expected text such as "60", of up',
    ),
    (
        '[[station]]\nid = "A"\ndesired_configuration = { AuthorizationKey = "hunter2hunter2" }',
        "desired_configuration.AuthorizationKey: expected as the key 1 to 50 characters, and none that holds a secret"
        " (AuthorizationKey and SecurityProfile are set by `ocpp-gateway station security`), got",
    ),
    (
        '[[station_model]]\ndesired_configuration = { securityprofile = "2" }',
        "station_model[0].desired_configuration.securityprofile: expected as the key",
    ),
    (
        '[[station_model]]\ndesired_configuration = { Url = "ws://user:hunter2@host/" }',
        'without a password, got "ws://user:***@host/"',
    ),
    (
        '[[station_model]]\ndesired_configuration = { Interval = "1", interval = "2" }',
        "station_model[0].desired_configuration.interval: expected each configuration key once, in whatever letter",
    ),
    (
        '[[station]]\nid = "A"\ndesired_configuration = { Interval = "1", interval = "2" }',
        "station[0].desired_configuration.interval: expected each configuration key once",
    ),
    (f'[[station_model]]\ndesired_configuration = {{ {"k" * 51} = "1" }}', "expected as the key 1 to 50 characters"),
    ('[[station_model]]\nvendor = ""', 'station_model[0].vendor: expected 1 to 50 printable characters, got ""'),
    ('[[station_model]]\nmodle = "X"', "station_model[0].modle: expected a known key (did you mean `model`?)"),
    # unknown keys never show their value
    ("[ocp]\nport = 1", "ocp: expected a known key (did you mean `ocpp`?), got an unknown key"),
    ('[[station]]\nid = "A"\npassword = "hunter2"', "did you mean `password_file`?), got an unknown key"),
    ('[[station]]\nid = "A"\nzzz = 1', "station[0].zzz: expected a known key, got an unknown key"),
    # ports
    ("web.port = 9000\nweb.host = '127.0.0.1'", "web.port: expected another port than ocpp.port, got 9000"),
    (
        'web = { host = "0.0.0.0", port = 9000 }\nocpp.host = "localhost"',
        "web.port: expected another port than ocpp.port",
    ),
    ("firmware.ftp_port = 8088", "firmware.ftp_port: expected another port than firmware.port, got 8088"),
    # TLS
    ('ocpp.tls.certificates = [{ chain = "a" }]', "ocpp.tls.certificates[0].key_file: expected a path or `credential"),
    (
        '[ocpp.tls]\ncertificates = [{ chain = "a", key_file = "b" }]\ncipher_set = "weak"',
        'ocpp.tls.cipher_set: expected one of "modern", "certification", got "weak"',
    ),
    # upstream
    ('[[upstream]]\nhost = "b"', "upstream[0].name: expected 1 to 64 printable characters, got nothing"),
    (UPSTREAM + "port = 0", "upstream[0].port: expected a whole number from 1 to 65535, got 0"),
    (UPSTREAM + UPSTREAM, 'upstream[1].name: expected a name that no other one has, got "fleet"'),
    (UPSTREAM + 'topic_root = "a/#"', "upstream[0].topic_root: expected a topic without"),
    (UPSTREAM + 'topic_root = "/a"', "upstream[0].topic_root: expected a topic without"),
    (UPSTREAM + 'chain = "c"', "upstream[0].key_file: expected the key of chain, got nothing"),
    (UPSTREAM + 'key_file = "c"', "upstream[0].chain: expected the certificate of key_file, got nothing"),
    (UPSTREAM + 'tls = false\nca = "c"', "upstream[0].tls: expected true, as certificates are given, got false"),
    (UPSTREAM + 'ca = "credential:x"\npassword_file = "credential:../x"', "upstream[0].password_file: expected a path"),
    (UPSTREAM + 'password_file = "credential:.."', "upstream[0].password_file: expected a path or `credential:NAME`"),
    (UPSTREAM + "backoff_max_seconds = 0", "upstream[0].backoff_max_seconds: expected a number from 1 to 86400, got 0"),
    (UPSTREAM + "start_jitter_seconds = -1", "upstream[0].start_jitter_seconds: expected a number from 0 to 604800"),
    # meters
    ('[[meter]]\nname = "m"\nmodel = "x"', "meter[0].transport: expected a table, got nothing"),
    ('[[meter]]\nname = "m"\nmodel = "x"\ntransport = "tcp"', 'meter[0].transport: expected a table, got "tcp"'),
    (
        '[[meter]]\nname = "m"\nmodel = "x"\ntransport = { device = "/dev/x" }',
        'meter[0].transport.type: expected one of "rtu", "tcp", "serial", got nothing',
    ),
    (
        '[[meter]]\nname = "m"\nmodel = "x"\ntransport = { type = "can" }',
        'meter[0].transport.type: expected one of "rtu", "tcp", "serial", got "can"',
    ),
    (
        '[[meter]]\nname = "m"\nmodel = "x"\ntransport = { type = "tcp", host = "h", device = "/dev/x" }',
        "meter[0].transport.device: expected a known key, got an unknown key",
    ),
    (
        '[[meter]]\nname = "m"\nmodel = "x"\ntransport = { type = "rtu", device = "/dev/x", unit = 0 }',
        "meter[0].transport.unit: expected a whole number from 1 to 247, got 0",
    ),
    (
        METER.format("a", "baudrate = 9600") + METER.format("b", "baudrate = 19200, unit = 2"),
        "meter[1].transport.baudrate: expected 9600, as the other meter on this line has, got 19200",
    ),
    (
        METER.format("a", 'parity = "E"') + METER.format("b", "unit = 2"),
        'meter[1].transport.parity: expected "E", as the other meter on this line has, got "N"',
    ),
    (
        METER.format("a", "unit = 7") + METER.format("b", "unit = 7"),
        "meter[1].transport.unit: expected one that no other meter on this line has, got 7",
    ),
    (
        TALKER.format("a") + METER.format("b", "baudrate = 115200"),
        "meter[1].transport.device: expected a line of its own: a meter that talks by itself shares none, got",
    ),
    (
        TALKER.format("a") + TALKER.format("b"),
        'meter[1].transport.device: expected one that no other meter on this line has, got "/dev/x"',
    ),
    # circuits
    (CIRCUITS + CIRCUITS + 'parent = "main"', 'circuit[1].name: expected a name that no other one has, got "main"'),
    (CIRCUITS + 'parent = "mian"', 'circuit[0].parent: expected the name of a [[circuit]] ("main"), got "mian"'),
    (CIRCUITS + 'parent = "main"', 'circuit[0].parent: expected a circuit that is not below this one, got "main"'),
    (
        CIRCUITS + '[[circuit]]\nname = "row"\nlimit_amps = 1',
        'circuit[1].parent: expected a parent: the tree has one top, and "main" is it, got nothing',
    ),
    (CIRCUITS + '[[circuit]]\nname = "row"\nlimit_amps = 1\nparent = 5', "circuit[1].parent: expected text, got 5"),
    (CIRCUITS + 'meter = "grid"', 'circuit[0].meter: expected the name of a [[meter]] (there is none), got "grid"'),
    (
        '[[circuit]]\nname = "main"\nlimit_amps = [63, 63]',
        "circuit[0].limit_amps: expected a number from 0 to 10000, or a list of 3 of them, got [63, 63]",
    ),
    (
        '[[circuit]]\nname = "main"\nlimit_amps = [63, 63, -1]',
        "circuit[0].limit_amps: expected a number from 0 to 10000, or a list of 3 of them, got [63, 63, -1]",
    ),
    (CIRCUITS + "background_worst_amps = -1", "circuit[0].background_worst_amps: expected a number from 0"),
    (CIRCUITS + "limit_watts = -1", "circuit[0].limit_watts: expected a number from 0 to 10000000, got -1"),
    (CIRCUITS + "unbalance_limit_amps = -1", "circuit[0].unbalance_limit_amps: expected a number from 0 to 10000"),
    (CIRCUITS + "schedule = 5", "circuit[0].schedule: expected a list, got 5"),
    (CIRCUITS + hours('"24:00"', '"07:00"'), 'schedule[0].from: expected a time of day such as "17:30", got "24:00"'),
    (CIRCUITS + hours('"7:00"', '"07:00"'), 'schedule[0].from: expected a time of day such as "17:30", got "7:00"'),
    (CIRCUITS + hours("07:00:00", '"07:00"'), "schedule[0].from: expected a time of day such as"),
    (CIRCUITS + hours('"07:00"', '"24:01"'), 'schedule[0].to: expected a time of day such as "17:30", up to "24:00"'),
    (CIRCUITS + hours('"07:00"', '"07:00"'), 'circuit[0].schedule[0].to: expected another time than from ("24:00" for'),
    (
        CIRCUITS + hours('"07:00"', '"08:00"', ""),
        "schedule[0].limit_amps: expected limit_amps or limit_watts, got nothing",
    ),
    (
        CIRCUITS + hours('"07:00"', '"08:00"', "limit_amps = [1, 64, 70]"),
        'schedule[0].limit_amps: expected at most the limit of "main" (63 A per phase), got 70',
    ),
    (
        CIRCUITS + "limit_watts = 6900\n" + hours('"07:00"', '"08:00"', "limit_watts = 13800"),
        'schedule[0].limit_watts: expected at most the limit of "main" (10 A per phase), got 20 A per phase',
    ),
    (
        CIRCUITS + hours('"07:00"', '"08:00"', 'limit_amps = 6, days = ["monday"]'),
        'circuit[0].schedule[0].days[0]: expected one of "mon", "tue", "wed", "thu", "fri", "sat", "sun", got "monday"',
    ),
    (CIRCUITS + hours('"07:00"', '"08:00"', "limit_watts = -1"), "schedule[0].limit_watts: expected a number from 0"),
    (CIRCUITS + hours('"07:00"', '"08:00"', "limit_amps = -1"), "schedule[0].limit_amps: expected a number from 0"),
    (
        '[[circuit]]\nname = "main"\nlimit_amps = -1\n' + hours('"07:00"', '"08:00"'),
        "circuit[0].limit_amps: expected a number from 0",
    ),
    ("load.fallbacks_may_become_zero = 1", "load.fallbacks_may_become_zero: expected true or false, got 1"),
    # stations
    ("[[station]]", "station[0].id: expected 1 to 48 printable characters, got nothing"),
    ('[[station]]\nid = " A"', 'station[0].id: expected 1 to 48 printable characters, got " A"'),
    (f'[[station]]\nid = "{"x" * 49}"', "station[0].id: expected 1 to 48 printable characters, got"),
    ('[[station]]\nid = "A"\n[[station]]\nid = "A"', 'station[1].id: expected an identity that is not taken, got "A"'),
    (
        '[[station]]\nid = "A"\naliases = ["x", "B"]\n[[station]]\nid = "B"',
        'station[0].aliases[1]: expected an identity that is not taken, got "B"',
    ),
    (
        '[[station]]\nid = "A:1"\npassword_file = "p"',
        'station[0].id: expected an identity without `:`, as it logs in with a password, got "A:1"',
    ),
    ('[[station]]\nid = "A"\nsecurity_profile = 1\naliases = ["A:1"]', "aliases[0]: expected an identity without `:`"),
    ('[[station]]\nid = "A"\nsecurity_profile = 4', "security_profile: expected a whole number from 0 to 3, got 4"),
    ('[[station]]\nid = "A"\nphase_rotation = "112"', 'station[0].phase_rotation: expected an order of "123", or'),
    ('[[station]]\nid = "A"\nphase_rotation = "12"', 'station[0].phase_rotation: expected an order of "123", or'),
    ('[[station]]\nid = "A"\nphase_rotation = 123', 'station[0].phase_rotation: expected an order of "123", or'),
    ('[[station]]\nid = "A"\nmin_amps = 33', "station[0].min_amps: expected at most max_amps (32), got 33"),
    ('[[station]]\nid = "A"\nfallback_amps = 33', "station[0].fallback_amps: expected at most max_amps (32), got 33"),
    ('[[station]]\nid = "A"\ncircuit = "x"', 'expected the name of a [[circuit]] (there is none), got "x"'),
    (ON_MAIN + "min_amps = 0", "station[0].min_amps: expected more than 0, got 0"),
    (ON_MAIN + "min_amps = 8", "station[0].fallback_amps: expected 0, or at least min_amps (8), got 6"),
    (ON_MAIN + "connectors = 0", "station[0].connectors: expected a whole number from 1 to 100, got 0"),
    (ON_MAIN + "weight = 0", "station[0].weight: expected a number from 0.01 to 100, got 0"),
    (ON_MAIN + 'load_mode = "E"', 'load_mode: expected one of "auto", "A", "B", "C", "D", got "E"'),
    (
        ON_MAIN + 'load_mode = "C"\nconnectors = 2',
        'load_mode: expected another than "C": one limit for the whole station serves one connector, got "C" with 2',
    ),
    ('[[station]]\nid = "A"\npassword_file = 5', "password_file: expected a path or `credential:NAME`, got 5"),
    ('[[station]]\nid = "A"\nenergy_scale = 0', "energy_scale: expected a whole number from 1 to 1000, got 0"),
    ('[[station]]\nid = "A"\nanswer_delay_ms = -1', "answer_delay_ms: expected a whole number from 0 to 10000, got -1"),
    ('[[station]]\nid = "A"\nutc_offset_minutes = 900', "utc_offset_minutes: expected a whole number from -840 to 840"),
    (f'[[station]]\nid = "A"\nremote_id_tag = "{"x" * 21}"', "remote_id_tag: expected 1 to 20 printable characters"),
    ('[[station]]\nid = "A"\naliases = "B"', 'station[0].aliases: expected a list, got "B"'),
]


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[expected[:60] for _, expected in WRONG])
def test_one_mistake_is_reported_once(tmp_path: Path, text: str, expected: str) -> None:
    (found,) = mistakes_in(tmp_path, text)
    assert found.startswith("gateway.toml: ")
    assert expected in found
    assert "hunter2" not in found


def test_a_cycle_of_circuits_is_reported_at_each_of_its_members(tmp_path: Path) -> None:
    text = "".join(
        f'[[circuit]]\nname = "{name}"\nparent = "{parent}"\nlimit_amps = 10\n' for name, parent in ("ab", "bc", "ca")
    )
    below = '[[circuit]]\nname = "d"\nparent = "a"\nlimit_amps = 10\n'
    assert [line.split(": expected")[0] for line in mistakes_in(tmp_path, text + below)] == [
        f"gateway.toml: circuit[{position}].parent" for position in range(3)
    ]


def test_of_two_circuits_with_one_name_only_the_name_is_reported(tmp_path: Path) -> None:
    (found,) = mistakes_in(tmp_path, CIRCUITS + CIRCUITS)
    assert "circuit[1].name: expected a name that no other one has" in found


def test_a_mistaken_name_does_not_make_its_references_mistakes(tmp_path: Path) -> None:
    text = '[[circuit]]\nname = 5\nlimit_amps = 5\n[[station]]\nid = "A"\ncircuit = "main"\n'
    (found,) = mistakes_in(tmp_path, text)
    assert "circuit[0].name" in found


def test_only_files_beside_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "shared.toml").write_text("[ocpp]\nport = 9001\nno_such_key = 1\n")
    with pytest.raises(ConfigurationMistakes) as told:
        load_configuration(tmp_path / "gateway.toml")
    assert [mistake.place.key for mistake in told.value.mistakes] == ["site.id", "ocpp.no_such_key"]
