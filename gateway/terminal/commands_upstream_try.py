"""`upstream test`: tries the way to each broker, step by step. It needs no running gateway and disturbs none."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

from gateway.configuration import Configuration, Upstream
from gateway.machine_clock import machine_clock
from gateway.model.instants import Instant
from gateway.operations.try_upstream import Step, try_upstream
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import Document, print_json
from gateway.terminal.reaching import configuration_of

_WORDS = {
    "clock": "clock",
    "name": "name",
    "tcp": "TCP",
    "tls": "TLS",
    "mqtt": "MQTT",
    "subscribe": "subscribe",
    "publish": "publish",
}


def try_links(options: argparse.Namespace) -> int:
    """A line per step and upstream. Exit 1 when any step fails."""
    configuration = configuration_of(options)
    wanted = _wanted(configuration, options.name)
    tried = [_try(configuration, settings, quiet=options.json) for settings in wanted]
    if options.json:
        print_json({"items": tried, "next": None})
    return OK if all(one["works"] for one in tried) else NEGATIVE


def _wanted(configuration: Configuration, name: str | None) -> Sequence[Upstream]:
    if not configuration.upstreams:
        raise negative("no fleet manager is configured: [[upstream]] is described in docs/configuration.md")
    wanted = [one for one in configuration.upstreams if name in (None, one.name)]
    if not wanted:
        known = ", ".join(one.name for one in configuration.upstreams)
        raise usage(f"no upstream is named {name}; known are {known}")
    return wanted


def _try(configuration: Configuration, settings: Upstream, *, quiet: bool) -> Document:
    if not quiet:
        print(f"{settings.name}: {settings.host}, port {settings.port}{', TLS' if settings.tls else ', not encrypted'}")
    steps = asyncio.run(_steps(configuration, settings, quiet=quiet))
    return {
        "name": settings.name,
        "host": settings.host,
        "port": settings.port,
        "works": all(step.works for step in steps),
        "steps": [{"step": step.step, "works": step.works, "text": step.text} for step in steps],
    }


async def _steps(configuration: Configuration, settings: Upstream, *, quiet: bool) -> list[Step]:
    now = Instant(time.time_ns() // 1000)
    steps = []
    async for step in try_upstream(configuration, settings, now=now, clock=machine_clock()):
        steps.append(step)
        if not quiet:
            print(f"  {_WORDS[step.step]:<10} {'good' if step.works else 'BAD ':<5} {step.text}", flush=True)
    return steps
