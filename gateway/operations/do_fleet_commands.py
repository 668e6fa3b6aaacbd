"""What each type of a fleet manager's command does. `HANDLERS` is the table; each function says how it ended.

Requests to stations go through the corridor like everybody's (`carry_out`), limits through `limits_for_a_time`; what
concerns the link itself is done by the upstream.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.model.fleet_commands import Command, Complaint, Ended
from gateway.model.identities import StationId
from gateway.model.instants import text_of
from gateway.operations import do_link_commands
from gateway.operations.carry_out_commands import Outcome, carry_out
from gateway.operations.end_fleet_commands import end
from gateway.operations.limits_for_a_time import remove_limit, set_limit
from gateway.operations.orders import Behalf
from gateway.operations.site import Site
from gateway.rules import fleet_orders
from gateway.store import fleet_commands, transactions
from gateway.store.fleet_commands import FleetRow
from gateway.store.temporary_limits import KeptLimit
from gateway.store.writing import Writing


@dataclass(frozen=True, slots=True)
class Errand:
    """A command that has begun."""

    site: Site
    row: FleetRow
    command: Command


Handler = Callable[[Errand], Awaitable[Ended]]


async def ask_station(errand: Errand) -> Ended:
    """One request to the station; what became of it is on disk in the commit that has the station's answer."""
    site, row, command = errand.site, errand.row, errand.command
    station = StationId(command.station or "")
    found: list[tuple[int, int]] = []
    if command.type == "station.remote_stop":
        found = await site.database.write(lambda db: _open_transactions(db, station))
    request = fleet_orders.request_of(command, open_transactions=found)
    if isinstance(request, Complaint):
        return Ended("rejected", error=request)
    action, payload = request

    def finished(db: Writing, outcome: Outcome) -> None:
        now_is = fleet_commands.at(db, row.number)
        if now_is is None or now_is.finished_at is not None:
            return
        if outcome.status == "not_connected" and row.if_offline == "queue":
            fleet_commands.wait_again(db, row.number, command, row.result)
        else:
            end(db, now_is, _ended(command, outcome), site.wall_clock())

    behalf = Behalf(row.id, finished)
    return _ended(
        command,
        await carry_out(
            site,
            station=station,
            action=action,
            payload=payload,
            actor=row.actor,
            behalf=behalf,
            image=_told(command, "image"),
            reason=_told(command, "reason"),
        ),
    )


async def limit_circuit(errand: Errand) -> Ended:
    """A lower limit for a time; never above the installer's."""
    circuit = str(errand.command.args["circuit"])
    fields = fleet_orders.limit_fields(errand.command)
    outcome = await set_limit(errand.site, circuit, fields, actor=errand.row.actor)
    if outcome is None:
        return _NO_CIRCUIT
    if not isinstance(outcome, KeptLimit):
        words = "; ".join(f"{mistake.field}: {mistake.detail}" for mistake in outcome)
        return Ended("rejected", error=Complaint("limit_refused", words))
    limit = outcome.limit
    until = None if limit.until is None else text_of(limit.until)
    amps = [round(each, 3) for each in limit.limit_amps]
    return Ended("succeeded", {"circuit": circuit, "source": limit.source, "limit_amps": amps, "until": until})


async def free_circuit(errand: Errand) -> Ended:
    """Take the limit of a source away; that there was none is no mistake."""
    circuit, source = str(errand.command.args["circuit"]), str(fleet_orders.source_of(errand.command))
    removed = await remove_limit(errand.site, circuit, source, actor=errand.row.actor)
    if removed is None:
        return _NO_CIRCUIT
    return Ended("succeeded", {"circuit": circuit, "source": source, "removed": removed})


async def ping(errand: Errand) -> Ended:
    """Proof that commands arrive and results come back."""
    site = errand.site
    response = {
        "time": text_of(site.wall_clock()),
        "clock": site.clock_quality().quality,
        "uptime_seconds": round(site.fleet_commands.age_seconds()),
    }
    return Ended("succeeded", response)


_NO_CIRCUIT = Ended("rejected", error=Complaint("unknown_circuit", "there is no such circuit"))


def _told(command: Command, name: str) -> str | None:
    told = command.args.get(name)
    return None if told is None else str(told)


def _open_transactions(db: Writing, station: StationId) -> list[tuple[int, int]]:
    return [(session.connector, session.transaction_id) for session in transactions.open_of_station(db, station)]


def _ended(command: Command, outcome: Outcome) -> Ended:
    more = {"gateway_command_id": outcome.command_id, "request": outcome.request, "warning": outcome.warning}
    return fleet_orders.verdict_on(
        command.type,
        outcome.status,
        response=outcome.response,
        code=outcome.code,
        description=outcome.description,
        more={name: value for name, value in more.items() if value is not None},
    )


HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "ocpp.call": ask_station,
        "station.remote_start": ask_station,
        "station.remote_stop": ask_station,
        "station.reset": ask_station,
        "station.unlock": ask_station,
        "site.limit.set": limit_circuit,
        "site.limit.clear": free_circuit,
        "ping": ping,
        "resync": do_link_commands.resync,
        "rebirth": do_link_commands.be_reborn,
        "live.start": do_link_commands.start_live,
        "live.stop": do_link_commands.stop_live,
    }
)
