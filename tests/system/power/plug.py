"""The plug: a disk for a virtual machine over NBD on a unix socket, whose power can be cut.

`python -m tests.system.power.plug IMAGE SOCKET [--log FILE]` serves one machine after the other. A line `cut SEED` on
its input cuts the power: unflushed blocks are lost at random, the line to the machine is closed, and the answer tells
what was lost as JSON. Any other line answers when the log is readable. It ends with its input. Only what the machine
flushed is kept for certain (`volatile_disk`).
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from tests.system.power.volatile_disk import FLUSH, WRITE, DiskLog, Entry, VolatileDisk

_FLAGS = 1 | 4  # there are flags; FLUSH is understood. No FUA: what should be durable at once is flushed
_REQUEST = struct.Struct(">IHHQQI")
_READ, _WRITE, _DISCONNECT, _FLUSH = 0, 1, 2, 3
_OPTION_EXPORT_NAME, _OPTION_GO, _OPTION_INFO = 1, 7, 6
_REPLY_ACK, _REPLY_INFO, _REPLY_UNSUPPORTED = 1, 3, (1 << 31) + 1
_NOT_SUPPORTED = 95


class Hung(Exception):
    """The machine is gone."""


class Plug:
    """Serves the disk; `cut` may come at any time from another thread."""

    def __init__(self, disk: VolatileDisk, log: DiskLog | None) -> None:
        self.disk = disk
        self.log = log
        self.lock = threading.Lock()
        self.line: socket.socket | None = None

    def cut(self, seed: int) -> dict[str, int]:
        """Cut the power: what was at stake, and how many blocks of it are not what was written last."""
        with self.lock:
            if self.line is not None:
                self.line.shutdown(socket.SHUT_RDWR)
                self.line = None
            at_stake = self.disk.unflushed
            return {"unflushed": at_stake, "lost": self.disk.cut(random.Random(seed))}

    def serve(self, listener: socket.socket) -> None:
        """One machine after the other, for ever."""
        while True:
            line, _ = listener.accept()
            with self.lock:
                self.line = line
            try:
                _shake_hands(line, self.disk.size)
                while self._one_request(line):
                    pass
            except (Hung, OSError):
                pass

    def _one_request(self, line: socket.socket) -> bool:
        _, _, kind, handle, offset, length = _REQUEST.unpack(_receive(line, _REQUEST.size))
        data = _receive(line, length) if kind == _WRITE else b""
        if kind == _DISCONNECT:
            return False
        with self.lock:
            if self.line is not line:
                return False  # the power is off: nothing of it reaches the disk
            error, answer = self._carry_out(kind, offset, length, data)
            line.sendall(struct.pack(">IIQ", 0x67446698, error, handle) + answer)
        return True

    def _carry_out(self, kind: int, offset: int, length: int, data: bytes) -> tuple[int, bytes]:
        if kind == _READ:
            return 0, self.disk.read(offset, length)
        if kind == _WRITE:
            for block, content in self.disk.write(offset, data):
                self._note(WRITE, block, content)
        if kind == _FLUSH:
            self.disk.flush()
            self._note(FLUSH, 0, b"")
        return (0 if kind in (_WRITE, _FLUSH) else _NOT_SUPPORTED), b""

    def _note(self, kind: bytes, block: int, content: bytes) -> None:
        if self.log is not None:
            self.log.append(Entry(kind, time.monotonic_ns(), block, content))


def _receive(line: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = line.recv(length - len(parts))
        if not part:
            raise Hung
        parts += part
    return bytes(parts)


def _shake_hands(line: socket.socket, size: int) -> None:
    """The fixed newstyle handshake, as far as QEMU needs it."""
    line.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
    _receive(line, 4)
    while True:
        _, option, length = struct.unpack(">8sII", _receive(line, 16))
        _receive(line, length)
        if option == _OPTION_EXPORT_NAME:
            line.sendall(struct.pack(">QH", size, _FLAGS))
            return
        if option in (_OPTION_GO, _OPTION_INFO):
            _reply(line, option, _REPLY_INFO, struct.pack(">HQH", 0, size, _FLAGS))
            _reply(line, option, _REPLY_ACK, b"")
            if option == _OPTION_GO:
                return
        else:
            _reply(line, option, _REPLY_UNSUPPORTED, b"")


def _reply(line: socket.socket, option: int, kind: int, data: bytes) -> None:
    line.sendall(struct.pack(">QIII", 0x3E889045565A9, option, kind, len(data)) + data)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("image", type=Path)
    parser.add_argument("socket", type=Path)
    parser.add_argument("--log", type=Path)
    asked = parser.parse_args()
    log = DiskLog(asked.log) if asked.log else None
    with asked.image.open("r+b", buffering=0) as image, socket.socket(socket.AF_UNIX) as listener:
        plug = Plug(VolatileDisk(image), log)
        listener.bind(str(asked.socket))
        listener.listen()
        threading.Thread(target=plug.serve, args=(listener,), daemon=True).start()
        print(json.dumps({"size": plug.disk.size}), flush=True)
        for line in sys.stdin:
            word, *rest = line.split()
            answer = plug.cut(int(rest[0])) if word == "cut" else {}
            if log is not None:
                with plug.lock:
                    log.flush()
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
