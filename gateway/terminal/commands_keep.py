"""Backup and restore from the command line, with the daemon or without it.

A backup appears under its name only when it is whole and on the disk. Restoring asks first. What a backup is made of is
the gateway's business (operations/keep_backups).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import quote

from gateway.configuration import Configuration
from gateway.operations.seal_backups import is_sealed, pieces_of, seal, unseal_to
from gateway.terminal.appearing_files import appearing, write_new
from gateway.terminal.client import API, Gateway, download, upload
from gateway.terminal.exits import OK, UNREACHABLE, Ending, negative, usage
from gateway.terminal.json_output import part_of, print_json
from gateway.terminal.passphrases import known_passphrase, new_passphrase
from gateway.terminal.progress import Progress
from gateway.terminal.reaching import expect_writable, reach


def backup(options: argparse.Namespace) -> int:
    """A consistent copy in FILE."""
    reached = reach(options)
    target: Path = options.file
    encrypt = options.encrypt or options.passphrase_file is not None
    passphrase = new_passphrase(options.passphrase_file) if encrypt else None
    with appearing(target) as temporary:
        try:
            _download(reached.gateway, temporary, passphrase)
        except Ending as ending:
            if ending.code != UNREACHABLE or reached.configuration is None:
                raise
            temporary.unlink(missing_ok=True)
            _offline(
                reached.configuration, lambda configuration: _back_up_offline(configuration, temporary, passphrase)
            )
        size_bytes = temporary.stat().st_size
    if options.json:
        print_json({"file": str(target), "size_bytes": size_bytes})
    else:
        print(f"{target}: {size_bytes / 1e6:.1f} MB")
    return OK


def restore(options: argparse.Namespace) -> int:
    """Put FILE in place of the database."""
    source: Path = options.file
    try:
        file = source.open("rb")
    except OSError as error:
        raise usage(f"cannot read {source}: {error.strerror}") from error
    with file:
        reached = reach(options)
        passphrase = known_passphrase(options.passphrase_file) if is_sealed(source) else None
        _confirm(options, source)
        length = os.fstat(file.fileno()).st_size
        try:
            document = _upload(reached.gateway, file, length, passphrase)
        except Ending as ending:
            if ending.code != UNREACHABLE or reached.configuration is None:
                raise
            epoch = _offline(
                reached.configuration, lambda configuration: _restore_offline(configuration, source, passphrase)
            )
            document = {"status": "restored", "epoch": epoch}
    if options.json:
        print_json(document)
    else:
        print(f"restored; the journal begins the new epoch {part_of({'answer': document}, 'answer').get('epoch')}")
    return OK


def _download(gateway: Gateway, temporary: Path, passphrase: str | None) -> None:
    """With a passphrase it is encrypted here, while it comes: the gateway need not know it."""
    with download(gateway, f"{API}/backup") as (length, pieces):
        progress = Progress("backup", total=length)
        counted = _counted(pieces, progress)
        write_new(temporary, counted if passphrase is None else seal(counted, passphrase), moved=lambda size: None)
        progress.finish()
    if length is not None and progress.moved != length:
        raise Ending(UNREACHABLE, "the gateway ended before the backup was complete; nothing was written")


def _counted(pieces: Iterable[bytes], progress: Progress) -> Iterator[bytes]:
    for piece in pieces:
        progress.advance(len(piece))
        yield piece


def _upload(gateway: Gateway, file: IO[bytes], length: int, passphrase: str | None) -> object:
    progress = Progress("restore", total=length)

    def pieces() -> Iterator[bytes]:
        while piece := file.read(65_536):
            yield piece
            progress.advance(len(piece))

    media = "application/vnd.sqlite3" if passphrase is None else "application/octet-stream"
    headers = {} if passphrase is None else {"Backup-Passphrase": quote(passphrase, safe="")}
    document = upload(gateway, f"{API}/restore", pieces(), length=length, content_type=media, more_headers=headers)
    progress.finish()
    return document


def _confirm(options: argparse.Namespace, source: Path) -> None:
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise usage("restore replaces everything that is stored: say --yes")
    print(f"Everything that is stored will be replaced by {source}; station connections are closed.", file=sys.stderr)
    print("Type yes to go on: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise negative("nothing was changed")


def _offline(configuration: Configuration, work: Callable[[Configuration], str]) -> str:
    """Do it straight on the files; foreseeable trouble becomes a sentence."""
    from gateway.operations.keep_backups import UnusableDatabase

    database = configuration.data.directory / "gateway.db"
    expect_writable(database)
    try:
        return work(configuration)
    except UnusableDatabase as error:
        raise negative(f"nothing was changed: {error}") from error
    except OSError as error:
        raise negative(f"{database}: {error}") from error


def _back_up_offline(configuration: Configuration, temporary: Path, passphrase: str | None) -> str:
    from gateway.operations.keep_backups import back_up_offline

    if not (configuration.data.directory / "gateway.db").exists():
        reason = f"the gateway does not run and there is no database in {configuration.data.directory}"
        raise Ending(UNREACHABLE, reason)
    back_up_offline(configuration, temporary)
    if passphrase is not None:
        with temporary.open("rb") as plain:
            temporary.unlink()  # it has no name any more: whatever happens now, it does not stay
            write_new(temporary, seal(pieces_of(plain), passphrase), moved=lambda size: None)
    return ""


def _restore_offline(configuration: Configuration, source: Path, passphrase: str | None) -> str:
    from gateway.daemon import AlreadyRunning, data_directory_held
    from gateway.operations.keep_backups import restore_offline

    try:
        # a daemon that only does not answer must not lose its database under its feet
        with data_directory_held(configuration.data.directory):
            if passphrase is None:
                return restore_offline(configuration, source)
            opened = configuration.data.directory / f".unsealed-{os.getpid()}.db"
            try:
                unseal_to(source, opened, passphrase)
                return restore_offline(configuration, opened)
            finally:
                opened.unlink(missing_ok=True)
    except AlreadyRunning as error:
        raise Ending(UNREACHABLE, f"{error}, but it does not answer: stop it first") from error
