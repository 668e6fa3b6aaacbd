"""`call`: any OCPP request by hand, the payload exactly as typed.

It does not know OCPP; what the station says is printed as it came, and the outcome decides the exit code.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from gateway.terminal.client import API, Gateway, ask, problem_text
from gateway.terminal.exits import NEGATIVE, OK, negative, usage
from gateway.terminal.json_output import Document, print_json
from gateway.terminal.reaching import reach


def call(options: argparse.Namespace) -> int:
    """Exit 0 when the station answered with a result, whatever it says in it; 1 for everything else."""
    query = {name: told for name in ("image", "reason") if (told := getattr(options, name, None)) is not None}
    document = send(reach(options).gateway, options.station, options.action, _payload(options.payload), query=query)
    if options.json:
        print_json(document)
    else:
        print_outcome(options.station, document)
    return OK if document["status"] == "answered" else NEGATIVE


def send(
    gateway: Gateway, station: str, action: str, payload: bytes, *, query: Mapping[str, str] | None = None
) -> Document:
    """The outcome document of a request to a station. Raises Ending when there is none."""
    path = f"{API}/stations/{quote(station, safe='')}/commands/{quote(action, safe='')}"
    if query:
        path = f"{path}?{urlencode(query)}"
    # how long a station may take is the gateway's decision (call_timeout_seconds)
    response = ask(gateway, "POST", path, text=payload, patience_seconds=None)
    document = response.document
    if not isinstance(document, Mapping) or not isinstance(document.get("status"), str):
        raise negative(problem_text(response))
    return document


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


def print_outcome(station: str, document: Document) -> None:
    """The outcome in words; what the station answered as it came."""
    if document.get("request") is not None and document["status"] in ("answered", "call_error", "unanswered"):
        print(f"sent: {json.dumps(document['request'], ensure_ascii=False)}")
    if document.get("warning"):
        print(f"warning: {document['warning']}", file=sys.stderr)
    match document["status"]:
        case "answered":
            print(json.dumps(document.get("response"), indent=2, ensure_ascii=False))
        case "call_error":
            print(f"{station} answered with the error {document.get('code')}: {document.get('description')}")
        case "not_connected":
            print(f"{station} is not connected")
        case "unanswered":
            print(f"{station} did not answer: {document.get('description') or 'nobody knows whether it did it'}")
        case other:
            print(f"{other}: {document.get('description') or ''}".rstrip(": "))
