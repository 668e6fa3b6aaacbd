"""The real daemon beside a socket that plays systemd: start, watchdog, change of the configuration, orderly stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.running_gateway import RunningGateway, running_gateway
from tests.fakes.blocking_station import BlockingStation
from tests.fakes.service_manager import ServiceManager

pytestmark = pytest.mark.slow

STATION = '[[station]]\nid = "CP-1"\n'


@contextmanager
def _service(folder: Path, *, more: str = STATION) -> Iterator[tuple[RunningGateway, ServiceManager]]:
    with ServiceManager(folder, watchdog_seconds=1) as manager:
        with running_gateway(
            folder / "site", ocpp={"unknown_tags": "accept"}, more=more, environment=manager.environment
        ) as gateway:
            manager.wait_for_word("READY=1")
            yield gateway, manager
        manager.wait_for_word("STOPPING=1")


def _change(gateway: RunningGateway, old: str, new: str) -> None:
    text = gateway.configuration.read_text()
    assert old in text
    gateway.configuration.write_text(text.replace(old, new))


def _outcome(gateway: RunningGateway) -> tuple[int, str]:
    done = gateway.try_command("reload")
    return done.returncode, done.stdout + done.stderr


def test_from_the_start_to_the_end_systemd_is_told(tmp_path: Path) -> None:
    with _service(tmp_path) as (_, manager):
        fed = manager.wait_for(lambda told: told[0] == "WATCHDOG=1" and len(told) > 1)
        assert fed[1].startswith("STATUS=0 of 1 station connected, 0 sessions")
        manager.wait_for_word("WATCHDOG=1")
        assert not any("STOPPING=1" in told for told in manager.heard)


def test_the_configuration_is_read_again(tmp_path: Path) -> None:
    with _service(tmp_path) as (gateway, manager):
        assert _outcome(gateway) == (0, "the configuration has not changed\n")
        manager.wait_for_word("RELOADING=1")
        manager.wait_for_word("READY=1")

        _change(gateway, STATION, STATION + '[[station]]\nid = "CP-2"\n')
        assert _outcome(gateway) == (0, "the new configuration is in force\n")
        assert gateway.get("/stations/CP-2")["id"] == "CP-2"
        manager.wait_for_word("RELOADING=1")
        manager.wait_for_word("READY=1")
        assert gateway.get("/reload") == {"status": "serving", "taken": 2, "failed": None}

        good = gateway.configuration.read_text()
        _change(gateway, "level", "levell")
        code, told = _outcome(gateway)
        assert code == 78 and "log.levell: expected a known key" in told
        assert gateway.ask("POST", "/reload").status == 422
        health = gateway.command("status")
        assert "attention, configuration: its files hold mistakes" in health
        gateway.configuration.write_text(good)
        assert gateway.ask("POST", "/reload").status == 200
        assert "attention, configuration" not in gateway.command("status")
        gateway.log.write_text("")  # its mistakes were told there, as they should be


def test_sighup_reads_it_again_and_stations_come_back(tmp_path: Path) -> None:
    with _service(tmp_path) as (gateway, manager):
        with BlockingStation(gateway.ocpp_url, "CP-1") as station:
            transaction = station.start_charging()
            _change(gateway, 'id = "foreign-stations"', 'id = "another"')
            gateway.hang_up()
            station.wait_until_hung_up()
        manager.wait_for_word("RELOADING=1")
        manager.wait_for_word("READY=1")
        with BlockingStation(gateway.ocpp_url, "CP-1") as station:
            station.stop_charging(transaction)
        known = gateway.transactions("CP-1")
        assert [(one["transaction_id"], one["open"]) for one in known] == [(transaction, False)]


def test_the_level_of_the_log_is_set_anew(tmp_path: Path) -> None:
    with _service(tmp_path) as (gateway, _):
        _change(gateway, 'level = "info"', 'level = "warning"')
        assert _outcome(gateway)[0] == 0
        before, _, after = gateway.log_text().partition("the gateway begins anew")
        assert " info " in before and " info gateway.daemon stations" not in after


def test_a_stop_with_200_stations_takes_no_longer_than_the_unit_allows(tmp_path: Path) -> None:
    stations = [f"CP-{number}" for number in range(200)]
    more = "".join(f'[[station]]\nid = "{one}"\n' for one in stations)
    with _service(tmp_path, more=more) as (gateway, _):
        connected = [BlockingStation(gateway.ocpp_url, one) for one in stations]
        try:
            charging = {one.identity: one.start_charging() for one in connected[:100]}
            for one in connected[100:]:  # their last word is answered, or it comes again: it is never half known
                one.send_start()
            began = time.monotonic()
            assert gateway.stop() == 0
            took = time.monotonic() - began
        finally:
            for one in connected:
                one.close()
        gateway.start()
        for identity, transaction in charging.items():
            assert [one["transaction_id"] for one in gateway.transactions(identity)] == [transaction]
    assert took < 10, f"{took:.1f} s, and the unit allows 30"
