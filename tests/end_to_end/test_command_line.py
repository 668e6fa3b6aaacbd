"""The command line and a real daemon: every command once, with the daemon running, and those that work without it."""

from __future__ import annotations

import json
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.end_to_end.running_gateway import PROJECT, RunningGateway, free_ports, running_gateway


def do(gateway: RunningGateway, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--config", str(gateway.configuration)],
        cwd=PROJECT, input=stdin, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def document(gateway: RunningGateway, *words: str) -> Any:
    done = do(gateway, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_day_of_an_operator(place: Path) -> None:
    with running_gateway(place) as gateway:
        empty = do(gateway, "status")
        assert empty.returncode == 0 and "No station is known yet" in empty.stdout

        tags = "id_tag;status;note\nA1;Accepted;Ann\nB2;Blocked;lost\n"
        assert do(gateway, "tags", "import", "-", stdin=tags).returncode == 0
        assert do(gateway, "tags", "set", "C3", "--note", "Cy").returncode == 0
        assert do(gateway, "tags", "remove", "B2").returncode == 0
        assert {tag["id_tag"] for tag in document(gateway, "tags", "list")["items"]} == {"A1", "C3"}
        wrong = do(gateway, "tags", "import", "-", stdin="id_tag;status\nD4;Maybe\n")
        assert wrong.returncode == 1 and "line 2" in wrong.stderr

        gateway.put("/stations/CP-1", {})
        assert document(gateway, "stations")["items"][0]["id"] == "CP-1"
        away = do(gateway, "call", "CP-1", "Reset", '{"type": "Soft"}')
        assert away.returncode == 1 and "not connected" in away.stdout
        assert do(gateway, "call", "CP-1", "MakeCoffee").returncode == 1
        kinds = [event["kind"] for event in document(gateway, "events")["items"]]
        assert "gateway.started" in kinds and "id_tag.changed" in kinds
        assert document(gateway, "status")["health"]["status"] == "well"
        assert document(gateway, "transactions") == {"items": [], "next": None}
        assert do(gateway, "check-config").returncode == 0, "its own ports are rightly taken"


def test_tail_shows_what_happens_now(place: Path) -> None:
    with running_gateway(place) as gateway:
        words = [sys.executable, "-m", "gateway", "tail", "--json", "--config", str(gateway.configuration)]
        tail = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert tail.stdout is not None
            # whichever of these comes first after the stream is open is shown
            number = 0
            while not _readable(tail):
                number += 1
                gateway.put(f"/id-tags/T{number}", {})
            event = json.loads(tail.stdout.readline())
            assert event["kind"] == "id_tag.changed"
        finally:
            tail.send_signal(signal.SIGINT)
            _, errors = tail.communicate(timeout=20)
        assert tail.returncode == 130 and errors == ""


def test_tokens_work_elsewhere_in_their_role(place: Path) -> None:
    with running_gateway(place) as gateway:
        token = do(gateway, "token", "create", "--role", "viewer", "--name", "Ann").stdout.split()[-1]
        file = place / "token"
        file.write_text(token)

        def elsewhere(*words: str) -> subprocess.CompletedProcess[str]:
            reach = ["--url", gateway.web_url, "--token-file", str(file)]
            command = [sys.executable, "-m", "gateway", *reach, *words]
            return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)

        assert elsewhere("status").returncode == 0
        assert elsewhere("tags", "set", "X").returncode == 77
        file.write_text("ocppgw_wrong")
        assert elsewhere("stations").returncode == 77


def test_backup_and_restore_with_the_daemon_and_without_it(place: Path) -> None:
    with running_gateway(place) as gateway:
        assert do(gateway, "tags", "set", "BEFORE").returncode == 0
        copy = place / "copy.db"
        assert do(gateway, "backup", str(copy)).returncode == 0
        assert do(gateway, "tags", "set", "AFTER").returncode == 0
        refused = do(gateway, "restore", str(gateway.configuration), "--yes")
        assert refused.returncode == 1 and "nothing was changed" in refused.stderr
        assert do(gateway, "restore", str(copy), "--yes").returncode == 0
        assert [tag["id_tag"] for tag in document(gateway, "tags", "list")["items"]] == ["BEFORE"]
        assert do(gateway, "tags", "set", "LATER").returncode == 0

        assert gateway.stop() == 0
        assert do(gateway, "status").returncode == 69
        second = place / "second.db"
        assert do(gateway, "backup", str(second)).returncode == 0
        assert do(gateway, "restore", str(copy), "--yes").returncode == 0
        made = do(gateway, "token", "create", "--role", "viewer")
        assert made.returncode == 0, made.stderr

        gateway.start()
        assert [tag["id_tag"] for tag in document(gateway, "tags", "list")["items"]] == ["BEFORE"]
    connection = sqlite3.connect(second)
    try:
        tags = {row[0] for row in connection.execute("SELECT id_tag FROM id_tags")}
    finally:
        connection.close()
    assert tags == {"BEFORE", "LATER"}


def test_a_second_daemon_on_the_same_data_is_refused(place: Path) -> None:
    with running_gateway(place) as gateway:
        second = do(gateway, "run")
        assert second.returncode == 1
        assert "another gateway is running" in second.stderr and "Traceback" not in second.stderr


def test_the_support_bundle_of_a_real_daemon_holds_no_secret(place: Path) -> None:
    with running_gateway(place) as gateway:
        gateway.put("/stations/CP-1", {"password": "HUSH-HUSH-HUSH-16"})
        request = json.dumps({"key": "AuthorizationKey", "value": "4855534855534855"})
        assert do(gateway, "call", "CP-1", "ChangeConfiguration", request).returncode == 1
        token = do(gateway, "token", "create", "--role", "viewer").stdout.split()[-1]
        target = place / "bundle.tar.gz"
        made = do(gateway, "support-bundle", str(target))
        assert made.returncode == 0, made.stderr
        with tarfile.open(target) as archive:
            files = [archive.extractfile(member) for member in archive.getmembers()]
            text = "\n".join(file.read().decode() for file in files if file is not None)
        assert '"CP-1"' in text and "missing.txt" not in made.stdout
        for secret in ("HUSH", "4855534855534855", token):
            assert secret not in text
            assert secret not in gateway.log_text()


def test_the_demo_bills_what_its_stations_believe(place: Path) -> None:
    words = ["demo", "--stations", "2", "--speed", "900", "--data", str(place), "--seconds", "60"]
    command = [sys.executable, "-u", "-m", "gateway", *words]
    with (place / "errors").open("w") as errors:
        demo = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=errors, text=True)
    shown: list[str] = []
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            shown.append(line)
            if " ends, " in line:
                break
        command = [sys.executable, "-m", "gateway", "status", "--config", str(place / "demo.toml")]
        status = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False)
        assert status.returncode == 0 and "SIM-2" in status.stdout, status.stdout + status.stderr
        meters = subprocess.run(
            [sys.executable, "-m", "gateway", "meters", "--json", "--config", str(place / "demo.toml")],
            cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        (grid,) = json.loads(meters.stdout)["items"]
        assert meters.returncode == 0 and grid["trust"] == "fresh" and min(grid["amps"]) > 0, grid
        second = subprocess.run(
            [sys.executable, "-m", "gateway", "demo", "--data", str(place)],
            cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert second.returncode == 1
        assert second.stderr == f"ocpp-gateway: another gateway is running on {place}\n"
    finally:
        demo.send_signal(signal.SIGINT)
        with demo.stdout:
            shown += demo.stdout.readlines()
        demo.wait(timeout=30)
    text = "".join(shown)
    errors_shown = (place / "errors").read_text().splitlines()
    assert demo.returncode == 0 and all("tell_load load limits: " in line for line in errors_shown), errors_shown
    assert re.search(r"FTP for stations +ftp://[\d.]+:\d+ ", text)
    assert re.search(r"site meter +127.0.0.1:\d+ \(Modbus TCP", text)
    assert re.search(r"ws://[\d.]+:\d+/ocpp/<any id>", text) and "openapi.json" in text
    billed = re.search(r"billed: (\d+ sessions, [\d.]+ kWh)", text)
    believed = re.search(r"own count: (\d+ sessions, [\d.]+ kWh)", text)
    assert billed and believed and billed[1] == believed[1], text


def test_the_demo_takes_other_ports_and_says_so(place: Path) -> None:
    (taken,) = free_ports(1)
    program = (
        "import sys, gateway.demo_site as demo_site\n"
        f"demo_site.USUAL_STATIONS_PORT = {taken}\n"
        "from gateway.__main__ import main\n"
        "sys.exit(main(['demo', '--stations', '0', '--seconds', '0.1']))\n"
    )
    with socket.create_server(("0.0.0.0", taken)):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"port {taken} is taken" in done.stdout and f":{taken}/ocpp" not in done.stdout


def test_the_command_line_starts_quickly(place: Path) -> None:
    config = place / "gateway.toml"
    config.write_text(f'[site]\nid = "s"\n[data]\ndirectory = "{place}"\n')
    for words in (["--help"], ["status", "--config", str(config)]):
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "gateway", *words], cwd=PROJECT, capture_output=True, check=False)
            took.append(time.perf_counter() - begun)
        assert min(took) < 1.0, took


def _readable(process: subprocess.Popen[str]) -> bool:
    return bool(select.select([process.stdout], [], [], 0.05)[0])
