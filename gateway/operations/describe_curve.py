"""The curve of a session as a document: what its meter said, read from stored frames, thinned for a chart.

Frames are unpacked and read in a thread. What the values mean together, and what thinning keeps, is in
`rules.session_curve`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import get_args

from gateway.configuration import StationSettings
from gateway.model.instant_text import instant_from_text
from gateway.model.instants import CLOCK_NEVER_SET_BEFORE, Instant, text_of
from gateway.model.measurements import IMPORT_REGISTER
from gateway.ocpp.v16.from_station import Measurand
from gateway.ocpp.v16.mending import JSON
from gateway.ocpp.v16.meter_values import read_samples
from gateway.operations.known_stations import settings_in_force
from gateway.operations.site import Site
from gateway.rules.session_curve import Moment, Point, curve_of, thinned
from gateway.store import reports_meter_values, reports_stations, reports_transactions

Document = dict[str, object]

_SAMPLES_READ = 100  # of one meter value
_OTHER_MEASURANDS = frozenset(get_args(Measurand)) - {IMPORT_REGISTER, "Power.Active.Import", "Current.Import", "SoC"}


async def describe_curve(site: Site, transaction_id: int, *, points: int) -> list[Document] | None:
    """At most `points` points, oldest first; None: there is no such transaction."""
    session = await reports_transactions.find(site.readers, transaction_id)
    if session is None:
        return None
    station = str(session["station"])
    row = (await reports_stations.rows_of(site.readers, [station])).get(station)
    settings = settings_in_force(site.configuration, station, row)
    meter_values, _ = await reports_meter_values.of_transaction(site.readers, transaction_id)
    return await asyncio.to_thread(_documents, session, meter_values, settings, points)


def moments_of(meter_values: Iterable[Document], utc_offset_minutes: int) -> Iterator[Moment]:
    """One of each meter value; when its time is unreadable or was never set, the receipt tells better."""
    for value in meter_values:
        sampled = value.get("sampledValue")
        telling = [one for one in (sampled if isinstance(sampled, list) else [sampled]) if not _says_nothing(one)]
        element: JSON = [{"timestamp": value.get("timestamp"), "sampledValue": telling[:_SAMPLES_READ]}]  # type: ignore[dict-item]
        samples = read_samples(element, assumed_offset_minutes=utc_offset_minutes)
        at = samples[0].at if samples else None
        received = instant_from_text(str(value["received_time"]))
        if at is None or at < CLOCK_NEVER_SET_BEFORE:
            at = received
        if samples and at is not None:
            yield Moment(Instant(at), samples)


def _documents(
    session: Document, meter_values: list[Document], settings: StationSettings, points: int
) -> list[Document]:
    start_wh = session.get("meter_start_wh")
    curve = curve_of(
        (*_ends(session), *moments_of(meter_values, settings.utc_offset_minutes)),
        lines=len(settings.phase_rotation),
        energy_scale=settings.energy_scale,
        meter_start_wh=start_wh if isinstance(start_wh, int) else None,
    )
    return [_document(point) for point in thinned(curve, points)]


def _ends(session: Document) -> Iterator[Moment]:
    """The registers that a bill rests on, at the times of begin and end."""
    for time, register in (("start_time", "meter_start_wh"), ("stop_time", "meter_stop_wh")):
        text, wh = session.get(time), session.get(register)
        at = instant_from_text(text) if isinstance(text, str) else None
        if at is not None and isinstance(wh, int):
            yield Moment(at, register_wh=wh)


def _says_nothing(sampled: object) -> bool:
    """It is certainly of something else: reading it would be most of the work, as stations send a lot."""
    measurand = sampled.get("measurand") if isinstance(sampled, dict) else None
    return isinstance(measurand, str) and measurand in _OTHER_MEASURANDS


def _document(point: Point) -> Document:
    return {
        "time": text_of(point.at),
        "power_w": point.power_w,
        "current_amps": None if point.current_amps is None else list(point.current_amps),
        "energy_wh": point.energy_wh,
        "soc_percent": point.soc_percent,
    }
