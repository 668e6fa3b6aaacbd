"""The recipe of docs/operations.md for tables of each month: its script at a real gateway, its units by systemd."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.end_to_end.running_gateway import RunningGateway, running_gateway

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the command curl is not installed"),
]

PAGE = (Path(__file__).parents[2] / "docs/operations.md").read_text()
RECIPE = PAGE[PAGE.index("## Sessions of each month as tables") : PAGE.index("## Retention")]
SOCKET, TABLES, SCRIPT = "/var/lib/ocpp-gateway/api.sock", "/var/lib/sessions", "/usr/local/bin/export-sessions"


def blocks(language: str) -> list[str]:
    """The code blocks of the recipe in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", RECIPE, re.MULTILINE | re.DOTALL)


async def one_session(gateway: RunningGateway) -> None:
    """Of May 2024, 2.5 kWh."""
    gateway.put("/stations/CP-1", {})
    gateway.put("/id-tags/CARD", {"note": "Anna"})
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2024-05-31T23:30:00Z"}
    async with (
        ClientSession() as session,
        session.ws_connect(f"{gateway.ocpp_url}/CP-1", protocols=["ocpp1.6"]) as link,
    ):

        async def ask(action: str, payload: dict[str, object]) -> dict[str, object]:
            await link.send_json([2, action, action, payload])
            while True:
                message = await link.receive_json(timeout=30)
                if message[:2] == [3, action]:
                    return dict(message[2])

        await ask("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        number = (await ask("StartTransaction", start))["transactionId"]
        end = {"transactionId": number, "meterStop": 2500, "timestamp": "2024-06-01T00:30:00Z"}
        await ask("StopTransaction", end)


def read(file: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        return list(csv.DictReader(text, delimiter=";"))


async def test_the_script_writes_the_tables_of_a_month(place: Path) -> None:
    (script,) = blocks("sh")
    assert SOCKET in script and TABLES in script
    tables, file = place / "tables", place / "export-sessions"
    tables.mkdir()
    file.write_text(script.replace(SOCKET, str(place / "gw/data/api.sock")).replace(TABLES, str(tables)))

    def export(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", str(file), *words], capture_output=True, text=True, timeout=60, check=False)

    with running_gateway(place / "gw") as gateway:
        await one_session(gateway)
        for words in (("2024-05",), ("2024-06",), ()):
            done = export(*words)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        refused = export("2024-13")
        assert refused.returncode != 0 and "422" in refused.stderr
    (session,) = read(tables / "sessions-2024-05.csv")
    assert (session["note"], session["energy_kwh"], session["start_time"]) == ("Anna", "2,500", "2024-05-31 23:30:00")
    (card,) = read(tables / "cards-2024-05.csv")
    assert card == {"key": "CARD", "note": "Anna", "sessions": "1", "energy_kwh": "2,500", "duration_hours": "1,000"}
    assert read(tables / "sessions-2024-06.csv") == read(tables / "cards-2024-06.csv") == []
    written = sorted(each.name for each in tables.iterdir())
    assert len(written) == 6 and not [name for name in written if not re.search(r"-20\d\d-(0[1-9]|1[0-2])\.csv$", name)]
    assert export("2024-05").returncode != 0, "a gateway that does not run is no empty table"
    assert len(read(tables / "sessions-2024-05.csv")) == 1


def test_systemd_understands_the_service_and_the_timer(tmp_path: Path) -> None:
    service, timer = blocks("ini")
    assert f"ExecStart={SCRIPT}\n" in service and SCRIPT in RECIPE.partition("```sh")[0]
    files = [tmp_path / f"export-sessions.{kind}" for kind in ("service", "timer")]
    for file, text in zip(files, (service, timer), strict=True):
        assert f"`/etc/systemd/system/{file.name}`" in RECIPE
        file.write_text(text.replace(SCRIPT, "/bin/true"))
    words = ["systemd-analyze", "verify", "--man=no", *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
