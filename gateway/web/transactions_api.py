"""/transactions: the sessions, newest first; one with everything its meter said; all as a CSV file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence

from aiohttp import web

from gateway.store import reports_meter_values, reports_transactions
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
from gateway.web.problems import not_found
from gateway.web.routes import AFTER, BEGIN, END, LIMIT, SITE, Parameter, Route
from gateway.web.streaming import send_pieces

_VALUES_IN_A_PIECE = 1000
# Without it a spreadsheet takes the text for one of the time before UTF-8.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BOM = Parameter("bom", "true: begin with a byte order mark, as Excel needs it", {"type": "boolean"})
SEPARATOR = Parameter("separator", "between fields", {"enum": [",", ";"], "default": ","})
FILTERS = ("station", "connector", "id_tag", "open", "from", "to")
# What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    expect_only(request, (*FILTERS, "separator", "bom"))
    separator = request.query.get("separator", ",")
    require(separator in (",", ";"), "separator: expected , or ;")
    pieces = _lines(request, filters_of(request), separator, BYTE_ORDER_MARK if flag_of(request, "bom") else b"")
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": 'attachment; filename="transactions.csv"',
    }
    return await send_pieces(request, pieces, headers=headers)


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


async def _lines(request: web.Request, filters: Filters, separator: str, mark: bytes) -> AsyncIterator[bytes]:
    yield mark + csv_of([(*MEMBERS, "energy_kwh")], separator)
    async for documents in reports_transactions.walk(request.app[SITE].readers, filters):
        yield csv_of((_row(document) for document in documents), separator)


def _row(document: Mapping[str, object]) -> list[object]:
    energy_wh = document["energy_wh"]
    energy_kwh = f"{energy_wh / 1000:.3f}" if isinstance(energy_wh, int) else None
    return [*(cell_of(document.get(name)) for name in MEMBERS), energy_kwh]


def csv_of(rows: Iterable[Iterable[object]], separator: str) -> bytes:
    """The rows as RFC 4180 has them, without a header line."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def cell_of(value: object) -> object:
    """Numbers as they are; text so that no spreadsheet runs it (a leading apostrophe before formula starts)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = " ".join(str(item) for item in value)
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def filters_of(request: web.Request) -> Filters:
    """The transactions that the query asks for."""
    return Filters(
        station=request.query.get("station"),
        connector=integer_of(request, "connector"),
        id_tag=request.query.get("id_tag"),
        open=flag_of(request, "open"),
        begin=instant_of(request, "from"),
        end=instant_of(request, "to"),
    )


PARAMETERS = (
    Parameter("station", "only this station's"), Parameter("connector", "only this connector's", {"type": "integer"}),
    Parameter("id_tag", "only this idTag's, in any case"),
    Parameter("open", "true: only running ones, false: only ended ones", {"type": "boolean"}), BEGIN, END,
)  # fmt: skip

ROUTES = (
    Route(
        "GET", "/api/v1/transactions", list_transactions, "viewer", "Transactions, newest first",
        parameters=(LIMIT, AFTER, *PARAMETERS), answers={200: "TransactionCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions.csv", get_csv, "viewer", "Transactions as CSV, oldest first",
        parameters=(*PARAMETERS, SEPARATOR, BOM),
        answers={200: {"text/csv": {"type": "string"}}}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/transactions/{transaction_id}", get_transaction, "viewer",
        "One transaction with its meter values and signed values",
        answers={200: "TransactionWithValues"}, errors=(404,),
    ),
)  # fmt: skip
