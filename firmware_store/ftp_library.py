"""The FTP library, imported without the warning that its event loop is old (asyncore is gone in Python 3.12).

The library brings its own copy there. Nothing else is silenced, and nothing is decided here.
"""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="The asyn(core|chat) module is deprecated", category=DeprecationWarning)
    from pyftpdlib.exceptions import FilesystemError, _FileReadWriteError  # type: ignore[import-untyped]
    from pyftpdlib.filesystems import AbstractedFS  # type: ignore[import-untyped]
    from pyftpdlib.handlers import DTPHandler, FTPHandler, ThrottledDTPHandler, TLS_DTPHandler, TLS_FTPHandler  # type: ignore[import-untyped]
    from pyftpdlib.handlers.ftp.dispatchers import ActiveDTP, PassiveDTP  # type: ignore[import-untyped]
    from pyftpdlib.ioloop import AsyncChat, IOLoop  # type: ignore[import-untyped]
    from pyftpdlib.servers import FTPServer  # type: ignore[import-untyped]

FileTrouble = _FileReadWriteError

__all__ = [
    "AbstractedFS",
    "ActiveDTP",
    "AsyncChat",
    "DTPHandler",
    "FTPHandler",
    "FTPServer",
    "FileTrouble",
    "FilesystemError",
    "IOLoop",
    "PassiveDTP",
    "TLS_DTPHandler",
    "TLS_FTPHandler",
    "ThrottledDTPHandler",
]
