"""The version of this program, from its installed metadata."""

from __future__ import annotations

NOT_INSTALLED = "0.0.0+source"


def version() -> str:
    """Such as `0.1.0`; a marked one when the program runs from a source tree without being installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("ocpp-gateway")
    except PackageNotFoundError:
        return NOT_INSTALLED
