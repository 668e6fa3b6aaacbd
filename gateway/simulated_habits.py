"""How a simulated station and its drivers behave, as plain values; what comes of them is not known here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habits:
    """How the station and its drivers behave. `speed` shortens visits, pauses, samples and reboots alike."""

    connectors: int = 1
    busy: bool = True  # drivers come by themselves
    mean_session_seconds: float = 1800.0
    mean_pause_seconds: float = 900.0
    reboot_seconds: float = 20.0
    speed: float = 1.0
    most_amps: float = 16.0
    follows_within_seconds: tuple[float, float] | None = None  # how long a car takes to follow a limit; None: no time
    id_tags: tuple[str, ...] = ("DEMO-1", "DEMO-2", "DEMO-3")
    vendor: str = "Example"
    model: str = "Simulated-22"
    firmware_version: str = "1.0.0"
    password: bytes | None = None
    patience_seconds: float = 30.0
    file_transfer_protocols: str = "FTP,FTPS,HTTP,HTTPS"
    transfers: bool = False  # files are really fetched and uploaded; else only told
    repeats_under_first_id: bool = True  # errata 3.7 allows both; many stations take a new message id


DEFAULT_HABITS = Habits()
