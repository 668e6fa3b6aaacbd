"""/stations/{station}/frames and /log: what a station and the gateway said to each other lately, and what the log says.

Both are kept in memory, bounded, and shown without secrets.
"""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from gateway.model.frames import Direction
from gateway.model.instants import text_of
from gateway.operations.describe_stations import is_known_station
from gateway.operations.log_now import LEVELS, LogLine, level_word
from gateway.operations.show_frames import ShownFrame, Wish, newest_frames
from gateway.web.asking import collection, expect_only, integer_of, limit_of
from gateway.web.problems import not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


async def list_frames(request: web.Request) -> web.StreamResponse:
    """The newest messages of a station, newest first."""
    expect_only(request, ("limit", "after", "action", "direction", "q"))
    site, station, limit = request.app[SITE], request.match_info["station"], limit_of(request)
    asked = request.query.get("direction")
    direction = next((one for one in DIRECTIONS if one == asked), None)
    if asked is not None and direction is None:
        raise unacceptable("direction: expected " + " or ".join(DIRECTIONS))
    wish = Wish(
        limit=limit + 1,
        before=integer_of(request, "after"),
        action=request.query.get("action"),
        direction=direction,
        words=request.query.get("q"),
    )
    if not await is_known_station(site, station):
        raise not_found(f"no station {station!r} is known")
    found = await newest_frames(site, station, wish)
    cursor = found[limit - 1].frame.frame_id if len(found) > limit else None
    return collection([_frame_document(one) for one in found[:limit]], cursor)


async def list_log(request: web.Request) -> web.StreamResponse:
    """The newest lines of the log, newest first."""
    expect_only(request, ("limit", "after", "level", "q"))
    limit, word = limit_of(request), request.query.get("level", "debug")
    if word not in LEVELS:
        raise unacceptable("level: expected one of " + ", ".join(LEVELS))
    before = integer_of(request, "after")
    words = request.query.get("q", "")
    found = request.app[SITE].log.newest(level=LEVELS[word], before=before, words=words, limit=limit + 1)
    cursor = found[limit - 1].number if len(found) > limit else None
    return collection([line_document(line) for line in found[:limit]], cursor)


def _frame_document(shown: ShownFrame) -> dict[str, object]:
    return {
        "frame_id": shown.frame.frame_id,
        "time": text_of(shown.frame.time),
        "direction": shown.frame.direction,
        "kind": shown.kind,
        "action": shown.action,
        "message_id": shown.message_id,
        "size_bytes": shown.frame.size_bytes,
        "text": shown.text,
    }


def line_document(line: LogLine) -> dict[str, object]:
    """A line of the log for people."""
    return {
        "line_id": line.number,
        "time": text_of(line.time),
        "level": level_word(line.level),
        "logger": line.logger,
        "text": line.text,
        "details": line.details,
    }


ROUTES = (
    Route(
        "GET", "/api/v1/stations/{station}/frames", list_frames, "operator",
        "The newest OCPP messages of a station, newest first, without secrets; forgotten at a restart",
        parameters=(
            LIMIT, AFTER,
            Parameter("action", "only requests of this action and the answers to them"),
            Parameter("direction", "only those that came, or went", {"enum": list(DIRECTIONS)}),
            Parameter("q", "only those with these words in their text"),
        ),
        answers={200: "FrameCollection"}, errors=(404, 422),
    ),
    Route(
        "GET", "/api/v1/log", list_log, "operator",
        "The newest lines of the log, newest first, without secrets; errors are kept longest",
        parameters=(
            LIMIT, AFTER, Parameter("level", "this level and above", {"enum": list(LEVELS), "default": "debug"}),
            Parameter("q", "only those with these words in their text or details"),
        ),
        answers={200: "LogLineCollection"}, errors=(422,),
    ),
)  # fmt: skip
