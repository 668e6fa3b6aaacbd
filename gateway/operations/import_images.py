"""How firmware images come in: in one go, in pieces over restarts and interruptions, or fetched from an address.

Nothing stays behind when one fails; what came in pieces stays for a week, so that it can be resumed. A file becomes
an image only with the digest that was announced, if one was.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import IO, NamedTuple

from firmware_store.incoming import Arrived, Arriving, Partial, TooLarge
from firmware_store.manifest import Announced, Manifest, WishedState, document_of, from_document, image_id_of
from gateway.model.instants import SECOND
from gateway.operations.keep_images import Taken, Wanted, image_store, room_for_images, take_image, take_known_bytes
from gateway.operations.site import Site

_IMPORT_ID = re.compile("[0-9a-f]{16}")
_LOOK_EVERY_BYTES = 8 * 1024 * 1024


class WrongBytes(Exception):
    """What arrived is not what was announced, or nothing; the text is for people."""


class WrongOffset(Exception):
    """The piece does not begin where the last one ended; `received`: where it must begin."""

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes have arrived: go on at offset={received}")
        self.received = received


class InUse(Exception):
    """Somebody else sends the same import just now."""


class Import(NamedTuple):
    """An import in pieces: how far it is."""

    import_id: str
    sha256: str
    size: int
    received: int
    manifest: Manifest


# In one go


@asynccontextmanager
async def receiving(site: Site) -> AsyncIterator[Arriving]:
    """A file to write in; gone after the block, unless it was taken. Raises OSError."""
    name = f"in-{site.new_id()}".lower()
    site.images.arriving.add(f"{name}.tmp")
    try:
        arriving = await asyncio.to_thread(Arriving, room_for_images(site), name)
        try:
            yield arriving
        finally:
            await asyncio.shield(asyncio.to_thread(arriving.discard))
    finally:
        site.images.arriving.discard(f"{name}.tmp")


async def take_received(site: Site, arriving: Arriving, announced: Announced, *, actor: str, source: str) -> Taken:
    """Make an image of what was received. Raises WrongBytes, OSError."""
    arrived = await asyncio.to_thread(arriving.finish)
    _expect(arrived.sha256, arrived.size, announced)
    return await take_image(site, arrived, Wanted(announced.manifest, actor, source, announced.state))


# In pieces


async def begin_import(site: Site, announced: Announced, *, actor: str, source: str) -> Import | Taken:
    """Begin, or go on with, an import of announced bytes; Taken: they are in the store already.

    Raises TooLarge, StoreFull, OSError.
    """
    assert announced.sha256 is not None and announced.size is not None
    wanted = Wanted(announced.manifest, actor, source, announced.state)
    taken = await take_known_bytes(site, announced.sha256, wanted)
    if taken is not None:
        return taken
    partial = Partial(image_store(site), image_id_of(announced.manifest, announced.sha256))
    note: dict[str, object] = {
        "sha256": announced.sha256,
        "size": announced.size,
        "manifest": document_of(announced.manifest),
        "state": announced.state,
        "source": source,
    }
    now_seconds = site.wall_clock() / SECOND
    room, size = room_for_images(site), announced.size

    def begin() -> None:
        room.expect(size - partial.received())
        partial.begin(note, now_seconds=now_seconds)

    await asyncio.to_thread(begin)
    return _import_of(partial, note)


async def find_import(site: Site, import_id: str) -> Import | None:
    """How far an import is; None: there is no such, or it has become an image."""
    partial = _partial_named(site, import_id)
    note = None if partial is None else await asyncio.to_thread(partial.note)
    return None if partial is None or note is None else _import_of(partial, note)


async def append_to_import(
    site: Site, import_id: str, offset: int, pieces: AsyncIterator[bytes], *, actor: str
) -> Import | Taken | None:
    """Write what comes behind what is there; Taken when it is complete; None: there is no such import.

    What has arrived stays when the pieces break off. Raises WrongOffset, InUse, WrongBytes, TooLarge, StoreFull,
    OSError, and whatever `pieces` raises.
    """
    with _alone(site, import_id):
        partial = _partial_named(site, import_id)
        note = None if partial is None else await asyncio.to_thread(partial.note)
        if partial is None or note is None:
            return None
        known = _import_of(partial, note)
        if offset != known.received:
            raise WrongOffset(known.received)
        await _write(site, partial, known, pieces)
        if partial.received() < known.size:
            return known._replace(received=partial.received())
        return await _complete(site, partial, known, note, actor)


async def drop_import(site: Site, import_id: str) -> bool:
    """Give an import up, with what has arrived; False: there is none. Raises InUse."""
    with _alone(site, import_id):
        partial = _partial_named(site, import_id)
        if partial is None or await asyncio.to_thread(partial.note) is None:
            return False
        await asyncio.to_thread(partial.discard)
        return True


async def _write(site: Site, partial: Partial, known: Import, pieces: AsyncIterator[bytes]) -> None:
    """Append the pieces; each of them is there whole, or (disk full) not at all."""
    room, written = room_for_images(site), known.received
    file = await asyncio.to_thread(partial.part.open, "ab", 0)
    looks_at = written
    try:
        async for piece in pieces:
            if written + len(piece) > known.size:
                raise TooLarge(f"more than the {known.size} bytes that were announced")
            if written >= looks_at:
                looks_at = written + _LOOK_EVERY_BYTES
                partial.touch(site.wall_clock() / SECOND)
                await asyncio.to_thread(room.expect, min(_LOOK_EVERY_BYTES, known.size - written))
            await asyncio.to_thread(_append, file, piece)
            written += len(piece)
    finally:
        file.close()
        partial.touch(site.wall_clock() / SECOND)


def _append(file: IO[bytes], piece: bytes) -> None:
    at = file.tell()
    try:
        _write_all(file, piece)
    except OSError:
        file.truncate(at)
        raise


def _write_all(file: IO[bytes], piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest) :]


async def _complete(site: Site, partial: Partial, known: Import, note: dict[str, object], actor: str) -> Taken:
    arrived = await asyncio.to_thread(partial.finish)
    if arrived.sha256 != known.sha256:
        await asyncio.to_thread(partial.discard)
        raise WrongBytes(
            f"the bytes have the SHA-256 {arrived.sha256}, not the one that was announced: send them again"
        )
    state: WishedState = "staged" if note["state"] == "staged" else "approved"
    taken = await take_image(site, arrived, Wanted(known.manifest, actor, str(note["source"]), state))
    await asyncio.to_thread(partial.discard)
    return taken


# From an address


async def import_from_url(
    site: Site,
    url: str,
    manifest: Manifest,
    sha256: str | None,
    size: int | None,
    *,
    actor: str,
    source: str,
    state: WishedState = "approved",
) -> str:
    """Fetch an image over http or https; its id. What has arrived is resumed, also by the next call after a restart.

    Raises NotFetched (`gateway.upstream.fetch`), WrongBytes, InUse, TooLarge, StoreFull, OSError.
    """
    wanted = Wanted(manifest, actor, source, state)
    announced = Announced(manifest, None if sha256 is None else sha256.lower(), size, state)
    taken = None if announced.sha256 is None else await take_known_bytes(site, announced.sha256, wanted)
    if taken is not None:
        return taken.row.image_id
    name = "url-" + hashlib.sha256(f"{url} {announced.sha256}".encode()).hexdigest()[:32]
    with _alone(site, name):
        partial = Partial(image_store(site), name)
        arrived = await _fetched(site, url, partial, announced)
        taken = await take_image(site, arrived, wanted)
        await asyncio.to_thread(partial.discard)
    return taken.row.image_id


async def _fetched(site: Site, url: str, partial: Partial, announced: Announced) -> Arrived:
    """All bytes, as announced. What was put together of two tries and is wrong is fetched anew, once."""
    while True:
        resumes = partial.received() > 0
        await _fetch(site, url, partial, announced.size)
        arrived = await asyncio.to_thread(partial.finish)
        try:
            _expect(arrived.sha256, arrived.size, announced)
        except WrongBytes:
            await asyncio.to_thread(partial.discard)
            if not resumes:
                raise
            continue
        return arrived


async def _fetch(site: Site, url: str, partial: Partial, size: int | None) -> None:
    from gateway.upstream import fetch  # its library is large, and few sites need it

    now_seconds, room = site.wall_clock() / SECOND, room_for_images(site)
    stopped = False

    def may_go_on(more_bytes: int) -> bool:
        if not stopped:
            room.expect(more_bytes)
        return not stopped

    def run() -> None:
        note = partial.note() or {}
        room.expect(max(0, (size or 1) - partial.received()))
        partial.begin(note, now_seconds=now_seconds)
        mark = note.get("mark")
        fetch.fetch_on(
            url,
            partial.part,
            mark=mark if isinstance(mark, str) else None,
            note_mark=lambda found: partial.change_note({"mark": found}),
            may_go_on=may_go_on,
            most_bytes=size or room.most_bytes,
        )

    try:
        await asyncio.to_thread(run)
    except fetch.NotFetched as reason:
        if reason.code == "too_large":
            await asyncio.to_thread(partial.discard)
        raise
    finally:
        stopped = True


# Of all


def _expect(sha256: str, size: int, announced: Announced) -> None:
    if size == 0:
        raise WrongBytes("the file is empty")
    if announced.size is not None and size != announced.size:
        raise WrongBytes(f"the file has {size} bytes, not the {announced.size} that were announced")
    if announced.sha256 is not None and sha256 != announced.sha256:
        raise WrongBytes(f"the file has the SHA-256 {sha256}, not the one that was announced")


@contextmanager
def _alone(site: Site, name: str) -> Iterator[None]:
    if name in site.images.busy:
        raise InUse("somebody sends this image just now")
    site.images.busy.add(name)
    try:
        yield
    finally:
        site.images.busy.discard(name)


def _partial_named(site: Site, import_id: str) -> Partial | None:
    return Partial(image_store(site), import_id) if _IMPORT_ID.fullmatch(import_id) else None


def _import_of(partial: Partial, note: dict[str, object]) -> Import:
    size, manifest = note["size"], note["manifest"]
    assert isinstance(size, int) and isinstance(manifest, dict)
    return Import(partial.name, str(note["sha256"]), size, partial.received(), from_document(manifest))
