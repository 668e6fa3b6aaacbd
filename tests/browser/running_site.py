"""A charging site for tests of the page: a real daemon with load limits, a meter, stations at a test's command.

It decides what the site's configuration is, on which free ports, and how the daemon ends. What is on the page is not
known here.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.browser.yard import DRIVERS_SPEED, Yard, yard
from tests.end_to_end.running_gateway import RunningGateway, free_ports, wait_until

FUSE_AMPS = 40
BUILDING_AMPS = 14  # never more
_CODE = re.compile(r"\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}\b")


@dataclass
class Site:
    """`address`: the page's origin; `gateway`: the daemon, its API, its command line; `yard`: the stations."""

    gateway: RunningGateway
    yard: Yard
    stations: tuple[str, ...]
    meter_port: int = 0

    @property
    def address(self) -> str:
        """Where the page is, without a slash at the end."""
        return self.gateway.web_url

    @property
    def configuration(self) -> Path:
        """The daemon's configuration file."""
        return self.gateway.configuration

    def one_time_code(self) -> str:
        """The code by which the first person signs in, as the command line tells it."""
        told = self.gateway.command("user", "code", "--role", "installer")
        found = _CODE.search(told)
        assert found is not None, told
        return found[0]

    def wait_for_stations(self) -> None:
        """Both sides see every station connected and let in."""
        for name in self.stations:
            wait_until(lambda name=name: self._works(name), f"{name} to be let in")  # type: ignore[misc]

    def restart(self, *, gently: bool = True) -> None:
        """Stop the daemon (gently: by SIGTERM, else by SIGKILL) and start it on the same ports; until it is ready."""
        if gently:
            self.stop()
        else:
            self.gateway.kill()
        self.gateway.start()

    def stop(self) -> None:
        """Stop the daemon, which must end well; `gateway.start()` starts it again."""
        code = self.gateway.stop()
        assert code == 0, f"the daemon ended with {code}\n{self.gateway.log_text()[-8000:]}"

    def _works(self, station: str) -> bool:
        return self.yard.is_accepted(station) and self.gateway.is_connected(station)


@contextmanager
def short_directory() -> Iterator[Path]:
    """An empty directory with a short path, as a unix socket lives in it; it is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="gw-") as directory:
        yield Path(directory)


@contextmanager
def running_site(
    directory: Path,
    *,
    stations: int = 2,
    meter: bool = True,
    listed: bool = True,
    unknown_stations: str = "accept",
    unknown_tags: str = "accept",
    connectors: int = 1,
    name: str = "Harbour garage",
    fuse_amps: int = FUSE_AMPS,
    speed: float = DRIVERS_SPEED,
    more: str = "",
) -> Iterator[Site]:
    """A started daemon; the stations POST-1, POST-2, ... are switched on and, where they are let in, connected.

    `meter`: the site has a main fuse and a meter in front of it; `listed`: the configuration names the stations;
    `unknown_stations`, `unknown_tags`: the keys of [ocpp]; `name`: of the site; `speed`: of the stations; `more`:
    further TOML tables. Leaving the block stops the daemon, which must end well and must have logged nothing wrong.
    """
    stations_port, web_port, firmware_port, meter_port = free_ports(4)
    names = tuple(f"POST-{number}" for number in range(1, stations + 1))
    directory.mkdir(parents=True, exist_ok=True)
    gateway = RunningGateway(directory, stations_port=stations_port, web_port=web_port)
    text = _ports(directory, name, (stations_port, web_port, firmware_port))
    text += f'unknown_stations = "{unknown_stations}"\nunknown_tags = "{unknown_tags}"\n'
    text += fuse(meter_port, fuse_amps) if meter else ""
    text += "".join(station(each, connectors, meter) for each in names) if listed else ""
    gateway.configuration.write_text(text + more)
    with yard(gateway.ocpp_url, meter_port=meter_port if meter else None, speed=speed) as around:
        site = Site(gateway, around, names, meter_port)
        try:
            gateway.start()
            for each in names:
                around.switch_on(each, connectors=connectors)
            if listed or unknown_stations == "accept":
                site.wait_for_stations()
            yield site
            gateway.assert_unharmed()
        except BaseException:
            with suppress(AssertionError):
                gateway.stop()
            raise
        code = gateway.stop()
    assert code == 0, f"after SIGTERM the daemon ended with {code}\n{gateway.log_text()[-8000:]}"


@contextmanager
def fresh_site(directory: Path) -> Iterator[Site]:
    """A started daemon for which nobody has decided anything but its ports and its id: no station, no card, no fuse.

    A meter listens at `Site.meter_port`.
    """
    stations_port, web_port, firmware_port, meter_port = free_ports(4)
    directory.mkdir(parents=True, exist_ok=True)
    gateway = RunningGateway(directory, stations_port=stations_port, web_port=web_port)
    gateway.configuration.write_text(
        f'[site]\nid = "garage"\n[data]\ndirectory = {json.dumps(str(directory / "data"))}\n[log]\nlevel = "info"\n'
        f'[web]\nhost = "127.0.0.1"\nport = {web_port}\n[firmware]\nhost = "127.0.0.1"\nport = {firmware_port}\n'
        f'[ocpp]\nhost = "127.0.0.1"\nport = {stations_port}\n'
    )
    with yard(gateway.ocpp_url, meter_port=meter_port) as around:
        gateway.start()
        try:
            yield Site(gateway, around, (), meter_port)
            gateway.assert_unharmed()
        finally:
            code = gateway.stop()
    assert code == 0, f"after SIGTERM the daemon ended with {code}\n{gateway.log_text()[-8000:]}"


def _ports(directory: Path, name: str, ports: tuple[int, int, int]) -> str:
    """Ends inside the table [ocpp]."""
    return (
        f'[site]\nid = "harbour"\nname = {json.dumps(name)}\n'
        f"[data]\ndirectory = {json.dumps(str(directory / 'data'))}\n"
        '[log]\nlevel = "info"\n'
        f'[web]\nhost = "127.0.0.1"\nport = {ports[1]}\n'
        f'[firmware]\nhost = "127.0.0.1"\nport = {ports[2]}\n'
        f'[ocpp]\nhost = "127.0.0.1"\nport = {ports[0]}\n'
    )


def fuse(meter_port: int, fuse_amps: int = FUSE_AMPS) -> str:
    """TOML of the main circuit and its meter."""
    return (
        '[[meter]]\nname = "grid"\nmodel = "eastron_sdm630"\n'
        f'transport = {{ type = "tcp", host = "127.0.0.1", port = {meter_port} }}\n'
        f'[[circuit]]\nname = "main"\nlimit_amps = {fuse_amps}\nmeter = "grid"\n'
        f"background_worst_amps = {BUILDING_AMPS}\n"
        "[load]\nfallbacks_may_become_zero = true\n"
    )


def station(name: str, connectors: int = 1, fused: bool = True) -> str:
    """TOML of one station."""
    text = f'[[station]]\nid = "{name}"\nconnectors = {connectors}\n'
    return text + ('circuit = "main"\nphase_rotation = "123"\nmax_amps = 20\n' if fused else "")
