"""What cutting telegrams out of a byte stream gives: for the meters that talk by themselves."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.meters import Measured


@dataclass(frozen=True, slots=True)
class Cut:
    """The values of one telegram (None: it is not whole yet) and the bytes that are left for the next."""

    measured: Measured | None
    rest: bytes


class Garbled(Exception):
    """A telegram that cannot be used; `rest` are the bytes after it."""

    def __init__(self, reason: str, rest: bytes) -> None:
        super().__init__(reason)
        self.rest = rest
