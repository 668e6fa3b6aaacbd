"""What the site does with its current now: circuits and stations of the newest tick, as documents.

Before the first tick only what is configured is known: nothing is handed out yet, so no head-room is promised.
"""

from __future__ import annotations

from gateway.configuration_outlets import limit_of
from gateway.model.instants import text_of
from gateway.model.load_decision import CircuitDecision, ConnectorDecision
from gateway.operations.site import Site

Document = dict[str, object]
_NOTHING = [0.0, 0.0, 0.0]


def describe_site(site: Site) -> Document:
    """Circuits and stations; empty lists where no circuit is configured."""
    tick, notes = site.load.tick, list(site.load.notes)
    if tick is None:
        return {"circuits": _as_configured(site), "stations": [], "time": None, "alarms": [], "notes": notes}
    modes = {(outlet.station, outlet.connector): outlet.mode for outlet in tick.picture.outlets}
    charging = {(each.station, each.connector) for each in tick.picture.connectors if each.session is not None}
    return {
        "circuits": [describe_circuit(each) for each in tick.decision.circuits],
        "stations": [
            {
                **_connector(each, charging=(each.station, each.connector) in charging),
                "lease_mode": modes[each.station, each.connector],
            }
            for each in tick.decision.connectors
        ],
        "time": text_of(tick.at),
        "alarms": [
            {"kind": alarm.kind, "subject": alarm.subject, "text": alarm.text} for alarm in tick.decision.alarms
        ],
        "notes": notes,
    }


def _as_configured(site: Site) -> list[Document]:
    return [
        {
            "name": circuit.name,
            "parent": circuit.parent,
            "limit_amps": list(limit_of(circuit)),
            "effective_limit_amps": list(limit_of(circuit)),
            "source": "installer",
            "measured_amps": None,
            "allotted_amps": _NOTHING,
            "headroom_amps": _NOTHING,
            "mode": "normal" if circuit.meter is None else "bound",
            "background_amps": list(circuit.background_worst_amps or _NOTHING),
        }
        for circuit in site.configuration.circuits
    ]


def describe_circuit(circuit: CircuitDecision) -> Document:
    """One circuit of a decision."""
    return {
        "name": circuit.name,
        "parent": circuit.parent,
        "limit_amps": list(circuit.limit_amps),
        "effective_limit_amps": list(circuit.effective_limit_amps),
        "source": circuit.source,
        "measured_amps": None if circuit.measured_amps is None else list(circuit.measured_amps),
        "allotted_amps": list(circuit.allotted_amps),
        "headroom_amps": list(circuit.headroom_amps),
        "mode": circuit.mode,
        "background_amps": list(circuit.background_amps),
    }


def _connector(each: ConnectorDecision, *, charging: bool) -> Document:
    """A connector that does not tell what it draws draws nothing without a session, and nobody knows what with one."""
    unmeasured = None if charging else _NOTHING
    return {
        "station": each.station,
        "connector": each.connector,
        "limit_amps": each.cap_amps,
        "measured_amps": unmeasured if each.measured_amps is None else list(each.measured_amps),
        "compliant": each.compliant,
        "reason": each.binding.text,
        "planned_amps": each.planned_amps,
        "satisfied": each.satisfied,
    }
