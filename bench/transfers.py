"""P13: what stations fetch. Bytes per second beside nginx, and what downloads do to the answers of other stations.

Both servers run on the same core and serve the same file, which is in the page cache, one after the other in turns; the
client is curl. The gateway is the real daemon: the image is imported and the links are made by its API.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load_generator import Load
from bench.measuring import GATEWAY, Bench, Unmeasurable, say
from bench.messages import MIX, meter_values
from bench.processes import Recipe, Server, ServerFailed, free_port, running
from bench.scenarios import PACED_SECONDS, PACED_STATIONS, UNTIL_CHARGING

_DOWNLOADS = 10
_STATION_RATE = "12M"  # bytes a second: what 100 Mbit/s Ethernet of a station carries
_TURNS = 5

_NGINX = """
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/errors;
events {{}}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
    }}
}}
"""


def downloads(bench: Bench) -> list[tuple[float, float]]:
    """(bytes/s of one download: gateway / nginx, p99 of an answer while ten stations download / quiet)."""
    values = []
    for _ in range(bench.rounds):
        with tempfile.TemporaryDirectory(prefix="transfers-", dir=bench.directory) as directory:
            image = Path(directory) / "EVSE_1.2.3.bin"
            _fill(image, (32 if bench.quick else 256) << 20)
            values.append(_round(bench, image))
    return values


def _round(bench: Bench, image: Path) -> tuple[float, float]:
    with (
        _nginx(bench, image) as baseline,
        bench.serving(GATEWAY) as server,
        bench.load_on(server, max(_DOWNLOADS, bench.stations(PACED_STATIONS))) as load,
    ):
        load.connect()
        load.closed_loop(MIX[:UNTIL_CHARGING])
        api = _Api.of(server)
        links = api.links(image, [station.name for station in load.stations[:_DOWNLOADS]])
        theirs, ours = [], []
        for _ in range(_TURNS):
            theirs.append(_bytes_per_second(baseline))
            ours.append(_bytes_per_second(links[0]))
        server.settle()
        quiet = _p99_seconds(bench, load)
        with _downloading(links):
            busy = _p99_seconds(bench, load)
    say(
        f"P13: nginx {median(theirs) / 1e6:.0f} MB/s, gateway {median(ours) / 1e6:.0f} MB/s; "
        f"p99 quiet {quiet * 1e3:.2f} ms, while {_DOWNLOADS} download {busy * 1e3:.2f} ms"
    )
    return median(ours) / median(theirs), busy / quiet


def _p99_seconds(bench: Bench, load: Load) -> float:
    seconds = 2.0 if bench.quick else 15.0
    return load.open_loop(meter_values, every_seconds=PACED_SECONDS, seconds=seconds).percentile(0.99)


@contextmanager
def _downloading(links: list[str]) -> Iterator[None]:
    """Each link is fetched at the rate of a station; who is done begins again."""
    loop = 'while :; do curl -sS -o /dev/null --limit-rate "$0" "$1" || exit 1; done'
    with tempfile.TemporaryFile() as errors:
        clients = [
            subprocess.Popen(["sh", "-c", loop, _STATION_RATE, link], stderr=errors, start_new_session=True)
            for link in links
        ]
        try:
            yield
            if any(client.poll() is not None for client in clients):
                errors.seek(0)
                raise ServerFailed(f"a download failed: {errors.read().decode()[-200:]}")
        finally:
            for client in clients:
                os.killpg(client.pid, 15)
                client.wait()


def _bytes_per_second(link: str) -> float:
    return float(_curl("-o", "/dev/null", "--fail", "--write-out", "%{speed_download}", link))


def _curl(*words: str) -> str:
    command = [_found("curl"), "-sS", "--retry", "8", "--retry-connrefused", *words]  # doors open one by one
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise ServerFailed(f"curl ended with {done.returncode}: {done.stderr.strip()} {done.stdout[-200:]}")
    return done.stdout


def _found(command: str) -> str:
    path = shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        raise Unmeasurable(f"{command} is not installed")
    return path


@contextmanager
def _nginx(bench: Bench, image: Path) -> Iterator[str]:
    """nginx with one worker; the address of the image."""
    directory, port = Path(tempfile.mkdtemp(prefix="nginx-", dir=bench.directory)), free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(_NGINX.format(directory=directory, port=port, root=image.parent))
    image.parent.chmod(0o755)
    command = (_found("nginx"), "-e", str(directory / "errors"), "-c", str(configuration))
    try:
        with running(Recipe("nginx", command, port, directory, {})):
            yield f"http://127.0.0.1:{port}/{image.name}"
    finally:
        shutil.rmtree(directory)


@dataclass(frozen=True, slots=True)
class _Api:
    """The daemon's own API, in the hands of an installer."""

    address: str
    token: str

    @staticmethod
    def of(server: Server) -> _Api:
        file = server.recipe.directory / "gateway.toml"
        ours = server.recipe.command[: server.recipe.command.index("run")]
        done = subprocess.run(
            [*ours, "token", "create", "--role", "installer", "--config", str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"no token: {done.stderr.strip()}")
        port = tomllib.loads(file.read_text())["web"]["port"]
        return _Api(f"http://127.0.0.1:{port}/api/v1", done.stdout.split()[-1])

    def links(self, image: Path, stations: list[str]) -> list[str]:
        """Import the image; an address for each station."""
        fields = {"file": f"@{image}", "vendor": "Bench", "models": "Any", "version": "1.2.3"}
        form = [word for name, value in fields.items() for word in ("-F", f"{name}={value}")]
        image_id = self._ask("/firmware/images", *form)["image_id"]
        path = f"/firmware/images/{image_id}/links"
        return [str(self._ask(path, "--json", json.dumps({"station": name}))["location"]) for name in stations]

    def _ask(self, path: str, *words: str) -> dict[str, object]:
        answer = _curl("--fail-with-body", "-H", f"Authorization: Bearer {self.token}", *words, self.address + path)
        document: dict[str, object] = json.loads(answer)
        return document


def _fill(file: Path, size: int) -> None:
    piece = os.urandom(1 << 20)
    with file.open("wb") as opened:
        for _ in range(size >> 20):
            opened.write(piece)
