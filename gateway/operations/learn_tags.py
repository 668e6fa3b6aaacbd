"""Learning cards: for a minute, whoever holds a card to a station is shown to people, so that they can add it.

It changes no answer: a card that is not known gets the answer that it gets at any time. Who began it is journalled, and
every card that was shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gateway.model.identities import StationId
from gateway.model.instants import SECOND, Instant, text_of
from gateway.operations.learn_tags_now import SeenTag
from gateway.operations.questions import Question
from gateway.operations.site import Site
from gateway.store import events
from gateway.store.writing import Writing

LONGEST_SECONDS = 600

_TOLD_LATE_AFTER = 10 * 60 * SECOND  # a start that long ago comes from the memory of a station that was away


async def begin_learning(site: Site, *, seconds: int, station: str | None, actor: str) -> None:
    """Note cards for so many seconds (1 to LONGEST_SECONDS), at this station or at any."""
    now = site.wall_clock()
    data = {"state": "begun", "seconds": seconds, "only_station": station, "actor": actor}
    await site.database.write(lambda db: _tell(db, now, data))
    of_station = None if station is None else StationId(station)
    site.learning.begin(of_station, seconds=seconds, loop_time=_loop_time(), now=site.wall_clock())


async def end_learning(site: Site, *, actor: str) -> None:
    """Note no more and forget what was seen; nothing happens when it is off and nothing was seen."""
    if site.learning.listens(_loop_time()):
        now = site.wall_clock()
        data = {"state": "ended", "seconds": None, "only_station": site.learning.station, "actor": actor}
        await site.database.write(lambda db: _tell(db, now, data))
    site.learning.end()


def learning_document(site: Site) -> dict[str, object]:
    """What is on now and which cards were seen, newest first."""
    learning = site.learning
    state = learning.state(_loop_time())
    return {
        "state": state,
        "until": None if learning.until is None or state == "off" else text_of(learning.until),
        "station": learning.station,
        "seen": [
            {
                "id_tag": tag.id_tag,
                "station": tag.station,
                "connector": tag.connector,
                "time": text_of(tag.time),
                "known": tag.known,
            }
            for tag in learning.seen
        ],
    }


def is_learning(asked: Question) -> bool:
    """Whether a card that this request names is to be noted; asked in the loop's thread, before the unit of work."""
    learning = asked.site.learning
    return learning.begun and learning.listens_to(asked.station, _loop_time())


def note_card(
    db: Writing, asked: Question, id_tag: str, *, known: bool, connector: int | None = None, at: Instant | None = None
) -> None:
    """A card was presented while it is on. `at`: when, as the station tells; what is told late is passed over."""
    if at is not None and asked.now - at > _TOLD_LATE_AFTER:
        return
    seen = SeenTag(id_tag, asked.station, connector, asked.now, known)
    data = {"id_tag": id_tag, "known": known}
    events.append(
        db, "id_tag.presented", station=asked.station, connector=connector, happened_at=asked.now,
        recorded_at=asked.now, data=data,
    )  # fmt: skip
    db.then.append(lambda: asked.site.learning.note(seen))


def _tell(db: Writing, now: Instant, data: Mapping[str, object]) -> None:
    events.append(db, "id_tags.learning", happened_at=now, recorded_at=now, data=data)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
