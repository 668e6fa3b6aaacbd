"""A version that was just installed is on trial until the gateway has been well for a while with it.

The program that starts the gateway (systemd/ocpp-gateway-start) counts starts in `versions.json` and goes back to the
version before; here the version that runs says that it is proven, that its end is no failure, or that it cannot start.
Without that program (a checkout) nothing is on trial.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import cast

from gateway.operations.site import Site
from gateway.store import durable_files

logger = logging.getLogger(__name__)

_ON_TRIAL = "OCPP_GATEWAY_TRIAL"
_GIVEN_UP = "OCPP_GATEWAY_GIVEN_UP"
_VERSIONS = "OCPP_GATEWAY_VERSIONS"  # the file versions.json, which is not always in the data directory
_WELL_FOR_SECONDS = 120.0
_LOOK_EVERY_SECONDS = 5.0

State = dict[str, object]


def on_trial() -> str | None:
    """The version that runs, where somebody watches whether it proves itself."""
    return os.environ.get(_ON_TRIAL) or None


def given_up() -> str | None:
    """Of which version this one takes the place, and why, in words."""
    return os.environ.get(_GIVEN_UP) or None


async def prove_version(site: Site) -> None:
    """Keep in `versions.json` that the version is proven, when stations have been served for two minutes on end."""
    version = on_trial()
    loop = asyncio.get_running_loop()
    well_since = loop.time()
    while version is not None and (await asyncio.to_thread(_read)).get("proven") != version:
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        if not site.health.ready():
            well_since = loop.time()
        elif loop.time() - well_since >= _WELL_FOR_SECONDS:
            await asyncio.to_thread(_write, {"proven": version})
            logger.info("version %s has proven itself", version)


async def tell_given_up(site: Site) -> None:
    """Say in health and status line which version was given up, and why."""
    site.health.report("version", None, notice=given_up())


def ended_in_order() -> None:
    """An orderly end is no failed start."""
    state = _read()
    if on_trial() is not None and state.get("starts"):
        _write(state | {"starts": 0})


def cannot_start(reason: str) -> None:
    """Another start would end in the same way: the version before takes over with the next one."""
    state = _read()
    if on_trial() is not None and state.get("trial") == on_trial():
        _write(state | {"failed": reason})


def _read() -> State:
    try:
        state = json.loads(Path(os.environ[_VERSIONS]).read_text("utf-8"))
    except (KeyError, OSError, ValueError):
        return {}
    return cast(State, state) if isinstance(state, dict) else {}


def _write(state: State) -> None:
    path = os.environ.get(_VERSIONS)
    try:
        if path is not None:
            durable_files.replace_text(Path(path), json.dumps(state) + "\n")
    except OSError as error:
        logger.warning("%s cannot be written: %s", path, error)
