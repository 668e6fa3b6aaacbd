"""What of a fleet manager's wishes for a station may be put in force, and what is the site's own?

What keeps the wires of a station safe is the installer's as far as his file names the station. What somebody at the
site set at run time is never silently overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping

# of a station in the installer's file: the fleet may name them only as they are
INSTALLERS = ("circuit", "phase_rotation", "fallback_amps", "connectors", "load_mode")
PASSWORD = "password"


def why_not(name: str, wanted: object, *, written: object, in_force: object) -> str | None:
    """Why a field of a station in the file cannot be set; None: it can. `wanted` None: back to what is `written`."""
    if name in INSTALLERS and wanted != in_force:
        return f"it is the installer's: expected {_shown(in_force)}, as it is"
    if name != "max_amps" or not isinstance(written, int | float):
        return None
    if wanted is None and isinstance(in_force, int | float) and in_force < written:
        return "it may only be lowered: expected a number"
    if isinstance(wanted, int | float) and wanted > written:
        return f"it may only be lowered: expected no more than the installer's {written:g} A"
    return None


def overridden(
    wanted: Mapping[str, object], *, here: Mapping[str, object], before: Mapping[str, object]
) -> frozenset[str]:
    """Fields that the site set: they are `here` at run time, and not as the fleet set them `before`."""
    return frozenset(
        name
        for name, value in wanted.items()
        if name in here and here[name] != value and (name not in before or before[name] != here[name])
    )


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
