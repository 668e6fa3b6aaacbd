"""The loops that a running gateway needs, by name: what runs always, and what only some sites have.

Parts that few sites need, or that are slow to import, are loaded here in a thread: stations are answered meanwhile.
It starts none of them (`daemon`).
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from types import ModuleType

from gateway.model.links import Connect
from gateway.operations import keep_house
from gateway.operations.carry_out_fleet_commands import carry_out_fleet_commands
from gateway.operations.expire_reservations import expire_reservations
from gateway.operations.keep_room import watch_room
from gateway.operations.look_after_images import keep_images
from gateway.operations.look_after_stations import look_after_stations
from gateway.operations.prove_version import given_up, on_trial, prove_version, tell_given_up
from gateway.operations.roll_out_firmware import roll_out_firmware
from gateway.operations.send_certificates import send_certificates
from gateway.operations.site import Site
from gateway.operations.sweep_uploads import sweep_uploads
from gateway.operations.watch_clock import watch_clock
from gateway.operations.watch_password_files import watch_password_files
from gateway.store import fleet_documents

Loop = Callable[[Site], Awaitable[None]]


async def loops_of(site: Site, *, doors: bool, connect_upstream: Connect | None) -> dict[str, Loop]:
    """Every loop by its name. `doors`: stations can fetch and upload; `connect_upstream`: None is over MQTT."""
    named: dict[str, Loop] = {
        "automatic requests": look_after_stations,
        "certificates": send_certificates,
        "commands of fleet managers": carry_out_fleet_commands,
        "clock watch": watch_clock,
        "firmware images": keep_images,
        "firmware rollout": roll_out_firmware,
        "meter index": keep_house.index_meter_frames,
        "reservations": expire_reservations,
        "room": watch_room,
        "rounds": keep_house.make_rounds,
        "store watch": keep_house.watch_store,
        "uploads": sweep_uploads,
    }
    if on_trial() is not None:
        named["version on trial"] = prove_version
    if given_up() is not None:
        named["version"] = tell_given_up
    configuration = site.configuration
    if any(station.password_file is not None for station in configuration.stations):
        named["password files watch"] = watch_password_files
    if doors:
        named["firmware doors"] = (await _loaded("keep_transfer_doors")).keep_transfer_doors
    if configuration.circuits:
        named["load limits"] = (await _loaded("balance_load")).balance_load
    if configuration.upstreams:
        named |= (await _loaded("keep_upstream")).loops_of(site, connect_upstream)
    if any(upstream.uploads_url is not None for upstream in configuration.upstreams):
        named["forwarding of uploads"] = (await _loaded("forward_uploads")).forward_uploads
    if bool(configuration.upstreams) or await site.database.write(fleet_documents.is_any):
        named["fleet documents"] = (await _loaded("keep_documents")).keep_documents
        named["firmware of fleet managers"] = (await _loaded("roll_out_documents")).roll_out_documents
    return named


async def _loaded(name: str) -> ModuleType:
    return await asyncio.to_thread(importlib.import_module, f"gateway.operations.{name}")
