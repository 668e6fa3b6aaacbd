"""`reload`: the running gateway reads its configuration again; this command tells how that ended.

Whether a configuration is good, and what a change of it means, is the gateway's question.
"""

from __future__ import annotations

import argparse
import time

from gateway.terminal.client import API, Gateway, ask, expect, problem_text
from gateway.terminal.exits import CONFIGURATION, OK, UNREACHABLE, Ending, negative, unreachable
from gateway.terminal.json_output import Document, part_of, print_json
from gateway.terminal.reaching import reach

LONGEST_CHANGE_SECONDS = 80.0  # systemd waits 90 s for it
_BETWEEN_LOOKS_SECONDS = 0.2


def reload_configuration(options: argparse.Namespace) -> int:
    """0: in force; 78: mistakes, nothing was changed; 1: it could not be started, the one before is in force again."""
    document = take_configuration(reach(options).gateway)
    if options.json:
        print_json(document)
    elif document["status"] == "unchanged":
        print("the configuration has not changed")
    else:
        print("the new configuration is in force")
    return OK


def take_configuration(gateway: Gateway) -> Document:
    """Have the files read again, and wait until the gateway serves. Raises Ending as `reload` ends."""
    response = ask(gateway, "POST", f"{API}/reload")
    if response.status == 422:
        raise Ending(CONFIGURATION, problem_text(response))
    document = _document(expect(response))
    if document["status"] == "taken":
        document = _when_it_serves(gateway, int(str(document["taken"])))
        if document["failed"] is not None:
            raise negative(f"the new configuration cannot be started, the one before is in force: {document['failed']}")
    return document


def _when_it_serves(gateway: Gateway, taken_before: int) -> Document:
    """What the gateway says when it has begun anew; it does not answer in between."""
    end = time.monotonic() + LONGEST_CHANGE_SECONDS
    while time.monotonic() < end:
        time.sleep(_BETWEEN_LOOKS_SECONDS)
        try:
            document = _document(expect(ask(gateway, "GET", f"{API}/reload", patience_seconds=10)))
        except Ending as ending:
            if ending.code != UNREACHABLE:
                raise
            continue
        if int(str(document["taken"])) > taken_before:
            return document
    raise unreachable(f"the gateway has not begun anew within {LONGEST_CHANGE_SECONDS:.0f} s; its log says more")


def _document(answer: object) -> Document:
    return part_of({"reload": answer}, "reload")
