"""A station is asked for its log by the request that it knows; what it tells is held beside what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.model.calls import Answered, CallErrored, Reply
from gateway.model.identities import StationId
from gateway.model.instants import Instant
from gateway.model.treatment import Treatment
from gateway.ocpp.frame import Call
from gateway.ocpp.v16 import from_station as v16
from gateway.operations.answer_jobs import job_status
from gateway.operations.ask_for_diagnostics import CannotAsk, LogType, ask_for_diagnostics
from gateway.operations.keep_uploads import keep_upload
from gateway.operations.orders import Outcome
from gateway.operations.questions import Question
from gateway.operations.site import Site
from gateway.store import configuration_keys, unsupported_requests
from tests.fakes.uploaded_files import received
from tests.unit.store.opened_database import look
from tests.unit.web.conftest import NOON, PlayedConnected, PlayedConnection, configuration_in, open_site

FILE = StationId("FILE-1")
NOT_DONE = CallErrored("NotImplemented", "", {})


@dataclass
class Choosy(PlayedConnection):
    """Answers by the action."""

    replies: Mapping[str, Reply] = field(default_factory=dict)

    async def call(self, action: str, payload: Mapping[str, object], *, patience_seconds: float) -> Reply:
        self.asked.append((action, payload))
        return self.replies[action]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(configuration_in(tmp_path)) as opened:
        yield opened


Play = Callable[..., Choosy]


@pytest.fixture
def play(site: Site) -> Play:
    def played(**replies: Reply) -> Choosy:
        usual: dict[str, Reply] = {
            "GetDiagnostics": Answered({"fileName": "d.zip"}),
            "GetLog": Answered({"status": "Accepted", "filename": "l.zip"}),
        }
        connected = site.connected
        assert isinstance(connected, PlayedConnected)
        station = Choosy("FILE-1", replies={**usual, **replies})
        connected.play(station)
        return station

    return played


async def ask(site: Site, log_type: LogType = "diagnostics", **more: object) -> Outcome:
    wishes = {"since": None, "until": None, "reason": None, "actor": "test", **more}
    return await ask_for_diagnostics(site, FILE, log_type=log_type, **wishes)  # type: ignore[arg-type]


async def with_security_extension(site: Site) -> None:
    await site.database.write(
        lambda db: configuration_keys.record(db, FILE, "SecurityProfile", value="0", readonly=False, now=NOON)
    )


async def test_a_plain_station_is_asked_by_get_diagnostics(site: Site, play: Play) -> None:
    station = play()
    outcome = await ask(site, since=NOON, until=Instant(NOON + 10**6), reason="noise")
    assert outcome.status == "answered"
    ((action, payload),) = station.asked
    assert action == "GetDiagnostics"
    location = str(payload["location"])
    assert location.startswith("http://")
    assert dict(payload) == {
        "retries": 3, "retryInterval": 60, "startTime": "2027-01-15T08:00:00.000Z",
        "stopTime": "2027-01-15T08:00:01.000Z", "location": location,
    }  # fmt: skip
    assert look(site.database.path, "SELECT kind, reason, command_id FROM transfer_links") == [
        ("diagnostics", "noise", outcome.command_id)
    ]


async def test_a_station_with_the_security_extension_is_asked_by_get_log(site: Site, play: Play) -> None:
    await with_security_extension(site)
    station = play()
    await ask(site)
    ((action, payload),) = station.asked
    assert (action, payload["logType"]) == ("GetLog", "DiagnosticsLog")


@pytest.mark.parametrize(("first", "other"), [("GetDiagnostics", "GetLog"), ("GetLog", "GetDiagnostics")])
async def test_the_other_request_is_tried_once(site: Site, play: Play, first: str, other: str) -> None:
    if first == "GetLog":
        await with_security_extension(site)
    station = play(**{first: NOT_DONE})
    assert (await ask(site)).status == "answered"
    assert [action for action, _ in station.asked] == [first, other]
    station = play(GetLog=NOT_DONE, GetDiagnostics=NOT_DONE)
    assert (await ask(site)).code == "NotImplemented"
    assert [action for action, _ in station.asked] == [other, first], "what it does not know is tried last"


async def test_another_error_is_the_answer(site: Site, play: Play) -> None:
    station = play(GetDiagnostics=CallErrored("InternalError", "", {}))
    assert (await ask(site)).code == "InternalError"
    assert len(station.asked) == 1


async def test_the_security_log_needs_get_log(site: Site, play: Play) -> None:
    station = play()
    await ask(site, "security")
    assert [(action, payload["logType"]) for action, payload in station.asked] == [("GetLog", "SecurityLog")]
    await site.database.write(lambda db: unsupported_requests.record(db, FILE, "GetLog", now=NOON))
    with pytest.raises(CannotAsk):
        await ask(site, "security")


class TestWhatIsToldBesideWhatArrives:
    async def tell(self, site: Site, status: str) -> None:
        call = Call(2, "1", "DiagnosticsStatusNotification")
        question = Question(site, FILE, Treatment(), call, NOON)
        await site.database.write(job_status(question, v16.DiagnosticsStatusNotification(status=status)))

    def job(self, site: Site) -> tuple[object, ...]:
        (found,) = look(site.database.path, "SELECT status, result, detail FROM station_jobs")
        return found

    async def test_uploaded_without_a_file_is_doubted(self, site: Site, play: Play) -> None:
        play()
        await ask(site)
        await self.tell(site, "Uploaded")
        assert self.job(site) == (
            "Uploaded", "succeeded", "the station says that it uploaded, but nothing arrived here",
        )  # fmt: skip

    async def test_a_failure_with_a_file_is_told(self, site: Site, play: Play) -> None:
        play()
        await ask(site)
        await self.tell(site, "Uploading")
        await keep_upload(site, received(site, 1, b"x"))
        await self.tell(site, "UploadFailed")
        assert self.job(site) == ("UploadFailed", "failed", "the station says that it failed, but a file arrived")

    async def test_a_file_without_a_name_is_called_as_the_station_said(self, site: Site, play: Play) -> None:
        play(GetDiagnostics=Answered({"fileName": "/var/log/d 1.zip"}))
        await ask(site)
        for name in ("", "own.zip"):
            await keep_upload(site, received(site, 1, b"x", file_name=name))
        assert look(site.database.path, "SELECT file_name FROM uploads") == [("d_1.zip",), ("own.zip",)]
