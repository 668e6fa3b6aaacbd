"""The command line against a stand-in API: arguments, exit codes, JSON output, tables, files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from tests.unit.terminal.fake_api import FakeApi, serving

STATION = {
    "id": "CP-1",
    "connected": True,
    "since": "2026-07-01T10:00:00.000Z",
    "admission": "accepted",
    "vendor": "Acme",
    "model": "X",
    "connectors": [
        {"connector": 0, "status": "Available", "error_code": "NoError"},
        {"connector": 1, "status": "Charging", "error_code": "NoError"},
        {"connector": 2, "status": "Faulted", "error_code": "GroundFailure"},
    ],
    "running_transactions": [{"transaction_id": 7, "connector": 1}],
    "quirks": [{"quirk": "naive_time", "times": 2}],
}
STATIONS = {"items": [STATION], "next": None, "knocked": []}
WELL = {"status": "well", "components": {"store": {"well": True, "reason": None}}}
EMPTY: dict[str, Any] = {"items": [], "next": None}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeApi]:
    with serving(tmp_path) as served:
        served.will_answer("GET /healthz", WELL)
        served.will_answer("GET /api/v1/stations", STATIONS)
        served.will_answer("GET /api/v1/transactions", EMPTY)
        served.will_answer("GET /api/v1/upstreams", EMPTY)
        yield served


def do(config: Path, *words: str) -> int:
    return main([*words, "--config", str(config)])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["fly"],
        ["call", "CP-1"],
        ["token", "create"],
        ["token", "create", "--role", "king"],
        ["transactions", "--limit", "0"],
        ["demo", "--speed", "-1"],
        ["stations", "--jso"],
        ["why"],
    ],
)
def test_what_makes_no_sense_ends_with_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_options_are_understood_before_and_after_the_command(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        ["--config", str(config), "--json", "stations"],
        ["stations", "--config", str(config), "--json"],
        ["--json", "stations", "--config", str(config)],
    ):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out) == STATIONS


def test_json_output_is_the_api_document(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/id-tags", {"items": [{"id_tag": "Ä"}], "next": None})
    for command, document in (
        ("transactions", EMPTY),
        ("stations", STATIONS),
        ("tags list", {"items": [{"id_tag": "Ä"}], "next": None}),
    ):
        assert do(config, *command.split(), "--json") == 0
        assert json.loads(capsys.readouterr().out) == document
    assert do(config, "status", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"health": WELL, "stations": STATIONS, "transactions": EMPTY, "upstreams": EMPTY}


def test_pages_are_followed_to_the_end(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/id-tags?limit=1000", {"items": [{"id_tag": "A"}], "next": "a b"})
    api.will_answer("GET /api/v1/id-tags?limit=1000&after=a+b", {"items": [{"id_tag": "B"}], "next": None})
    assert do(config, "tags", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"items": [{"id_tag": "A"}, {"id_tag": "B"}], "next": None}


def test_tables_show_the_sites_own_time(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(config, "stations") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "SINCE (Europe/Amsterdam)" in lines[0] and lines[0].endswith("SESSION")
    assert "2026-07-01 12:00:00" in lines[1] and lines[1].split()[-3:] == ["1", "Charging", "7"]
    assert lines[2].split() == ["2", "Faulted", "GroundFailure", "-"]


def test_transactions_show_kilowatt_hours(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = {
        "transaction_id": 7, "station": "CP-1", "connector": 1, "id_tag": "TAG",
        "start_time": "2026-01-01T00:00:00.000Z", "stop_time": "2026-01-01T01:00:00.000Z", "energy_wh": 7356,
        "reason": "Local", "open": False,
        "anomalies": ["clock_jump"],
    }  # fmt: skip
    api.will_answer("GET /api/v1/transactions", {"items": [session], "next": None})
    assert do(config, "transactions", "--station", "CP-1", "--note", "anna", "--open", "--from", "2026-01-01") == 0
    shown = capsys.readouterr().out
    assert "7.36" in shown
    assert "2026-01-01 01:00:00" in shown and "clock_jump" in shown
    assert api.lines()[-1] == "GET /api/v1/transactions?station=CP-1&note=anna&open=true&from=2026-01-01&limit=50"


def test_status_says_what_to_do_when_no_station_is_known(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    knock = {"station": "NEW\x1b[2J", "address": "10.0.0.9", "times": 3, "last_seen": "2026-01-01T00:00:00.000Z"}
    api.will_answer("GET /api/v1/stations", {"items": [], "next": None, "knocked": [knock]})
    assert do(config, "status") == 0
    shown = capsys.readouterr().out
    assert ":9000/ocpp/<station id>" in shown and "10.0.0.9" in shown
    assert "\x1b" not in shown, "a station's name must not steer the terminal"


def test_status_of_an_unwell_gateway_ends_with_1(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sick = {"status": "unwell", "components": {"store": {"well": False, "reason": "disk full"}}}
    api.will_answer("GET /healthz", sick, status=503)
    assert do(config, "status") == 1
    assert "store: disk full" in capsys.readouterr().out


def test_status_tells_what_should_be_seen_to_and_all_is_well(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = {"well": True, "reason": None, "notice": "one ends soon"}
    api.will_answer("GET /healthz", {"status": "well", "components": {"certificates ending": ending}})
    assert do(config, "status") == 0
    printed = capsys.readouterr().out
    assert "all is well" in printed and "attention, certificates ending: one ends soon" in printed


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (200, {"status": "answered", "response": {"status": "Rejected"}}, 0),
        (200, {"status": "call_error", "code": "NotSupported", "description": "no"}, 1),
        (504, {"status": "unanswered"}, 1),
        (409, {"status": "not_connected"}, 1),
        (409, {"status": "refused", "description": "pending"}, 1),
    ],
)
def test_the_outcome_of_a_call_decides_the_exit_code(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], status: int, outcome: dict[str, Any], code: int
) -> None:
    api.will_answer("POST /api/v1/stations/CP%201/commands/Reset", {"command_id": "x", **outcome}, status=status)
    payload = '{"type":  "Soft", "limit": 6.0}'
    assert do(config, "call", "CP 1", "Reset", payload) == code
    assert api.requests[-1][2] == payload.encode(), "the payload goes out verbatim"
    assert capsys.readouterr().out.strip()
    assert do(config, "call", "CP 1", "Reset", "--json") == code
    assert json.loads(capsys.readouterr().out) == {"command_id": "x", **outcome}
    assert api.requests[-1][2] == b"{}"


def test_a_call_reads_its_payload_from_standard_input(
    api: FakeApi, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.will_answer("POST /api/v1/stations/CP-1/commands/ClearCache", {"status": "answered", "response": {}})
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"a": 1}\n'))
    assert do(config, "call", "CP-1", "ClearCache", "-") == 0
    assert json.loads(api.requests[-1][2]) == {"a": 1}


def test_a_payload_that_is_no_object_is_a_mistake_in_usage(api: FakeApi, config: Path) -> None:
    for payload in ("{", "[1]", "nonsense"):
        assert do(config, "call", "CP-1", "Reset", payload) == 2
    assert api.requests == []


def test_an_unknown_station_is_a_no_in_the_gateways_words(
    api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(config, "call", "CP-1", "Reset") == 1
    assert capsys.readouterr().err == "ocpp-gateway: nothing\n"


def test_nobody_answering_ends_with_69_and_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["status"], ["stations"], ["call", "CP-1", "Reset"], ["tail"], ["tags", "remove", "X"]):
        assert do(config, *words) == 69
        told = capsys.readouterr()
        assert told.out == "" and told.err.count("\n") == 1 and "does not run" in told.err


def test_a_long_data_directory_is_reached_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import os

    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    config = tmp_path / "gateway.toml"
    config.write_text(f'[site]\nid = "s"\n[data]\ndirectory = "{deep}"\n')
    before = Path.cwd()
    os.chdir(deep)  # the server binds by a short name
    try:
        with serving(Path()) as api:
            api.will_answer("GET /api/v1/stations", STATIONS)
            assert do(config, "stations", "--json") == 0
    finally:
        os.chdir(before)
    assert json.loads(capsys.readouterr().out) == STATIONS


def test_a_gateway_elsewhere_is_asked_with_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("token for viewer, shown only now: ocppgw_secret\n")
    with serving(None) as api:
        api.will_answer("GET /api/v1/stations", STATIONS)
        url = f"http://127.0.0.1:{api.port}"
        assert main(["--url", url, "--token-file", str(token_file), "stations", "--json"]) == 0
        monkeypatch.setenv("OCPP_GATEWAY_URL", url + "/")
        monkeypatch.setenv("OCPP_GATEWAY_TOKEN", "ocppgw_other")
        assert main(["stations", "--json"]) == 0
        tokens = [headers["Authorization"] for _, headers, _ in api.requests]
        assert tokens == ["Bearer ocppgw_secret", "Bearer ocppgw_other"]
        for status in (401, 403):
            api.will_answer("GET /api/v1/stations", {"title": "no", "detail": "no"}, status=status)
            assert main(["stations"]) == 77
    capsys.readouterr()
    assert main(["stations"]) == 69, "nobody listens there any more"
    assert "nobody answers at http://127.0.0.1" in capsys.readouterr().err
    assert main(["--url", "gopher://x", "stations"]) == 2


def test_a_configuration_mistake_ends_with_78(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('[site]\nid = "s"\n[ocpp]\nprot = 9000\nhost = 5\n')
    for words in (["check-config"], ["run"], ["status"], ["token", "create", "--role", "viewer"]):
        assert do(config, *words) == 78
        told = capsys.readouterr().err
        assert "ocpp.prot" in told and "ocpp.host" in told, "every mistake at once"
    assert do(tmp_path / "absent.toml", "check-config") == 78


def test_check_config_tells_the_facts(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text() + "[ocpp]\nport = 0\n[web]\nport = 0\n[firmware]\nport = 0\n")
    assert do(config, "check-config") == 0
    assert "Europe/Amsterdam" in capsys.readouterr().out
    config.write_text(config.read_text() + '[[station]]\nid = "A"\npassword_file = "/nonexistent/secret"\n')
    assert do(config, "check-config") == 78
    assert "station[0].password_file: expected a readable file" in capsys.readouterr().err


def test_check_config_and_run_refuse_what_is_not_safe_without_the_gateway(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = "[ocpp]\nport = 0\n[web]\nport = 0\n[firmware]\nport = 0\n"
    circuit = '[[circuit]]\nname = "main"\nlimit_amps = 16\nbackground_worst_amps = 5\n'
    station = '[[station]]\nid = "{}"\ncircuit = "main"\n'
    safe = config.read_text() + ports + circuit + station.format("A")
    config.write_text(safe)
    assert do(config, "check-config") == 0
    assert "circuits: main\nwithout the gateway at most: main 11 of 16 A\n" in capsys.readouterr().out
    config.write_text(safe + station.format("B"))
    for command in ("check-config", "run"):
        assert do(config, command) == 78
        told = capsys.readouterr().err
        assert "station[1].fallback_amps: expected fallback_amps = 0 for B" in told
        assert "(main, each phase: 2 x 6 A + background 5 A = 17 A, limit 16 A;" in told
    config.write_text(safe + station.format("B") + "[load]\nfallbacks_may_become_zero = true\n")
    assert do(config, "check-config") == 0
    assert "load.fallbacks_may_become_zero: note: the fallback of B/1 counts as 0" in capsys.readouterr().err


def test_tokens_are_made_through_the_socket_or_without_a_daemon(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(config, "token", "create", "--role", "operator") == 0
    offline = capsys.readouterr().out.split()[-1]
    assert offline.startswith("ocppgw_") and (tmp_path / "gateway.db").exists()
    with serving(tmp_path) as api:
        api.will_answer("POST /api/v1/tokens", {"token": "ocppgw_x", "role": "viewer"}, status=201)
        assert do(config, "token", "create", "--role", "viewer", "--name", "Ann") == 0
        assert json.loads(api.requests[-1][2]) == {"role": "viewer", "name": "Ann"}
    assert capsys.readouterr().out.split()[-1] == "ocppgw_x"


def test_tags_are_set_removed_and_imported(
    api: FakeApi, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer("PUT /api/v1/id-tags/A%2FB", {"id_tag": "A/B", "status": "Blocked"})
    assert do(config, "tags", "set", "A/B", "--status", "Blocked", "--note", "lost") == 0
    assert json.loads(api.requests[-1][2]) == {"status": "Blocked", "note": "lost"}
    api.answers["DELETE /api/v1/id-tags/A%2FB"] = (204, "text/plain", b"")
    assert do(config, "tags", "remove", "A/B") == 0
    assert do(config, "tags", "remove", "unknown") == 1

    api.will_answer("POST /api/v1/id-tags/import", {"imported": 2, "refused": 0, "errors": []})
    for content, kind in (("id_tag\nA\nB\n", "text/csv"), ('[{"id_tag": "A"}]', "application/json")):
        file = tmp_path / "tags"
        file.write_text(content)
        assert do(config, "tags", "import", str(file)) == 0
        assert api.requests[-1][1]["Content-Type"] == kind
        assert "2 tags stored" in capsys.readouterr().out
    problem = {"title": "Unprocessable", "detail": "1 mistakes; nothing was imported"}
    mistake = {"line": 3, "field": "status", "detail": "expected Accepted"}
    api.will_answer("POST /api/v1/id-tags/import", {**problem, "errors": [mistake]}, status=422)
    assert do(config, "tags", "import", str(file)) == 1
    assert "line 3: status: expected Accepted" in capsys.readouterr().err
    partial = {"imported": 1, "refused": 1, "errors": [mistake]}
    api.will_answer("POST /api/v1/id-tags/import?partial=true", partial)
    assert do(config, "tags", "import", str(file), "--partial") == 1
    assert do(config, "tags", "import", str(tmp_path / "absent")) == 2


def test_tail_prints_a_line_per_event(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {
        "event_id": 5,
        "kind": "station.booted",
        "station": "CP-1",
        "time": "2026-07-01T10:00:00Z",
        "data": {"a": 1},
    }
    stream = f": hello\n\nid: 5\nevent: station.booted\ndata: {json.dumps(event)}\n\n".encode()
    api.will_answer("GET /api/v1/events/stream?after=4&station=CP-1", stream, kind="text/event-stream")
    assert do(config, "tail", "--after", "4", "--station", "CP-1", "--json") == 69, "the stream ended, not we"
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [event]
    assert do(config, "tail", "--after", "4", "--station", "CP-1") == 69
    assert capsys.readouterr().out == "5  2026-07-01 12:00:00  station.booted  CP-1  a=1\n"


def test_events_shows_the_newest(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as api:
        found = [{"event_id": number, "kind": "x"} for number in (35, 36, 37)]
        api.will_answer("GET /api/v1/events?last=3", {"items": found, "next": None})
        api.will_answer("GET /api/v1/events?last=3&station=CP-1", {"items": found[:1], "next": None})
        assert do(config, "events", "--limit", "3", "--station", "CP-1", "--json") == 0
        assert len(json.loads(capsys.readouterr().out)["items"]) == 1
        assert do(config, "events", "--limit", "1001") == 2
        assert "with --after" in capsys.readouterr().err
        assert do(config, "events", "--limit", "3", "--json") == 0
    assert [event["event_id"] for event in json.loads(capsys.readouterr().out)["items"]] == [35, 36, 37]


def test_a_backup_is_there_whole_or_not_at_all(
    api: FakeApi, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "copy.db"
    api.will_answer("GET /api/v1/backup", b"x" * 100_000, kind="application/vnd.sqlite3")
    assert do(config, "backup", str(target)) == 0
    assert target.read_bytes() == b"x" * 100_000 and target.stat().st_mode & 0o077 == 0
    api.will_answer("GET /api/v1/backup", {"detail": "disk full"}, status=503)
    assert do(config, "backup", str(target)) == 1
    assert target.stat().st_size == 100_000, "the older backup is untouched"
    assert do(config, "backup", "/nonexistent/copy.db") == 1
    assert not list(tmp_path.glob(".*.part"))


def test_restore_asks_first(api: FakeApi, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "copy.db"
    source.write_bytes(b"y" * 200_000)
    api.will_answer("POST /api/v1/restore", {"status": "restored", "epoch": "abcd"})
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert do(config, "restore", str(source)) == 2, "no terminal, nobody to ask"
    assert api.requests == []
    assert do(config, "restore", str(source), "--yes") == 0
    assert api.requests[-1][2] == b"y" * 200_000
    assert do(config, "restore", str(tmp_path / "absent"), "--yes") == 2


def test_the_support_bundle_holds_no_secret(api: FakeApi, config: Path, tmp_path: Path) -> None:
    event = {
        "event_id": 1, "kind": "command.finished",
        "data": {"request": {"key": "AuthorizationKey", "value": "SECRET-A"}, "id_tag": "SECRET-TAG",
                 "password": "SECRET-B"},
    }  # fmt: skip
    api.will_answer("GET /api/v1/events", EMPTY)
    api.will_answer("GET /api/v1/events?last=1000", {"items": [event], "next": None})
    session = {"transaction_id": 1, "id_tag": "SECRET-TAG"}
    api.will_answer("GET /api/v1/transactions", {"items": [session], "next": None})
    job = {"location": "ftp://u:SECRET-D@h/x", "detail": None}
    api.will_answer("GET /api/v1/jobs", {"items": [job], "next": None})
    api.will_answer("GET /api/v1/meters", EMPTY)
    api.will_answer("GET /api/v1/security-events", EMPTY)
    api.will_answer("GET /api/v1/site", {"circuits": []})
    api.will_answer("GET /api/v1/site/decisions", EMPTY)
    away = {"name": "fleet", "connected": False, "trouble": "mqtt://u:SECRET-E@broker does not answer"}
    api.will_answer("GET /api/v1/upstreams", {"items": [away], "next": None})
    line = {"line_id": 1, "text": "password=SECRET-F", "details": {"id_tag": "SECRET-TAG"}}
    api.will_answer("GET /api/v1/log", {"items": [line], "next": None})
    api.will_answer("GET /api/v1/network-check", EMPTY)
    api.will_answer("GET /metrics", b"ocpp_gateway_up 1\n", kind="text/plain")
    # not a key that exists, but what somebody may have written before reading the manual
    config.write_text(config.read_text() + '# password = "SECRET-C"\n')
    target = tmp_path / "bundle.tar.gz"
    assert do(config, "support-bundle", str(target)) == 0
    with tarfile.open(target) as archive:
        texts = {member.name.partition("/")[2]: archive.extractfile(member) for member in archive.getmembers()}
        contents = {name: file.read().decode() for name, file in texts.items() if file is not None}
    assert {
        "about.json",
        "status.json",
        "stations.json",
        "quirks.json",
        "events.json",
        "upstreams.json",
    } <= contents.keys()
    assert "configuration/gateway.toml" in contents and "missing.txt" not in contents
    for name, text in contents.items():
        assert "SECRET" not in text, name
    tags = {json.loads(contents["events.json"])["items"][0]["data"]["id_tag"]}
    tags.add(json.loads(contents["transactions.json"])["items"][0]["id_tag"])
    assert len(tags) == 1, "the same card has the same name throughout the bundle"


def test_the_support_bundle_is_made_without_a_daemon(config: Path, tmp_path: Path) -> None:
    target = tmp_path / "bundle.tar.gz"
    assert do(config, "support-bundle", str(target)) == 0
    with tarfile.open(target) as archive:
        missing = archive.extractfile("ocpp-gateway-support/missing.txt")
        assert missing is not None and b"does not run" in missing.read()


def test_nothing_heavy_is_loaded_for_light_commands(config: Path) -> None:
    program = (
        "import sys\nfrom gateway.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiohttp', 'msgspec', 'websockets', 'asyncio', 'aiosqlite', 'ocpp', 'argon2'} & sys.modules.keys()\n"
        "sys.stderr.write(f'loaded: {sorted(heavy)}')\n"
    )
    for words in (["--help"], ["check-config", "--config", str(config)], ["status", "--config", str(config)]):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=30)
        assert done.stderr.endswith("loaded: []"), done.stderr


def test_the_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "gateway", "--version"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and done.stdout.startswith("ocpp-gateway ")


ONE_STATION = {
    **STATION,
    "firmware_version": "1.4\n",
    "reboot_required": True,
    "capabilities": {"feature_profiles": ["Core", "SmartCharging"], "connectors": 2, "phase_switching": None,
                     "can_reserve_connector_zero": False, "unsupported": ["ClearCache"]},
    "settings_drift": [{"key": "HeartbeatInterval", "desired": "600", "reported": "300", "state": "refused"}],
    "configuration": [
        {"key": "HeartbeatInterval", "value": "300", "readonly": False, "reboot_required": True},
        {"key": "NumberOfConnectors", "value": "2", "readonly": True, "reboot_required": False},
    ],
}  # fmt: skip


def test_one_station_is_told_with_its_settings(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/stations/CP-1", ONE_STATION)
    assert do(config, "stations", "CP-1") == 0
    shown = capsys.readouterr().out
    assert "Type      Acme X, firmware 1.4?" in shown
    assert "feature profiles: Core, SmartCharging" in shown
    assert "can reserve connector zero: no" in shown
    assert "phase switching" not in shown
    assert "Cannot    unsupported: ClearCache" in shown
    assert "Reboot    needed" in shown
    assert "refused by the station" in shown
    assert "read-only" in shown
    assert do(config, "stations", "CP-1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == ONE_STATION


def test_a_station_that_told_nothing_yet_is_told_briefly(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer("GET /api/v1/stations/CP-9", {"id": "CP-9", "connected": False})
    assert do(config, "stations", "CP-9") == 0
    assert "State     away since -" in capsys.readouterr().out
    assert do(config, "stations", "NOBODY") == 1


def test_jobs_tell_how_far_they_are(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moment = "2026-07-01T10:00:00.000Z"
    running = {
        "job_id": 3, "station": "CP-1", "kind": "firmware", "command_id": None, "asked_time": moment,
        "status": "Downloading", "status_time": moment, "age_seconds": 7300, "result": None, "idle_time": moment,
        "version_before": "1.0", "version_after": "1.1", "detail": None,
    }  # fmt: skip
    done = {**running, "age_seconds": None, "result": "failed", "command_id": "c", "detail": "NotSupported"}
    api.will_answer("GET /api/v1/jobs", {"items": [running, done], "next": "2"})
    assert do(config, "jobs", "CP-1", "--kind", "firmware", "--open", "--limit", "2") == 0
    out = capsys.readouterr().out
    assert "running, heard 2 h ago" in out
    assert "version 1.0 -> 1.1; by the station itself; the station says that it is idle" in out
    assert "NotSupported; version" in out
    assert "--limit 4" in out
    assert "station=CP-1" in api.lines()[-1]
    assert do(config, "jobs", "--limit", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["items"] == [running, done]


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (60, "1 min"), (7199, "1 h"), (86_400, "1 d")])
def test_ages_of_jobs(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str], seconds: int, text: str) -> None:
    api.will_answer("GET /api/v1/jobs", {"items": [{"job_id": 1, "age_seconds": seconds}], "next": None})
    assert do(config, "jobs") == 0
    assert f"heard {text} ago" in capsys.readouterr().out


def test_security_events_are_listed(api: FakeApi, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {
        "source": "gateway", "station": None, "type": "InvalidTLSVersion", "critical": True, "times": 3,
        "tech_info": "TLS 1.0", "address": "192.0.2.7", "time": "2026-07-01T10:00:00.000Z",
        "recorded_time": "2026-07-01T10:00:00.000Z",
    }  # fmt: skip
    api.will_answer("GET /api/v1/security-events", {"items": [event], "next": None})
    assert do(config, "security-events", "--critical") == 0
    words = capsys.readouterr().out.splitlines()[-1].split()
    assert words[-7:] == ["gateway", "InvalidTLSVersion", "yes", "3", "TLS", "1.0;", "192.0.2.7"]
    assert "critical=true" in api.lines()[-1]
    assert do(config, "security-events", "--json") == 0


# local-list

LOCAL_LIST = {
    "station": "CP-1", "version": 7, "entries": 3, "wanted_entries": 3, "up_to_date": True, "supported": True,
    "last_status": "Accepted", "given_time": "2026-07-01T10:00:00.000Z", "retry_time": None, "highest_version": 9,
    "left_out": [f"T{number}" for number in range(30)], "left_out_count": 30,
    "left_alone": "LocalAuthListEnabled is false",
    "settings": {"LocalAuthListEnabled": "false", "LocalPreAuthorize": None},
}  # fmt: skip
LIST_SENT = {
    "station": "CP-1", "status": "Accepted", "version": 9, "update_type": "Differential", "left_out_count": 30,
    "requests": [
        {"update_type": "Differential", "version": 8, "entries": 1, "status": "Failed"},
        {"update_type": "Full", "version": 9, "entries": 3, "status": "Accepted"},
    ],
    "fell_back": "the station answered Failed", "warning": "no room",
}  # fmt: skip


def test_the_list_of_a_station_is_shown(config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.will_answer("GET /api/v1/stations/CP-1/local-list", LOCAL_LIST)
    assert do(config, "local-list", "CP-1") == 0
    shown = capsys.readouterr().out
    assert "version in the station: 7" in shown
    assert "2026-07-01 12:00:00 (Europe/Amsterdam)" in shown
    assert "LocalPreAuthorize:          -" in shown
    assert "gets no list by itself: LocalAuthListEnabled is false" in shown
    assert "no room for 30 tags: T0, T1" in shown
    assert shown.rstrip().endswith("T19, ...")
    quiet = {**LOCAL_LIST, "left_out": [], "left_out_count": 0, "left_alone": None}
    api.will_answer("GET /api/v1/stations/CP-1/local-list", quiet)
    assert do(config, "local-list", "CP-1") == 0
    assert "room" not in capsys.readouterr().out
    assert do(config, "local-list", "CP-1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == quiet


def test_a_list_is_sent_and_every_request_is_shown(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    api.will_answer("POST /api/v1/stations/CP-1/local-list", LIST_SENT)
    assert do(config, "local-list", "CP-1", "--differential") == 0
    assert json.loads(api.requests[-1][2]) == {"update_type": "Differential"}
    told = capsys.readouterr()
    assert "CP-1 holds version 9" in told.out
    assert "Failed" in told.out
    assert "Full instead: the station answered Failed" in told.err
    assert "warning: no room" in told.err
    assert do(config, "local-list", "CP-1", "--full", "--json") == 0
    assert json.loads(api.requests[-1][2]) == {"update_type": "Full"}
    assert json.loads(capsys.readouterr().out) == LIST_SENT


@pytest.mark.parametrize(
    ("http", "members", "words"),
    [
        (200, {"status": "NotSupported", "description": "-1"}, "CP-1: NotSupported -1"),
        (409, {"status": "not_connected"}, "CP-1 is not connected"),
        (504, {"status": "unanswered"}, "CP-1: unanswered"),
    ],
)
def test_a_list_that_is_not_accepted_ends_with_1(
    config: Path,
    api: FakeApi,
    capsys: pytest.CaptureFixture[str],
    http: int,
    members: dict[str, object],
    words: str,
) -> None:
    document = {"station": "CP-1", "version": None, "requests": [], **members}
    api.will_answer("POST /api/v1/stations/CP-1/local-list", document, status=http)
    assert do(config, "local-list", "CP-1", "--full") == 1
    assert capsys.readouterr().out.rstrip() == words


def test_a_list_for_nobody_and_a_list_of_both_kinds(
    config: Path, api: FakeApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(config, "local-list", "CP-1") == 1
    assert do(config, "local-list", "CP-1", "--full") == 1
    assert "nothing" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["local-list", "CP-1", "--full", "--differential"])
    assert ended.value.code == 2
