"""The screens of firmware images: the list, one image, the upload, addresses; for each role and with odd data."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import FormData

from tests.unit.pages.conftest import Reader
from tests.unit.pages.played_firmware import ODD, add_image, add_station
from tests.unit.pages.reading import read
from tests.unit.web.conftest import PlayedConnection


def form(*, content: bytes = b"firmware", **fields: str) -> FormData:
    made = FormData()
    for name, text in {"vendor": "Maker", "models": "Post*", "version": "2.0", **fields}.items():
        made.add_field(name, text)
    made.add_field("file", content, filename="post.bin")
    made.add_field("signature", b"", filename="")  # as browsers send an empty choice
    return made


async def test_an_empty_store_says_what_to_do(reader: Reader) -> None:
    sight = await reader.see("/firmware")
    assert "Add the file that you got from the stations' vendor" in sight.text and "Add an image" in sight.links
    watched = await reader.see("/firmware", role="viewer")
    assert "An operator can add one." in watched.text and "Add an image" not in watched.links
    assert "No image is in this state." in (await reader.see("/firmware?state=withdrawn")).text
    assert (await reader.ask("GET", "/firmware/upload", role="viewer")).status == 403


async def test_images_are_listed_with_their_state_and_signature(reader: Reader) -> None:
    await add_image(reader, vendor="<i>Maker</i>")
    sight = await reader.see("/firmware", role="viewer")
    assert "<i>Maker</i> 2.0" in sight.links and "Approved" in sight.text
    assert "Bring it to stations" not in sight.links
    assert (await reader.see("/firmware")).links["Bring it to stations"] == "/firmware/campaigns/new?image=img-2"


async def test_an_image_is_uploaded_and_shown(reader: Reader) -> None:
    response = await reader.ask("POST", "/firmware/upload", data=form(release_notes="Better.", hw_revisions="A,B"))
    assert response.status == 303, await response.text()
    page = response.headers["Location"]
    sight = await reader.see(page, headers={"Cookie": f"ocppgw_notice={response.cookies['ocppgw_notice'].value}"})
    assert "The image is in the store." in sight.text and "not signed" in sight.text and "Better." in sight.text
    assert "A, B" in sight.text and "token 3 (installer)" in sight.text


async def test_mistakes_of_an_upload_are_at_their_fields_and_nothing_is_kept(reader: Reader) -> None:
    response = await reader.ask("POST", "/firmware/upload", data=form(vendor="x" * 80, sha256="short"))
    assert response.status == 422
    sight = read(await response.text())
    for name in ("vendor", "sha256"):
        assert sight.by_id(f"field-{name}")[1]["aria-describedby"] == f"{name}-mistake"
    assert "nothing was kept" in sight.text
    assert (await reader.document("/firmware/images"))["items"] == []


async def test_a_browser_with_scripts_stays_on_the_form(reader: Reader) -> None:
    part = {"HX-Request": "true"}
    response = await reader.ask("POST", "/firmware/upload", data=form(vendor="x" * 80), headers=part)
    text = await response.text()
    assert response.status == 422 and "Vendor" in text and "<html" not in text
    assert read(text).text.startswith("the description of the image has mistakes")
    good = await reader.ask("POST", "/firmware/upload", data=form(), headers=part)
    assert good.status == 200 and good.headers["HX-Redirect"].startswith("/firmware/images/")


async def test_what_a_viewer_may_not_do_is_not_offered_and_refused(reader: Reader) -> None:
    await add_image(reader)
    sight = await reader.see("/firmware/images/img-2", role="viewer")
    assert [form.action for form in sight.forms if form.action.startswith("/firmware")] == []
    for path in ("/firmware/upload", "/firmware/check", "/firmware/images/img-2/withdraw"):
        assert (await reader.ask("POST", path, role="viewer")).status == 403


async def test_an_image_is_approved_checked_and_withdrawn(reader: Reader) -> None:
    response = await reader.ask("POST", "/firmware/upload", data=form(state="staged"))
    page = response.headers["Location"]
    sight = await reader.see(page)
    assert "Waiting for approval" in sight.text and "Bring it to stations" not in sight.links
    await reader.send(f"{page}/approve", {}, role="operator")
    assert "Approved" in (await reader.see(page)).text
    assert (await reader.send("/firmware/check", {})).headers["Location"] == "/firmware"
    question = next(each for tag, each in (await reader.see(page)).elements if "data-question" in each)
    assert question["action"] == f"{page}/withdraw"
    await reader.send(f"{page}/withdraw", {})
    assert "Withdrawn" in (await reader.see(page)).text
    assert "There is no image yet" in (await reader.see("/firmware")).text
    assert "Maker 2.0" in (await reader.see("/firmware?state=withdrawn")).links
    assert (await reader.ask("POST", f"{page}/approve")).status == 409


async def test_a_station_gets_an_address_which_is_shown_once(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, ODD)
    reader.connected.play(PlayedConnection(ODD))
    before = await reader.see("/firmware/images/img-2")
    assert ODD in before.text
    response = await reader.ask("POST", "/firmware/images/img-2/links", data={"station": ODD})
    sight = read(await response.text())
    assert response.status == 200 and "It is shown only now: copy it. http://192.168.1.10:8088/f/" in sight.text
    after = await reader.see("/firmware/images/img-2")
    assert "http://192.168.1.10" not in after.text and "nothing yet" in after.text
    assert after.links[ODD] == f"/stations/{quote(ODD, safe='')}"


async def test_a_station_that_cannot_get_an_address(reader: Reader) -> None:
    await add_image(reader)
    response = await reader.ask("POST", "/firmware/images/img-2/links", data={"station": "CP-gone"})
    sight = read(await response.text())
    assert response.status == 422 and sight.by_id("station-mistake") and "CP-gone" in sight.text


async def test_images_that_are_not_there(reader: Reader) -> None:
    for method, path in (
        ("GET", "/firmware/images/none"), ("POST", "/firmware/images/none/approve"),
        ("POST", "/firmware/images/none/withdraw"), ("POST", "/firmware/images/none/links"),
    ):  # fmt: skip
        assert (await reader.ask(method, path)).status == 404, path
