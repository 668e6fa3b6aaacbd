"""/metrics: Prometheus text. Base units, no idTags or transaction ids as labels, quirks and stations as the only names.

Counters begin at 0 when the gateway starts; what only the store knows is read for each scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import get_args

from aiohttp import web

from gateway.model.identities import StationId
from gateway.model.instants import SECOND
from gateway.model.load_decision import AlarmKind
from gateway.operations.describe_stations import count_stations
from gateway.operations.describe_upstreams import UpstreamState, upstream_states
from gateway.operations.site import Site
from gateway.operations.watch_certificates import expiry_seconds
from gateway.operations.watch_meters import judged
from gateway.store import reports_reservations, reports_uploads
from gateway.store.reports_campaigns import count_by_state
from gateway.store.reports_totals import totals
from gateway.web.routes import SITE, Route

_PREFIX = "ocpp_gateway_"
_TYPE = "text/plain; version=0.0.4; charset=utf-8"

HELP = {
    "build_info": "Version of the program.",
    "stations": "Known stations by state of their connection.",
    "station_up": "1 while the station is connected.",
    "knocks": "Identities that connected without being known.",
    "transactions_open": "Transactions that run now.",
    "reservations": "Reservations by what is known of them: in force, or uncertain because the station did not answer.",
    "journal_sequence": "Newest number of each journal stream.",
    "store_failed": "1 while the newest write could not be stored.",
    "clock_synchronised": "1 while a time service keeps the machine's clock.",
    "clock_error_seconds": "The most that the machine's clock may be wrong by; while it was never set, nobody knows.",
    "disk_pressure": "0 to 3: nothing, meter values thinned, not recorded any more, and events of operation neither.",
    "disk_budget_bytes": "What the database may fill of the disk.",
    "database_bytes": "What the database fills, without what is free inside it.",
    "journal_dropped_total": "Events deleted or left out before every upstream had them, by stream and reason.",
    "component_up": "1 while the component is well.",
    "certificate_expiry_timestamp_seconds": "When a certificate ends, in seconds since 1970.",
    "ocpp_messages_total": "OCPP messages since the start, by action, direction and result.",
    "transactions_total": "Transactions since the start, by what became of them.",
    "energy_delivered_watthours_total": "Energy of the transactions that ended since the start.",
    "station_jobs_total": "Firmware, diagnostics and log jobs that ended since the start, by kind and result.",
    "campaign_stations": "Stations of firmware rollouts that are not over, by how far their update is.",
    "security_events_total": "Security events since the start, by who saw them and whether they are critical.",
    "uploads_total": "Files that stations uploaded since the start, by what became of them.",
    "uploads_forwarded_total": "Uploads that were forwarded to a fleet manager since the start, or given up.",
    "uploads_files": "Files of stations that are kept.",
    "uploads_bytes": "What these files fill of the disk.",
    "upstream_connected": "1 while the link to the fleet manager's broker works.",
    "upstream_backlog_events": "Events of a stream that the fleet manager has not acknowledged.",
    "upstream_acked_sequence": "Up to where the fleet manager has a stream; falls with a new epoch.",
    "upstream_oldest_unacknowledged_seconds": "Age of the oldest event of a stream that is not acknowledged.",
    "upstream_events_sent_total": "Events sent to a fleet manager since the start, repeats included.",
    "upstream_rewinds_total": "How often sending went back to what was not acknowledged since the start.",
    "upstream_messages_received_total": "Messages from a fleet manager since the start, by what they were.",
    "fleet_commands_total": "Commands of fleet managers since the start, by what became of them.",
    "quirks_total": "Repairs of what stations said since the start, by quirk.",
    "automatic_faults_total": "Faults in what the gateway asks of stations by itself since the start, by what it was.",
    "draw_faults_total": "Faults of the gateway in reading what cars draw since the start.",
    "connections_refused_total": "Connections of stations refused since the start, by reason.",
    "logins_refused_total": "Logins of people refused since the start: a wrong password, name or code.",
    "meter_reading_age_seconds": "Age of the newest reading of each site meter.",
    "meter_trusted": "1 while the newest reading of the site meter may be believed.",
    "meter_reads_total": "Readings of each site meter since the start.",
    "meter_errors_total": "Failed tries to read each site meter since the start, by what went wrong.",
    "load_limit_amps": "What a circuit may carry now, by phase.",
    "load_measured_amps": "What the meter of a circuit shows, by phase.",
    "load_allotted_amps": "The most that all connectors of a circuit can draw now, by phase.",
    "load_headroom_amps": "What is left of a circuit's limit beside that and other loads; below 0: too much.",
    "load_degraded": "1 while the limits of a circuit are kept without its meter.",
    "load_alarms": "Alarms of load limits that are there now, by kind.",
    "load_ticks_above_limit_total": "Seconds since the start in which the worst case of a circuit was above its limit.",
    "load_limits_sent_total": "Limits decided on for connectors since the start, by kind.",
    "web_errors_total": "Requests to the API that failed by an error of the gateway since the start.",
}

Sample = tuple[str, Mapping[str, str], float]


async def get_metrics(request: web.Request) -> web.StreamResponse:
    """All numbers, by name."""
    text = await metrics_text(request.app[SITE])
    return web.Response(body=text.encode(), headers={"Content-Type": _TYPE})


async def metrics_text(site: Site) -> str:
    """All numbers as a measuring program reads them."""
    names, strangers = await count_stations(site)
    numbers = await totals(site.readers)
    reserved, perhaps_reserved = await reports_reservations.count(site.readers, site.wall_clock())
    here = site.connected.all()
    clock = site.clock_quality()
    connected = {name for name in names if StationId(name) in here}
    gauges: list[Sample] = [
        ("build_info", {"version": _version()}, 1),
        ("stations", {"state": "connected"}, len(connected)),
        ("stations", {"state": "disconnected"}, len(names) - len(connected)),
        ("stations", {"state": "unknown"}, strangers),
        *(("station_up", {"station": name}, name in connected) for name in names),
        ("knocks", {}, numbers.knocks),
        ("transactions_open", {}, numbers.open_transactions),
        ("reservations", {"state": "in_force"}, reserved),
        ("reservations", {"state": "uncertain"}, perhaps_reserved),
        *(("campaign_stations", {"state": state}, n) for state, n in (await count_by_state(site.readers)).items()),
        *(("journal_sequence", {"stream": stream}, newest) for stream, newest in numbers.sequences.items()),
        ("store_failed", {}, site.database.failure is not None),
        ("disk_pressure", {}, site.room.level),
        ("disk_budget_bytes", {}, site.room.budget_bytes),
        ("database_bytes", {}, site.room.used_bytes),
        ("clock_synchronised", {}, clock.quality == "synced"),
        ("clock_error_seconds", {}, clock.error_ms / 1000),
        *(("component_up", {"component": name}, ill is None) for name, ill in site.health.components().items()),
        *(("certificate_expiry_timestamp_seconds", labels, end) for labels, end in await expiry_seconds(site)),
        *_meter_gauges(site),
        *_load_gauges(site),
        *_upload_gauges(*await reports_uploads.totals(site.readers)),
        *_upstream_gauges(site, await upstream_states(site)),
    ]
    counters = [(name, dict(labels), value) for name, labels, value in site.health.counters.snapshot()]
    counters += _meter_counters(site)
    return _text(gauges, counters)


def _meter_gauges(site: Site) -> Iterable[Sample]:
    for meter in site.configuration.meters:
        now = judged(site, meter)
        if now.age_seconds is not None:
            yield "meter_reading_age_seconds", {"meter": meter.name}, now.age_seconds
        yield "meter_trusted", {"meter": meter.name}, now.trust == "fresh"


def _load_gauges(site: Site) -> Iterable[Sample]:
    tick = site.load.tick
    if tick is None:
        return
    for circuit in tick.decision.circuits:
        for name, amps in (
            ("load_limit_amps", circuit.effective_limit_amps),
            ("load_measured_amps", circuit.measured_amps or ()),
            ("load_allotted_amps", circuit.allotted_amps),
            ("load_headroom_amps", circuit.headroom_amps),
        ):
            for phase, value in enumerate(amps, 1):
                if value is not None:
                    yield name, {"circuit": circuit.name, "phase": str(phase)}, round(value, 3)
        yield "load_degraded", {"circuit": circuit.name}, circuit.mode != "normal"
    kinds = [alarm.kind for alarm in tick.decision.alarms]
    yield from (("load_alarms", {"kind": kind}, kinds.count(kind)) for kind in get_args(AlarmKind))


def _upload_gauges(files: int, size_bytes: int) -> Iterable[Sample]:
    yield "uploads_files", {}, files
    yield "uploads_bytes", {}, size_bytes


def _upstream_gauges(site: Site, states: Iterable[UpstreamState]) -> Iterable[Sample]:
    for state in states:
        upstream = {"upstream": state.settings.name}
        yield "upstream_connected", upstream, state.link is not None
        for stream, flow in state.streams.items():
            labels = {**upstream, "stream": stream}
            yield "upstream_backlog_events", labels, flow.backlog
            yield "upstream_acked_sequence", labels, flow.acked
            if flow.oldest_at is not None:
                age = max(0, site.wall_clock() - flow.oldest_at) / SECOND
                yield "upstream_oldest_unacknowledged_seconds", labels, age


def _meter_counters(site: Site) -> Iterable[tuple[str, dict[str, str], float]]:
    for meter in site.configuration.meters:
        yield "meter_reads_total", {"meter": meter.name}, site.meters.reads[meter.name]
        for kind, times in site.meters.errors[meter.name].items():
            yield "meter_errors_total", {"meter": meter.name, "kind": kind}, times


def _text(gauges: Iterable[Sample], counters: Iterable[Sample]) -> str:
    """The exposition format: samples of one name stand together, after their HELP and TYPE."""
    families: dict[str, list[str]] = {}
    for kind, samples in (("gauge", gauges), ("counter", counters)):
        for name, labels, value in samples:
            heading = [f"# HELP {_PREFIX}{name} {HELP.get(name, name)}", f"# TYPE {_PREFIX}{name} {kind}"]
            families.setdefault(name, heading).append(f"{_PREFIX}{name}{_labels(labels)} {_number(value)}")
    return "".join(f"{line}\n" for name in families for line in families[name])


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _version() -> str:
    try:
        return metadata.version("ocpp-gateway")
    except metadata.PackageNotFoundError:
        return "unknown"


ROUTES = (
    Route(
        "GET", "/metrics", get_metrics, "loopback", "Prometheus metrics",
        answers={200: {"text/plain": {"type": "string"}}},
    ),
)  # fmt: skip
