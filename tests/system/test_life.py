"""The package's life on a controller, from the installation to the purge, on booted Debian 12 and 13 without a network.

The tests of one release follow each other on one machine, as the months of a controller do. A car may be charging in
any of them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system import roots, variants
from tests.system.built import built
from tests.system.machine import Machine, booted
from tests.system.played_stations import stations

CONFIGURATION = """# written by hand, belongs to the site
[site]
id = "depot"
name = "Depot North"
[ocpp]
unknown_stations = "accept"
unknown_tags = "accept"
automatic_calls = true
[log]
level = "info"
frames = true
"""
FILE = "/etc/ocpp-gateway/gateway.toml"
DATA = "/var/lib/ocpp-gateway"
UNIT = "ocpp-gateway.service"
SPOILED = (variants.failing, variants.crashing, variants.picky, variants.dying, variants.broken)


@pytest.fixture(scope="module", params=roots.RELEASES)
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("life")
    deb = built("amd64")["amd64"]
    with booted(request.param, folder) as machine:
        packages = machine.tree / "root" / "packages"
        packages.mkdir()
        shutil.copy(deb, packages / "first.deb")
        for make in (variants.newer, variants.later, *SPOILED):
            shutil.copy(make(deb, folder), packages / f"{make.__name__}.deb")
            shutil.rmtree(next(folder.glob("tree-*")))
        yield machine


def install(machine: Machine, name: str, *options: str) -> str:
    return machine.run("apt-get", "install", "-y", *options, f"/root/packages/{name}.deb")


def gateway(machine: Machine, *words: str) -> str:
    return machine.run("ocpp-gateway", *words)


def document(machine: Machine, *words: str) -> Any:
    done = machine.attempt("ocpp-gateway", *words, "--json")
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def sessions(machine: Machine) -> dict[int, dict[str, Any]]:
    return {one["transaction_id"]: one for one in document(machine, "transactions")["items"]}


def attention(machine: Machine) -> str:
    """Everything that somebody should see to, in words."""
    return json.dumps(document(machine, "status")["health"])


def version(machine: Machine) -> str:
    return gateway(machine, "--version").split()[1]


def main_pid(machine: Machine) -> int:
    return int(machine.run("systemctl", "show", "--value", "--property=MainPID", UNIT))


def ready(machine: Machine) -> None:
    machine.wait_until(lambda: machine.succeeds("ocpp-gateway", "meters"), "the gateway to answer")


def user_version(machine: Machine, file: str = "gateway.db") -> int:
    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version').fetchone()[0])"
    return int(machine.run("python3", "-c", code, f"{DATA}/{file}"))


def test_it_installs_without_a_network_and_asks_nothing(machine: Machine) -> None:
    told = install(machine, "first")
    assert "Next step, as root: ocpp-gateway setup" in told
    assert re.search(r"enter this code for a new installer, good once, .*:\n(\w{4}-){2}\w{4}\n", told)
    assert machine.run("systemctl", "is-active", UNIT).strip() == "active"
    assert machine.run("systemctl", "is-enabled", UNIT).strip() == "enabled"
    assert not machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip()
    ready(machine)


def test_it_runs_unprivileged(machine: Machine) -> None:
    status = machine.run("cat", f"/proc/{main_pid(machine)}/status")
    user = machine.run("id", "-u", "ocpp-gateway").strip()
    assert re.search(rf"^Uid:\s+{user}\s+{user}\s", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert "dialout" in machine.run("systemctl", "show", "--property=SupplementaryGroups", UNIT)
    exposure = machine.run("systemd-analyze", "security", "--no-pager", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", exposure)
    assert found is not None and float(found[1]) <= 1.3, exposure


def test_its_group_gives_commands_and_nobody_else_has_any(machine: Machine) -> None:
    assert machine.run("stat", "--format=%a %U", DATA).split() == ["750", "ocpp-gateway"]
    assert not machine.succeeds("setpriv", "--reuid=nobody", "--clear-groups", "cat", f"{DATA}/gateway.db")
    as_nobody = ("setpriv", "--reuid=nobody", "--regid=nogroup")
    assert machine.succeeds(*as_nobody, "--groups=ocpp-gateway", "ocpp-gateway", "stations")
    assert not machine.succeeds(*as_nobody, "--clear-groups", "ocpp-gateway", "stations")


def test_it_tells_the_next_step(machine: Machine) -> None:
    assert "ocpp-gateway setup" in gateway(machine, "status")
    assert "ocpp-gateway setup" in machine.run("run-parts", "/etc/update-motd.d")


def test_a_file_makes_it_the_gateway_of_a_site(machine: Machine) -> None:
    (machine.tree / FILE[1:]).write_text(CONFIGURATION)
    machine.run("chown", "root:ocpp-gateway", FILE)
    machine.run("chmod", "640", FILE)
    machine.run("systemctl", "reload", UNIT)
    assert "depot Depot North" in gateway(machine, "status")
    assert "setup" not in attention(machine)


def test_a_wrong_file_changes_nothing(machine: Machine) -> None:
    before = main_pid(machine)
    (machine.tree / FILE[1:]).write_text(CONFIGURATION + "[ocpp.tls]\nportt = 1\n")
    assert not machine.succeeds("systemctl", "reload", UNIT)
    assert "ocpp.tls.portt" in machine.run("journalctl", "--unit", UNIT, "--no-pager")
    assert main_pid(machine) == before
    with stations(machine, "RELOAD-"):
        pass
    (machine.tree / FILE[1:]).write_text(CONFIGURATION)
    machine.run("systemctl", "reload", UNIT)


def test_a_secret_that_only_root_reads_reaches_the_daemon(machine: Machine) -> None:
    named = CONFIGURATION + '[[station]]\nid = "SECRET-1"\nsecurity_profile = 1\npassword_file = "credential:cp"\n'
    (machine.tree / FILE[1:]).write_text(named)
    machine.run("systemctl", "restart", UNIT)
    machine.wait_until(lambda: "of SECRET-1" in attention(machine), "the missing secret to be told")
    machine.run("sh", "-c", "umask 077; printf 0123456789abcdef >/etc/ocpp-gateway/credentials/cp")
    assert not machine.succeeds("setpriv", "--reuid=ocpp-gateway", "cat", "/etc/ocpp-gateway/credentials/cp")
    machine.run("systemctl", "restart", UNIT)
    ready(machine)
    assert "of SECRET-1" not in attention(machine)
    knock = ("import sys, http.client, base64; c = http.client.HTTPConnection('127.0.0.1', 9000); "
             "key = base64.b64encode(b'SECRET-1:' + sys.argv[1].encode()).decode(); "
             "c.request('GET', '/ocpp/SECRET-1', headers={'Connection': 'Upgrade', 'Upgrade': 'websocket', "
             "'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'MDEyMzQ1Njc4OWFiY2RlZg==', "
             "'Sec-WebSocket-Protocol': 'ocpp1.6', 'Authorization': 'Basic ' + key}); "
             "print(c.getresponse().status)")  # fmt: skip
    assert machine.run("python3", "-c", knock, "0123456789abcdef").strip() == "101"
    assert machine.run("python3", "-c", knock, "another password").strip() == "401"
    machine.run("rm", "/etc/ocpp-gateway/credentials/cp")
    (machine.tree / FILE[1:]).write_text(CONFIGURATION)
    machine.run("systemctl", "restart", UNIT)
    ready(machine)


def test_the_journal_has_fields(machine: Machine) -> None:
    with stations(machine, "FIELDS-"):
        lines = machine.run("journalctl", "--unit", UNIT, "--output=json", "STATION_ID=FIELDS-1", "--no-pager")
    records = [json.loads(line) for line in lines.splitlines()]
    assert records and all(record["SYSLOG_IDENTIFIER"] == "ocpp-gateway" for record in records)
    assert all(record["PRIORITY"] in "34567" for record in records)


def test_an_upgrade_while_a_car_charges(machine: Machine) -> None:
    schema = user_version(machine)
    with stations(machine, "UP-") as chargers:
        chargers.tell("start CARD")
        session = chargers.until("started")
        told = install(machine, "newer")
        assert "Next step" not in told and "enter this code" not in told
        chargers.until("connected", lambda many: many == 0)
        chargers.until("connected", lambda many: many == 1)
        assert version(machine) == "0.2.0"
        assert user_version(machine) == schema + 1
        assert user_version(machine, f"backups/before-migration-from-{schema}.db") == schema
        assert sessions(machine)[session]["open"]
        chargers.tell("stop 4500")
        chargers.until("stopped")
    assert sessions(machine)[session]["energy_wh"] == 3500
    assert machine.run("cat", FILE) == CONFIGURATION


@pytest.mark.parametrize("name", [make.__name__ for make in SPOILED])
def test_a_version_that_does_not_start_gives_way_by_itself(machine: Machine, name: str) -> None:
    prove(machine)
    schema = user_version(machine)
    before = set(sessions(machine))
    with stations(machine, f"{name}-") as chargers:
        chargers.tell("start CARD")
        session = chargers.until("started")
        install(machine, name)
        machine.wait_until(lambda: "was given up" in machine.attempt("ocpp-gateway", "status").stdout, "the way back")
        chargers.tell("stop 2000")
        chargers.until("stopped")
    journal = machine.run("journalctl", "--unit", UNIT, "--no-pager")
    assert ("the database is put back to" in journal) == (name in ("dying", "broken"))  # the journal keeps it
    assert user_version(machine) == schema
    assert sessions(machine)[session]["energy_wh"] == 1000
    assert set(sessions(machine)) == before | {session}
    install(machine, "newer", "--allow-downgrades")
    machine.wait_until(lambda: "given up" not in machine.attempt("ocpp-gateway", "status").stdout, "the good version")


def prove(machine: Machine) -> None:
    """Two minutes of good work, as if they were over."""
    file = machine.tree / DATA[1:] / "versions.json"
    file.write_text(json.dumps({"proven": version(machine)}))


def test_a_downgrade_with_the_kept_copy(machine: Machine) -> None:
    kept = sorted((machine.tree / DATA[1:] / "backups").glob("before-migration-from-*.db"))
    machine.run("systemctl", "mask", "--runtime", "--now", UNIT)
    install(machine, "first", "--allow-downgrades")
    assert version(machine) == "0.1.0"
    assert "schema version" in machine.attempt("ocpp-gateway", "run").stderr
    gateway(machine, "restore", f"{DATA}/backups/{kept[0].name}", "--yes")
    machine.run("systemctl", "unmask", "--runtime", UNIT)
    machine.run("systemctl", "start", UNIT)
    ready(machine)
    with stations(machine, "DOWN-") as chargers:
        chargers.tell("start CARD")
        chargers.until("started")
        chargers.tell("stop 1500")
        chargers.until("stopped")


def test_a_process_that_is_killed_comes_back(machine: Machine) -> None:
    with stations(machine, "KILL-") as chargers:
        before = main_pid(machine)
        machine.run("kill", "-KILL", str(before))
        chargers.until("connected", lambda many: many == 0)
        chargers.until("connected", lambda many: many == 1)
        assert main_pid(machine) != before


def test_the_watchdog_ends_a_process_that_does_nothing(machine: Machine) -> None:
    machine.run("mkdir", "-p", f"/run/systemd/system/{UNIT}.d")
    machine.run("tee", f"/run/systemd/system/{UNIT}.d/quick.conf", text="[Service]\nWatchdogSec=4\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)
    with stations(machine, "DOG-") as chargers:
        before = main_pid(machine)
        machine.run("kill", "-STOP", str(before))
        chargers.until("connected", lambda many: many == 0)
        chargers.until("connected", lambda many: many == 1)
        assert main_pid(machine) != before
    assert "Watchdog timeout" in machine.run("journalctl", "--unit", UNIT, "--no-pager")
    machine.run("rm", "-r", f"/run/systemd/system/{UNIT}.d")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", UNIT)


def test_it_stops_in_order_with_200_stations(machine: Machine) -> None:
    ready(machine)
    with stations(machine, "MANY-", 200) as chargers:
        chargers.tell("start CARD")
        chargers.until("started")
        machine.run("systemctl", "stop", UNIT)
        told = machine.run("systemctl", "show", "--property=Result,ExecMainStatus", UNIT)
        assert set(told.split()) == {"Result=success", "ExecMainStatus=0"}
        machine.run("systemctl", "start", UNIT)
        chargers.until("connected", lambda many: many == 200)


def test_a_repository_of_ones_own_upgrades_it_unattended(machine: Machine) -> None:
    script = """set -e
