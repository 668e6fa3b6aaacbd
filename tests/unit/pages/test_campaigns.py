"""The screens of rollouts: made by a form that keeps its mistakes, looked at first, followed and steered."""

from __future__ import annotations

from tests.unit.pages.conftest import Reader
from tests.unit.pages.played_firmware import ODD, add_image, add_station
from tests.unit.pages.reading import read

NEW = "/firmware/campaigns/new?image=img-2"


async def begun(reader: Reader, **fields: str) -> str:
    """The page of a rollout that was made as the form stands."""
    filled = (await reader.see(NEW)).form_to("/firmware/campaigns").fields
    sent = {**filled, "which": "all", "go": "start", **fields}
    return (await reader.send("/firmware/campaigns", sent)).headers["Location"]


async def test_without_rollouts_and_images_the_next_step_is_told(reader: Reader) -> None:
    sight = await reader.see("/firmware/campaigns")
    assert "Add an image first" in sight.text and sight.links["New rollout"] == "/firmware/campaigns/new"
    assert "New rollout" not in (await reader.see("/firmware/campaigns", role="viewer")).links
    assert "There is no image that stations may have." in (await reader.see("/firmware/campaigns/new")).text
    assert (await reader.ask("GET", NEW, role="viewer")).status == 403
    assert (await reader.ask("GET", "/firmware/campaigns/new?image=none")).status == 404


async def test_the_form_has_the_usual_values_and_the_stations_that_fit_first(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, ODD)
    await add_station(reader, "CP-2", vendor="Other")
    assert "Maker 2.0 (Post*)" in (await reader.see("/firmware/campaigns/new")).text
    sight = await reader.see(NEW, role="operator")
    fields = sight.form_to("/firmware/campaigns").fields
    assert (fields["canary"], fields["wave_share"], fields["max_failures"], fields["min_connected_seconds"]) == (
        "1", "20", "1", "600",
    )  # fmt: skip
    assert (fields["name"], fields["window_minutes_needed"], "drain" in fields) == ("Maker 2.0", "30", False)
    assert fields["station"] == ODD, "it is chosen already; the other is not"
    assert sight.text.index(ODD) < sight.text.index("CP-2")


async def test_what_would_happen_is_shown_before_it_does(reader: Reader) -> None:
    await add_image(reader)
    for number in range(3):
        await add_station(reader, f"CP-{number}")
    fields = (await reader.see(NEW)).form_to("/firmware/campaigns").fields
    response = await reader.ask("POST", "/firmware/campaigns", data={**fields, "which": "all", "go": "plan"})
    sight = read(await response.text())
    assert response.status == 200 and "3 stations take part. Nothing has begun yet. These go first: CP-0" in sight.text
    assert (await reader.document("/firmware/campaigns"))["items"] == []


async def test_mistakes_are_at_their_fields_and_what_was_typed_is_kept(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, "CP-1")
    fields = (await reader.see(NEW)).form_to("/firmware/campaigns").fields
    wrong = {
        "canary": "many", "wave_share": "x", "max_failures": "0%", "window_from": "25:00", "name": "<b>", "drain": "on",
        "window_to": "05:00", "apart": "CP-1", "which": "all", "go": "start", "at_once": "-1",
    }  # fmt: skip
    response = await reader.ask("POST", "/firmware/campaigns", data={**fields, **wrong})
    sight = read(await response.text())
    assert response.status == 422
    for name in ("canary", "wave_share", "max_failures", "window_from", "apart", "at_once"):
        assert sight.by_id(f"field-{name}")[1]["aria-describedby"] == f"{name}-mistake", name
        assert sight.by_id(f"{name}-mistake")
    kept = sight.form_to("/firmware/campaigns").fields
    assert all(kept[name] == text for name, text in wrong.items() if name not in ("go", "which")), kept
    assert (await reader.document("/firmware/campaigns"))["items"] == []


async def test_days_without_times_are_not_every_day(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, "CP-1")
    fields = {"image_id": "img-2", "name": "x", "which": "all", "window_days": "sat", "go": "start"}
    response = await reader.ask("POST", "/firmware/campaigns", data=fields)
    sight = read(await response.text())
    assert response.status == 422 and sight.by_id("window_from-mistake") and sight.by_id("window_to-mistake")
    assert (await reader.document("/firmware/campaigns"))["items"] == []


async def test_nobody_chosen_is_not_everybody(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, "CP-1")
    fields = {"image_id": "img-2", "name": "x", "which": "chosen", "go": "start"}
    response = await reader.ask("POST", "/firmware/campaigns", data=fields)
    assert response.status == 422 and "Choose at least one station." in await response.text()
    assert (await reader.ask("POST", "/firmware/campaigns", data={"name": "x"})).status == 422


