"""What the kernel says of the clock, as far as any machine says the same."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from gateway import machine_clock as module
from gateway.machine_clock import machine_clock


def test_it_fits_the_clocks_that_everybody_reads() -> None:
    first, second = machine_clock(), machine_clock()
    assert abs(first.monotonic_us + first.offset_us - time.time_ns() // 1000) < 5_000_000
    assert second.monotonic_us >= first.monotonic_us
    assert abs(second.offset_us - first.offset_us) < 100_000
    assert re.fullmatch("[0-9a-f]{8}", first.boot_id)
    assert first.max_error_us >= 0


def test_a_machine_that_does_not_tell_has_a_clock_that_nobody_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    for call in (None, lambda buffer: -1):
        monkeypatch.setattr(module, "_adjtimex", lambda call=call: call)
        clock = machine_clock()
        assert (clock.synchronised, clock.max_error_us) == (False, 16_000_000)


@pytest.mark.parametrize(("status", "synchronised"), [(0x2001, True), (0x40, False), (0x2041, False)])
def test_the_status_is_read(monkeypatch: pytest.MonkeyPatch, status: int, synchronised: bool) -> None:
    def adjtimex(buffer: object) -> int:
        module._TIMEX.pack_into(buffer, 0, 0, 1, 2, 345_000, 4, status)  # type: ignore[arg-type]
        return 0

    monkeypatch.setattr(module, "_adjtimex", lambda: adjtimex)
    clock = machine_clock()
    assert (clock.synchronised, clock.max_error_us) == (synchronised, 345_000)


def test_a_machine_without_boot_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_BOOT_ID", tmp_path / "none")
    assert module._boot_id.__wrapped__() == "00000000"
