"""Load management: the tree, a lower limit set and lifted, "what if", and the logs."""

from __future__ import annotations

import re

import pytest

from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read

CIRCUIT = "/load/circuits/main"


@pytest.mark.parametrize("role", ["viewer", "operator", "installer"])
async def test_the_tree_is_shown_to_everybody(reader: Reader, role: str) -> None:
    sight = await reader.see("/load", role=role)
    assert "main" in sight.links and sight.links["main"] == CIRCUIT
    circuit = await reader.see(CIRCUIT, role=role)
    assert ("Lower the limit for a time" in circuit.text) == (role != "viewer")


async def test_a_limit_is_set_and_lifted(reader: Reader) -> None:
    form = (await reader.see(CIRCUIT)).form_to(f"{CIRCUIT}/limit")
    assert form.fields["minutes"] == "60"
    await reader.send(form.action, form.fields | {"limit_amps": "20,5"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert limit["limit_amps"] == [20.5, 20.5, 20.5] and limit["until"] == "2027-01-15T09:00:00.000Z"
    shown = await reader.see("/load")
    assert "main is limited to 20.5 A" in shown.text.replace("\xa0", " ")
    lift = shown.form_to(f"{CIRCUIT}/limit/end")
    await reader.send(lift.action, lift.fields)
    assert (await reader.document("/site/limits"))["items"] == []
    log = await reader.see("/load/log")
    assert "main" in log.text and "token" in log.text
    german = (await reader.see("/load/log", language="de")).links["CSV für Excel"]
    assert german.partition("?")[2] == "separator=%3B&decimal=%2C&bom=true&times=local"
    assert (await (await reader.ask("GET", german)).text()).startswith("\ufefflog_id;circuit;")
    assert (await (await reader.ask("GET", log.links["CSV for Excel"])).text()).startswith("\ufefflog_id,circuit,")


async def test_a_limit_by_phase_or_in_watts_and_on_whose_behalf(reader: Reader) -> None:
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "16/10,5/8", "source": "dso"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert (limit["limit_amps"], limit["source"]) == ([16.0, 10.5, 8.0], "dso")
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "6900", "unit": "W", "source": "dso"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert limit["limit_amps"] == [10.0, 10.0, 10.0]
    for wrong in (
        {"limit_amps": "16/10"},
        {"limit_amps": "1/2/3", "unit": "W"},
        {"limit_amps": "5", "source": "x" * 41},
    ):
        await reader.send(f"{CIRCUIT}/limit", wrong, expect=422)


async def test_without_an_end_it_holds_until_it_is_lifted(reader: Reader) -> None:
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "10", "minutes": "0"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert limit["until"] is None


async def test_a_limit_until_an_instant(reader: Reader) -> None:
    action, chosen = f"{CIRCUIT}/limit", {"limit_amps": "10", "minutes": "until"}
    await reader.send(action, chosen | {"until": "2027-01-16T12:30"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert limit["until"] == "2027-01-16T12:30:00.000Z"
    for wrong, text in (
        ("", "Write a date and a time"),
        ("soon", "Write a date"),
        ("2027-01-15T08:00", "over already"),
    ):
        sight = read(await (await reader.send(action, chosen | {"until": wrong}, expect=422)).text())
        assert sight.by_id("until")[1]["aria-describedby"] == "until-mistake" and text in sight.text
        fields = sight.form_to(action).fields
        assert (fields["minutes"], fields["until"]) == ("until", wrong)
    await reader.send(action, {"limit_amps": "10", "minutes": "30", "until": "2027-01-16T12:30"})
    (limit,) = (await reader.document("/site/limits"))["items"]
    assert limit["until"] == "2027-01-15T08:30:00.000Z", "the field counts only when it is chosen"


async def test_what_could_harm_asks_before(reader: Reader) -> None:
    """Nothing left for cars, and a limit that somebody else set."""
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "10"})
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "16", "source": "dso <b>"})
    for page in ("/load", CIRCUIT):
        lifts = [
            each[1] for each in (await reader.see(page)).elements if each[1].get("action") == f"{CIRCUIT}/limit/end"
        ]
        asked = [each["data-question"] for each in lifts if "data-question" in each]
        assert len(lifts) == 2 and len(asked) == 1 and "dso <b>" in asked[0], page
    form = next(each[1] for each in (await reader.see(CIRCUIT)).elements if each[1].get("action") == f"{CIRCUIT}/limit")
    name, _, pattern = form["data-question-when"].partition("=")
    assert form["data-question"] and name == "limit_amps"
    for zero in ("0", " 0 ", "0,0", ".0", "00", "0/16/16", "16/16/0", "16/ 0.0 /16"):
        assert re.search(pattern, zero), zero
    for more in ("", "10", "0,5", "16/10/6", "0.01", "100/100/100"):
        assert not re.search(pattern, more), more


@pytest.mark.parametrize("amps", ["", "many", "-3", "1e99"])
async def test_what_is_no_limit_is_told_at_its_field(reader: Reader, amps: str) -> None:
    response = await reader.send(f"{CIRCUIT}/limit", {"limit_amps": amps, "minutes": "30"}, expect=422)
    text = await response.text()
    assert 'id="limit_amps-mistake"' in text and 'value="30" selected' in text
    assert (await reader.document("/site/limits"))["items"] == []


async def test_a_viewer_sets_no_limit(reader: Reader) -> None:
    await reader.send(f"{CIRCUIT}/limit", {"limit_amps": "10"}, expect=403, role="viewer")
    assert (await reader.document("/site/limits"))["items"] == []


async def test_what_if_changes_nothing(reader: Reader) -> None:
    fields = {"lose_1": "20", "lose_2": "0", "lose_3": "0"}
    response = await reader.ask("POST", f"{CIRCUIT}/what-if", data=fields, headers={"HX-Request": "true"})
    text = await response.text()
    assert response.status == 200 and "<html" not in text
    whole = await reader.ask("POST", f"{CIRCUIT}/what-if", data=fields | {"lose_1": "x"})
    assert whole.status == 422 and "Amperes are needed" in await whole.text()
    assert (await reader.document("/site/limits"))["items"] == []


async def test_a_circuit_that_does_not_exist(reader: Reader) -> None:
    sight = await reader.see("/load/circuits/%7Bnone%7D%20%3Cb%3E", expect=404)
    assert "Not found" in sight.text


async def test_empty_logs_tell_what_they_are_for(reader: Reader) -> None:
    assert "No lower limit was ever set" in (await reader.see("/load/log")).text
    assert "Nothing was decided yet" in (await reader.see("/load/decisions")).text
