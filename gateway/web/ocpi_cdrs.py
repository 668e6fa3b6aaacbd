"""Sessions in the shape of charge detail records of OCPI 2.2.1, as far as a site knows them.

A site knows no prices, no contracts and no operator: `currency`, `total_cost`, `country_code` and `party_id` are left
out, and whoever passes records on adds them. Energy is in kWh and time in hours, as OCPI has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.model.instant_text import instant_from_text
from gateway.model.instants import SECOND

Document = dict[str, object]

OCMF = "OCMF"
UNKNOWN = "unknown"
_NATURES = {"Transaction.Begin": "Start", "Transaction.End": "End"}


def encoding_of(value: object) -> str:
    """How a signed value is written, as far as it can be seen."""
    return OCMF if isinstance(value, str) and value.startswith("OCMF|") else UNKNOWN


def cdr_of(
    session: Mapping[str, object], signed_values: Sequence[Mapping[str, object]], *, site_id: str
) -> Document | None:
    """The record of a session; None while it runs, and of a stop whose start nobody knows."""
    began = session.get("start_received_time") or session.get("start_time")
    hours = _hours(began, session.get("stop_time"))
    if hours is None:
        return None
    energy_wh, tag = session["energy_wh"], session["id_tag"]
    kilowatt_hours = energy_wh / 1000 if isinstance(energy_wh, int) else 0.0
    dimensions = [{"type": "ENERGY", "volume": kilowatt_hours}, {"type": "TIME", "volume": hours}]
    record: Document = {
        "id": f"{site_id}-{session['transaction_id']}",
        "start_date_time": began,
        "end_date_time": session["stop_time"],
        "session_id": str(session["transaction_id"]),
        "cdr_token": {"uid": tag, "type": "RFID", "contract_id": session["parent_id_tag"] or tag},
        "auth_method": "WHITELIST",
        "cdr_location": {
            "id": site_id,
            "evse_uid": session["station"],
            "connector_id": str(session["connector"]),
        },
        "charging_periods": [{"start_date_time": began, "dimensions": dimensions}],
        "total_energy": kilowatt_hours,
        "total_time": hours,
        "last_updated": session["stop_time"],
    }
    if signed_values:
        record["signed_data"] = {
            "encoding_method": encoding_of(signed_values[0].get("value")),
            "signed_values": [_signed(one) for one in signed_values],
        }
    return record


def _signed(one: Mapping[str, object]) -> Document:
    value = one.get("value")
    document: Document = {"nature": _NATURES.get(str(one.get("context")), "Intermediate"), "signed_data": value}
    if isinstance(value, str) and encoding_of(value) == OCMF:
        document["plain_data"] = value.split("|")[1]
    return document


def _hours(start: object, stop: object) -> float | None:
    begin = instant_from_text(start) if isinstance(start, str) else None
    end = instant_from_text(stop) if isinstance(stop, str) else None
    return None if begin is None or end is None else round(max(0, end - begin) / SECOND / 3600, 6)
