"""evcc 29254: after the damage even the backup did not restore; only a fresh image of the machine helped.

Here a backup made under load restores over the running site while cars charge, whatever happened since is still
acknowledged to the stations, and a restore that is broken off or brings a damaged file changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from tests.conformance.site_under_test import Bench
from tests.fakes.scripted_station import PATIENCE_SECONDS
from tests.field.stage import Operator, empty_queue


def left_over(gateway: Bench) -> list[Path]:
    """What a restore or backup left in the folder of the backups."""
    folder = gateway.site.configuration.data.directory / "backups"
    return sorted(folder.glob("*")) + sorted(folder.glob(".*"))


async def until(condition: Callable[[], bool]) -> None:
    """Look at the disk, on which nobody can wait, each time the loop has been round."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_yesterdays_backup_restores_while_cars_charge(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        old = await station.charges(1, "VALID")
        storm = [station.will_be_answered(f"s{number}", "DataTransfer") for number in range(300)]
        for number in range(300):
            await station.send(json.dumps([2, f"s{number}", "DataTransfer", {"vendorId": "load", "data": str(number)}]))
        backup = await operator.backup()  # in the middle of it
        await asyncio.gather(*storm)
        gateway.clock.forward(hours=25)
        new = (await station.starts(2, "OTHER", at="2027-01-16T08:00:00Z"))["transactionId"]
        status, document = await operator.restore(backup)
        assert (status, document["status"]) == (200, "restored")
        await station.hung_up()
    await gateway.gone()
    assert [one["transaction_id"] for one in await operator.sessions(open="true")] == [old]
    async with gateway.station() as station:  # it knows nothing of our restore
        queue: list[tuple[str, object]] = [
            ("StopTransaction", {"transactionId": one, "meterStop": 7000, "timestamp": "2027-01-16T08:30:00Z"})
            for one in (new, old)
        ]
        assert await empty_queue(station, queue) == [{}, {}]
        following = await station.starts(2, "OTHER", at="2027-01-16T09:00:00Z")
        assert following["transactionId"] > new
    kept = await operator.get(f"/transactions/{new}")
    assert (kept["meter_stop_wh"], kept["anomalies"]) == (7000, ["stop_without_start"])
    assert (await operator.get(f"/transactions/{old}"))["energy_wh"] == 6000


async def test_a_restore_that_is_broken_off_changes_nothing(gateway: Bench, operator: Operator) -> None:
    async with gateway.station() as station:
        transaction = await station.charges(1)
        backup = await operator.backup()
        address = gateway.running.addresses
        _, writer = await asyncio.open_connection("127.0.0.1", address.web_port)
        authorization = operator.session.headers["Authorization"]
        writer.write(
            f"POST /api/v1/restore HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
            f"Content-Type: application/vnd.sqlite3\r\nContent-Length: {len(backup)}\r\n\r\n".encode()
        )
        writer.write(backup[: len(backup) // 2])
        await writer.drain()
        await until(lambda: bool(left_over(gateway)))  # the upload has begun
        writer.transport.abort()  # the laptop's lid is closed
        await until(lambda: not left_over(gateway))
        damaged = bytearray(backup)
        for page in range(2, len(damaged) // 2048):
            damaged[page * 2048 : page * 2048 + 64] = b"\xa5" * 64
        for wrong in (bytes(damaged), backup[: len(backup) // 2], b"", b"hello"):
            status, problem = await operator.restore(wrong)
            assert status == 422 and "nothing was changed" in problem["detail"]
        assert await station.stops(transaction) == {}  # over the line that was never cut
        assert left_over(gateway) == []
    assert [one["open"] for one in await operator.sessions()] == [False]
