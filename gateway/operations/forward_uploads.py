"""The loop that forwards uploads to a fleet manager, one after the other, for as long as it takes.

What is to be sent and how often it was tried is in the rows, so a restart goes on where it was. What an answer means
and when to try again is decided by `rules.forwarding`. Nothing waits for this loop.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from pathlib import Path

from gateway.configuration import Upstream
from gateway.model.instants import SECOND, Instant, seconds_later
from gateway.operations.keep_uploads import forwarding_upstream, path_of
from gateway.operations.site import Site
from gateway.rules import forwarding as rules
from gateway.store import events, outgoing_events, uploads
from gateway.store.uploads import UploadRow
from gateway.store.writing import Writing
from gateway.upstream.send_file import Answer, FileGone, NotSent, Parcel, Sending

logger = logging.getLogger(__name__)


async def forward_uploads(site: Site) -> None:
    """For ever: send what waits; only with an upstream that says where to."""
    upstream = forwarding_upstream(site)
    assert upstream is not None
    in_a_row = 0  # of failures that are not the file's: then the others would fail as well
    while True:
        seen = site.uploads_changed.generation
        row = await site.database.write(uploads.next_to_forward)
        pause = None if row is None else _pause_seconds(row, site.wall_clock())
        if row is None or pause:
            await _wait(site, seen, pause)
            continue
        in_a_row = 0 if await forward(site, upstream, row) else in_a_row + 1
        if in_a_row:
            await asyncio.sleep(rules.seconds_to_next_try(in_a_row))


async def forward(site: Site, upstream: Upstream, row: UploadRow) -> bool:
    """One try, and what came of it; False when another upload would fare no better now."""
    answer: Answer | None = None
    reason: str | None
    try:
        epoch = await site.database.write(outgoing_events.epoch_of)
        answer = await _send(_parcel(site, upstream, row, epoch))
        meaning = rules.meaning_of(answer.status)
        told = f"the server answered {answer.status}" + (f": {answer.words}" if answer.words else "")
        reason = None if meaning == "done" else told
    except FileGone as error:
        meaning, reason = "given_up", str(error)
    except NotSent as error:
        meaning, reason = "waiting", str(error)
    await site.database.write(lambda db: _note(db, site, row, meaning, reason, answer))
    if reason is not None:
        level = logging.WARNING if meaning == "given_up" else logging.INFO
        logger.log(level, "upload %d was not forwarded to %s: %s", row.upload_id, upstream.name, reason)
    return meaning != "waiting"


def _note(
    db: Writing, site: Site, row: UploadRow, meaning: rules.Meaning, reason: str | None, answer: Answer | None
) -> None:
    """The row as it stands after a try; an end is told."""
    now = site.wall_clock()
    at = now
    if meaning == "waiting":
        asked = None if answer is None else answer.wait_seconds
        at = seconds_later(now, rules.seconds_to_next_try(row.forward_tries + 1, asked=asked))
    uploads.note_try(db, row.upload_id, forwarding=meaning, at=at, error=reason)
    if meaning == "waiting":
        return
    data = {
        "upload_id": row.upload_id,
        "command_id": row.command_id,
        "file_name": row.file_name,
        "size": row.size,
        "sha256": row.sha256,
        "upstream": row.forward_to,
        "result": meaning,
        "tries": row.forward_tries + 1,
        "status": None if answer is None else answer.status,
        "reason": reason,
    }
    events.append(db, "upload.forwarded", station=row.station, happened_at=now, recorded_at=now, data=data)
    counters = site.health.counters
    db.then.append(lambda: counters.increase("uploads_forwarded_total", upstream=str(row.forward_to), result=meaning))


async def _send(parcel: Parcel) -> Answer:
    """In a thread, which ends soon when this is cancelled."""
    sending = Sending(parcel)
    try:
        return await asyncio.to_thread(sending.run)
    finally:
        sending.stop()


def _parcel(site: Site, upstream: Upstream, row: UploadRow, epoch: str) -> Parcel:
    """What is sent; raises NotSent when the token cannot be read."""
    assert upstream.uploads_url is not None
    told = {
        "Epoch": epoch,
        "Station": row.station,
        "Kind": row.kind,
        "Reason": row.reason,
        "Command": row.command_id,
        "Sha256": row.sha256,
    }
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(row.sha256)).decode()}:",
        **{f"Ocpp-Gateway-{name}": rules.header_text(str(value)) for name, value in told.items() if value is not None},
    }
    if upstream.uploads_token_file is not None:
        headers["Authorization"] = f"Bearer {_token(upstream.uploads_token_file)}"
    parts = (site.configuration.site.id, row.station, str(row.upload_id), row.file_name)
    url = rules.address_of(upstream.uploads_url, *parts)
    return Parcel(url, path_of(site, row.upload_id), row.size, headers, upstream.ca)


def _token(file: Path) -> str:
    try:
        token = file.read_text("utf-8").strip()
    except OSError as error:
        raise NotSent(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NotSent(f"{file} is not text in UTF-8") from error
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise NotSent(f"{file} holds no token: expected one word of printable characters")
    return token


def _pause_seconds(row: UploadRow, now: Instant) -> float:
    """Until the next try of this upload; longer than anybody may ask for: the clock was set back."""
    assert row.forward_at is not None
    seconds = (row.forward_at - now) / SECOND
    return 0.0 if seconds > rules.MOST_ASKED_SECONDS else max(0.0, seconds)


async def _wait(site: Site, seen: int, seconds: float | None) -> None:
    """Until an upload comes, at most so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await site.uploads_changed.newer_than(seen)