mkdir -p /srv/repository
cp /root/packages/newer.deb /srv/repository/
cd /srv/repository
apt-ftparchive packages . >Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin=site -o APT::FTPArchive::Release::Suite=stable release . >Release
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list.d/site.list
echo 'Unattended-Upgrade::Origins-Pattern { "origin=site"; };' >/etc/apt/apt.conf.d/99site
apt-get update
unattended-upgrade --verbose
"""
    told = machine.run("sh", "-c", script)
    assert version(machine) == "0.2.0", told
    assert machine.run("cat", FILE) == CONFIGURATION
    ready(machine)


def test_removing_keeps_the_data_and_purging_takes_it(machine: Machine) -> None:
    machine.run("apt-get", "remove", "-y", "ocpp-gateway")
    assert machine.succeeds("test", "-s", f"{DATA}/gateway.db")
    assert machine.run("cat", FILE) == CONFIGURATION
    for gone in ("/usr/lib/ocpp-gateway", "/usr/lib/ocpp-gateway.previous", "/usr/bin/ocpp-gateway"):
        assert not machine.succeeds("test", "-e", gone)
    machine.run("dpkg", "--purge", "ocpp-gateway")
    for gone in (DATA, "/etc/ocpp-gateway", "/etc/avahi/services/ocpp-gateway.service"):
        assert not machine.succeeds("test", "-e", gone)
    assert not machine.run("systemctl", "list-units", "--failed", "--plain", "--no-legend").strip()
