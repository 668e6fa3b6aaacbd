"""What the door is told of the meters: how each is reached and what it is. Plain data; `operations` fills it in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.meters.catalog import MeterModel

Parity = Literal["N", "E", "O"]


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial device and how it is set."""

    device: str
    baudrate: int
    parity: Parity = "N"

    def __str__(self) -> str:
        return self.device


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """A TCP address. `rtu_frames`: RTU frames go through a converter instead of Modbus TCP."""

    host: str
    port: int
    rtu_frames: bool = False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Place = SerialLine | NetworkLine


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """One meter. `unit` is its address on the bus (no meaning for one that talks by itself)."""

    name: str
    model: MeterModel
    place: Place
    unit: int = 1
    interval_seconds: float = 1.0
    inverted: bool = False
