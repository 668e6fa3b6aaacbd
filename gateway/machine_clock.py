"""What Linux says of the machine's clock: is it kept by a time service, and how wrong can it be? One system call.

It judges nothing (`rules/clock_quality.py`) and changes nothing. Where the call is not possible the clock counts as one
that nobody keeps.
"""

from __future__ import annotations

import ctypes
import struct
import time
from functools import cache
from pathlib import Path

from gateway.model.clocks import RawClock

_NOT_SYNCHRONISED = 0x0040  # STA_UNSYNC of timex.h
_UNKNOWN_ERROR_US = 16_000_000  # what the kernel says when it does not know
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_ID_LENGTH = 8
_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former goes on while the machine sleeps
# The beginning of `struct timex`: modes (0 sets nothing and needs no right), offset, freq, maxerror, esterror, status.
_TIMEX = struct.Struct("@Illlli")
_TIMEX_BYTES = 512  # more than any machine's


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
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if call is None or call(buffer) < 0:
        return False, _UNKNOWN_ERROR_US
    *_, max_error_us, _, status = _TIMEX.unpack_from(buffer)
    return not status & _NOT_SYNCHRONISED, max_error_us


@cache
def _adjtimex() -> ctypes._NamedFuncPointer | None:
    return getattr(ctypes.CDLL(None), "adjtimex", None)


@cache
def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text("ascii").replace("-", "")[:_BOOT_ID_LENGTH]
    except OSError:
        return "0" * _BOOT_ID_LENGTH
