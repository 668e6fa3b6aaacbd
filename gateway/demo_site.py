"""The configuration of the demo's site: a fuse, a meter, the simulated stations, on ports that are free.

It decides what the site is like, and knows nothing of what happens there.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

from gateway.terminal.exits import negative

USUAL_STATIONS_PORT = 9000
USUAL_WEB_PORT = 8080
USUAL_METER_PORT = 5020
USUAL_FIRMWARE_PORT = 8088
USUAL_FTP_PORT = 2121

_CONFIGURATION = """\
# written by `ocpp-gateway demo`
[site]
id = "demo"
name = "Demo site"

[data]
directory = {directory}

[ocpp]
host = "0.0.0.0"
port = {stations_port}
unknown_stations = "accept"
unknown_tags = "accept"

[web]
host = "127.0.0.1"
port = {web_port}

[firmware]
host = "0.0.0.0"
port = {firmware_port}
ftp_port = {ftp_port}

[[meter]]
name = "grid"
model = "eastron_sdm630"
transport = {{ type = "tcp", host = "127.0.0.1", port = {meter_port} }}

# what the simulated stations share; a station that joins has no circuit, so it counts with the building
[[circuit]]
name = "main"
limit_amps = {fuse}
meter = "grid"
background_worst_amps = {building}

[load]
fallbacks_may_become_zero = true
"""
_STATION = """
[[station]]
id = "SIM-{number}"
circuit = "main"
connectors = {connectors}
phase_rotation = "{rotation}"
max_amps = {most}
"""
_UPSTREAM = """
[[upstream]]
name = "fleet"
host = {host}
port = {port}
tls = false
start_jitter_seconds = 0
"""
FUSE_AMPS = 40
BUILDING_AMPS = 14  # never more
OUTLET_AMPS = 20


def write_configuration(directory: Path, *, stations: int, broker: tuple[str, int] | None) -> Path:
    """Write the file and say where it is; raises Ending."""
    file = directory / "demo.toml"
    text = _CONFIGURATION.format(
        directory=json.dumps(str(directory)),
        stations_port=_port("0.0.0.0", USUAL_STATIONS_PORT),
        web_port=_port("127.0.0.1", USUAL_WEB_PORT),
        meter_port=_port("127.0.0.1", USUAL_METER_PORT),
        firmware_port=_port("0.0.0.0", USUAL_FIRMWARE_PORT),
        ftp_port=_port("0.0.0.0", USUAL_FTP_PORT),
        fuse=FUSE_AMPS,
        building=BUILDING_AMPS,
    )
    if broker is not None:
        host, port = broker
        text += _UPSTREAM.format(host=json.dumps(host), port=port)
    for number in range(1, stations + 1):
        text += _STATION.format(
            number=number, connectors=connectors_of(number), rotation=rotation_of(number), most=OUTLET_AMPS
        )
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise negative(f"cannot write {file}: {error.strerror}") from error
    return file


def _port(host: str, usual: int) -> int:
    """The usual port if it is free, else a free one, and it says so."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, usual))
            return usual
        except OSError:
            pass
    with socket.socket() as probe:
        probe.bind((host, 0))
        free: int = probe.getsockname()[1]
    print(f"port {usual} is taken on this machine: using {free}")
    return free


def connectors_of(number: int) -> int:
    """How many connectors a simulated station has."""
    return 2 if number % 2 == 0 else 1


def rotation_of(number: int) -> str:
    """Which supply phases feed it: in turn, so that cars on one phase do not meet on the same."""
    return ("123", "231", "312")[(number - 1) % 3]
