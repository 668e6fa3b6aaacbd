"""`diagnostics`: asking stations for diagnostics and logs, and what they uploaded.

A fetched file appears only when it is whole and has the digest that the gateway noted when it came. By which request a
station is asked is the gateway's business.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from gateway.terminal.appearing_files import appearing, write_new
from gateway.terminal.client import API, Gateway, ask, download, expect, fetch, problem_text
from gateway.terminal.commands_station import print_outcome
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import Document, items_of, print_json
from gateway.terminal.pages import collect
from gateway.terminal.progress import Progress
from gateway.terminal.reaching import Reached, reach
from gateway.terminal.tables import local_time, table, zone_text

_LOOK_SECONDS = 1.0
_LATE_LOOKS = 10  # a file may come a moment after the station says that it has uploaded it


def ask_station(options: argparse.Namespace) -> int:
    """Exit 0 when the station accepted (with --wait: when a file has arrived), else 1."""
    reached = reach(options)
    outcome = _ask(reached.gateway, options)
    accepted = outcome.get("status") == "answered" and _accepts(outcome.get("response"))
    if not accepted or not options.wait:
        if options.json:
            print_json(outcome)
        else:
            print_outcome(options.station, outcome)
        return OK if accepted else NEGATIVE
    found = _arrived(reached.gateway, options.station, str(outcome.get("command_id")), options.patience)
    if options.json:
        print_json({"items": found, "next": None})
    else:
        print(_listing(reached, found))
    return OK


def list_uploads(options: argparse.Namespace) -> int:
    """Uploads, newest first."""
    reached = reach(options)
    document = collect(reached.gateway, "/uploads", query={"station": options.station}, most=options.limit)
    if options.json:
        print_json(document)
        return OK
    print(_listing(reached, items_of(document)))
    if document["next"] is not None:
        print(f"... there are more: --limit {options.limit * 2}")
    return OK


def get_file(options: argparse.Namespace) -> int:
    """Fetch the file of an upload."""
    gateway = reach(options).gateway
    upload = fetch(gateway, f"{API}/uploads/{options.id}")
    if not isinstance(upload, Mapping):
        raise negative("the gateway's answer is no upload")
    target = options.output or Path(Path(str(upload.get("file_name"))).name)
    if options.output is None and target.exists():
        raise usage(f"{target} is there already: say --output FILE")
    digest = hashlib.sha256()

    def looked_at(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            digest.update(piece)
            yield piece

    with appearing(target) as temporary:
        with download(gateway, f"{API}/uploads/{options.id}/file") as (length, pieces):
            progress = Progress(target.name, total=length)
            write_new(temporary, looked_at(pieces), moved=progress.advance)
            progress.finish()
        if digest.hexdigest() != upload.get("sha256"):
            raise negative(f"upload {options.id} did not come whole; nothing was written")
    if options.json:
        print_json({**upload, "file": str(target)})
    else:
        print(f"{target}: {progress.moved} bytes" + (", an empty file" if progress.moved == 0 else ""))
    return OK


def delete(options: argparse.Namespace) -> int:
    """Delete an upload and its file."""
    expect(ask(reach(options).gateway, "DELETE", f"{API}/uploads/{options.id}"))
    if options.json:
        print_json({"upload_id": options.id, "deleted": True})
    else:
        print(f"upload {options.id} is deleted")
    return OK


def forward(options: argparse.Namespace) -> int:
    """Forward an upload to the fleet manager, now or again."""
    upload = expect(ask(reach(options).gateway, "POST", f"{API}/uploads/{options.id}/forward"))
    if options.json:
        print_json(upload)
    else:
        print(f"upload {options.id} will be forwarded")
    return OK


def _ask(gateway: Gateway, options: argparse.Namespace) -> Document:
    wishes = {"log": options.log, "from": options.since, "to": options.until, "reason": options.reason}
    body = {name: value for name, value in wishes.items() if value is not None}
    path = f"{API}/stations/{quote(options.station, safe='')}/diagnostics"
    response = ask(gateway, "POST", path, body=body, patience_seconds=None)
    if not isinstance(response.document, Mapping) or not isinstance(response.document.get("status"), str):
        raise negative(problem_text(response))
    return response.document


def _accepts(response: object) -> bool:
    """GetLog.conf has a status; GetDiagnostics.conf has the name of the file, if there is any."""
    if not isinstance(response, Mapping):
        return False
    status = response.get("status")
    return status.startswith("Accepted") if isinstance(status, str) else bool(response.get("fileName"))


def _arrived(gateway: Gateway, station: str, command_id: str, patience_seconds: int) -> list[Document]:
    """What came of the command, once the station is done. Raises Ending when nothing comes."""
    until, late = time.monotonic() + patience_seconds, 0
    while True:
        found = items_of(collect(gateway, "/uploads", query={"command": command_id}))
        jobs = items_of(collect(gateway, f"/stations/{quote(station, safe='')}/jobs", most=50))
        job = next((one for one in jobs if one.get("command_id") == command_id), {})
        done = job.get("result") is not None
        late += done
        if found and (done or time.monotonic() > until):
            return found
        if done and (job.get("result") != "succeeded" or late > _LATE_LOOKS):
            raise negative(f"{job.get('status')}: {job.get('detail') or 'nothing arrived'}")
        if time.monotonic() > until:
            raise negative(f"nothing has arrived yet, the station says {job.get('status')}; it may still come")
        time.sleep(_LOOK_SECONDS)


def _listing(reached: Reached, uploads: list[Document]) -> str:
    headings = ["ID", "STATION", f"RECEIVED ({zone_text(reached.zone)})", "KIND", "FILE", "BYTES", "REASON", "REMARKS"]
    return table(headings, [_row(reached, one) for one in uploads])


def _row(reached: Reached, upload: Document) -> list[object]:
    to = upload.get("forward_to")
    words = {
        "waiting": f"waits to be forwarded to {to}: {upload.get('forward_error') or 'soon'}",
        "done": f"forwarded to {to}",
        "given_up": f"not wanted by {to}: {upload.get('forward_error')}",
    }
    remarks = [
        "empty" if upload.get("empty") is True else None,
        "not on the disk any more" if upload.get("missing_time") is not None else None,
        words.get(str(upload.get("forwarding"))),
    ]
    return [
        upload.get("upload_id"),
        upload.get("station"),
        local_time(upload.get("received_time"), reached.zone),
        upload.get("kind"),
        upload.get("file_name"),
        upload.get("size"),
        upload.get("reason"),
        "; ".join(remark for remark in remarks if remark is not None),
    ]
