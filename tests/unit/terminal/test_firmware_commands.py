"""`firmware`: what people see of the store, and what they take into it, against a real gateway's door."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firmware_store.manifest import Manifest, image_id_of
from gateway.__main__ import main
from gateway.operations.keep_images import image_store
from gateway.operations.site import Site
from gateway.terminal import commands_firmware_import
from gateway.terminal.arguments import parse
from gateway.terminal.client import Gateway
from gateway.terminal.exits import UNREACHABLE
from gateway.terminal.image_files import Unusable, text_of_certificate, text_of_signature
from gateway.web.application import make_application, serve
from tests.fakes.signed_images import signer
from tests.unit.operations.firmware_site import files
from tests.unit.web.conftest import configuration_in, open_site

CONTENT = os.urandom(700_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
MANIFEST: dict[str, Any] = {"vendor": "Vendor", "models": ["M1", "M2"], "version": "9.1"}


class Desk:
    """Somebody at a command line beside a gateway."""

    def __init__(self, site: Site, config: Path, stick: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.site, self.config, self.stick, self.capsys = site, config, stick, capsys

    async def do(self, *words: str | Path) -> tuple[int, str, str]:
        """(exit code, what was printed, what was complained about)"""
        arguments = ["firmware", *map(str, words), "--config", str(self.config)]
        try:
            code = await asyncio.to_thread(main, arguments)
        except SystemExit as ended:
            code = int(str(ended.code))
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def put(self, name: str, content: bytes = CONTENT, manifest: object = None) -> Path:
        """A file on the stick, with a manifest beside it."""
        path = self.stick / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if manifest is not None:
            path.with_name(f"{path.name}.json").write_text(json.dumps(manifest))
        return path

    async def images(self) -> list[dict[str, Any]]:
        return list(json.loads((await self.do("images", "--json"))[1])["items"])


@pytest.fixture
async def desk(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Desk]:
    (tmp_path / "stick").mkdir()
    async with open_site(configuration_in(tmp_path)) as site, serve(site, make_application(site)):
        yield Desk(site, config, tmp_path / "stick", capsys)


OPTIONS = ("--vendor", "Vendor", "--model", "M1", "--version", "9.1")


async def test_a_file_with_options(desk: Desk) -> None:
    path = desk.put("post-9.1.bin")
    code, out, _ = await desk.do("import", path, *OPTIONS, "--model", "M2", "--notes", "ok", "--downgrade-allowed")
    (image,) = await desk.images()
    assert code == 0
    assert out == f"{path}: image {image['image_id']}, Vendor M1, M2 9.1: approved, not signed\n"
    assert (image["sha256"], image["source"], image["release_notes"]) == (SHA, "cli", "ok")
    assert image["downgrade_allowed"] and image["file_name"] == "post-9.1.bin"
    assert (await desk.do("import", path, *OPTIONS, "--model", "M2", "--notes", "ok", "--downgrade-allowed"))[0] == 0
    assert len(await desk.images()) == 1


async def test_what_people_see_and_decide(desk: Desk) -> None:
    assert (await desk.do())[1].startswith("No firmware image")
    await desk.do("import", desk.put("f.bin"), *OPTIONS, "--staged")
    (image,) = await desk.images()
    code, out, _ = await desk.do()
    assert code == 0
    assert out.splitlines()[1].split()[:7] == [image["image_id"], "Vendor", "M1", "9.1", "f.bin", "0.7", "staged"]
    code, out, _ = await desk.do("approve", image["image_id"])
    assert code == 0 and out.startswith(f"{image['image_id']} is approved, by local user")
    path = image_store(desk.site).path(SHA)
    path.chmod(0o600)
    path.write_bytes(b"rubbish")
    code, _, complaint = await desk.do("check")
    assert code == 1 and "its file has another content; import it again" in complaint
    assert "UNUSABLE" in (await desk.do("images", "--model", "M1"))[1]
    assert json.loads((await desk.do("check", "--json"))[1])["damaged"] != []
    await desk.do("import", desk.put("f.bin"), *OPTIONS)
    assert (await desk.do("check"))[:2] == (0, "1 images are whole\n")
    assert (await desk.do("withdraw", image["image_id"]))[:2] == (0, f"{image['image_id']} is withdrawn\n")
    assert await desk.images() == []
    assert (await desk.do("approve", image["image_id"]))[0] == 1
    assert (await desk.do("withdraw", "none"))[0] == 1
    assert "withdrawn" in (await desk.do("images", "--state", "withdrawn"))[1]


async def test_a_manifest_beside_the_file_and_options_beat_it(desk: Desk) -> None:
    path = desk.put("f.bin", manifest=MANIFEST | {"sha256": SHA, "size": len(CONTENT), "state": "staged"})
    assert (await desk.do("import", path, "--version", "9.2"))[0] == 0
    (image,) = await desk.images()
    assert (image["version"], image["models"], image["state"]) == ("9.2", ["M1", "M2"], "staged")
    assert (await desk.do("import", f"{path}.json"))[0] == 0, "the manifest may be named as well"
    assert len(await desk.images()) == 2


async def test_a_stick_with_good_and_bad_ones(desk: Desk) -> None:
    desk.put("one.bin", b"one", MANIFEST)
    desk.put("deep/two.fw", b"two", MANIFEST | {"version": "2"})
    (desk.stick / "three.json").write_text(json.dumps(MANIFEST | {"file_name": "../three.img", "version": "3"}))
    desk.put("three.img", b"three")
    desk.put("damaged.bin", b"x", MANIFEST | {"sha256": SHA})
    desk.put("short.bin", b"x", MANIFEST | {"size": 2})
    desk.put("empty.bin", b"", MANIFEST)
    desk.put("wrong.bin", b"x", MANIFEST | {"modles": ["M"], "version": 5})
    desk.put("list.bin", b"x", [1])
    (desk.stick / "odd.bin.json").write_text("{")
    (desk.stick / "alone.bin.json").write_text(json.dumps(MANIFEST))
    (desk.stick / "._one.bin.json").write_bytes(b"\0\5\x16\7")
    code, out, complaints = await desk.do("import", desk.stick, desk.stick / "none.bin")
    assert code == 1
    assert {image["version"] for image in await desk.images()} == {"9.1", "2", "3"}
    assert {image["source"] for image in await desk.images()} == {"usb"}
    assert len(out.splitlines()) == 3
    for path, reason in {
        "damaged.bin.json": "it is damaged",
        "short.bin.json": "the file has 1 bytes, not the 2 that were announced",
        "empty.bin.json": "the file is empty",
        "wrong.bin.json": "wrong.bin.json: modles: unknown",
        "list.bin.json": "expected a JSON object",
        "odd.bin.json": "it is not JSON",
        "alone.bin.json": "there is no alone.bin beside it",
        "none.bin": "there is no such file",
    }.items():
        assert any(str(desk.stick / path) in line and reason in line for line in complaints.splitlines()), path
    assert "wrong.bin.json: version: expected text" in complaints, "every mistake"
    assert "._one" not in complaints
    document = json.loads((await desk.do("import", desk.stick, "--json"))[1])
    assert (len(document["imported"]), len(document["errors"])) == (3, 7)


async def test_a_folder_without_a_manifest(desk: Desk) -> None:
    code, _, complaint = await desk.do("import", desk.stick)
    assert code == 1 and "there is no manifest" in complaint
    code, _, complaint = await desk.do("import", desk.put("f.bin"))
    assert code == 1 and "vendor: missing" in complaint and "f.bin.json" in complaint


async def test_a_stick_cannot_choose_among_the_files_of_the_machine(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"of this machine")
    (desk.stick / "f.bin").symlink_to(secret)
    (desk.stick / "f.bin.json").write_text('{"vendor": "V", "models": ["M"], "version": "1"}')
    code, _, complaint = await desk.do("import", desk.stick)
    assert code == 1 and "is a link out of the folder" in complaint
    assert await desk.images() == []


async def test_signatures_of_files(desk: Desk, tmp_path: Path) -> None:
    vendor = signer(tmp_path)
    text, bare, pem = desk.stick / "sig.txt", desk.stick / "sig.bin", desk.stick / "cert.pem"
    signature = vendor.signature(CONTENT)
    text.write_text(signature + "\n")
    bare.write_bytes(base64.b64decode(signature))
    pem.write_bytes(vendor.certificate.replace("\n", "\r\n").encode())
    path = desk.put("f.bin")
    for number, file in enumerate((text, bare)):
        signed = ("--signature", file, "--certificate", pem, "--notes", str(number))
        code, out, _ = await desk.do("import", path, *OPTIONS, *signed)
        assert code == 0 and "verified by ECDSA" in out
    kept = {image["signature"] for image in await desk.images()}
    assert kept == {signature, signature + "\n"}
    assert {image["signing_certificate"] for image in await desk.images()} == {pem.read_bytes().decode()}
    with pytest.raises(Unusable, match="cannot read"):
        text_of_signature(desk.stick / "none")
    pem.write_bytes(b"\xff\xfe")
    with pytest.raises(Unusable, match="not PEM"):
        text_of_certificate(pem)
    text.write_bytes(bytes(10_000))
    assert (await desk.do("import", path, *OPTIONS, "--signature", text, "--certificate", pem))[0] == 1


async def test_what_the_gateway_refuses_is_told_and_the_others_go_on(desk: Desk) -> None:
    configuration = desk.site.configuration
    limited = replace(configuration, firmware=replace(configuration.firmware, images_limit_mb=1))
    object.__setattr__(desk.site, "configuration", limited)
    desk.put("a.bin", bytes(2_000_000), MANIFEST)
    desk.put("b.bin", b"b", MANIFEST)
    code, out, complaint = await desk.do("import", desk.stick)
    assert code == 1 and "images_limit_mb" in complaint and "b.bin.json: image" in out
    assert len(files(desk.site)) == 1


async def test_it_goes_on_where_a_connection_broke(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    really = commands_firmware_import.upload
    sent: list[int] = []

    def cut(pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield next(pieces)
        raise OSError("the cable")

    def breaks(gateway: Gateway, path: str, pieces: Any, *, length: int, **more: Any) -> object:
        sent.append(length)
        return really(gateway, path, pieces if len(sent) > 2 else cut(pieces), length=length, **more)

    def pause(seconds: float) -> None:
        waited.append(seconds)
        while desk.site.images.busy:
            os.sched_yield()

    monkeypatch.setattr(commands_firmware_import, "upload", breaks)
    options = parse(["firmware", "import", str(desk.put("f.bin")), *OPTIONS, "--config", str(desk.config)], "0")
    waited: list[float] = []
    code = await asyncio.to_thread(commands_firmware_import.import_images, options, pause)
    desk.capsys.readouterr()
    assert code == 0 and sent[0] == len(CONTENT) and sent == sorted(sent, reverse=True) and len(waited) == 2
    assert (await desk.images())[0]["sha256"] == SHA


async def test_it_waits_for_a_dead_connection_that_the_gateway_still_hears(desk: Desk) -> None:
    options = parse(["firmware", "import", str(desk.put("f.bin")), *OPTIONS, "--config", str(desk.config)], "0")
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            desk.site.images.busy.clear()

    held = image_id_of(Manifest("Vendor", ("M1",), "9.1", "f.bin"), SHA)
    desk.site.images.busy.add(held)
    assert await asyncio.to_thread(commands_firmware_import.import_images, options, pause) == 0
    assert waited == [2.0, 4.0, 8.0]


async def test_nobody_answers(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "f.bin"
    file.write_bytes(b"x")
    arguments = ["firmware", "import", str(file), *OPTIONS, "--config", str(config)]
    assert await asyncio.to_thread(main, arguments) == UNREACHABLE
