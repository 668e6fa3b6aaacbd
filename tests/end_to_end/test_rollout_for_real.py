"""A site is updated for real: daemon, FTP process, and stations that load over sockets, each in its own way.

Then the same stations are asked for their diagnostics, and upload them by PUT, by a form and by FTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running_gateway import PROJECT, RunningGateway, free_ports, running_gateway, wait_until
from tests.fakes.fetching_station import (
    FetchingStation,
    load_active,
    load_as_http_10,
    load_in_ranges,
    load_passive,
    load_whole,
    post_form,
    put,
    stor,
)

pytestmark = pytest.mark.slow

IMAGE = random.Random(6).randbytes(300_000)
DIGEST = hashlib.sha256(IMAGE).hexdigest()
POLICY = {
    "canary": 1,
    "wave_share": 1.0,
    "min_connected_seconds": 0,
    "health_seconds": 1,
    "at_once": 5,
    "most_share_of_connectors": 1.0,
}


@contextmanager
def ftp_process(gateway: RunningGateway) -> Iterator[None]:
    """`ocpp-gateway-ftpd` beside the daemon."""
    with (gateway.directory / "ftpd.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.ftpd", "--config", str(gateway.configuration)],
            cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (gateway.directory / "ftpd.log").read_text()


def import_image(gateway: RunningGateway, version: str) -> str:
    """The image by a form, as a person's browser sends it."""
    mark = "x" * 30
    fields = {"vendor": "Maker", "models": "Post", "version": version}
    body = b"".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="post-{version}.bin"\r\n\r\n'
    body += head.encode() + IMAGE + f"\r\n--{mark}--\r\n".encode()
    request = urllib.request.Request(
        f"{gateway.web_url}/api/v1/firmware/images",
        method="POST",
        data=body,
        headers={
            "Authorization": f"Bearer {gateway.command('token', 'create', '--role', 'installer').split()[-1]}",
            "Content-Type": f"multipart/form-data; boundary={mark}",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status in (200, 201)
    (image,) = gateway.get("/firmware/images")["items"]  # type: ignore[misc]
    assert image["sha256"] == DIGEST
    return str(image["image_id"])


def stations_at(url: str) -> list[FetchingStation]:
    return [
        FetchingStation(url, "CP-1", "HTTP", load_whole, put),
        FetchingStation(url, "CP-2", "FTP,HTTP", load_in_ranges, post_form),
        FetchingStation(url, "CP-3", "HTTP,HTTPS", load_as_http_10, put),
        FetchingStation(url, "CP-4", "FTP", load_passive, stor),
        FetchingStation(url, "CP-5", "FTP", load_active, stor),
    ]


async def played(gateway: RunningGateway, stations: list[FetchingStation], image: str) -> dict[str, Any]:
    """The campaign until it is over, then the diagnostics of every station."""
    async with asyncio.TaskGroup() as group:
        lives = [group.create_task(station.live()) for station in stations]

        def all_told() -> bool:
            shown = [gateway.get(f"/stations/{station.identity}") for station in stations]
            return all(one["capabilities"]["file_transfer_protocols"] for one in shown)  # type: ignore[index]

        await asyncio.to_thread(wait_until, all_told, "the stations to say what they can")
        wishes = {"name": "spring", "image_id": image, "policy": POLICY}
        answer = await asyncio.to_thread(gateway.ask, "POST", "/firmware/campaigns", wishes)
        assert answer.status == 201, answer
        assert isinstance(answer.document, dict)
        path = f"/firmware/campaigns/{answer.document['campaign_id']}"

        def is_over() -> bool:
            return gateway.get(path)["state"] not in ("running", "waiting")

        await asyncio.to_thread(wait_until, is_over, "the end of the campaign", patience_seconds=90.0)
        told = await asyncio.to_thread(gateway.get, path)
        for station in stations:
            await asyncio.to_thread(gateway.call, station.identity, "GetDiagnostics", {})

        def all_there() -> bool:
            return len(gateway.get("/uploads")["items"]) == len(stations)  # type: ignore[arg-type]

        await asyncio.to_thread(wait_until, all_there, "the uploads")
        for life in lives:
            life.cancel()
    return told


def test_a_site_is_updated_and_tells_how_it_is(place: Path) -> None:
    (ftp_port,) = free_ports(1)
    tables = "".join(f'[[station]]\nid = "CP-{number}"\n' for number in range(1, 6))
    firmware = {"ftp_port": ftp_port}
    with running_gateway(place, firmware=firmware, more=tables) as gateway, ftp_process(gateway):
        stations = stations_at(gateway.ocpp_url)
        image = import_image(gateway, "2.0.0")
        told = asyncio.run(played(gateway, stations, image))
        assert told["state"] == "finished", told
        assert {one["station"]: one["state"] for one in told["stations"]} == {
            station.identity: "done" for station in stations
        }
        for station in stations:
            assert station.loaded == [IMAGE]
            assert station.asked.count("UpdateFirmware") == 1
        links = {one["station"]: one for one in gateway.get("/firmware/links")["items"] if one["kind"] == "image"}  # type: ignore[union-attr]
        assert {name: one["scheme"] for name, one in links.items()} == {
            "CP-1": "http", "CP-2": "http", "CP-3": "http", "CP-4": "ftp", "CP-5": "ftp"
        }  # fmt: skip
        for one in links.values():
            assert (one["sha256"], one["served_upto"]) == (DIGEST, len(IMAGE))
            assert one["complete_time"]
        assert links["CP-3"]["attempts"] >= 2, "its first try died"
        assert len(list((place / "data" / "firmware" / "blobs").rglob("?" * 64))) == 1
        for upload in gateway.get("/uploads")["items"]:  # type: ignore[union-attr]
            assert (upload["size"], upload["sha256"]) == (12, hashlib.sha256(b"all is well\n").hexdigest())
        assert os.listdir(place / "data" / "uploads" / "incoming") == []
