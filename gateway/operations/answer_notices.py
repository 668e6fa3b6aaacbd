"""Answers to what informs: BootNotification, StatusNotification and DataTransfer.

A notification is never refused for what it says; it is stored, told in the journal when it is news, and answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from gateway.model.clipping import clipped
from gateway.model.connectors import ConnectorState
from gateway.model.identities import ConnectorId
from gateway.model.instants import text_of
from gateway.ocpp.v16 import from_station as v16
from gateway.operations.draw_consequences import Booted, StatusChanged, after_boot, after_status
from gateway.operations.fleet_settings import fleet_setting
from gateway.operations.note_clocks import note_clock
from gateway.operations.questions import AnswerUnit, Question, fits
from gateway.rules.connector_status import is_news, usable_time
from gateway.rules.registration import how_to_register
from gateway.rules.secrecy import masked, masked_text
from gateway.store import commands, configuration_keys, connectors, events, station_facts, stations
from gateway.store.writing import Writing

_EMPTY = v16.EmptyAnswer()
# more than the journal keeps, so that no secret is cut in two at the end of what it does keep
_LONGEST_TEXT_BYTES = 16_384
_OFFSET_NOISE_MS = 5_000
_OFFSET_NEVER_SEEN = 1 << 62


def boot_notification(asked: Question, request: v16.BootNotification) -> AnswerUnit:
    """Accepted is a state of the station; a boot ends no session, it may come at any time on any socket."""
    plate = _nameplate(request)

    def unit(db: Writing) -> v16.BootNotificationAnswer:
        before = stations.find(db, asked.station)
        registration = how_to_register(
            None if before is None else before.admission,
            heartbeat_seconds=fleet_setting(
                db, asked.site, "heartbeat_seconds", asked.site.configuration.ocpp.heartbeat_seconds
            ),
        )
        station_facts.record_boot(db, asked.station, plate, now=asked.now)
        configuration_keys.all_in_effect(db, asked.station)
        events.append(
            db,
            "station.booted",
            station=asked.station,
            happened_at=asked.now,
            recorded_at=asked.now,
            data={
                "registration": registration.status,
                "vendor": plate.vendor,
                "model": plate.model,
                "serial_number": plate.serial_number,
                "firmware_version": plate.firmware_version,
            },
        )
        after_boot(db, asked.site, Booted(asked.station, before, plate, asked.now))
        return v16.BootNotificationAnswer(
            status=registration.status,
            current_time=text_of(asked.site.wall_clock()),
            interval=registration.interval_seconds,
        )

    return unit


def status_notification(asked: Question, request: v16.StatusNotification) -> AnswerUnit:
    """Counts by its own time: what is older than what we know goes into the journal as history only."""
    told = asked.told_time(request.timestamp)
    state = ConnectorState(
        status=request.status,
        error_code=request.error_code,
        status_at=usable_time(told, asked.now),
        received_at=asked.now,
        info=_masked(request.info),
        vendor_id=_masked(request.vendor_id),
        vendor_error_code=_masked(request.vendor_error_code),
    )
    connector = ConnectorId(request.connector_id)

    def unit(db: Writing) -> v16.EmptyAnswer:
        if connector < 0 or not fits(connector):
            return _EMPTY
        known = connectors.find(db, asked.station, connector)
        news = is_news(state, known)
        if told is not None:
            db.then.append(partial(note_clock, asked.site, asked.station, told, asked.now))
        if news:
            connectors.record(db, asked.station, connector, state)
            if told is not None:
                _note_clock(db, asked, (told - asked.now) // 1000)
            if state.status == "Available":
                commands.drop_remote_starts(db, asked.station, connector=connector, asked_before=asked.now)
            after_status(db, asked.site, StatusChanged(asked.station, connector, state, asked.now))
        if not news or known is None or _tells_more(state, known):
            _tell_status(db, asked, connector, state, historical=not news)
        return _EMPTY

    return unit


def data_transfer(asked: Question, request: v16.DataTransfer) -> AnswerUnit:
    """No vendor's extension is known here: UnknownVendorId without data (OCPP 1.6 4.3), and kept in the journal."""
    told = {"vendor_id": request.vendor_id, "message_id": request.message_id, "data": request.data}
    data = _without_secrets(told)

    def unit(db: Writing) -> v16.DataTransferAnswer:
        _tell(db, asked, "station.data_transfer", data)
        return v16.DataTransferAnswer(status="UnknownVendorId")

    return unit


def _without_secrets(data: Mapping[str, object]) -> Mapping[str, object]:
    """What a station chose to say, as it may be stored: cut first, because looking through text takes time."""
    shown = masked(clipped(data, most_bytes=_LONGEST_TEXT_BYTES))
    assert isinstance(shown, Mapping)
    return shown


def _nameplate(request: v16.BootNotification) -> station_facts.Nameplate:
    return station_facts.Nameplate(
        vendor=masked_text(request.charge_point_vendor),
        model=masked_text(request.charge_point_model),
        serial_number=_masked(request.charge_point_serial_number),
        box_serial_number=_masked(request.charge_box_serial_number),
        firmware_version=_masked(request.firmware_version),
        iccid=_masked(request.iccid),
        imsi=_masked(request.imsi),
        meter_type=_masked(request.meter_type),
        meter_serial=_masked(request.meter_serial_number),
    )


def _masked(text: str | None) -> str | None:
    return None if text is None else masked_text(text)


def _note_clock(db: Writing, asked: Question, offset_ms: int) -> None:
    """Store the station's clock offset when it has changed; the time a message took to come makes it vary a little."""
    known = asked.site.clock_offsets_ms
    if abs(known.get(asked.station, _OFFSET_NEVER_SEEN) - offset_ms) > _OFFSET_NOISE_MS:
        station_facts.record_clock_offset(db, asked.station, offset_ms)
        db.then.append(lambda: known.__setitem__(asked.station, offset_ms))


def _tell(db: Writing, asked: Question, kind: str, data: Mapping[str, object]) -> None:
    events.append(db, kind, station=asked.station, happened_at=asked.now, recorded_at=asked.now, data=data)


def _tells_more(new: ConnectorState, known: ConnectorState) -> bool:
    return (new.status, new.error_code, new.info, new.vendor_error_code) != (
        known.status,
        known.error_code,
        known.info,
        known.vendor_error_code,
    )


def _tell_status(
    db: Writing, asked: Question, connector: ConnectorId, state: ConnectorState, *, historical: bool
) -> None:
    events.append(
        db,
        "connector.status",
        station=asked.station,
        connector=connector,
        happened_at=state.status_at,
        recorded_at=asked.now,
        data={
            "status": state.status,
            "error_code": state.error_code,
            "info": state.info,
            "vendor_id": state.vendor_id,
            "vendor_error_code": state.vendor_error_code,
            "historical": historical,
        },
    )
