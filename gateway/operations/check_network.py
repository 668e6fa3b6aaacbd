"""What keeps stations, fleet managers and this machine apart: `network-check` of the API, `doctor` of the command line.

It looks at what the machine tells of itself, and tries each broker once; all of it is over within five seconds. What
the facts mean is decided in `rules/network_findings`. Without the running gateway less can be known, and is said so.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable, Iterable

from gateway.configuration import Configuration, Upstream
from gateway.model.clocks import ClockQuality
from gateway.model.instants import Instant
from gateway.operations.certificate_files import Document, dates_in_files
from gateway.operations.machine_names import addresses_of_this_machine
from gateway.operations.machine_ports import default_routes, listening_ports
from gateway.operations.site import Site
from gateway.operations.watch_certificates import certificate_dates
from gateway.operations.watch_meters import judged
from gateway.rules.disk_pressure import Room
from gateway.rules.network_findings import Dated, Facts, Finding, MeterSeen, Peer, Port, findings

_RESOLVE_SECONDS = 2.0
_REACH_SECONDS = 2.5  # both together are less than five


async def network_check(site: Site) -> list[Document]:
    """Every finding of the running gateway, as documents."""
    configuration, quality = site.configuration, site.clock_quality()
    links = {name: (now.link is not None, now.trouble) for name, now in site.fleet.upstreams.items()}
    now_judged = [(meter.name, judged(site, meter)) for meter in configuration.meters]
    certificates, facts = await asyncio.gather(
        certificate_dates(site), _facts(configuration, runs=True, clock=lambda: quality)
    )
    peers = [
        peer if (link := links.get(peer.name)) is None else peer._replace(linked=link[0], link_trouble=link[1])
        for peer in facts.peers
    ]
    meters = [MeterSeen(name, one.trust, one.age_seconds, one.reason) for name, one in now_judged]
    facts = facts._replace(certificates=_dated(certificates), meters=meters, peers=peers)
    return [_document(finding) for finding in findings(facts)]


async def network_check_offline(
    configuration: Configuration, *, clock: Callable[[], ClockQuality | None], now: Instant
) -> list[Document]:
    """The same while no gateway runs: without links and meters, and of certificates those that are in files."""
    facts = await _facts(configuration, runs=False, clock=clock)
    certificates = await asyncio.to_thread(dates_in_files, configuration, now)
    meters = [MeterSeen(meter.name, None, None, None) for meter in configuration.meters]
    return [
        _document(finding) for finding in findings(facts._replace(certificates=_dated(certificates), meters=meters))
    ]


async def _facts(configuration: Configuration, *, runs: bool, clock: Callable[[], ClockQuality | None]) -> Facts:
    peers = await asyncio.gather(*(_peer(upstream) for upstream in configuration.upstreams))
    return await asyncio.to_thread(_of_machine, configuration, runs, clock, peers)


def _of_machine(
    configuration: Configuration, runs: bool, clock: Callable[[], ClockQuality | None], peers: list[Peer]
) -> Facts:
    try:
        addresses = addresses_of_this_machine()
    except OSError:
        addresses = []
    return Facts(
        runs=runs,
        addresses=addresses,
        listening=listening_ports(),
        ports=list(_ports(configuration)),
        routes=default_routes(),
        peers=peers,
        clock=clock(),
        certificates=(),
        room=_room(configuration),
        meters=(),
    )


def _ports(configuration: Configuration) -> Iterable[Port]:
    ocpp, firmware = configuration.ocpp, configuration.firmware
    yield Port("stations_port", ocpp.host, ocpp.port)
    if ocpp.tls is not None:
        yield Port("stations_tls_port", ocpp.host, ocpp.tls.port)
    yield Port("firmware_port", firmware.host, firmware.port)


def _room(configuration: Configuration) -> Room | None:
    directory = configuration.data.directory
    try:
        usage = shutil.disk_usage(directory)
        used = (directory / "gateway.db").stat().st_size if (directory / "gateway.db").exists() else 0
    except OSError:
        return None
    return Room(used_bytes=used, reusable_bytes=0, free_bytes=usage.free, disk_bytes=usage.total)


async def _peer(upstream: Upstream) -> Peer:
    """Its name resolved and its port tried once; whatever goes wrong is told in it."""
    port = upstream.port or 0  # filled in when the configuration is loaded
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await loop.getaddrinfo(upstream.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        trouble = _words(error, _RESOLVE_SECONDS)
        return Peer(upstream.name, upstream.host, port, None, None, trouble)
    addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    begun = loop.time()
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            _, writer = await asyncio.open_connection(upstream.host, port, happy_eyeballs_delay=0.25)
    except (OSError, TimeoutError) as error:
        return Peer(upstream.name, upstream.host, port, addresses, None, _words(error, _REACH_SECONDS))
    seconds = loop.time() - begun
    writer.transport.abort()
    return Peer(upstream.name, upstream.host, port, addresses, seconds)


def _words(error: OSError | UnicodeError | TimeoutError, seconds: float) -> str:
    if isinstance(error, TimeoutError) and not error.args:
        return f"no answer within {seconds:g} s"
    return str(getattr(error, "strerror", None) or error)


def _dated(documents: Iterable[Document]) -> list[Dated]:
    return [
        Dated(
            " ".join(str(part) for part in (one["name"], one["station"]) if part),
            days if isinstance(days := one["days_left"], int) else None,
            None if one["warning"] is None else str(one["warning"]),
        )
        for one in documents
    ]


def _document(finding: Finding) -> Document:
    return dict(finding._asdict())
