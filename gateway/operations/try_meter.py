"""Reads one meter once as it would be configured, without configuring it: is it the right one, is it wired well?

A line that the running gateway reads is left alone. What a good [[meter]] is, is the configuration's question.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from gateway.configuration import ConfigurationMistakes, Meter, read_table
from gateway.meters.catalog import MODELS
from gateway.meters.plans import MeterPlan
from gateway.operations.plan_meters import Unreadable, plan_of, users_of
from gateway.operations.site import Site

Document = dict[str, object]

_ANSWERS_SECONDS = 5.0
_TALKS_SECONDS = 11.0  # older P1 ports send every ten seconds


class Mistaken(Exception):
    """It would be no good [[meter]]: `errors` are (field, detail)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {detail}" for field, detail in errors))
        self.errors = errors


class CannotTry(Exception):
    """Why there is no reading: the gateway has the line (`in_use`), nothing came in time (`late`), or `unread`."""

    def __init__(self, why: Literal["in_use", "late", "unread"], text: str) -> None:
        super().__init__(text)
        self.why = why


async def try_meter(site: Site, wish: Mapping[str, object]) -> Document:
    """What the meter of this [[meter]] says now. Raises Mistaken, CannotTry."""
    plan = _plan(wish)
    if users := users_of(plan.place, site.configuration):
        text = f"{plan.place} is in use by the gateway (meter {', '.join(users)}), whose readings are in /meters"
        raise CannotTry("in_use", text)
    # the libraries of the lines are slow to load, and stations are answered meanwhile
    once = await asyncio.to_thread(importlib.import_module, "gateway.meters.once")
    seconds = _TALKS_SECONDS if plan.model.talks_by_itself else _ANSWERS_SECONDS
    try:
        async with asyncio.timeout(seconds):
            values, plausible = await once.read_once(plan)
    except TimeoutError as error:
        raise CannotTry("late", f"nothing usable came from {plan.place} within {seconds:g} s") from error
    except once.Unread as reason:
        raise CannotTry("unread", str(reason)) from reason
    return {
        "model": next(key for key, model in MODELS.items() if model is plan.model),
        "line": str(plan.place),
        "reading": asdict(values),
        "plausible": plausible,
    }


def _plan(wish: Mapping[str, object]) -> MeterPlan:
    try:
        return plan_of(read_table(Meter, {"name": "tried", **wish}))
    except ConfigurationMistakes as wrong:
        errors = [(one.place.key, f"expected {one.expected}, got {one.got}") for one in wrong.mistakes]
        raise Mistaken(errors) from wrong
    except Unreadable as reason:
        raise Mistaken([(reason.key, f"expected {reason}")]) from reason


def models() -> list[Document]:
    """Every model with the transports that it has, each with what is usual for it."""
    return [
        {
            "model": key,
            "title": model.title,
            "status": model.status,
            "phase_currents": model.phase_currents,
            "transports": ["serial", "tcp"] if model.talks_by_itself else ["rtu", "tcp"],
            "defaults": {
                "baudrate": model.usual_baudrate,
                "parity": model.usual_parity,
                "unit": None if model.talks_by_itself else 1,
                "port": None if model.talks_by_itself else 502,
            },
        }
        for key, model in MODELS.items()
    ]
