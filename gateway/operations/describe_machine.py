"""What runs here and on what: version, time since the start, machine, clock, disk. It only reads; nothing is judged.

What the machine does not tell is None: then it is no Linux, or no such hardware.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import socket
import time
from pathlib import Path

from gateway.operations.setup_state import clock_document
from gateway.operations.site import Site
from gateway.rules.disk_pressure import LEVELS
from gateway.version import version

Document = dict[str, object]

PRESSURES = LEVELS  # what the disk can be like

# where boards and PCs tell what they are (not in /proc, which the service's sandbox hides)
_MODELS = (Path("/sys/firmware/devicetree/base/model"), Path("/sys/class/dmi/id/product_name"))
_LONGEST_MODEL = 200
# of the fields behind the name in /proc/self/stat: when the process began, in ticks since the machine started
_BEGAN = 19


async def describe_machine(site: Site) -> Document:
    """Everything about the running program and its machine; times in seconds, sizes in bytes."""
    machine, disk = await asyncio.gather(
        asyncio.to_thread(_machine), asyncio.to_thread(_disk, site.configuration.data.directory)
    )
    return {
        "version": version(),
        "uptime_seconds": _uptime_seconds(),
        "machine": machine,
        "clock": {**clock_document(site), "timezone": site.configuration.site.timezone},
        "data": {
            "directory": str(site.configuration.data.directory),
            **disk,
            "database_bytes": site.room.used_bytes,
            "database_budget_bytes": site.room.budget_bytes,
            "pressure": LEVELS[site.room.level],
        },
        "can_reload": site.reloads.reload is not None,
    }


def _machine() -> Document:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        name = None
    return {
        "host_name": socket.gethostname(),
        "model": _model(),
        "operating_system": name,
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "uptime_seconds": int(time.clock_gettime(time.CLOCK_BOOTTIME)),
        "python": platform.python_version(),
    }


def _model() -> str | None:
    for file in _MODELS:
        try:
            text = file.read_text("utf-8", "replace")
        except OSError:
            continue
        if shown := text.strip("\0 \n")[:_LONGEST_MODEL]:
            return shown
    return None


def _disk(directory: Path) -> Document:
    try:
        usage = shutil.disk_usage(directory)
    except OSError:
        return {"disk_free_bytes": None, "disk_bytes": None}
    return {"disk_free_bytes": usage.free, "disk_bytes": usage.total}


def _uptime_seconds() -> int | None:
    """Since the process began."""
    try:
        fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        began = int(fields[_BEGAN]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
    return max(0, int(time.clock_gettime(time.CLOCK_BOOTTIME) - began))
