"""/firmware/imports: an image in pieces, over broken connections and restarts."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from typing import Any

import jsonschema
import pytest
from aiohttp import ClientError

from firmware_store.incoming import Arriving
from gateway.contract.envelope import DATA_OF_TYPE
from gateway.operations.import_images import receiving
from gateway.operations.keep_images import image_store
from gateway.web.documents import SCHEMAS
from tests.unit.stations.opened_door import until
from tests.unit.web.conftest import Door
from tests.unit.web.test_firmware_images_api import IMAGES, blob, changes, files, imported, set_firmware

IMPORTS = "/api/v1/firmware/imports"
CONTENT = os.urandom(300_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
WISH: dict[str, Any] = {
    "vendor": "Vendor", "models": ["M"], "version": "1", "file_name": "f.bin", "sha256": SHA, "size": len(CONTENT),
}  # fmt: skip


async def begun_import(door: Door, *, expect: int = 201, **more: object) -> dict[str, Any]:
    return await door.document("POST", IMPORTS, json=WISH | more, expect=expect)


async def sent(door: Door, import_id: str, offset: int, piece: bytes, *, expect: int = 200) -> dict[str, Any]:
    path = f"{IMPORTS}/{import_id}?offset={offset}"
    return await door.document("PUT", path, data=io.BytesIO(piece), expect=expect)


async def test_piece_by_piece(door: Door) -> None:
    made = await begun_import(door, source="usb", state="staged")
    import_id = made["import_id"]
    assert made == {
        "import_id": import_id, "sha256": SHA, "size": len(CONTENT), "received": 0, "image": None,
    }  # fmt: skip
    assert (await sent(door, import_id, 0, CONTENT[:100_000]))["received"] == 100_000
    assert (await door.document("GET", f"{IMPORTS}/{import_id}"))["received"] == 100_000
    assert (await begun_import(door))["received"] == 100_000, "who begins again goes on"
    await begun_import(door, state="staged", source="usb")
    problem = await door.problem("PUT", f"{IMPORTS}/{import_id}?offset=5", data=b"x", expect=409)
    assert problem["received"] == 100_000
    done = await sent(door, import_id, 100_000, CONTENT[100_000:], expect=201)
    assert done["received"] == len(CONTENT)
    assert (done["image"]["state"], done["image"]["source"]) == ("staged", "usb")
    assert files(door) == [blob(SHA)]
    await door.problem("GET", f"{IMPORTS}/{import_id}", expect=404)
    assert (await begun_import(door, expect=200))["image"]["state"] == "approved", (
        "bytes that are there are not sent again"
    )
    assert [change for change, _ in await changes(door)] == ["imported", "approved"]


async def test_bytes_that_are_there_become_another_image_at_once(door: Door) -> None:
    await imported(door, CONTENT)
    made = await begun_import(door, version="other")
    assert made["received"] == len(CONTENT) and made["image"]["version"] == "other"
    assert files(door) == [blob(SHA)]


async def test_what_arrived_before_a_connection_broke_stays(door: Door) -> None:
    import_id = (await begun_import(door))["import_id"]

    async def breaks() -> Any:
        yield CONTENT[:200_000]
        await until(lambda: (image_store(door.site).incoming / f"{import_id}.part").stat().st_size == 200_000)
        raise ConnectionResetError

    with pytest.raises((ClientError, OSError)):
        await door.ask("PUT", f"{IMPORTS}/{import_id}?offset=0", data=breaks())
    await until(lambda: not door.site.images.busy)
    assert (await begun_import(door))["received"] == 200_000
    await sent(door, import_id, 200_000, CONTENT[200_000:], expect=201)
    assert door.site.health.counters.snapshot() == []


async def test_one_sends_at_a_time(door: Door) -> None:
    import_id = (await begun_import(door))["import_id"]
    goes_on = asyncio.Event()

    async def slow() -> Any:
        yield CONTENT[:1000]
        await goes_on.wait()
        yield CONTENT[1000:]

    first = asyncio.ensure_future(door.ask("PUT", f"{IMPORTS}/{import_id}?offset=0", data=slow()))
    await until(lambda: door.site.images.busy)
    await door.problem("PUT", f"{IMPORTS}/{import_id}?offset=0", data=b"x", expect=409)
    await door.problem("DELETE", f"{IMPORTS}/{import_id}", expect=409)
    goes_on.set()
    assert (await first).status == 201


async def test_wrong_bytes_are_not_kept(door: Door) -> None:
    import_id = (await begun_import(door))["import_id"]
    await door.problem("PUT", f"{IMPORTS}/{import_id}?offset=0", data=io.BytesIO(bytes(300_001)), expect=413)
    received = (await door.document("GET", f"{IMPORTS}/{import_id}"))["received"]
    rest = io.BytesIO(bytes(300_000 - received))
    problem = await door.problem("PUT", f"{IMPORTS}/{import_id}?offset={received}", data=rest, expect=422)
    assert problem["detail"].startswith("nothing was kept: the bytes have the SHA-256")
    assert files(door) == []


async def test_an_import_can_be_given_up(door: Door) -> None:
    import_id = (await begun_import(door))["import_id"]
    await sent(door, import_id, 0, CONTENT[:10])
    assert (await door.ask("DELETE", f"{IMPORTS}/{import_id}")).status == 204
    assert files(door) == []
    for method, path in (("DELETE", import_id), ("GET", import_id), ("PUT", f"{import_id}?offset=0"), ("GET", "../x")):
        await door.problem(method, f"{IMPORTS}/{path}", expect=404)


async def test_what_is_announced_is_checked(door: Door) -> None:
    problem = await door.problem("POST", IMPORTS, json={"vendor": "V", "odd": 1}, expect=422)
    told = {error["field"] for error in problem["errors"]}
    assert told == {"odd", "models", "version", "sha256", "size", "file_name"}
    await door.problem("POST", IMPORTS, json=WISH | {"size": 10**15}, expect=413)
    set_firmware(door, images_limit_mb=1)
    await imported(door, bytes(900_000))
    await door.problem("POST", IMPORTS, json=WISH, expect=507)
    import_id = (await begun_import(door, size=50_000))["import_id"]
    await door.problem("PUT", f"{IMPORTS}/{import_id}", data=b"x", expect=422)
    await door.problem("POST", IMPORTS, role="viewer", json=WISH, expect=403)


async def test_a_full_disk_in_the_middle_keeps_whole_pieces(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    import_id = (await begun_import(door))["import_id"]
    await sent(door, import_id, 0, CONTENT[:1000])

    def refuse(file: Any, piece: bytes) -> None:
        file.write(piece[:7])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.operations.import_images._write_all", refuse)
        body = io.BytesIO(CONTENT[1000:])
        await door.problem("PUT", f"{IMPORTS}/{import_id}?offset=1000", data=body, expect=507)
    assert (await door.document("GET", f"{IMPORTS}/{import_id}"))["received"] == 1000
    assert (await sent(door, import_id, 1000, CONTENT[1000:], expect=201))["image"]["sha256"] == SHA


async def test_the_check_reads_everything_again(door: Door) -> None:
    good, bad = await imported(door, b"good"), await imported(door, b"bad")
    path = image_store(door.site).path(bad["sha256"])
    path.chmod(0o600)
    path.write_bytes(b"baf")
    found = await door.document("POST", "/api/v1/firmware/check", role="operator")
    reason = "its file has another content"
    assert found["damaged"] == [{"image_id": bad["image_id"], "reason": reason}]
    assert found["whole"] == [good["image_id"]]
    shown = await door.document("GET", f"{IMAGES}/{bad['image_id']}")
    assert not shown["usable"] and shown["damaged_time"] and "damaged or missing" in shown["reason"]
    assert "firmware" in (await door.document("GET", "/healthz", expect=503))["components"]
    await imported(door, b"bad", expect=200)
    assert (await door.document("GET", f"{IMAGES}/{bad['image_id']}"))["usable"]
    await door.document("POST", "/api/v1/firmware/check")
    await door.document("GET", "/healthz")
    assert [change for change, _ in await changes(door)] == ["imported", "imported", "damaged", "healed"]


async def test_names_of_files_that_arrive_are_their_own(door: Door) -> None:
    async with receiving(door.site) as first, receiving(door.site) as second:
        assert isinstance(first, Arriving) and first.path != second.path


async def test_answers_are_as_documented(door: Door) -> None:
    def expect(schema: str, document: dict[str, Any]) -> None:
        whole = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}}
        jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(document)

    expect("FirmwareImportWish", WISH)
    made = await imported(door)
    expect("FirmwareImage", made)
    begun = await begun_import(door)
    expect("FirmwareImport", begun)
    expect("FirmwareImport", await sent(door, begun["import_id"], 0, CONTENT, expect=201))
    expect("FirmwareImport", await begun_import(door, expect=200))
    image_store(door.site).remove(made["sha256"])
    checked = await door.document("POST", "/api/v1/firmware/check")
    assert checked["damaged"] and checked["whole"]
    expect("FirmwareCheck", checked)
    await door.ask("DELETE", f"{IMAGES}/{made['image_id']}")
    await door.document("POST", "/api/v1/firmware/check")
    for query in ("", "?state=withdrawn"):
        page = await door.document("GET", IMAGES + query)
        assert page["items"]
        expect("FirmwareImageCollection", page)
    events = (await door.document("GET", "/api/v1/events"))["items"]
    told = [event["data"] for event in events if event["kind"] == "firmware.image_changed"]
    assert {data["change"] for data in told} == {"imported", "damaged", "withdrawn", "removed"}
    for data in told:
        jsonschema.validate(data, DATA_OF_TYPE["firmware.image_changed"])