async def test_every_field_reaches_the_campaign(reader: Reader) -> None:
    await add_image(reader, downgrade_allowed=True)
    await add_station(reader, "CP-1")
    await add_station(reader, "CP-2")
    typed = {
        "which": "chosen", "station": "CP-2", "canary": "0", "wave_share": "50", "max_failures": "20%",
        "window_from": "01:00", "window_to": "05:00", "window_minutes_needed": "45", "window_days": "sun",
        "drain": "on", "pause_after_canary": "on", "force_downgrade": "on", "apart": "CP-1, CP-2\n\n",
        "most_share_of_connectors": "12.5", "tries": "",
    }  # fmt: skip
    page = await begun(reader, **typed)
    campaign = await reader.document(page)
    policy = campaign["policy"]
    assert isinstance(policy, dict)
    assert policy["window"] == {"from": "01:00", "to": "05:00", "days": ["sun"], "minutes_needed": 45}
    expected = {
        "canary": 0, "wave_share": 0.5, "max_failures": "20%", "drain": True, "pause_after_canary": True, "tries": 2,
        "force_downgrade": True, "apart": [["CP-1", "CP-2"]], "most_share_of_connectors": 0.125,
    }  # fmt: skip
    assert {name: policy[name] for name in expected} == expected
    stations = campaign["stations"]
    assert isinstance(stations, list) and [one["station"] for one in stations] == ["CP-2"]


async def test_a_rollout_is_shown_listed_and_steered(reader: Reader) -> None:
    await add_image(reader)
    for name in (ODD, "CP-2"):
        await add_station(reader, name)
    page = await begun(reader, name="Spring <b>")
    sight = await reader.see(page)
    assert "Those that go first" in sight.text and "Wave 1" in sight.text and "Waits for its turn" in sight.text
    assert sight.by_id("live")[1]["hx-sse:connect"] == f"/live{page}"
    assert "0 of 2 stations updated" in (await reader.see("/firmware/campaigns", role="viewer")).text
    assert not [form for form in (await reader.see(page, role="viewer")).forms if form.action.startswith(page)]
    await reader.send(f"{page}/pause", {}, role="operator")
    paused = await reader.see(page)
    assert "Paused" in paused.text and "Go on" in paused.text
    assert (await reader.ask("POST", f"{page}/approve")).status == 409
    await reader.send(f"{page}/resume", {})
    questions = [each["action"] for _, each in (await reader.see(page)).elements if "data-question" in each]
    assert questions == [f"{page}/abort"]
    await reader.send(f"{page}/abort", {})
    ended = await reader.see(page)
    assert "Ended early" in ended.text and "Not begun: 2" in ended.text
    history = await reader.see(f"{page}/history")
    assert history.text.count("Not begun") == 2 and "token 2 (operator)" in history.text and ODD in history.links


async def test_a_station_that_failed_tells_what_to_do(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, ODD)
    page = await begun(reader)
    await reader.site.database.write(
        lambda db: db.execute(
            "UPDATE campaign_stations SET state = 'failed', failure = 'lost', tries = 2, detail = 'gone <b>',"
            " version_before = '0.9', changed_settings = '{\"A\": {}}'"
        )
    )
    await reader.site.database.write(lambda db: db.execute("UPDATE campaigns SET state = 'halted', why = 'a <b>'"))
    sight = await reader.see(page)
    assert "It has not come back. Look at the station: it may need its power switched off and on." in sight.text
    assert "gone <b>" in sight.text and "0.9 → 1.0" in sight.text and "asked 2 times" in sight.text
    assert sight.links["Restart or update this station by hand"].endswith("/actions")
    assert "Try failed ones again" in sight.text and "One setting is not as before: A" in sight.text
    await reader.send(f"{page}/retry", {})
    assert "one failed" not in (await reader.see("/firmware/campaigns")).text


async def test_rollouts_are_paged(reader: Reader) -> None:
    await add_image(reader)
    await add_station(reader, "CP-1")
    for number in range(21):
        page = await begun(reader, name=f"No {number}")
        await reader.send(f"{page}/abort", {})
    sight = await reader.see("/firmware/campaigns")
    older = await reader.see(sight.links["Older rollouts"])
    assert sum(name.startswith("No ") for name in (*sight.links, *older.links)) == 21
    assert "There are no older rollouts." in (await reader.see("/firmware/campaigns?after=99")).text


async def test_rollouts_that_are_not_there(reader: Reader) -> None:
    for method, path in (
        ("GET", "/firmware/campaigns/none"), ("GET", "/firmware/campaigns/none/history"),
        ("POST", "/firmware/campaigns/none/pause"), ("POST", "/firmware/campaigns/none/plough"),
    ):  # fmt: skip
        assert (await reader.ask(method, path)).status == 404, path


async def test_one_of_two_is_said_of_two(reader: Reader) -> None:
    await add_image(reader)
    for name in ("CP-1", "CP-2"):
        await add_station(reader, name)
    await begun(reader)
    await reader.site.database.write(
        lambda db: db.execute("UPDATE campaign_stations SET state = 'done' WHERE station = 'CP-1'")
    )
    assert "1 of 2 stations updated" in (await reader.see("/firmware/campaigns")).text
