"""Holds what stations say of their uploads beside the files that came: either may be missing.

A file that came counts, also when the station tells nothing; a station that says it uploaded to us what never came is
doubted in words. What a file means for a job is decided by `rules.station_jobs`.
"""

from __future__ import annotations

from gateway.model.identities import CommandId
from gateway.model.instants import Instant
from gateway.operations.follow_jobs import move
from gateway.operations.site import Site
from gateway.rules import station_jobs as rules
from gateway.store import station_jobs, transfer_links, uploads
from gateway.store.uploads import UploadRow
from gateway.store.writing import Writing

NOTHING_ARRIVED = "the station says that it uploaded, but nothing arrived here"
_ALL_THE_SAME = "the station says that it failed, but a file arrived"


def name_told(db: Writing, command_id: CommandId | None) -> str:
    """What the station said that it would upload, in its answer; "" when it said nothing."""
    job = None if command_id is None else station_jobs.of_command(db, command_id)
    return "" if job is None else station_jobs.facts(db, job.job_id).file_name or ""


def note_arrival(db: Writing, site: Site, row: UploadRow, now: Instant) -> None:
    """A file came; a station that tells nothing of its upload has done what it was asked."""
    job = None if row.command_id is None else station_jobs.of_command(db, row.command_id)
    if job is None:
        return
    change = rules.after_arrival(job)
    if change is not None:
        move(db, site, row.station, job, change, now)
    elif station_jobs.facts(db, job.job_id).detail == NOTHING_ARRIVED:
        station_jobs.note_detail(db, job.job_id, None)


def doubt_about(db: Writing, job_id: int, change: rules.Moves) -> str | None:
    """What is to be said of an upload to us that ends, by what came of it; None: nothing, or it was not to us."""
    facts = station_jobs.facts(db, job_id)
    if change.result not in ("succeeded", "failed") or facts.command_id is None:
        return None
    link = transfer_links.of_command(db, facts.command_id)
    if link is None or link.kind == "image":
        return None
    arrived = uploads.is_any_of_command(db, facts.command_id)
    if change.result == "succeeded":
        return None if arrived else NOTHING_ARRIVED
    return _ALL_THE_SAME if arrived else None
