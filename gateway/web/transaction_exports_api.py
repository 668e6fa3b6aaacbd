"""Sessions for others: totals, also as CSV, the curve of one, its signed values as they came, all as JSON or OCPI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import cast, get_args

from aiohttp import web

from gateway.operations.describe_curve import describe_curve
from gateway.operations.sum_sessions import By, sum_sessions, walk_totals
from gateway.store import reports_meter_values, reports_transactions
from gateway.store.reports_transactions import Filters
from gateway.web.asking import (
    collection,
    expect_only,
    flag_of,
    integer_of,
    limit_of,
    path_number,
    points_of,
    require,
)
from gateway.web.csv_files import SPREADSHEET, SPREADSHEET_PARAMETERS, CsvForm, form_asked, send_csv
from gateway.web.ocpi_cdrs import cdr_of, encoding_of
from gateway.web.problems import not_found
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route
from gateway.web.streaming import send_pieces
from gateway.web.transactions_api import FILTERS, PARAMETERS, filters_of

Document = dict[str, object]

_POINTS = 300
_BY = Parameter("by", "what is summed up", {"enum": list(get_args(By))})


async def get_totals(request: web.Request) -> web.StreamResponse:
    """How many sessions, how much energy, how long; by station, idTag, day or month."""
    expect_only(request, ("by", "limit", "after", *FILTERS))
    by, filters, after = _by_of(request), filters_of(request), request.query.get("after")
    totals = await sum_sessions(request.app[SITE], by, filters, after=after, limit=limit_of(request))
    return collection(totals.items, totals.next)


async def get_totals_csv(request: web.Request) -> web.StreamResponse:
    """The same, all that fit, as RFC 4180 CSV with a header line."""
    expect_only(request, ("by", *FILTERS, *SPREADSHEET))
    by, filters, form = _by_of(request), filters_of(request), form_asked(request)
    return await send_csv(request, f"totals-by-{by}.csv", _totals_lines(request, by, filters, form))


async def get_curve(request: web.Request) -> web.StreamResponse:
    """Power, currents, energy and state of charge of one session over time."""
    expect_only(request, ("points",))
    points, transaction_id = points_of(request, default=_POINTS), path_number(request, "transaction_id")
    items = None
    if transaction_id is not None:
        items = await describe_curve(request.app[SITE], transaction_id, points=points)
    if items is None:
        raise not_found(f"no transaction {request.match_info['transaction_id']} is known")
    return collection(items, None)


async def get_signed(request: web.Request) -> web.StreamResponse:
    """The signed values of one session, each exactly as it came; with index one of them alone, as text."""
    expect_only(request, ("index",))
    index, transaction_id = integer_of(request, "index"), path_number(request, "transaction_id")
    readers = request.app[SITE].readers
    if transaction_id is None or await reports_transactions.find(readers, transaction_id) is None:
        raise not_found(f"no transaction {request.match_info['transaction_id']} is known")
    _, signed_values = await reports_meter_values.of_transaction(readers, transaction_id)
    if not signed_values:
        raise not_found(f"transaction {transaction_id} has no signed values")
    if index is None:
        items = [_signed(number, one) for number, one in enumerate(signed_values)]
        answer = collection(items, None)
        answer.headers["Content-Disposition"] = f'attachment; filename="transaction-{transaction_id}-signed.json"'
        return answer
    if not 0 <= index < len(signed_values):
        raise not_found(f"transaction {transaction_id} has {len(signed_values)} signed values, from index 0 on")
    name = f'attachment; filename="transaction-{transaction_id}-signed-{index}.txt"'
    body = str(signed_values[index]["value"]).encode("utf-8", "replace")
    return web.Response(body=body, content_type="text/plain", charset="utf-8", headers={"Content-Disposition": name})


async def get_json(request: web.Request) -> web.StreamResponse:
    """All transactions that fit, oldest first."""
    expect_only(request, FILTERS)
    pieces = _json_pieces(_sessions(request, filters_of(request)), b'{"items": [', b'], "next": null}')
    return await send_pieces(request, pieces, headers=_headers("transactions.json"))


async def get_ocpi(request: web.Request) -> web.StreamResponse:
    """All ended transactions that fit, oldest first, in the shape of charge detail records."""
    expect_only(request, (*FILTERS, "signed"))
    signed = flag_of(request, "signed")
    records = _records(request, filters_of(request), signed=signed is not False)
    return await send_pieces(request, _json_pieces(records, b"[", b"]"), headers=_headers("transactions.ocpi.json"))


def _by_of(request: web.Request) -> By:
    by = request.query.get("by")
    require(by in get_args(By), f"by: expected one of {', '.join(get_args(By))}")
    return cast(By, by)


async def _totals_lines(request: web.Request, by: By, filters: Filters, form: CsvForm) -> AsyncIterator[bytes]:
    names = ("key", "note") if by == "id_tag" else ("key",)
    yield form.header((*names, "sessions", "energy_kwh", "duration_hours"))
    async for documents in walk_totals(request.app[SITE], by, filters):
        yield form.lines(
            [
                *(form.cell(one[name]) for name in (*names, "sessions")),
                form.thousandth(one["energy_wh"]),
                form.hours(one["duration_seconds"]),
            ]
            for one in documents
        )


async def _sessions(request: web.Request, filters: Filters) -> AsyncIterator[Sequence[Document]]:
    async for documents in reports_transactions.walk(request.app[SITE].readers, filters):
        yield documents


async def _records(request: web.Request, filters: Filters, *, signed: bool) -> AsyncIterator[Sequence[Document]]:
    site = request.app[SITE]
    async for documents in reports_transactions.walk(site.readers, filters):
        for document in documents:
            values: list[Document] = []
            if signed and not document["open"]:
                number = cast(int, document["transaction_id"])
                _, values = await reports_meter_values.of_transaction(site.readers, number, signed_only=True)
            record = cdr_of(document, values, site_id=site.configuration.site.id)
            if record is not None:
                yield [record]


async def _json_pieces(parts: AsyncIterator[Sequence[Document]], begin: bytes, end: bytes) -> AsyncIterator[bytes]:
    between = begin
    async for part in parts:
        text = await asyncio.to_thread(_text, part)
        yield between + text
        between = b", "
    yield (begin if between == begin else b"") + end


def _text(documents: Sequence[Document]) -> bytes:
    return ", ".join(json.dumps(one, ensure_ascii=False) for one in documents).encode("utf-8", "replace")


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{name}"',
    }


def _signed(index: int, one: Document) -> Document:
    return {
        "index": index,
        "format": "SignedData",
        "encoding": encoding_of(one["value"]),
        "context": one["context"],
        "measurand": one["measurand"],
        "timestamp": one["timestamp"],
        "received_time": one["received_time"],
        "value": one["value"],
    }


ROUTES = (
    Route(
        "GET", "/api/v1/transactions/totals", get_totals, "viewer", "Sums of transactions",
        parameters=(_BY, LIMIT, AFTER, *PARAMETERS), answers={200: "TransactionTotalCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions/totals.csv", get_totals_csv, "viewer", "Sums of transactions as CSV",
        parameters=(_BY, *PARAMETERS, *SPREADSHEET_PARAMETERS), answers={200: {"text/csv": {"type": "string"}}},
        errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions.json", get_json, "viewer", "Transactions as one JSON document, oldest first",
        parameters=PARAMETERS, answers={200: "TransactionCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions.ocpi.json", get_ocpi, "viewer",
        "Ended transactions like charge detail records of OCPI 2.2.1, oldest first",
        parameters=(*PARAMETERS, Parameter("signed", "false: without signed data", {"type": "boolean"})),
        answers={200: "OcpiCdrList"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions/{transaction_id}/curve", get_curve, "viewer",
        "Power, currents, energy and state of charge of one transaction over time",
        parameters=(
            Parameter(
                "points", "how many at most", {"type": "integer", "minimum": 2, "maximum": 2000, "default": _POINTS}
            ),
        ),
        answers={200: "CurveCollection"}, errors=(404, 422),
    ),
    Route(
        "GET", "/api/v1/transactions/{transaction_id}/signed", get_signed, "viewer",
        "The signed values of one transaction, as they came",
        parameters=(Parameter("index", "only this one, as text", {"type": "integer", "minimum": 0}),),
        answers={200: {"application/json": "SignedDownloadCollection", "text/plain": {"type": "string"}}},
        errors=(404, 422),
    ),
)  # fmt: skip
