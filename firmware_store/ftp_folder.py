"""What one login sees: a folder with exactly one file to fetch, or an empty one that takes files.

Paths are words of the station and never become paths of the disk: the file to fetch is where the ticket says, and what
is uploaded gets a name of ours. Stations invent folders to upload to, so any folder is there for them.
It does not know the conversation, and not what a token is.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Any, BinaryIO

from firmware_store.ftp_library import AbstractedFS, FilesystemError
from firmware_store.ftp_uploads import PartialFile, partial_path, partial_size
from firmware_store.tickets import Download, Ticket, Upload

_LONGEST_PATH = 1000
_LONGEST_NAME = 255
_RIGHTS_OF_DOWNLOAD = "elr"
_RIGHTS_OF_UPLOAD = "elwamdf"
_RIGHTS_OF_NOBODY = "el"


class Rights:
    """What the library calls an authorizer: which kinds of commands make sense for this login at all."""

    def __init__(self, folder: StationFolder | None = None) -> None:
        self._folder = folder

    def get_perms(self, _user: str) -> str:
        """The library's letters."""
        match self._folder.ticket if self._folder else None:
            case Download():
                return _RIGHTS_OF_DOWNLOAD
            case Upload():
                return _RIGHTS_OF_UPLOAD
        return _RIGHTS_OF_NOBODY

    def has_perm(self, user: str, letter: str, _path: object = None) -> bool:
        """Whether it is among them."""
        return letter in self.get_perms(user)

    def get_msg_quit(self, _user: str) -> str:
        """A word of farewell."""
        return "Goodbye."

    def impersonate_user(self, _user: str, _password: str) -> None:
        """There are no users of the machine here."""

    def terminate_impersonation(self, _user: str) -> None:
        """Nor afterwards."""


