"""What became of a request to a station, in words: its answer, its silence, or why it was not asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gateway.pages.said import said
from gateway.pages.visit import Visit
from gateway.pages.words import mark
from gateway.web.asking_within import Answer

_WITHOUT_ANSWER = {
    "not_connected": mark("%(station)s is not connected now. Nothing was sent."),
    "unanswered": mark("%(station)s did not answer. It is not known whether it has done it."),
    "call_error": mark("%(station)s answered with an error: %(detail)s"),
    "refused": mark("The gateway did not send this to %(station)s: %(detail)s"),
}


class Said(NamedTuple):
    """A sentence for people, and whether it is good news."""

    good: bool
    text: str


def station_said(visit: Visit, answer: Answer, *, station: str, words: Mapping[str, str]) -> Said:
    """What came of a command. `words`: marked sentences by the station's status, with %(station)s; others are shown."""
    outcome = answer.document
    kind = str(outcome.get("status", ""))
    if kind == "answered":
        response = outcome.get("response")
        status = str(response.get("status", "")) if isinstance(response, dict) else ""
        text = words.get(status, mark("%(station)s answered: %(status)s"))
        return Said(
            status == "Accepted", _with_warning(visit, visit.gettext(text, station=station, status=status), outcome)
        )
    if kind in _WITHOUT_ANSWER:
        detail = " ".join(str(outcome[name]) for name in ("code", "description") if outcome.get(name))
        text = visit.gettext(_WITHOUT_ANSWER[kind], station=station, detail=said(visit, detail))
        return Said(False, _with_warning(visit, text, outcome))
    return Said(False, said(visit, answer.detail or kind))


def _with_warning(visit: Visit, text: str, outcome: Mapping[str, object]) -> str:
    warning = outcome.get("warning")
    return f"{text} {said(visit, warning)}" if warning else text
