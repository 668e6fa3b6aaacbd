"""The site at a glance, for one screen: circuits, a card for every connector, what is wrong, links to fleet managers.

Put together from what is known elsewhere, with a handful of queries however many stations there are. Why a connector
has its limit is what the newest decision says. Power is what its car was measured to draw, at 230 V; where load limits
do not watch it, what its newest stored meter values say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gateway.configuration import StationSettings
from gateway.model.circuits import VOLTS
from gateway.model.identities import FoldedTag, StationId, fold_tag
from gateway.model.instants import SECOND, text_of
from gateway.model.load_decision import ConnectorDecision
from gateway.model.site_picture import ConnectorFacts
from gateway.operations.describe_upstreams import UpstreamState, upstream_states
from gateway.operations.explain_load import describe_site
from gateway.operations.latest_values import LatestValues, Wanted, latest_values
from gateway.operations.site import Site
from gateway.operations.tell_load import COMPONENT
from gateway.rules.station_settings import with_run_time_values
from gateway.store import id_tags, reports_overview
from gateway.store.reports_overview import ConnectorRow, Overview, RunningRow, StationName

Document = dict[str, object]
_Key = tuple[str, int]


class _Seen(NamedTuple):
    """What the store and the newest tick know, by station and connector."""

    rows: Mapping[_Key, ConnectorRow]
    running: Mapping[_Key, RunningRow]
    decided: Mapping[_Key, ConnectorDecision]
    facts: Mapping[_Key, ConnectorFacts]
    latest: Mapping[int, LatestValues]  # by transaction id
    notes: Mapping[FoldedTag, str]


async def describe_overview(site: Site) -> Document:
    """All of it."""
    overview = await reports_overview.read(site.readers)
    upstreams = await upstream_states(site)
    tick = site.load.tick
    decided = () if tick is None else tick.decision.connectors
    facts = () if tick is None else tick.picture.connectors
    seen = _Seen(
        overview.connectors,
        overview.running,
        {(each.station, each.connector): each for each in decided},
        {(each.station, each.connector): each for each in facts},
        {},
        await id_tags.notes_of(site.readers, {fold_tag(one.id_tag) for one in overview.running.values() if one.id_tag}),
    )
    seen = seen._replace(latest=await latest_values(site, _wanted(site, overview, seen)))
    names = {one.id for one in site.configuration.stations}
    names |= {station for station, row in overview.stations.items() if row.origin != "file"}
    keys: dict[str, set[int]] = {name: set() for name in names}
    for station, connector in (*seen.rows, *seen.running, *seen.decided):
        if connector and station in keys:
            keys[station].add(connector)
    now = site.wall_clock()
    return {
        "site": {
            "name": site.configuration.site.name or site.configuration.site.id,
            "zone": site.configuration.site.timezone,
            "time": text_of(now),
        },
        "circuits": describe_site(site)["circuits"],
        "stations": [_station(site, name, overview.stations.get(name), keys[name], seen) for name in sorted(names)],
        "alarms": [*_alarms(site), *_faults(names, seen)],
        "upstreams": [_upstream(state, now) for state in upstreams],
    }


def _station(site: Site, name: str, row: StationName | None, connectors: set[int], seen: _Seen) -> Document:
    return {
        "station": name,
        "connected": site.connected.is_connected(StationId(name)),
        "vendor": None if row is None else row.vendor,
        "model": None if row is None else row.model,
        "connectors": [_connector((name, connector), seen) for connector in sorted(connectors)],
    }


def _connector(key: _Key, seen: _Seen) -> Document:
    row, running = seen.rows.get(key), seen.running.get(key)
    decided, facts = seen.decided.get(key), seen.facts.get(key)
    latest = None if running is None else seen.latest.get(running.transaction_id)
    energy_wh = _energy(facts, running)
    return {
        "connector": key[1],
        "status": None if row is None else row.status,
        "error_code": None if row is None else row.error_code,
        **_draw(decided, running, latest),
        **_limit(decided),
        "transaction_id": None if running is None else running.transaction_id,
        "id_tag": None if running is None else running.id_tag,
        "energy_wh": latest.energy_wh if energy_wh is None and latest is not None else energy_wh,
        "since": None if row is None else text_of(row.status_at),
        "note": None if running is None or running.id_tag is None else seen.notes.get(fold_tag(running.id_tag)),
    }


def _wanted(site: Site, overview: Overview, seen: _Seen) -> list[Wanted]:
    """The running sessions of which the newest tick does not know the draw or the energy."""
    written = {one.id: one for one in site.configuration.stations}
    found = []
    for key, running in seen.running.items():
        decided = seen.decided.get(key)
        if decided is None or decided.measured_amps is None or _energy(seen.facts.get(key), running) is None:
            row = overview.stations.get(key[0])
            run_time = {} if row is None else json.loads(row.settings)
            settings = with_run_time_values(written.get(key[0]) or StationSettings(id=key[0]), run_time)
            found.append(Wanted(running.transaction_id, running.meter_start_wh, settings))
    return found


def _draw(decided: ConnectorDecision | None, running: RunningRow | None, latest: LatestValues | None) -> Document:
    """Who tells nothing draws nothing without a session; with one the newest stored values say it, or nobody."""
    measured = None if decided is None else decided.measured_amps
    if measured is None and latest is not None:
        amps = latest.current_amps
        told = latest.power_w
        if told is None and amps is not None:
            told = sum(one or 0.0 for one in amps) * VOLTS
        return {
            "power_w": None if told is None else round(told),
            "current_amps": None if amps is None else list(amps),
        }
    if measured is None and (decided is None or running is not None):
        return {"power_w": None, "current_amps": None}
    drawn = measured or (0.0, 0.0, 0.0)
    return {"power_w": round(sum(drawn) * VOLTS), "current_amps": list(drawn)}


def _limit(decided: ConnectorDecision | None) -> Document:
    if decided is None:
        return {"limit_amps": None, "reason": None, "binding": None}
    binding = decided.binding
    return {
        "limit_amps": decided.cap_amps,
        "reason": binding.text,
        "binding": {"circuit": binding.circuit, "phase": binding.phase, "source": binding.source},
    }


def _energy(facts: ConnectorFacts | None, running: RunningRow | None) -> int | None:
    """Of the session that runs, as far as its register was told since the gateway started."""
    session = None if facts is None else facts.session
    if running is None or session is None or session.session != str(running.transaction_id):
        return None
    return round(session.energy_wh) if session.energy_wh else None


def _alarms(site: Site) -> Iterator[Document]:
    """Of load limits; components that are unwell; what somebody should see to."""
    tick = site.load.tick
    for alarm in () if tick is None else tick.decision.alarms:
        since = site.load.alarms_since.get((alarm.kind, alarm.subject))
        station = alarm.subject.rpartition("/")[0] if alarm.kind.startswith("station_") else None
        text = f"{alarm.subject}: {alarm.text}"
        yield _alarm(alarm.kind, station, text, None if since is None else text_of(since))
    for name, ailment in sorted(site.health.components().items()):
        if ailment and name != COMPONENT:
            yield _alarm("unwell", None, f"{name}: {ailment}", None)
    for name, notice in sorted(site.health.notices().items()):
        yield _alarm("notice", None, f"{name}: {notice}", None)


def _faults(names: set[str], seen: _Seen) -> Iterator[Document]:
    for (station, connector), row in sorted(seen.rows.items()):
        if station in names and row.status == "Faulted":
            what = "the station" if connector == 0 else f"connector {connector}"
            yield _alarm("faulted", station, f"{station}: {what} is faulted: {row.error_code}", text_of(row.status_at))


def _alarm(kind: str, station: str | None, text: str, since: str | None) -> Document:
    return {"kind": kind, "station": station, "text": text, "since": since}


def _upstream(state: UpstreamState, now: int) -> Document:
    oldest = [flow.oldest_at for flow in state.streams.values() if flow.oldest_at is not None]
    return {
        "name": state.settings.name,
        "connected": state.link is not None,
        "backlog": sum(flow.backlog for flow in state.streams.values()),
        "oldest_seconds": round(max(0, now - min(oldest)) / SECOND, 1) if oldest else None,
    }
