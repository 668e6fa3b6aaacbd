"""/firmware/images: into the store in one request, approved, withdrawn; and nothing left of what went wrong."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import io
import os
import shutil
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from firmware_store.images import ImageStore
from gateway.configuration_keys import Firmware
from gateway.operations.keep_images import image_store
from gateway.store import transfer_links
from gateway.store.database import StoreUnavailable
from gateway.store.writing import Writing
from tests.fakes.signed_images import PSS, signer
from tests.unit.stations.opened_door import until
from tests.unit.web.conftest import NOON, Door

IMAGES = "/api/v1/firmware/images"
CONTENT = b"EVSE firmware " * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
FIELDS = {"vendor": "Vendor", "models": "Model-1, Model-2", "version": "9.1"}


def form(content: bytes | None = CONTENT, *, file_name: str = "post-9.1.bin", **fields: str | bytes) -> FormData:
    made = FormData()
    if content is not None:
        made.add_field("file", io.BytesIO(content), filename=file_name, content_type="application/octet-stream")
    for name, text in (FIELDS | fields).items():
        if text:
            made.add_field(name, io.BytesIO(text) if isinstance(text, bytes) else text)
    return made


async def imported(door: Door, content: bytes = CONTENT, *, expect: int = 201, **fields: str | bytes) -> dict[str, Any]:
    return await door.document("POST", IMAGES, data=form(content, **fields), expect=expect)


def raw_form(*parts: bytes, end: bytes = b"--B--\r\n") -> dict[str, Any]:
    body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + end
    return {"data": body, "headers": {"Content-Type": "multipart/form-data; boundary=B"}}


def field(name: str, value: bytes, *more: bytes) -> bytes:
    head = b"\r\n".join([f'Content-Disposition: form-data; name="{name}"'.encode(), *more])
    return head + b"\r\n\r\n" + value


GOOD = [field("vendor", b"V"), field("models", b"M"), field("version", b"1")]
FILE = field("file", b"bytes")


def set_firmware(door: Door, **settings: Any) -> None:
    configuration = replace(door.site.configuration, firmware=Firmware(**settings))
    object.__setattr__(door.site, "configuration", configuration)


def files(door: Door) -> list[str]:
    """Every file that the store has, by its path in it."""
    directory = image_store(door.site).directory
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def blob(sha256: str = SHA) -> str:
    return f"blobs/sha256/{sha256[:2]}/{sha256}"


async def changes(door: Door) -> list[tuple[str, str]]:
    events = (await door.document("GET", "/api/v1/events?limit=1000"))["items"]
    return [(e["data"]["change"], e["data"]["actor"]) for e in events if e["kind"] == "firmware.image_changed"]


async def test_an_image_is_taken_listed_and_withdrawn(door: Door) -> None:
    made = await imported(door)
    assert made.keys() >= {"image_id", "sha256", "size", "verified"}
    assert (made["sha256"], made["size"], made["verified"]) == (SHA, len(CONTENT), False)
    assert made["verification"] == "not signed" and made["verified_by"] is None
    assert made["models"] == ["Model-1", "Model-2"] and made["file_name"] == "post-9.1.bin"
    assert (made["state"], made["usable"], made["reason"]) == ("approved", True, None)
    assert made["imported_by"] == made["state_by"] and "installer" in made["state_by"]
    assert files(door) == [blob()]
    assert (image_store(door.site).directory / blob()).read_bytes() == CONTENT
    image = f"{IMAGES}/{made['image_id']}"
    assert await door.document("GET", image) == made
    assert (await door.document("GET", IMAGES))["items"] == [made]

    assert (await door.ask("DELETE", image)).status == 204
    assert (await door.document("GET", IMAGES))["items"] == []
    (gone,) = (await door.document("GET", f"{IMAGES}?state=withdrawn"))["items"]
    assert (gone["state"], gone["usable"], gone["reason"]) == ("withdrawn", False, "it was withdrawn: import it again")
    assert (await door.ask("DELETE", image)).status == 204, "again"
    assert [change for change, _ in await changes(door)] == ["imported", "withdrawn"]


async def test_links_of_a_withdrawn_image_end_in_the_same_unit(door: Door) -> None:
    made, kept = await imported(door), await imported(door, b"other")
    for number, image_id in enumerate((made["image_id"], kept["image_id"])):
        await door.write(
            lambda db, n=number, i=image_id: db.execute(  # type: ignore[misc]
                "INSERT INTO transfer_links (token_digest, station, kind, scheme, actor, image_id, sha256, size,"
                " file_name, made_at, expires_at) VALUES (?, 'CP', 'image', 'http', 'me', ?, 'ab', 1, 'f', ?, ?)",
                (bytes([n]), i, NOON, NOON + 1),
            )
        )
    await door.ask("DELETE", f"{IMAGES}/{made['image_id']}")

    def ended(db: Writing) -> list[int | None]:
        return [at for (at,) in db.execute("SELECT ended_at FROM transfer_links ORDER BY link_id")]

    assert await door.site.database.write(ended) == [NOON, None]
    assert transfer_links.__doc__


async def test_the_very_same_image_is_there_once(door: Door) -> None:
    made = await imported(door)
    assert await imported(door, expect=200) == made
    other = await imported(door, version="9.2")
    assert other["image_id"] != made["image_id"] and other["sha256"] == SHA
    assert files(door) == [blob()]
    assert len(await changes(door)) == 2


async def test_two_at_once_are_one_image(door: Door) -> None:
    answers = await asyncio.gather(*(door.ask("POST", IMAGES, data=form()) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 200, 201]
    assert len({(await answer.json())["image_id"] for answer in answers}) == 1
    assert files(door) == [blob()] and len(await changes(door)) == 1


async def test_a_withdrawn_image_comes_back_when_it_is_imported_again(door: Door) -> None:
    made = await imported(door)
    await door.ask("DELETE", f"{IMAGES}/{made['image_id']}")
    again = await imported(door, expect=201)
    assert again["image_id"] == made["image_id"] and again["usable"]
    assert [change for change, _ in await changes(door)] == ["imported", "withdrawn", "imported"]


async def test_every_field_of_the_manifest_is_kept(door: Door) -> None:
    more = {
        "hw_revisions": "A,B", "min_from": "8.0", "max_from": "9.0", "expected_reported_version": "V9.1-r4",
        "downgrade_allowed": "true", "release_notes": "Grüße\nline 2", "sha256": SHA.upper(),
        "size": str(len(CONTENT)), "version_scheme": "opaque", "file_name": "other.fw",
    }  # fmt: skip
    made = await imported(door, **more)
    wanted = {**more, "hw_revisions": ["A", "B"], "downgrade_allowed": True, "sha256": SHA, "size": len(CONTENT)}
    assert {name: made[name] for name in more} == wanted


async def test_signatures_are_judged_and_kept_as_they_are(door: Door, tmp_path_factory: pytest.TempPathFactory) -> None:
    vendor = signer(tmp_path_factory.mktemp("vendor"), "rsa:2048")
    for options, scheme in ((PSS, "rsa-pss"), ((), "rsa-pkcs1")):
        signature = vendor.signature(CONTENT, *options)
        certificate = vendor.certificate.replace("\n", "\r\n")
        made = await imported(door, signature=signature, signing_certificate=certificate)
        assert (made["verified"], made["verified_by"]) == (True, scheme)
        assert (made["signature"], made["signing_certificate"]) == (signature, certificate)
    bare = base64.b64decode(signature)
    made = await imported(door, signature=bare, signing_certificate=ssl.PEM_cert_to_DER_cert(vendor.certificate))
    assert made["verified"], "as openssl writes them"
    assert made["signature"] == base64.b64encode(bare).decode()
    wrong = await imported(door, b"other", signature=signature, signing_certificate=certificate)
    assert not wrong["verified"] and wrong["verification"].startswith("not verifiable: the signature does not fit")
    assert wrong["usable"], "told, and left to people"


async def test_where_signatures_are_required_others_stay_staged(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = await imported(door)
    set_firmware(door, require_verified=True)
    assert (await door.document("GET", f"{IMAGES}/{before['image_id']}"))["usable"] is False
    await door.problem("POST", f"{IMAGES}/{before['image_id']}/approve", expect=409)
    made = await imported(door, b"unsigned")
    assert (made["state"], made["usable"]) == ("staged", False) and "require_verified" in made["reason"]
    problem = await door.problem("POST", f"{IMAGES}/{made['image_id']}/approve", expect=409)
    assert "its signature is not verified" in problem["detail"]
    vendor = signer(tmp_path_factory.mktemp("vendor"))
    signed = {"signature": vendor.signature(CONTENT), "signing_certificate": vendor.certificate}
    assert (await imported(door, **signed))["state"] == "approved"


async def test_a_staged_image_waits_for_approval(door: Door) -> None:
    made = await imported(door, state="staged")
    assert (made["state"], made["usable"], made["reason"]) == ("staged", False, "it is not approved")
    approve = f"{IMAGES}/{made['image_id']}/approve"
    approved = await door.document("POST", approve, role="operator")
    assert (approved["state"], approved["usable"]) == ("approved", True) and "operator" in approved["state_by"]
    assert await door.document("POST", approve) == approved, "who approved first stays"
    await door.ask("DELETE", f"{IMAGES}/{made['image_id']}")
    assert "withdrawn" in (await door.problem("POST", approve, expect=409))["detail"]
    await door.problem("POST", f"{IMAGES}/none/approve", expect=404)
    assert [change for change, _ in await changes(door)] == ["imported", "approved", "withdrawn"]


async def test_viewers_read_and_operators_write(door: Door) -> None:
    for method, path in (("POST", IMAGES), ("DELETE", f"{IMAGES}/x"), ("POST", f"{IMAGES}/x/approve")):
        await door.problem(method, path, role="viewer", expect=403)
    await door.document("GET", IMAGES, role="viewer")
    await door.document("POST", IMAGES, data=form(), role="operator", expect=201)


async def test_pages_and_filters(door: Door) -> None:
    made = [await imported(door, bytes([n]), models=f"M{n},X", vendor=f"V{n % 2}") for n in range(1, 6)]
    first = await door.document("GET", f"{IMAGES}?limit=2")
    second = await door.document("GET", f"{IMAGES}?limit=10&after={first['next']}")
    seen = [image["image_id"] for image in first["items"] + second["items"]]
    assert sorted(seen) == sorted(image["image_id"] for image in made) and second["next"] is None
    found = await door.document("GET", f"{IMAGES}?model=M3&vendor=V1&sha256={made[2]['sha256']}&state=approved")
    assert [image["image_id"] for image in found["items"]] == [made[2]["image_id"]]
    await door.problem("GET", f"{IMAGES}?state=odd", expect=422)
    await door.problem("GET", f"{IMAGES}/none", expect=404)
    await door.problem("DELETE", f"{IMAGES}/none", expect=404)


MISTAKES = [
    ({"vendor": ""}, "vendor"),
    ({"models": " , "}, "models"),
    ({"models": "x" * 51}, "models"),
    ({"models": ",".join(str(n) for n in range(101))}, "models"),
    ({"version": "9\n1"}, "version"),
    ({"version": " "}, "version"),
    ({"signature": "AA=="}, "signing_certificate"),
    ({"signing_certificate": "x"}, "signature"),
    ({"signature": "A" * 801, "signing_certificate": "x"}, "signature"),
    ({"signature": "A", "signing_certificate": "x" * 5501}, "signing_certificate"),
    ({"downgrade_allowed": "perhaps"}, "downgrade_allowed"),
    ({"sha256": "abc"}, "sha256"),
    ({"size": "-5"}, "size"),
    ({"size": "0"}, "size"),
    ({"state": "withdrawn"}, "state"),
    ({"version_scheme": "semver"}, "version_scheme"),
    ({"release_notes": "x" * 10_001}, "release_notes"),
]


@pytest.mark.parametrize(("fields", "field"), MISTAKES, ids=[f"{field}-{n}" for n, (_, field) in enumerate(MISTAKES)])
async def test_a_mistake_is_told_and_nothing_stays(door: Door, fields: dict[str, str], field: str) -> None:
    problem = await door.problem("POST", IMAGES, data=form(**fields), expect=422)
    assert field in [error["field"] for error in problem["errors"]]
    assert files(door) == [] and await changes(door) == []


async def test_all_mistakes_are_told_at_once(door: Door) -> None:
    problem = await door.problem("POST", IMAGES, data=form(vendor="", models="", size="x", state="y"), expect=422)
    assert {error["field"] for error in problem["errors"]} == {"vendor", "models", "size", "state"}


@pytest.mark.parametrize("fields", [{"sha256": "0" * 64}, {"size": "5"}])
async def test_other_bytes_than_announced_are_not_kept(door: Door, fields: dict[str, str]) -> None:
    problem = await door.problem("POST", IMAGES, data=form(**fields), expect=422)
    assert problem["detail"].startswith("nothing was kept: the file has ")
    assert files(door) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        (r"C:\\temp\\boot.ini", "boot.ini"),
        ("..%2F..%2Fetc%2Fpasswd", "2F.._2Fetc_2Fpasswd"),
        ("..", "firmware.bin"),
        ("", "firmware.bin"),
        (".bin", "bin"),
        ("a b ü;.bin", "a_b_.bin"),
        ("x" * 300 + ".tar", "x" * 44 + ".tar"),
        ("-rf", "rf"),
    ],
)
async def test_no_name_of_a_file_leads_anywhere(door: Door, name: str, kept: str) -> None:
    head = b'Content-Disposition: form-data; name="file"; filename="' + name.encode() + b'"'
    response = await door.ask("POST", IMAGES, **raw_form(head + b"\r\n\r\nbytes", *GOOD))
    made = await response.json()
    assert (response.status, made["file_name"]) == (201, kept)
    assert files(door) == [blob(made["sha256"])]


REFUSED = {
    "no UTF-8": (raw_form(FILE, field("vendor", b"\xff\xfe"), *GOOD[1:]), 422, "vendor: not UTF-8"),
    "no file": (raw_form(*GOOD), 422, "file: missing"),
    "empty": (raw_form(field("file", b""), *GOOD), 422, "nothing was kept: the file is empty"),
    "twice": (raw_form(FILE, *GOOD, GOOD[0]), 422, "vendor: given twice"),
    "two files": (raw_form(FILE, *GOOD, FILE), 422, "file: given twice"),
    "unknown": (raw_form(FILE, *GOOD, field("modles", b"M")), 422, "modles: unknown"),
    "no name": (raw_form(FILE, *GOOD, b"X: y\r\n\r\nz"), 422, ": unknown"),
    "long": (raw_form(FILE, *GOOD, field("release_notes", b"x" * 70_000)), 422, "release_notes: longer"),
    "base64": (raw_form(field("file", b"AAAA", b"Content-Transfer-Encoding: base64")), 422, "a Content-Transfer"),
    "nested": (
        raw_form(field("file", b"x", b"Content-Type: multipart/mixed; boundary=C"), *GOOD), 422, "a field has fields",
    ),
    "broken off in the file": (raw_form(*GOOD, field("file", b"byt"), end=b""), 400, "the body is not the form"),
    "broken off in a field": (raw_form(FILE, *GOOD[:2], end=b'--B\r\nContent-Dis'), 400, "the body is not the form"),
    "no boundary": ({"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "the body is not"),
    "nothing": ({"data": b"", "headers": {"Content-Type": "multipart/form-data; boundary=B"}}, 400, "the body is not"),
    "JSON": ({"json": {}}, 415, "expected Content-Type multipart/form-data"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_such_form_is_refused_and_nothing_stays(door: Door, what: str) -> None:
    asked, status, detail = REFUSED[what]
    problem = await door.problem("POST", IMAGES, expect=status, **asked)
    assert problem["detail"].startswith(detail)
    assert files(door) == []


async def test_the_file_may_come_last(door: Door) -> None:
    response = await door.ask("POST", IMAGES, **raw_form(*GOOD, FILE))
    assert response.status == 201
    assert (await response.json())["file_name"] == "firmware.bin"


async def test_a_large_image_is_bounded_only_by_the_limit(door: Door) -> None:
    content = os.urandom(20_000_000)
    made = await imported(door, content)
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    set_firmware(door, images_limit_mb=64, upload_limit_mb=10)
    one = await door.problem("POST", IMAGES, data=form(b"x" * 11_000_000), expect=413)
    assert "upload_limit_mb" in one["detail"]
    set_firmware(door, images_limit_mb=64)
    full = await door.problem("POST", IMAGES, data=form(b"x" * 50_000_000), expect=507)
    assert "images_limit_mb" in full["detail"]
    large = await door.problem("POST", IMAGES, data=form(b"x" * 65_000_000), expect=413)
    assert "64000000 bytes" in large["detail"]
    assert files(door) == [blob(made["sha256"])]


async def test_what_declares_no_length_is_bounded_too(door: Door) -> None:
    set_firmware(door, images_limit_mb=1)

    async def endless() -> Any:
        yield b"--B\r\n" + field("file", b"")
        for _ in range(100):
            yield b"x" * 100_000

    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    await door.problem("POST", IMAGES, data=endless(), headers=headers, expect=413)
    assert files(door) == []


async def test_a_huge_declared_size_is_refused_before_it_comes(door: Door) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=B", "Content-Length": str(10**15)}
    server = door.client.server
    reader, writer = await asyncio.open_connection(server.host, server.port)
    lines = [f"POST {IMAGES} HTTP/1.1", "Host: x", f"Authorization: Bearer {door.tokens['operator']}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_dies_leaves_nothing(door: Door) -> None:
    server = door.client.server
    for declared in ("Content-Length: 1000000", "Transfer-Encoding: chunked"):
        _, writer = await asyncio.open_connection(server.host, server.port)
        start = b"--B\r\n" + field("file", b"x" * 1000)
        head = [
            f"POST {IMAGES} HTTP/1.1", "Host: x", declared, "Content-Type: multipart/form-data; boundary=B",
            f"Authorization: Bearer {door.tokens['operator']}", "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(head).encode() + (b"FFFFF\r\n" if "chunked" in declared else b"") + start)
        await writer.drain()
        await until(lambda: files(door) != [])
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await until(lambda: files(door) == [])
    assert door.site.health.counters.snapshot() == [], "no fault of ours"


async def test_a_silent_client_is_given_up(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.web.firmware_forms._PIECE_PATIENCE_SECONDS", 0.05)

    async def stuck() -> Any:
        yield b"--B\r\n" + field("file", b"x" * 100)
        await asyncio.sleep(1)

    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    response = await door.ask("POST", IMAGES, data=stuck(), headers=headers)
    assert response.status == 408
    assert files(door) == []


async def test_no_room_on_the_disk_leaves_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    few = shutil.disk_usage(door.site.configuration.data.directory)._replace(free=1000)
    monkeypatch.setattr("firmware_store.incoming.shutil.disk_usage", lambda path: few)
    assert "no room" in (await door.problem("POST", IMAGES, data=form(), expect=507))["detail"]
    assert files(door) == []


async def test_a_disk_that_refuses_leaves_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: ImageStore, file: Path, sha256: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ImageStore, "place", refuse)
    problem = await door.problem("POST", IMAGES, data=form(), expect=507)
    assert problem["detail"] == "the disk does not take it: No space left on device"
    assert files(door) == [] and await changes(door) == []


async def test_a_store_that_cannot_write_leaves_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*rest: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr("gateway.operations.keep_images._take", refuse)
    await door.problem("POST", IMAGES, data=form(), expect=503)
    assert files(door) == []


async def test_a_blob_that_is_there_survives_an_import_that_fails(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await imported(door)

    def refuse(*rest: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr("gateway.operations.keep_images._take", refuse)
    await door.problem("POST", IMAGES, data=form(version="2"), expect=503)
    assert files(door) == [blob()]
