"""`call`: any OCPP request by hand, the payload exactly as typed.

It does not know OCPP; what the station says is printed as it came, and the outcome decides the exit code.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from urllib.parse import quote

from gateway.terminal.client import API, ask, problem_text
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import print_json
from gateway.terminal.reaching import reach


def call(options: argparse.Namespace) -> int:
    """Exit 0 when the station answered with a result, whatever it says in it; 1 for everything else."""
    payload = _payload(options.payload)
    path = f"{API}/stations/{quote(options.station, safe='')}/commands/{quote(options.action, safe='')}"
    # how long a station may take is the gateway's decision (call_timeout_seconds)
    response = ask(reach(options).gateway, "POST", path, text=payload, patience_seconds=None)
    document = response.document
    if not isinstance(document, Mapping) or not isinstance(document.get("status"), str):
        raise negative(problem_text(response))
    if options.json:
        print_json(document)
    else:
        _print_outcome(options, document)
    return OK if document["status"] == "answered" else NEGATIVE


def _payload(text: str | None) -> bytes:
    if text == "-":
        text = sys.stdin.read()
    if text is None or not text.strip():
        return b"{}"
    try:
        value = json.loads(text)
    except ValueError as error:
        raise usage(f"the payload is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise usage('the payload must be a JSON object such as \'{"type": "Soft"}\'')
    return text.encode()


def _print_outcome(options: argparse.Namespace, document: Mapping[str, object]) -> None:
    if document.get("request") is not None:
        print(f"sent: {json.dumps(document['request'], ensure_ascii=False)}")
    if document.get("warning"):
        print(f"warning: {document['warning']}", file=sys.stderr)
    match document["status"]:
        case "answered":
            print(json.dumps(document.get("response"), indent=2, ensure_ascii=False))
        case "call_error":
            print(f"{options.station} answered with the error {document.get('code')}: {document.get('description')}")
        case "not_connected":
            print(f"{options.station} is not connected")
        case "unanswered":
            print(
                f"{options.station} did not answer: {document.get('description') or 'nobody knows whether it did it'}"
            )
        case other:
            print(f"{other}: {document.get('description') or ''}".rstrip(": "))
