"""Files of stations are deleted and forwarded; what stations install and upload is listed."""

from __future__ import annotations

from gateway.model.identities import StationId
from gateway.pages.diagnostics_words import JOB_RESULTS
from gateway.store import station_jobs
from gateway.store.station_jobs import RESULTS
from tests.fakes.uploaded_files import uploaded
from tests.unit.pages.conftest import Reader
from tests.unit.web.conftest import NOON

FILES, JOBS = "/diagnostics/uploads", "/diagnostics/jobs"


async def test_a_file_is_deleted_after_a_question(reader: Reader) -> None:
    await uploaded(reader.site, b"1234", station="S <1>")
    sight = await reader.see(FILES, role="operator")
    (form,) = [form for form in sight.forms if form.action.endswith("/delete")]
    _, shown = next(each for each in sight.elements if each[1].get("action") == form.action)
    assert "S <1>" in str(shown["data-question"])
    await reader.send(form.action, {}, role="viewer", expect=403)
    await reader.send(form.action, {}, role="operator")
    assert (await reader.document("/uploads"))["items"] == []
    await reader.send(form.action, {}, role="operator", expect=404)


async def test_nobody_to_forward_to(reader: Reader) -> None:
    await uploaded(reader.site, b"1234", station="S-1")
    assert not [form for form in (await reader.see(FILES)).forms if form.action.endswith("/forward")]
    response = await reader.send(f"{FILES}/1/forward", {})
    assert "uploads_url" in response.headers["Set-Cookie"]
    await reader.send(f"{FILES}/7/forward", {}, expect=404)


async def test_what_is_under_way(reader: Reader) -> None:
    assert "Nothing like this was asked of a station." in (await reader.see(JOBS, role="operator")).text
    await reader.see(JOBS, role="viewer", expect=403)
    await reader.site.database.write(
        lambda db: station_jobs.begin(db, StationId("FILE-1"), "diagnostics", status="Uploading", now=NOON)
    )
    sight = await reader.see(f"{JOBS}?station=FILE-1&only=open")
    assert "Diagnostics" in sight.text and sight.links["FILE-1"] == "/stations/FILE-1"
    assert "Nothing like this" in (await reader.see(f"{JOBS}?kind=firmware")).text
    assert (await reader.see(f"{JOBS}?kind=nonsense")).links["FILE-1"]


def test_every_result_has_its_words() -> None:
    assert set(JOB_RESULTS) == {*RESULTS, "None"}
