"""Firmware images by curl and by the command line, and a daemon that is killed while one arrives."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.running_gateway import RunningGateway, running_gateway, wait_until

pytestmark = pytest.mark.slow

SIZE = 30_000_000


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    directory = Path(tempfile.mkdtemp(prefix="gw-"))
    with running_gateway(directory / "s") as running:
        yield running
    shutil.rmtree(directory)


def stored(gateway: RunningGateway) -> list[Path]:
    """Every file of the store."""
    return [path for path in (gateway.directory / "data" / "firmware").rglob("*") if path.is_file()]


def arrived(gateway: RunningGateway) -> bool:
    """Some megabytes of a file have come."""
    with suppress(FileNotFoundError):
        return any(file.stat().st_size > 1_000_000 for file in stored(gateway))
    return False


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("stick") / "post-9.1.bin"
    file.write_bytes(os.urandom(SIZE))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest = {"vendor": "Vendor", "models": ["Model"], "version": "9.1", "sha256": sha256}
    file.with_name("post-9.1.bin.json").write_text(json.dumps(manifest))
    return file


def curl(gateway: RunningGateway, path: str, *options: str) -> subprocess.Popen[bytes]:
    """A request by curl."""
    place = ["--unix-socket", str(gateway.directory / "data" / "api.sock"), f"http://localhost/api/v1/firmware/{path}"]
    return subprocess.Popen(["curl", "-sS", *options, *place], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def form(image: Path) -> list[str]:
    """The options for a form with the file."""
    fields = [f"file=@{image}", "vendor=Vendor", "models=Model, Other", "version=9.1"]
    return [word for field in fields for word in ("-F", field)]


def test_curl_sends_a_form(gateway: RunningGateway, image: Path) -> None:
    with curl(gateway, "images", *form(image)) as sending:
        made = json.loads(sending.communicate()[0])
    assert made["sha256"] == hashlib.sha256(image.read_bytes()).hexdigest() and made["usable"]
    (file,) = stored(gateway)
    assert file.name == made["sha256"]
    gateway.command("firmware", "check")
    gateway.command("firmware", "withdraw", made["image_id"])
    wait_until(lambda: stored(gateway) == [], "its bytes to go")


def test_a_kill_in_the_middle_leaves_nothing(gateway: RunningGateway, image: Path) -> None:
    with curl(gateway, "images", "--limit-rate", "5M", *form(image)) as sending:
        wait_until(lambda: arrived(gateway), "bytes to arrive")
        gateway.kill()
        sending.kill()
    gateway.start()
    wait_until(lambda: stored(gateway) == [], "what was left to go")


def test_an_import_goes_on_after_a_kill(gateway: RunningGateway, image: Path) -> None:
    manifest = json.loads(image.with_name("post-9.1.bin.json").read_text())
    wish = {**manifest, "size": SIZE, "file_name": image.name}
    begun = gateway.ask("POST", "/firmware/imports", wish)
    assert begun.status == 201 and isinstance(begun.document, dict)
    path = f"imports/{begun.document['import_id']}?offset=0"
    with curl(gateway, path, "--limit-rate", "5M", "-T", str(image)) as sending:
        wait_until(lambda: arrived(gateway), "bytes to arrive")
        gateway.kill()
        sending.kill()
    gateway.start()
    found = gateway.get(f"/firmware/imports/{begun.document['import_id']}")
    assert isinstance(found["received"], int) and 1_000_000 < found["received"] < SIZE
    out = gateway.command("firmware", "import", str(image.parent))
    assert "Vendor Model 9.1: approved" in out
    (file,) = stored(gateway)
    assert file.read_bytes() == image.read_bytes()
