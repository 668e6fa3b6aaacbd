"""/pki: the authority, certificates made by hand, revocation; keys leave once and are nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.store import issued_certificates
from tests.fakes.openssl_workshop import Workshop, blocks, openssl, public_key_of
from tests.unit.web.conftest import Door, PlayedConnection

pytestmark = pytest.mark.slow

PKI = "/api/v1/pki"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "workshop"
    folder.mkdir()
    return Workshop(folder)


async def make(door: Door, **fields: object) -> dict[str, Any]:
    return await door.document("POST", f"{PKI}/station-certificates", json={"station": "FILE-1", **fields}, expect=201)


async def test_looking_makes_nothing(door: Door) -> None:
    assert await door.document("GET", PKI, role="viewer") == {"authority": None, "certificates": []}
    assert not (door.site.configuration.data.directory / "pki").exists()


async def test_the_root_is_made_when_it_is_asked_for(door: Door) -> None:
    first = await door.ask("GET", f"{PKI}/authority", role="viewer")
    assert (first.status, first.content_type) == (200, "application/x-pem-file")
    root = await first.text()
    assert "CA:TRUE" in openssl("x509", "-noout", "-text", given=root)
    assert await (await door.ask("GET", f"{PKI}/authority")).text() == root
    document = await door.document("GET", PKI)
    assert document["authority"]["root"] == root and document["authority"]["generation"] == 1
    assert [issuer["key"] for issuer in document["authority"]["issuers"]] == ["RSA 3072", "EC secp256r1"]
    assert [one["kind"] for one in document["certificates"]] == ["authority", "authority"]


@pytest.mark.parametrize("algorithm", ["rsa", "ecdsa"])
async def test_a_key_leaves_once_and_is_nowhere_else(door: Door, algorithm: str) -> None:
    response = await door.ask(
        "POST", f"{PKI}/station-certificates", json={"station": "FILE-1", "algorithm": algorithm, "common_name": "SN 7"}
    )
    assert (response.status, response.headers["Cache-Control"]) == (201, "no-store")
    made = await response.json()
    assert openssl("pkey", "-pubout", given=made["private_key"]) == public_key_of(made["chain"])
    assert (made["common_name"], made["algorithm"]) == ("SN 7", algorithm)
    secret = made["private_key"].split("\n")[1]
    for path in (PKI, f"{PKI}/certificates", "/api/v1/events", "/api/v1/stations/FILE-1/certificates"):
        assert secret not in await (await door.ask("GET", path)).text()
    directory = door.site.configuration.data.directory
    for file in (*directory.glob("gateway.db*"), *(directory / "pki").iterdir()):
        assert secret.encode() not in file.read_bytes()
    (issued,) = (await door.document("GET", f"{PKI}/certificates"))["items"]
    assert (issued["state"], issued["station"], issued["serial_number"]) == (
        "handed_over", "FILE-1", made["serial_number"],
    )  # fmt: skip
    of_station = await door.document("GET", "/api/v1/stations/FILE-1/certificates")
    assert of_station == {"station": "FILE-1", "issued": [issued], "installed": []}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"station": 7}, 422),
        ({"station": "NOBODY"}, 404),
        ({"station": "FILE-1", "common_name": "x" * 65}, 422),
        ({"station": "FILE-1", "common_name": " padded"}, 422),
        ({"station": "FILE-1", "common_name": 7}, 422),
        ({"station": "FILE-1", "algorithm": "dsa"}, 422),
        ({"station": "FILE-1", "more": 1}, 422),
    ],
)
async def test_fields_that_mean_nothing(door: Door, fields: dict[str, object], status: int) -> None:
    await door.problem("POST", f"{PKI}/station-certificates", json=fields, expect=status)
    assert (await door.document("GET", f"{PKI}/certificates"))["items"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{PKI}/authority/renew"),
        ("POST", f"{PKI}/authority/import"),
        ("POST", f"{PKI}/station-certificates"),
        ("POST", f"{PKI}/certificates/1/revoke"),
    ],
)
async def test_keys_are_the_installers(door: Door, method: str, path: str) -> None:
    await door.problem(method, path, role="operator", expect=403)


async def test_revocation_in_any_writing(door: Door) -> None:
    made = [await make(door, common_name=f"SN-{number}") for number in range(3)]
    serial, fingerprint = made[0]["serial_number"], made[1]["fingerprint"]
    written = ":".join(fingerprint[place : place + 2].upper() for place in range(0, 64, 2))
    for name in (f"00{serial.upper()}", written):
        document = await door.document("POST", f"{PKI}/certificates/{name}/revoke", json={"reason": "lost"})
        assert document == {"status": "revoked", "stations": ["FILE-1"]}
    states = [one["state"] for one in (await door.document("GET", f"{PKI}/certificates"))["items"]]
    assert states == ["handed_over", "revoked", "revoked"]

    def revoked(db: Any) -> list[bool]:
        names = [serial, f"0x{serial}", made[0]["fingerprint"], written, made[2]["serial_number"], "0", ""]
        return [issued_certificates.is_revoked(db, name) for name in names]

    assert await door.site.database.write(revoked) == [True, True, True, True, False, False, False]
    assert await door.site.database.write(lambda db: issued_certificates.station_of(db, written)) == "FILE-1"
    told = (await door.document("GET", "/api/v1/events"))["items"]
    assert [one["data"]["reason"] for one in told if one["kind"] == "certificate.revoked"] == ["lost", "lost"]


@pytest.mark.parametrize("serial", ["0", "1234", "zz", "%20"])
async def test_what_was_not_issued_here_cannot_be_revoked(door: Door, serial: str) -> None:
    await make(door)
    await door.problem("POST", f"{PKI}/certificates/{serial}/revoke", expect=404)
    await door.problem("POST", f"{PKI}/certificates/{serial}/revoke", json={"reason": 7}, expect=422)


async def test_the_list_is_paged(door: Door) -> None:
    for number in range(5):
        await make(door, common_name=f"SN-{number}")
    seen, after = [], None
    while True:
        query = {"limit": "2", "station": "FILE-1", **({"after": after} if after else {})}
        page = await door.document("GET", f"{PKI}/certificates", params=query)
        seen += [one["common_name"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"SN-{number}" for number in (4, 3, 2, 1, 0)]
    assert (await door.document("GET", f"{PKI}/certificates", params={"station": "OTHER"}))["items"] == []


async def test_a_renewal_is_told(door: Door) -> None:
    for generation in (1, 2):
        document = await door.document("POST", f"{PKI}/authority/renew")
        assert document["generation"] == generation
    told = [
        one for one in (await door.document("GET", "/api/v1/events"))["items"] if one["kind"] == "authority.changed"
    ]
    assert [(one["data"]["change"], one["data"]["generation"]) for one in told] == [("renewed", 1), ("renewed", 2)]
    assert "PRIVATE" not in str(told)


async def test_the_operators_authority(door: Door, workshop: Workshop) -> None:
    key = workshop.key("ec:prime256v1")
    root = workshop.root("/CN=Operator", key)
    part = {"private_key": key.read_text(), "chain": root}
    document = await door.document("POST", f"{PKI}/authority/import", json={"authorities": [part]})
    assert document["root_subject"] == "CN=Operator" and blocks(document["root"]) == blocks(root)
    made = await make(door)
    assert workshop.verifies(made["chain"], trusting=root)
    problem = await door.problem(
        "POST", f"{PKI}/authority/import", json={"authorities": [{**part, "chain": "nothing"}]}, expect=422
    )
    assert problem["detail"] == "nothing was changed: no certificate in PEM form"
    assert key.read_text().split("\n")[2] not in await (await door.ask("GET", "/api/v1/events")).text()


@pytest.mark.parametrize(
    "body", [{}, {"authorities": []}, {"authorities": [{}] * 3}, {"authorities": [7]}, {"authorities": [{}]}, {"x": 1}]
)
async def test_imports_that_mean_nothing(door: Door, body: object) -> None:
    await door.problem("POST", f"{PKI}/authority/import", json=body, expect=422)


async def test_files_that_cannot_be_used_are_told(door: Door) -> None:
    directory = door.site.configuration.data.directory / "pki"
    directory.mkdir()
    (directory / "authority-0001.pem").write_text("nonsense")
    for method, path in (("GET", PKI), ("GET", f"{PKI}/authority")):
        problem = await door.problem(method, path, expect=507)
        assert "authority-0001.pem" in problem["detail"]
    assert (await door.document("POST", f"{PKI}/authority/renew"))["generation"] == 2  # the way out


async def test_certificates_of_a_station_that_nobody_knows(door: Door) -> None:
    await door.problem("GET", "/api/v1/stations/NOBODY/certificates", expect=404)


async def test_metrics_tell_the_ends(door: Door) -> None:
    before = await (await door.ask("GET", "/metrics")).text()
    assert "certificate_expiry" not in before
    await make(door)
    lines = (await (await door.ask("GET", "/metrics")).text()).splitlines()
    ends = [line for line in lines if line.startswith("ocpp_gateway_certificate_expiry_timestamp_seconds{")]
    assert len(ends) == 3
    assert any('kind="station"' in line and 'station="FILE-1"' in line for line in ends)


@pytest.mark.parametrize(("profile", "cut"), [(3, True), (0, False)])
async def test_who_may_be_connected_with_a_revoked_certificate_is_cut_off(door: Door, profile: int, cut: bool) -> None:
    await door.document("PUT", "/api/v1/stations/FILE-1", json={"security_profile": profile})
    made = await make(door)
    connection = door.connected.play(PlayedConnection("FILE-1"))
    await door.document("POST", f"{PKI}/certificates/{made['serial_number']}/revoke")
    assert bool(connection.ended) is cut
