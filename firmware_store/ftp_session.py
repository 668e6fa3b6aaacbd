"""What a login does: the desk is asked before each transfer, a place is waited for, bytes are told, files handed over.

What may be seen is `StationFolder`'s question, how bytes flow `StationTransfer`'s.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware_store.ftp_library import IOLoop
from firmware_store.ftp_login import StationLogin
from firmware_store.ftp_progress import Progress
from firmware_store.ftp_receiving import Handover, still_there
from firmware_store.ftp_transfer import ActiveCall, PassiveDoor, StationTransfer
from firmware_store.ftp_uploads import has_room_on_disk
from firmware_store.tickets import Download, Ticket, Upload

_TRANSFERS = ("RETR", "STOR", "APPE", "STOU")
_NO_DATA_CONNECTION = "425 Use PASV or PORT first."


class StationSession(StationLogin):
    """A connection with its transfers; the library wants all of it in one object."""

    dtp_handler = StationTransfer
    active_dtp = ActiveCall
    passive_dtp = PassiveDoor

    def __init__(self, conn: socket.socket, server: Any, ioloop: IOLoop | None = None) -> None:
        self._progress: Progress | None = None
        self._sent_bytes = 0
        self._has_left = False
        self.expected_bytes: int | None = None
        self.waits = False  # for a place
        super().__init__(conn, server, ioloop)

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Ask the desk first, where the command is about a file."""
        facts = self.proto_cmds.get(cmd)
        if not self.authenticated or facts is None or (facts["perm"] is None and cmd != "STOU"):
            super().pre_process_command(line, cmd, arg)
            return
        is_transfer = cmd in _TRANSFERS
        if is_transfer and not self._has_data_connection():
            self.respond(_NO_DATA_CONNECTION)
            return
        token = self.token or self._token_in_path(cmd, arg)
        if token is None or (self.fs.ticket is not None and self._is_known(token) and not is_transfer):
            super().pre_process_command(line, cmd, arg)
            return

        def go() -> None:
            self.waits = False
            if is_transfer and not self._closed and self.data_channel is not None:
                self.data_channel.begin_to_watch()
            self._carry_out(line, cmd, arg)

        self._find(token, lambda ticket: self._found(token, ticket, go, is_transfer=is_transfer))

    def _carry_out(self, line: str, cmd: str, arg: str) -> None:
        if self._closed:
            return
        if cmd in _TRANSFERS and not self._has_data_connection():
            self.respond(_NO_DATA_CONNECTION)  # it broke while a place was waited for
        else:
            super().pre_process_command(line, cmd, arg)
        if self._has_place and not self._closed and not self._has_transfer():
            self._leave_place()
        if not self.finishing:
            self._resume()

    def _found(self, token: str, ticket: Ticket | None, go: Callable[[], None], *, is_transfer: bool) -> None:
        self.fs.ticket = ticket
        if not self.token:
            self.fs.prefix = f"/{token}"
        if ticket is None and self.token:
            self.respond("550 Not allowed any more.")
            self._resume()
        elif ticket is None:
            self._refuse_token("550 No such file or directory.")
        elif is_transfer:
            self.waits = self._has_place = True
            self.shared.places.take(self, go)
        else:
            go()

    def ftp_TYPE(self, line: str) -> None:
        """Any type is fine, see `_current_type`."""
        if line.upper().replace(" ", "") in ("A", "AN", "I", "L8"):
            self.respond(f"200 Type set to {line[:1].upper()}.")
        else:
            super().ftp_TYPE(line)

    def ftp_RETR(self, path: str) -> None:
        """Send the file, and tell the desk what went out."""
        start, ticket = self._restart_position, self.fs.ticket
        if not isinstance(ticket, Download):
            super().ftp_RETR(path)
            return
        self.expected_bytes, self._sent_bytes = ticket.size - start, 0
        token = self.token or self.fs.prefix[1:]
        shared = self.shared
        self._progress = Progress(
            shared.loop, shared.errands, shared.desk, token, ticket, start, self._sent, self._withdrawn
        )
        if super().ftp_RETR(path) is not None:
            self._progress.begin()
        else:
            self._progress = None

    def ftp_STOR(self, path: str, mode: str = "w") -> str | None:
        """Receive a file, whole or further; the newest connection goes on with it."""
        place = self.fs.place_of(path)
        rivals = [one for one in self.shared.sessions if one is not self and one.is_receiving(place)]
        if any(one.finishing for one in rivals):
            self.respond("450 The file is being kept, try again later.")
            return None
        if isinstance(self.fs.ticket, Upload) and not has_room_on_disk(self.fs.ticket):
            self.respond("452 The disk is full.")
            return None
        for session in rivals:
            session.end("421 Another connection goes on with this file.")
        stored: str | None = super().ftp_STOR(path, mode)
        if stored is not None and place is not None:
            self.shared.partials[place] = self.token or self.fs.prefix[1:]
        return stored

    def ftp_ABOR(self, line: str) -> None:
        """Also what only waited for its data connection."""
        super().ftp_ABOR(line)
        self.give_up_transfer()

    def is_receiving(self, place: Path | None) -> bool:
        """Whether this is the file that comes in here now."""
        file = self.fs.receiving if self.fs is not None else None
        return file is not None and file.path == place and (self.finishing or not file.closed)

    def on_file_received(self, _name: str) -> None:
        """The library: the station closed the data connection in order."""
        file, shared = self.fs.receiving, self.shared
        self.finishing = True
        self._pause()

        def answer(response: str, size: int | None) -> None:
            self.finishing = False
            if self._closed:
                return
            if size is not None:
                self.fs.done[file.name] = size
            self.respond(response)
            self._resume()

        Handover(
            shared.loop,
            shared.errands,
            shared.desk,
            self.token or self.fs.prefix[1:],
            file,
            "ftps" if self._ssl_established else "ftp",
            self.remote_ip.removeprefix("::ffff:"),
            lambda: not self._closed and still_there(self._raw),
            answer,
        ).begin()

    def on_file_sent(self, _name: object) -> None:
        """The library: all of it."""
        self._end_progress()

    def on_incomplete_file_sent(self, _name: object) -> None:
        """The library: a part of it."""
        self._end_progress()

    def pause_after(self, count: int, now: float) -> float:
        """For how long a transfer must rest after so many bytes."""
        ticket = self.fs.ticket if self.fs is not None else None
        return self.shared.pace.pause(ticket.station, count, now) if ticket else 0.0

    def give_up_transfer(self) -> None:
        """The data connection that a transfer waited for will not come."""
        if self._closed or self.waits:
            return
        if self._in_dtp_queue is not None:
            self._in_dtp_queue[0].close()
        if self._out_dtp_queue is not None and self._out_dtp_queue[2] is not None:
            self._out_dtp_queue[2].close()
        self._in_dtp_queue = self._out_dtp_queue = None
        if self.data_channel is None:
            self._end_progress()
            self._leave_place()
            self._go_on()

    def end(self, response: str) -> None:
        """A last word."""
        if not self._closed:
            self.respond(response)
            self.close_when_done()

    def close(self) -> None:
        """Whoever waits for a place or for us is told."""
        super().close()
        if self._closed and not self._has_left:
            self._has_left = True
            if self in self.shared.sessions:
                self.shared.sessions.remove(self)
            self._end_progress()
            self._leave_place()

    def get_repr_info(self, as_str: bool = False, extra_info: object = None) -> object:
        """What logs show of a session: not its user's name, which is a token."""
        return self.remote_ip if as_str else {"address": self.remote_ip}

    def _on_dtp_connection(self) -> None:
        self._dtp_connector = None
        super()._on_dtp_connection()

    def _on_dtp_close(self) -> None:
        super()._on_dtp_close()
        if not self._closed:
            self._leave_place()
            self._go_on()

    def _sent(self) -> int:
        channel = None if self._closed else self.data_channel
        if channel is not None and channel.file_obj is not None:
            self._sent_bytes = channel.tot_bytes_sent
        return self._sent_bytes

    def _withdrawn(self) -> None:
        if not self._closed and self.data_channel is not None:
            self.data_channel.refuse("426 Not allowed any more.")

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.finish()
            self._progress = None

    def _leave_place(self) -> None:
        if self._has_place:
            self._has_place = False
            if self.waits:
                self.waits = False
                self.shared.places.forget(self)
            else:
                self.shared.places.leave()

    def _has_data_connection(self) -> bool:
        if self.data_channel is not None:
            return self.data_channel.cmd is None and self.data_channel.file_obj is None
        waiting = (self._dtp_acceptor, self._dtp_connector)
        return any(one is not None and not one._closed for one in waiting)

    def _has_transfer(self) -> bool:
        in_channel = self.data_channel is not None and self.data_channel.file_obj is not None
        return in_channel or self._in_dtp_queue is not None or self._out_dtp_queue is not None

    def _is_known(self, token: str) -> bool:
        return bool(self.token) or self.fs.prefix == f"/{token}"

    def _token_in_path(self, cmd: str, arg: str) -> str | None:
        """What an anonymous login means: the first part of the path."""
        said = ".." if cmd in ("CDUP", "XCUP") else arg
        if cmd in ("LIST", "NLST", "STOU") and (arg.startswith("-") or not arg):
            said = self.fs.cwd
        elif cmd in ("CWD", "XCWD") and not arg:
            said = "/"
        return str(self.fs.ftp2fs(said or self.fs.cwd)).split("/")[1] or None
