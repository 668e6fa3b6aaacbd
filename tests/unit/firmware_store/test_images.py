"""Bytes under their digest: whole or not there, without siblings, and read again."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from firmware_store import durable
from firmware_store.images import STEP_BYTES, Examination, ImageStore
from firmware_store.incoming import Arriving, Partial, Room, StoreFull, TooLarge, clear_incoming, partials

CONTENT = b"image" * 100
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "data" / "firmware")


def put(store: ImageStore, content: bytes = CONTENT) -> str:
    arriving = Arriving(Room(store, 10**9), "a")
    arriving.write(content)
    arrived = arriving.finish()
    store.place(arrived.path, arrived.sha256)
    return arrived.sha256


def test_bytes_are_under_their_digest_once(store: ImageStore) -> None:
    assert not store.has(SHA) and store.look(SHA) is None and list(store.digests()) == [] and store.used_bytes() == 0
    assert put(store) == put(store) == SHA
    assert store.path(SHA).relative_to(store.directory) == Path("blobs", "sha256", SHA[:2], SHA)
    assert store.has(SHA) and list(store.digests()) == [SHA] and store.used_bytes() == len(CONTENT)
    assert store.path(SHA).stat().st_mode & 0o777 == 0o440, "nobody changes it"
    assert list(store.incoming.iterdir()) == []
    assert store.remove(SHA) and not store.remove(SHA) and not store.has(SHA)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", SHA[:-1], SHA + ".gz", SHA.upper(), f"{SHA}\n", "g" * 64])
def test_only_digests_are_names(store: ImageStore, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        store.path(name)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A.b", "x" * 81, "a.tmp"])
def test_what_arrives_has_safe_names(store: ImageStore, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        Arriving(Room(store, 10), name)
    with pytest.raises(ValueError, match="cannot be part"):
        assert Partial(store, name).part


async def test_no_compressed_sibling_can_be_served(store: ImageStore) -> None:
    """A web server may give FILE.gz to whoever takes gzip: no way of the store makes one."""
    put(store)
    packed = gzip.compress(b"other")
    digest = put(store, packed)
    assert sorted(path.name for path in store.blobs.rglob("*") if path.is_file()) == sorted([SHA, digest])

    async def serve(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(store.path(SHA))

    application = web.Application()
    application.router.add_get("/", serve)
    async with TestClient(TestServer(application)) as client:
        answer = await client.get("/", headers={"Accept-Encoding": "gzip, br"})
        assert await answer.read() == CONTENT and "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("spoil", "verdict", "reason"),
    [
        (lambda path: None, "whole", ""),
        (lambda path: path.unlink(), "missing", "its file is missing"),
        (lambda path: os.truncate(path, 5), "damaged", "its file has another content"),
        (lambda path: (path.unlink(), path.mkdir()), "damaged", "its file cannot be"),
    ],
)
def test_an_examination_finds_what_is_wrong(store: ImageStore, spoil: object, verdict: str, reason: str) -> None:
    put(store)
    path = store.path(SHA)
    path.chmod(0o600)
    spoil(path)  # type: ignore[operator]
    examination = Examination(store, SHA)
    while examination.step():
        pass
    assert examination.verdict == verdict and examination.reason.startswith(reason)
    examination.close()


def test_an_examination_goes_step_by_step(store: ImageStore) -> None:
    digest = put(store, bytes(STEP_BYTES * 2 + 1))
    examination = Examination(store, digest)
    steps = 1
    while examination.step():
        steps += 1
    assert steps == 4 and examination.verdict == "whole"
    assert examination.looked_at == store.look(digest)
    put(store, bytes(STEP_BYTES * 2 + 1))
    assert examination.looked_at != store.look(digest), "another file stands there now"


def test_who_reads_goes_on_reading_what_was_removed_or_replaced(store: ImageStore) -> None:
    put(store)
    with store.path(SHA).open("rb") as file:
        put(store)
        store.remove(SHA)
        assert file.read() == CONTENT


def test_room_is_looked_at_while_bytes_arrive(store: ImageStore) -> None:
    put(store, bytes(600))
    room = Room(store, 1000)
    with pytest.raises(TooLarge):
        room.expect(1001)
    with pytest.raises(StoreFull, match="images_limit_mb"):
        room.expect(401)
    room.expect(400)
    arriving = Arriving(room, "b")
    with pytest.raises(StoreFull):
        arriving.write(bytes(500))
    arriving.discard()
    assert list(store.incoming.iterdir()) == []


def test_partial_files_stay_with_their_note(store: ImageStore) -> None:
    partial = Partial(store, "p")
    assert partial.note() is None and partial.received() == 0
    partial.begin({"a": 1}, now_seconds=1000)
    partial.part.write_bytes(CONTENT)
    partial.begin({"a": 2}, now_seconds=1000)
    assert partial.note() == {"a": 2} and partial.received() == len(CONTENT)
    assert [found.name for found in partials(store)] == ["p"]
    arrived = partial.finish()
    assert (arrived.sha256, arrived.size) == (SHA, len(CONTENT))
    store.place(arrived.path, arrived.sha256)
    partial.discard()
    assert list(partials(store)) == [] and store.has(SHA)


def test_notes_that_are_no_notes_are_cleared(store: ImageStore) -> None:
    for name, text in (("a", "{"), ("b", "[]"), ("c", "{}")):
        partial = Partial(store, name)
        partial.begin({}, now_seconds=1000)
        (store.incoming / f"{name}.json").write_text(text)
    assert clear_incoming(store, now_seconds=1000, abandoned_seconds=10, starting=False) == 2
    assert [found.name for found in partials(store)] == ["c"]
    assert clear_incoming(store, now_seconds=1011, abandoned_seconds=10, starting=False) == 1
    assert clear_incoming(ImageStore(store.directory / "none"), now_seconds=0, abandoned_seconds=1, starting=True) == 0


def test_a_file_is_written_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a" / "b" / "note"
    durable.make_folder(path.parent)
    durable.write_whole(path, b"old")

    def refuse(*rest: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("firmware_store.durable.os.fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        durable.write_whole(path, b"new")
    assert path.read_bytes() == b"old"
