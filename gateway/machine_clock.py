"""What Linux says of the machine's clock: is it kept by a time service, and how wrong can it be? One system call.

It judges nothing (`rules/clock_quality.py`) and changes nothing. Where the call is not possible the clock counts as one
that nobody keeps.
"""

from __future__ import annotations

import ctypes
import time
from functools import cache
from pathlib import Path

from gateway.model.clocks import RawClock

_NOT_SYNCHRONISED = 0x0040  # STA_UNSYNC of timex.h
_UNKNOWN_ERROR_US = 16_000_000  # what the kernel says when it does not know
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_ID_LENGTH = 8
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former goes on while the machine sleeps


class _Timex(ctypes.Structure):
    """The beginning of `struct timex`; with `modes` 0 nothing is set and no right is needed."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    ]


def machine_clock() -> RawClock:
    """The state of the machine's clock now."""
    synchronised, max_error_us = _kept()
    before_ns = time.clock_gettime_ns(_MONOTONIC)
    wall_ns = time.time_ns()
    monotonic_ns = (before_ns + time.clock_gettime_ns(_MONOTONIC)) // 2
    return RawClock(
        synchronised=synchronised,
        max_error_us=max_error_us,
        boot_id=_boot_id(),
        monotonic_us=monotonic_ns // 1000,
        offset_us=(wall_ns - monotonic_ns) // 1000,
    )


def _kept() -> tuple[bool, int]:
    call = _adjtimex()
    state = _Timex()
    if call is None or call(ctypes.byref(state)) < 0:
        return False, _UNKNOWN_ERROR_US
    return not state.status & _NOT_SYNCHRONISED, int(state.maxerror)


@cache
def _adjtimex() -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), "adjtimex", None)


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").replace("-", "")[:_BOOT_ID_LENGTH]
    except OSError:
        return "0" * _BOOT_ID_LENGTH