class StationFolder(AbstractedFS):  # type: ignore[misc]  # the library has no types
    """`prefix`: under which path of the login the folder is; `""` at its root, `/<token>` for anonymous ones."""

    def __init__(self, _root: str, cmd_channel: Any) -> None:
        super().__init__("/", cmd_channel)
        self.ticket: Ticket | None = None
        self.prefix = ""
        self.done: dict[str, int] = {}  # what was uploaded in this login, with its size
        self.receiving: PartialFile | None = None  # the newest file that was opened to receive

    # what the station says

    def ftp2fs(self, said: str) -> str:
        """The path in the login, whole and without dots."""
        return str(self.ftpnorm(said))

    def fs2ftp(self, path: str) -> str:
        """The same."""
        return path

    def realpath(self, path: str) -> str:
        """There are no links here."""
        return path

    def validpath(self, path: str) -> bool:
        """Nothing is outside; but nobody needs a path that long, or with control characters."""
        return len(path) <= _LONGEST_PATH and path.isprintable()

    # what is there

    def isfile(self, path: str) -> bool:
        """The file to fetch, or one that this login uploads."""
        return self._size(path) is not None

    def isdir(self, path: str) -> bool:
        """For uploads any folder is there."""
        inside = self._inside(path)
        if inside is None:
            return path == "/"
        return inside == "/" if isinstance(self.ticket, Download) else not self.isfile(path)

    def islink(self, _path: str) -> bool:
        """Never."""
        return False

    def lexists(self, path: str) -> bool:
        """Whether it may be renamed, which is all that the library asks this for."""
        return path in self.done

    def listdir(self, path: str) -> list[str]:
        """The file to fetch; what this login uploaded there, and nothing that others did."""
        if isinstance(self.ticket, Download) and self._inside(path) == "/":
            return [self.ticket.file_name]
        return [os.path.basename(name) for name in self.done if os.path.dirname(name) == path]

    def stat(self, path: str) -> os.stat_result:
        """Made up, but for size and time."""
        size = self._size(path)
        if size is None and not self.isdir(path):
            raise FilesystemError("No such file or directory")
        mode = stat.S_IFDIR | 0o755 if size is None else stat.S_IFREG | 0o444
        moment = int(self.getmtime(path)) if size is not None else 0
        return os.stat_result((mode, 0, 0, 1, 0, 0, size or 0, moment, moment, moment))

    lstat = stat

    def getsize(self, path: str) -> int:
        """Of a file; what is not there has 0 bytes, so that an upload may be resumed at its beginning."""
        return self._size(path) or 0

    def getmtime(self, path: str) -> float:
        """Of the file on the disk; 0 where it is not there any more."""
        try:
            return self._path_on_disk(path).stat().st_mtime
        except OSError:
            return 0.0

    def get_user_by_uid(self, _number: int) -> str:
        """Listings tell nothing of the machine."""
        return "gateway"

    get_group_by_gid = get_user_by_uid

    # what can be done

    def open(self, path: str, mode: str) -> BinaryIO | PartialFile:
        """The file to fetch, or a file to receive. Raises FilesystemError, OSError."""
        ticket = self.ticket
        if isinstance(ticket, Download) and mode == "rb" and self.isfile(path):
            return _open_image(ticket)
        inside = self._inside(path)
        if not isinstance(ticket, Upload) or mode == "rb" or inside is None:
            raise FilesystemError("No such file or directory")
        if inside == "/" or len(os.path.basename(inside).encode()) > _LONGEST_NAME:
            raise FilesystemError("The file needs a shorter name")
        self.done.pop(path, None)
        self.receiving = PartialFile(ticket, inside, mode=mode)
        self.receiving.name = path
        return self.receiving

    def mkstemp(self, suffix: str = "", prefix: str = "", dir: str | None = None, mode: str = "wb") -> PartialFile:
        """A file to receive under a name that this login has not used. Raises FilesystemError, OSError."""
        name = f"{prefix}{secrets.token_hex(4)}{suffix}"
        if not self.validpath(os.path.join(dir or "/", name)):
            raise FilesystemError("The file needs a shorter name")
        opened = self.open(os.path.join(dir or "/", name), mode)
        assert isinstance(opened, PartialFile)
        return opened

    def chdir(self, path: str) -> None:
        """Raises FilesystemError where there is no such folder."""
        if not self.isdir(path):
            raise FilesystemError("No such directory")
        self.cwd = path

    def mkdir(self, path: str) -> None:
        """For uploads any folder is there already. Raises FilesystemError."""
        if not isinstance(self.ticket, Upload) or self._inside(path) is None:
            raise FilesystemError("Not allowed")

    def remove(self, path: str) -> None:
        """Only a file that this token began to upload and did not complete. Raises FilesystemError."""
        inside = self._inside(path)
        if not isinstance(self.ticket, Upload) or inside is None or partial_size(self.ticket, inside) is None:
            raise FilesystemError("Not allowed")
        partial_path(self.ticket, inside).unlink(missing_ok=True)

    def rename(self, source: str, target: str) -> None:
        """What is complete is kept already; the new name is believed and forgotten. Raises FilesystemError."""
        if source not in self.done:
            raise FilesystemError("Not allowed")
        self.done[target] = self.done.pop(source)

    def rmdir(self, _path: str) -> None:
        """Never. Raises FilesystemError."""
        raise FilesystemError("Not allowed")

    def _inside(self, path: str) -> str | None:
        """The path in this folder; None: outside of it."""
        if path == self.prefix:
            return "/"
        return path.removeprefix(self.prefix) if path.startswith(f"{self.prefix}/") else None

    def _size(self, path: str) -> int | None:
        inside = self._inside(path)
        match self.ticket:
            case Download(size=size, file_name=name) if inside == f"/{name}":
                return size
            case Upload() as upload if inside is not None:
                return self.done[path] if path in self.done else partial_size(upload, inside)
        return None

    def place_of(self, path: str) -> Path | None:
        """Where on the disk an upload to this path is received."""
        inside = self._inside(path)
        return partial_path(self.ticket, inside) if isinstance(self.ticket, Upload) and inside is not None else None

    def _path_on_disk(self, path: str) -> Path:
        place = self.ticket.path if isinstance(self.ticket, Download) else self.place_of(path)
        if place is None:
            raise FileNotFoundError(path)
        return place


def _open_image(ticket: Download) -> BinaryIO:
    file = os.fdopen(os.open(ticket.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")
    facts = os.fstat(file.fileno())
    if not stat.S_ISREG(facts.st_mode) or facts.st_size != ticket.size:
        file.close()
        raise FilesystemError("The file is damaged")
    return file
