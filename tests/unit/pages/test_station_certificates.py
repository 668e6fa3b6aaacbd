"""The certificates of a station: what it told, roots sent and taken out, its own renewed."""

from __future__ import annotations

from gateway.model.calls import Answered
from tests.unit.pages.conftest import Reader
from tests.unit.pages.reading import Sight, read
from tests.unit.web.conftest import PlayedConnection

PATH = "/stations/FILE-1/certificates"
HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "AB", "issuerKeyHash": "cd", "serialNumber": "0F"}


def played(reader: Reader, response: dict[str, object]) -> PlayedConnection:
    return reader.connected.play(PlayedConnection("FILE-1", reply=Answered(response)))


async def sent(reader: Reader, what: str, fields: dict[str, str], expect: int = 200) -> Sight:
    response = await reader.send(f"{PATH}/{what}", fields, expect=expect, role="operator")
    return read(await response.text())


async def test_what_a_viewer_sees(reader: Reader) -> None:
    sight = await reader.see(PATH, role="viewer")
    assert "The station has told of none." in sight.text and "None was issued yet." in sight.text
    assert not [form for form in sight.forms if form.action.startswith(PATH)]
    for what in ("ask", "install", "delete", "renew"):
        await reader.send(f"{PATH}/{what}", {}, expect=403, role="viewer")
    await reader.see("/stations/NOBODY/certificates", expect=404)


async def test_it_is_asked_and_the_last_root_is_deleted_only_after_a_question(reader: Reader) -> None:
    connection = played(reader, {"status": "Accepted", "certificateHashData": [HASHES]})
    await sent(reader, "ask", {})
    kinds = [payload["certificateType"] for _, payload in connection.asked]
    assert kinds == ["CentralSystemRootCertificate", "ManufacturerRootCertificate"]
    sight = await reader.see(PATH, role="operator")
    forms = [form for form in sight.forms if form.action == f"{PATH}/delete"]
    questions = [
        str(each[1].get("data-question")) for each in sight.elements if each[1].get("action") == f"{PATH}/delete"
    ]
    assert len(forms) == 2 and sum("the last root" in question for question in questions) == 1
    connection.reply = Answered({"status": "Accepted"})
    await sent(reader, "delete", forms[0].fields)
    assert connection.asked[-1] == ("DeleteCertificate", {"certificateHashData": HASHES})


async def test_the_gateways_own_root_is_sent(reader: Reader) -> None:
    connection = played(reader, {"status": "Accepted"})
    sight = await sent(reader, "install", {"type": "CentralSystemRootCertificate"})
    action, payload = connection.asked[0]
    assert action == "InstallCertificate" and "Accepted" in sight.text
    assert payload["certificateType"] == "CentralSystemRootCertificate"
    assert str(payload["certificate"]).startswith("-----BEGIN CERTIFICATE-----\n")


async def test_a_makers_root_is_pasted(reader: Reader) -> None:
    connection = played(reader, {"status": "Accepted"})
    wanting = await sent(reader, "install", {"type": "ManufacturerRootCertificate"}, expect=422)
    assert wanting.by_id("pem-mistake") and not connection.asked
    await sent(reader, "install", {"type": "ManufacturerRootCertificate", "pem": "A \r\nB\r\n"})
    expected = {"certificateType": "ManufacturerRootCertificate", "certificate": "A\nB\n"}
    assert connection.asked[0] == ("InstallCertificate", expected)


async def test_it_is_told_to_renew_its_own(reader: Reader) -> None:
    connection = played(reader, {"status": "NotImplemented"})
    await sent(reader, "renew", {})
    assert connection.asked == [("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"})]


async def test_a_station_that_is_away_is_asked_once(reader: Reader) -> None:
    sight = await sent(reader, "ask", {})
    assert sight.text.count("nothing was sent") == 1
