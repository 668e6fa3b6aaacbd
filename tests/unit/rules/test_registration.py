"""Whether a boot is told by another device under the same identity."""

from __future__ import annotations

import pytest

from gateway.rules.registration import Device, is_another_device

NOTHING = Device(None, None, None, None)


@pytest.mark.parametrize(
    ("before", "now", "another"),
    [
        (NOTHING, Device("V", "M", "1", "2"), False),
        (Device("V", "M", None, None), Device("V", "M", None, None), False),
        (Device("V", "M", None, None), Device("V", "N", None, None), True),
        (Device("V", "M", None, None), Device("W", "M", None, None), True),
        (Device("V", "M", "1", None), Device("V", "M", "2", None), True),
        (Device("V", "M", None, "1"), Device("V", "M", None, "2"), True),
        (Device("V", "M", "1", "a"), Device("V", "M", "1", "b"), False),  # the housing was replaced, or told late
        (Device("V", "M", "1", None), Device("V Ltd", "M2", "1", None), False),  # new firmware spells it so
        (Device("V", "M", "1", None), Device("V", "M", None, "2"), False),
        (Device("V", "M", "", None), Device("V", "M", "2", None), False),
    ],
)
def test_another_device(before: Device, now: Device, another: bool) -> None:
    assert is_another_device(before, now) is another
