"""/transactions: the sessions, newest first; one with everything its meter said; all as a CSV file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace

from aiohttp import web

from gateway.model.identities import FoldedTag, fold_tag
from gateway.operations.sum_sessions import month_span
from gateway.store import id_tags, reports_meter_values, reports_transactions
from gateway.store.reports_transactions import MEMBERS, Filters
from gateway.web.asking import (
    collection,
    expect_only,
    flag_of,
    instant_of,
    integer_of,
    limit_of,
    path_number,
    require,
)
from gateway.web.csv_files import (
    SPREADSHEET,
    SPREADSHEET_PARAMETERS,
    TIMES,
    TIMES_PARAMETER,
    CsvForm,
    form_asked,
    send_csv,
)
from gateway.web.problems import not_found
from gateway.web.routes import AFTER, BEGIN, END, LIMIT, SITE, Parameter, Route

_VALUES_IN_A_PIECE = 1000
FILTERS = ("station", "connector", "id_tag", "note", "open", "from", "to", "month")
_TIMES = ("start_time", "stop_time")


async def list_transactions(request: web.Request) -> web.StreamResponse:
    """Transactions, newest first."""
    expect_only(request, ("limit", "after", *FILTERS))
    limit, before = limit_of(request), integer_of(request, "after")
    found = await reports_transactions.page(
        request.app[SITE].readers, filters_of(request), before=before, limit=limit + 1
    )
    cursor = found[limit - 1]["transaction_id"] if len(found) > limit else None
    return collection(found[:limit], cursor)


async def get_transaction(request: web.Request) -> web.StreamResponse:
    """One transaction with meter values and signed values."""
    expect_only(request, ())
    readers, transaction_id = request.app[SITE].readers, path_number(request, "transaction_id")
    document = None if transaction_id is None else await reports_transactions.find(readers, transaction_id)
    if transaction_id is None or document is None:
        raise not_found(f"no transaction {request.match_info['transaction_id']} is known")
    meter_values, signed_values = await reports_meter_values.of_transaction(readers, transaction_id)
    body = await asyncio.to_thread(_with_values, document, meter_values, signed_values)
    return web.Response(body=body, content_type="application/json", charset="utf-8")


async def get_csv(request: web.Request) -> web.StreamResponse:
    """All transactions that fit, oldest first, as RFC 4180 CSV with a header line."""
    expect_only(request, (*FILTERS, *SPREADSHEET, TIMES))
    return await send_csv(request, "transactions.csv", _lines(request, filters_of(request), form_asked(request)))


def _with_values(
    document: Mapping[str, object], meter_values: Sequence[Mapping[str, object]], signed_values: Sequence[object]
) -> bytes:
    """The document as JSON, written in pieces: other threads run between two of them, in one piece they wait."""
    members = [f"{_text(name)}: {_text(value)}" for name, value in document.items()]
    members.append(f'"meter_values": [{", ".join(_meter_value_text(value) for value in meter_values)}]')
    members.append(f'"signed_values": [{", ".join(_text(value) for value in signed_values)}]')
    return f"{{{', '.join(members)}}}".encode("utf-8", "replace")


def _meter_value_text(meter_value: Mapping[str, object]) -> str:
    members = []
    for name, value in meter_value.items():
        text = f"[{', '.join(_in_pieces(value))}]" if isinstance(value, list) else _text(value)
        members.append(f"{_text(name)}: {text}")
    return f"{{{', '.join(members)}}}"


def _in_pieces(values: Sequence[object]) -> Iterator[str]:
    for begin in range(0, len(values), _VALUES_IN_A_PIECE):
        yield _text(values[begin : begin + _VALUES_IN_A_PIECE])[1:-1]


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


async def _lines(request: web.Request, filters: Filters, form: CsvForm) -> AsyncIterator[bytes]:
    readers = request.app[SITE].readers
    yield form.header((*MEMBERS, "energy_kwh", "note"))
    async for documents in reports_transactions.walk(readers, filters):
        notes = await id_tags.notes_of(readers, {fold_tag(str(one["id_tag"])) for one in documents if one["id_tag"]})
        yield form.lines(_row(document, form, notes) for document in documents)


def _row(document: Mapping[str, object], form: CsvForm, notes: Mapping[FoldedTag, str]) -> list[object]:
    members = ((form.time if name in _TIMES else form.cell)(document.get(name)) for name in MEMBERS)
    id_tag = document["id_tag"]
    note = None if id_tag is None else notes.get(fold_tag(str(id_tag)))
    return [*members, form.thousandth(document["energy_wh"]), form.cell(note)]


def filters_of(request: web.Request) -> Filters:
    """The transactions that the query asks for."""
    filters = Filters(
        station=request.query.get("station"),
        connector=integer_of(request, "connector"),
        id_tag=request.query.get("id_tag"),
        open=flag_of(request, "open"),
        begin=instant_of(request, "from"),
        end=instant_of(request, "to"),
        note=request.query.get("note"),
    )
    month = request.query.get("month")
    if month is None:
        return filters
    span = month_span(request.app[SITE], month)
    require(span is not None, "month: expected a month such as 2027-01")
    require(filters.begin is None and filters.end is None, "month: expected either it or from and to")
    begin, end = span or (None, None)
    return replace(filters, begin=begin, end=end)


PARAMETERS = (
    Parameter("station", "only this station's"), Parameter("connector", "only this connector's", {"type": "integer"}),
    Parameter("id_tag", "only this idTag's, in any case"),
    Parameter("note", "only those of cards whose note has all these words, or parts of words, in any case"),
    Parameter("open", "true: only running ones, false: only ended ones", {"type": "boolean"}), BEGIN, END,
    Parameter("month", "instead of from and to: a month in the zone of the site, such as 2027-01"),
)  # fmt: skip

ROUTES = (
    Route(
        "GET", "/api/v1/transactions", list_transactions, "viewer", "Transactions, newest first",
        parameters=(LIMIT, AFTER, *PARAMETERS), answers={200: "TransactionCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions.csv", get_csv, "viewer", "Transactions as CSV, oldest first",
        parameters=(*PARAMETERS, *SPREADSHEET_PARAMETERS, TIMES_PARAMETER),
        answers={200: {"text/csv": {"type": "string"}}}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions/{transaction_id}", get_transaction, "viewer",
        "One transaction with its meter values and signed values",
        answers={200: "TransactionWithValues"}, errors=(404,),
    ),
)  # fmt: skip
