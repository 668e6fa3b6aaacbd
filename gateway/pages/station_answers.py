"""What became of a request to a station, in plain words with the time and the next step.

The API's outcome of a command, of a list of tags and its refusals are told alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.pages.said import said
from gateway.pages.station_words import told_of
from gateway.pages.visit import Visit
from gateway.pages.words import mark
from gateway.web.asking_within import Answer

_NOT_THERE = mark(
    "The station is not connected: nothing was sent. Look at its power and its network, and try again when it is back."
)
_NO_ANSWER = mark(
    "The station did not answer in time. Nobody knows whether it did it: look at its state before you try it again."
)
_NOT_UNDERSTOOD = {
    "NotImplemented": mark("The station does not know this request."),
    "NotSupported": mark("The station does not support this request."),
    "SecurityError": mark("The station refuses this for reasons of security."),
    "InternalError": mark("Something went wrong inside the station. Try it again; if it stays like this, restart it."),
    "GenericError": mark("The station could not do it and does not say why."),
}
_FORMATION = mark("The station says that there is a mistake in the request.")
_DONE = mark("The station has answered.")


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to show. `look`: good, warning, bad or ""; `word`: as OCPP has it; `details`: JSON, or empty."""

    look: str
    word: str
    text: str
    time: str = ""
    details: str = ""
    warning: str = ""


def said_by(visit: Visit, action: str, answer: Answer) -> Said:
    """What the API told of a request with this action."""
    document = answer.document
    status = str(document.get("status", ""))
    look, word, text = _meaning(visit, action, status, document, answer)
    shown = {name: document[name] for name in ("request", "response", "requests", "code") if name in document}
    return Said(
        look=look,
        word=word,
        text=text,
        time=visit.formats.clock(visit.formats.now.isoformat()),
        details=pretty(shown) if shown else "",
        warning=str(document.get("warning", "")),
    )


def pretty(value: object) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def outcome_text(visit: Visit, action: str, outcome: Mapping[str, object]) -> tuple[str, str]:
    """(look, text) of one outcome among many: `status`, and in `answer` what the station said."""
    status, told = str(outcome["status"]), outcome.get("answer")
    look, word, text = _meaning(visit, action, status, {"response": {"status": told}, **outcome}, None)
    return look, f"{word}: {text}" if word else text


def _meaning(
    visit: Visit, action: str, status: str, document: Mapping[str, object], answer: Answer | None
) -> tuple[str, str, str]:
    description = str(document.get("description") or "")
    if status == "answered":
        response = document.get("response")
        answered = response.get("status") if isinstance(response, Mapping) else None
        if answered is None:
            return "good", "", visit.gettext(_DONE)
        told = told_of(action, str(answered))
        return told.look, str(answered), visit.gettext(told.text)
    if status == "not_connected":
        return "bad", "", visit.gettext(_NOT_THERE)
    if status == "unanswered":
        return "warning", "", visit.gettext(_NO_ANSWER)
    if status == "call_error":
        code = str(document.get("code", ""))
        meant = visit.gettext(_NOT_UNDERSTOOD.get(code, _FORMATION))
        return "bad", code, f"{meant} {description}".strip()
    if answer is not None and not isinstance(document.get("status"), str):  # a problem: the API refused it
        reasons = [*answer.errors.values()] or [answer.detail]
        return "bad", "", " ".join(said(visit, each) for each in reasons if each)
    if status == "refused":
        return "bad", "", said(visit, description) or visit.gettext("The gateway refuses it.")
    told = told_of(action, status)
    return told.look, status, f"{visit.gettext(told.text)} {said(visit, description)}".strip()
