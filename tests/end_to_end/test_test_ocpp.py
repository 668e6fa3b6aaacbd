"""The client `test-ocpp`: connects, boots, sends one heartbeat, and says by its exit code whether all went well."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.foreign_clients import boot_tester, run_to_end
from tests.end_to_end.running_gateway import running_gateway

PASSWORD = "a-password-of-20-ch."


def test_a_station_without_password_boots_and_beats(place: Path) -> None:
    with running_gateway(place) as gateway:
        gateway.put("/stations/PLAIN-1", {})
        done = run_to_end(boot_tester(gateway.ocpp_url, "PLAIN-1", "--vendor", "Vendor", "--model", "Model"))
        assert done.returncode == 0, done.stdout
        assert "Negotiated subprotocol: ocpp1.6\n" in done.stdout
        assert "BootNotification status: Accepted" in done.stdout
        slash = run_to_end(boot_tester(gateway.ocpp_url, "PLAIN-1", "--trailing-slash"))
        assert slash.returncode == 0, slash.stdout


def test_an_unknown_station_gets_404(place: Path) -> None:
    with running_gateway(place) as gateway:
        done = run_to_end(boot_tester(gateway.ocpp_url, "NOBODY"))
        assert done.returncode == 1 and "HTTP 404" in done.stdout, done.stdout


def test_basic_auth_lets_in_whom_the_password_names(place: Path) -> None:
    with running_gateway(place) as gateway:
        gateway.put("/stations/SECRET-1", {"password": PASSWORD, "security_profile": 1})

        def knock(*words: str) -> tuple[int, bool]:
            done = run_to_end(boot_tester(gateway.ocpp_url, "SECRET-1", *words))
            return done.returncode, "HTTP 401" in done.stdout

        assert knock("--password", PASSWORD) == (0, False)
        assert knock("--password", "a-password-of-20-ch!") == (1, True)
        assert knock() == (1, True)
        assert knock("--username", "SECRET-1") == (1, True)
        assert knock("--username", "OTHER", "--password", PASSWORD) == (1, True)
        assert PASSWORD not in gateway.log_text()


def test_another_version_of_ocpp_is_refused_before_the_upgrade(place: Path) -> None:
    with running_gateway(place) as gateway:
        gateway.put("/stations/NEW-1", {})
        done = run_to_end(boot_tester(gateway.ocpp_url, "NEW-1", "--ocpp", "2.0.1"))
        assert done.returncode == 1 and "HTTP 400" in done.stdout, done.stdout
