"""May an image be given to stations, and may somebody approve it? Only what is approved, whole and wanted goes out."""

from __future__ import annotations

from typing import Literal

State = Literal["staged", "approved", "withdrawn"]
STATES: tuple[State, ...] = ("staged", "approved", "withdrawn")


def state_of_new(*, wished: Literal["approved", "staged"], verified: bool, require_verified: bool) -> State:
    """The state of an image that was just imported; what is not verified waits where that is required."""
    return "staged" if require_verified and not verified else wished


def reason_not_to_approve(*, state: State, damaged: bool, verified: bool, require_verified: bool) -> str | None:
    """Why nobody may approve it now; None: somebody may."""
    if state == "withdrawn":
        return "it was withdrawn: import it again"
    if damaged:
        return "its bytes are damaged or missing: import it again"
    if require_verified and not verified:
        return "its signature is not verified, and [firmware] require_verified asks for that"
    return None


def reason_not_to_serve(*, state: State, damaged: bool, verified: bool, require_verified: bool) -> str | None:
    """Why no station may have it now; None: a station may."""
    if state == "staged" and not (require_verified and not verified):
        return "it is not approved"
    return reason_not_to_approve(state=state, damaged=damaged, verified=verified, require_verified=require_verified)
