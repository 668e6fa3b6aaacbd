"""The tester's hands may be the HTTP API: the same cases, asked for over the web door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from gateway.operations.manage_tokens import create_token
from tests.conformance.site_under_test import Bench, bench


@asynccontextmanager
async def operator(gateway: Bench) -> AsyncIterator[aiohttp.ClientSession]:
    token = await create_token(gateway.site, role="operator", name="tester", actor="tester")
    base = f"http://127.0.0.1:{gateway.running.addresses.web_port}"
    async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token.text}"}) as session:
        yield session


async def command(session: aiohttp.ClientSession, action: str, payload: object) -> tuple[int, dict[str, Any]]:
    async with session.post(f"/api/v1/stations/CP-1/commands/{action}", json=payload) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_remote_start_and_stop_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        asked = asyncio.create_task(command(session, "RemoteStartTransaction", {"connectorId": 1, "idTag": "VALID"}))
        got = await station.expect("RemoteStartTransaction")
        await station.answer({"status": "Accepted"})
        status, outcome = await asked
        assert (status, outcome["status"], outcome["response"]) == (200, "answered", {"status": "Accepted"})
        transaction = await station.charges(got["connectorId"], got["idTag"])
        async with session.get(f"/api/v1/transactions/{transaction}") as answer:
            assert (await answer.json())["open"] is True
        asked = asyncio.create_task(command(session, "RemoteStopTransaction", {"transactionId": transaction}))
        assert await station.expect("RemoteStopTransaction") == {"transactionId": transaction}
        await station.answer({"status": "Accepted"})
        assert (await asked)[1]["response"] == {"status": "Accepted"}
        await station.stops(transaction, reason="Remote")
        async with session.get(f"/api/v1/transactions/{transaction}") as answer:
            document = await answer.json()
            assert (document["open"], document["reason"]) == (False, "Remote")


async def test_refused_unanswered_and_not_connected_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session:
        assert (await command(session, "ClearCache", {}))[0] == 409
        async with gateway.station() as station:
            asked = asyncio.create_task(command(session, "UnlockConnector", {"connectorId": 99}))
            assert await station.expect("UnlockConnector") == {"connectorId": 99}
            await station.refuse("NotSupported", "no lock")
            status, outcome = await asked
            assert (status, outcome["status"], outcome["code"]) == (200, "call_error", "NotSupported")
            gateway.wait_for_answers(seconds=0.05)
            status, outcome = await command(session, "Reset", {"type": "Hard"})
            assert (status, outcome["status"]) == (504, "unanswered")
            await station.expect("Reset")


async def test_a_tag_set_over_http_counts_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        assert (await station.authorizes("NEW-ONE"))["status"] == "Invalid"
        async with session.put("/api/v1/id-tags/NEW-ONE", json={"parent_id_tag": "GROUP"}) as answer:
            assert answer.status in (200, 201), await answer.text()
        assert await station.authorizes("new-one") == {"status": "Accepted", "parentIdTag": "GROUP"}


async def test_a_reservation_over_http(tmp_path: Path) -> None:
    async with bench(tmp_path, web=True) as gateway, operator(gateway) as session, gateway.station() as station:
        await station.boots()
        wanted = {"connectorId": 1, "expiryDate": "2027-01-15T09:00:00Z", "idTag": "VALID", "parentIdTag": "GROUP"}
        asked = asyncio.create_task(command(session, "ReserveNow", wanted))
        got = await station.expect("ReserveNow")
        await station.answer({"status": "Accepted"})
        status, outcome = await asked
        assert (status, outcome["response"], outcome["request"]) == (200, {"status": "Accepted"}, got)
        assert got == {**wanted, "reservationId": got["reservationId"]}
        async with session.get("/api/v1/reservations?station=CP-1") as answer:
            listed = await answer.json()
        assert listed == {
            "items": [
                {
                    "reservation_id": got["reservationId"],
                    "station": "CP-1",
                    "connector": 1,
                    "id_tag": "VALID",
                    "parent_id_tag": "GROUP",
                    "expiry_time": "2027-01-15T09:00:00.000Z",
                }
            ],
            "next": None,
        }
        asked = asyncio.create_task(command(session, "CancelReservation", {"reservationId": got["reservationId"]}))
        await station.expect("CancelReservation")
        await station.answer({"status": "Rejected"})
        assert (await asked)[1]["response"] == {"status": "Rejected"}
        async with session.get("/api/v1/reservations") as answer:
            assert await answer.json() == {"items": [], "next": None}
