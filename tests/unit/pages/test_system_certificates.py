"""The authority and what it issued: renewed, replaced, made by hand and revoked; keys are shown once."""

from __future__ import annotations

from gateway.pages.system_certificates import REVOCATION_REASONS
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import read

PATH = "/system/certificates"


async def test_what_is_shown(reader: Reader) -> None:
    empty = await reader.see(PATH, role="viewer")
    assert "There is none yet." in empty.text and "No certificate is in use." in empty.text
    assert "None was issued yet." in empty.text and not [form for form in empty.forms if PATH in form.action]
    assert empty.links["Download the certificate (PEM)"] == "/api/v1/pki/authority"
    assert "BEGIN CERTIFICATE" in await (await reader.ask("GET", "/api/v1/pki/authority")).text()
    sight = await reader.see(PATH, role="viewer")
    assert "Generation1" in sight.text and "10950 days good" in sight.text


async def test_a_new_generation(reader: Reader) -> None:
    sight = await reader.see(PATH)
    _, form = next(each for each in sight.elements if each[1].get("action") == f"{PATH}/renew")
    assert "Begin a new generation" in str(form["data-question"])
    await reader.ask("GET", "/api/v1/pki/authority")
    await reader.send(f"{PATH}/renew", {})
    assert "Generation2" in (await reader.see(PATH)).text
    for path in (f"{PATH}/renew", f"{PATH}/import", f"{PATH}/station", f"{PATH}/issued/1/revoke"):
        await reader.send(path, {}, expect=403, role="operator")


async def test_another_authority_that_is_none_changes_nothing_and_shows_no_key(reader: Reader) -> None:
    fields = {"key": "not a key", "chain": "no chain"}
    text = await (await reader.send(f"{PATH}/import", fields, expect=422)).text()
    assert "no chain" in text and "not a key" not in text and 'class="notice bad"' in text
    assert (await reader.document("/pki"))["authority"] is None


async def test_a_key_and_certificate_by_hand_then_revoked(reader: Reader) -> None:
    wishes = {"station": "FILE-1", "common_name": "SN <0>", "algorithm": "x"}
    refused = read(await (await reader.send(f"{PATH}/station", wishes, expect=422)).text())
    kept = refused.form_to(f"{PATH}/station").fields
    assert (kept["station"], kept["common_name"]) == ("FILE-1", "SN <0>")
    response = await reader.send(f"{PATH}/station", {"station": "FILE-1", "common_name": "SN <1>"}, expect=200)
    made = read(await response.text())
    assert "PRIVATE KEY" in made.text and "BEGIN CERTIFICATE" in made.text
    sight = await reader.see(PATH)
    assert "PRIVATE KEY" not in sight.text and "SN <1>" in sight.text and "made by hand" in sight.text
    (form,) = [form for form in sight.forms if form.action.endswith("/revoke")]
    offered = [attributes["value"] for tag, attributes in sight.elements if tag == "option" and "value" in attributes]
    assert set(REVOCATION_REASONS) <= set(offered)
    assert form.fields["reason"] == "", "nobody has to say why"
    await reader.send(form.action, {**form.fields, "reason": REVOCATION_REASONS[0]})
    sight = await reader.see("/stations/FILE-1/certificates")
    (issued,) = (await reader.document("/pki/certificates"))["items"]  # type: ignore[misc]
    assert issued["reason"] == "somebody else may have the key"
    german = await reader.see(PATH, language="de")
    assert "jemand anderes könnte den Schlüssel haben" in german.text
    assert "revoked" in sight.text and not [form for form in sight.forms if form.action.endswith("/revoke")]
    await reader.send(f"{PATH}/issued/none/revoke", {}, expect=404)
