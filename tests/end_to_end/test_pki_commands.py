"""The certificate authority with a real daemon: made, used, renewed, the same after a restart, and by the files."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.running_gateway import PROJECT, RunningGateway, running_gateway
from tests.fakes.openssl_workshop import Workshop, blocks, public_key_of


def do(gateway: RunningGateway, *words: str) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *words, "--config", str(gateway.configuration)],
        cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_authority_of_a_site(place: Path, tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    with running_gateway(place) as gateway:
        gateway.put("/stations/CP-1", {})
        directory = gateway.directory / "data" / "pki"
        assert "no authority yet" in do(gateway, "pki")
        first = do(gateway, "pki", "authority")
        do(gateway, "pki", "station-certificate", "CP-1", "--folder", str(tmp_path))
        chain = (tmp_path / "CP-1.pem").read_text()
        assert stat.S_IMODE((tmp_path / "CP-1.key").stat().st_mode) == 0o600
        assert workshop.verifies(chain, trusting=first, purpose="sslclient")
        assert "generation 2" in do(gateway, "pki", "renew-authority", "--yes")
        second = do(gateway, "pki", "authority")
        assert second != first
        gateway.stop()

        assert do(gateway, "pki", "authority") == second  # by the files alone
        (listed,) = [json.loads(do(gateway, "pki", "list", "--json"))]
        assert listed["authority"]["generation"] == 2
        servers = blocks(do(gateway, "pki", "server-certificate", "gateway.example", "10.0.0.1"))
        assert workshop.verifies("".join(servers[:2]), trusting=first) and public_key_of(servers[0])
        assert {oct(stat.S_IMODE(file.stat().st_mode)) for file in directory.iterdir()} == {"0o600"}

        gateway.start()
        assert do(gateway, "pki", "authority") == second
        issued = json.loads(do(gateway, "pki", "list", "--json"))["issued"]
        assert [(one["station"], one["state"]) for one in issued] == [("CP-1", "handed_over")]
        assert "revoked; it was of CP-1" in do(gateway, "pki", "revoke", issued[0]["serial_number"])
        assert "nothing ends soon" in do(gateway, "pki", "show")
        bundle = tmp_path / "bundle.tar.gz"
        do(gateway, "support-bundle", str(bundle))
        secret = (tmp_path / "CP-1.key").read_text().split("\n")[1]
        unpacked = subprocess.run(["tar", "-xOzf", bundle], capture_output=True, check=True).stdout
        assert secret.encode() not in unpacked and b"PRIVATE KEY" not in unpacked
        assert secret not in gateway.log_text()
        gateway.assert_unharmed()
