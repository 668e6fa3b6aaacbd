"""The doors for firmware and uploads of a real daemon: HTTPS and FTPS by the site's authority, and a port in use."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running_gateway import RunningGateway, free_ports, running_gateway, wait_until
from tests.end_to_end.test_rollout_for_real import IMAGE, ftp_process, import_image

pytestmark = pytest.mark.slow

STATIONS = '[[station]]\nid = "CP-S"\ntransfer_scheme = "https"\n[[station]]\nid = "CP-F"\ntransfer_scheme = "ftps"\n'


def given(gateway: RunningGateway, station: str, image: str) -> str:
    answer = gateway.ask("POST", f"/firmware/images/{image}/links", {"station": station})
    assert answer.status == 201, answer
    assert isinstance(answer.document, dict)
    return str(answer.document["location"])


def health(gateway: RunningGateway) -> dict[str, Any]:
    """The components of /healthz, which answers 503 while one is unwell."""
    try:
        with urllib.request.urlopen(f"{gateway.web_url}/healthz", timeout=10) as answer:
            document = json.load(answer)
    except urllib.error.HTTPError as unwell:
        with unwell:
            document = json.load(unwell)
    found: dict[str, Any] = document["components"]
    return found


def curl(*words: str) -> bytes:
    return subprocess.run(["curl", "-sS", "--fail", "--noproxy", "*", *words], capture_output=True, check=True).stdout


def test_images_are_fetched_over_tls_with_the_certificates_of_the_site(place: Path) -> None:
    tls_port, https_port, ftp_port = free_ports(3)
    firmware = {"tls_port": https_port, "ftp_port": ftp_port, "public_url": "http://127.0.0.1:8088"}
    more = f'[ocpp.tls]\nport = {tls_port}\nnames = ["127.0.0.1"]\n{STATIONS}'
    with running_gateway(place, firmware=firmware, more=more) as gateway, ftp_process(gateway):
        image = import_image(gateway, "2.0.0")
        roots = place / "roots.pem"
        roots.write_text(gateway.command("pki", "authority"))
        address = given(gateway, "CP-S", image)
        assert address.startswith(f"https://127.0.0.1:{https_port}/f/")
        assert hashlib.sha256(curl("--cacert", str(roots), address)).digest() == hashlib.sha256(IMAGE).digest()
        address = given(gateway, "CP-F", image)
        assert address.startswith("ftps://")
        explicit = address.replace("ftps://", "ftp://")  # to curl, ftps:// is TLS from the first byte

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", ftp_port)) == 0

        wait_until(listens, "the FTP process")
        assert curl("--ssl-reqd", "--cacert", str(roots), explicit) == IMAGE

        def served() -> dict[str, int]:
            return {one["station"]: one["served_upto"] for one in gateway.get("/firmware/links")["items"]}  # type: ignore[union-attr]

        wait_until(lambda: served() == {"CP-S": len(IMAGE), "CP-F": len(IMAGE)}, "both to be noted as served")


def test_a_port_in_use_stops_nothing_else_and_is_tried_again(place: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    firmware = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    with taken, running_gateway(place, firmware=firmware, more='[[station]]\nid = "CP-1"\n') as gateway:
        wait_until(lambda: "cannot fetch or upload" in gateway.log_text(), "that the port is told")
        assert gateway.is_ready()
        wait_until(lambda: "Address already in use" in str(health(gateway)["firmware doors"]), "health to show it")
        assert health(gateway)["firmware"]["well"], "the images are whole, and must not hide it nor be hidden by it"
        image = import_image(gateway, "2.0.0")
        address = given(gateway, "CP-1", image)
        taken.close()

        def fetched() -> bool:
            words = ["curl", "-s", "--fail", "--noproxy", "*", "-o", "/dev/null", address]
            return subprocess.run(words, check=False).returncode == 0

        wait_until(fetched, "the door to open by itself", patience_seconds=60.0)
        assert health(gateway)["firmware doors"]["well"]
