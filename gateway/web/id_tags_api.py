"""/id-tags: the cards and other tokens that may charge, one by one, as a file, or by groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus

from aiohttp import web

from gateway.model.identities import fold_tag
from gateway.model.instants import text_of
from gateway.operations.manage_tags import import_tags, put_tag, remove_tag
from gateway.operations.tag_files import COLUMNS, TagMistake, read_csv, read_json
from gateway.store import fleet_tags, id_tags
from gateway.store.id_tags import STATUSES, TagRow
from gateway.web.asking import body_of, collection, expect_only, flag_of, json_response, limit_of, object_of, require
from gateway.web.csv_files import SPREADSHEET, SPREADSHEET_PARAMETERS, CsvForm, form_asked, send_csv
from gateway.web.login import actor_of
from gateway.web.problems import Problem, not_found, unacceptable
from gateway.web.routes import AFTER, LIMIT, SITE, Parameter, Route

_READERS = {"text/csv": read_csv, "application/csv": read_csv, "application/json": read_json}
_MOST_ERRORS_SHOWN = 1000
_TAGS_IN_A_PIECE = 500


async def list_tags(request: web.Request) -> web.StreamResponse:
    """Tags in alphabetical order."""
    expect_only(request, ("limit", "after", "status", "parent_id_tag", "q"))
    limit, status = limit_of(request), request.query.get("status")
    require(status is None or status in STATUSES, "status: expected one of " + ", ".join(STATUSES))
    found = await id_tags.page(
        request.app[SITE].readers,
        after=request.query.get("after", ""),
        limit=limit + 1,
        status=status,
        parent=request.query.get("parent_id_tag"),
        containing=request.query.get("q"),
    )
    cursor = fold_tag(found[limit - 1].id_tag) if len(found) > limit else None
    return collection(await _documents(request, found[:limit]), cursor)


async def list_groups(request: web.Request) -> web.StreamResponse:
    """Groups in alphabetical order: how many tags name each as their parent, and its own status in the list."""
    expect_only(request, ("limit", "after"))
    limit = limit_of(request)
    found = await id_tags.groups(request.app[SITE].readers, after=request.query.get("after", ""), limit=limit + 1)
    documents = [
        {
            "parent_id_tag": each.parent_id_tag,
            "id_tags": each.id_tags,
            "status": each.status,
            "expiry_date": None if each.expiry_at is None else text_of(each.expiry_at),
        }
        for each in found[:limit]
    ]
    return collection(documents, found[limit - 1].folded_parent if len(found) > limit else None)


async def get_csv(request: web.Request) -> web.StreamResponse:
    """All tags as RFC 4180 CSV with a header line, as the import reads them."""
    expect_only(request, SPREADSHEET)
    return await send_csv(request, "id-tags.csv", _lines(request, form_asked(request)))


async def get_tag(request: web.Request) -> web.StreamResponse:
    """One tag."""
    expect_only(request, ())
    tag = await id_tags.read(request.app[SITE].readers, request.match_info["id_tag"])
    if tag is None:
        raise not_found(f"no idTag {request.match_info['id_tag']!r} is known")
    return json_response(*await _documents(request, [tag]))


async def put(request: web.Request) -> web.StreamResponse:
    """Add or replace one tag."""
    expect_only(request, ())
    site, id_tag = request.app[SITE], request.match_info["id_tag"]
    outcome = await put_tag(site, id_tag, await object_of(request), actor=actor_of(request))
    if not isinstance(outcome, TagRow):
        errors = [{"field": mistake.field, "detail": mistake.detail} for mistake in outcome]
        raise unacceptable("the idTag cannot be stored like this", errors)
    return json_response(*await _documents(request, [outcome]))


async def delete(request: web.Request) -> web.StreamResponse:
    """Forget one tag."""
    expect_only(request, ())
    id_tag = request.match_info["id_tag"]
    if not await remove_tag(request.app[SITE], id_tag, actor=actor_of(request)):
        raise not_found(f"no idTag {id_tag!r} is known")
    return web.Response(status=204)


async def post_import(request: web.Request) -> web.StreamResponse:
    """Store the tags of a CSV or JSON file; nothing when any line is wrong, unless partial=true."""
    expect_only(request, ("partial",))
    partial = bool(flag_of(request, "partial"))
    read = _READERS.get(request.content_type)
    if read is None:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected Content-Type text/csv or application/json")
    content = await body_of(request)
    outcome = await import_tags(request.app[SITE], lambda: read(content), partial=partial, actor=actor_of(request))
    errors = _errors(outcome.mistakes)
    if outcome.mistakes and not partial:
        detail = f"{len(outcome.mistakes)} mistakes; nothing was imported"
        raise unacceptable(detail, errors)
    return json_response({"imported": outcome.imported, "refused": len(outcome.mistakes), "errors": errors})


async def _lines(request: web.Request, form: CsvForm) -> AsyncIterator[bytes]:
    yield form.header(COLUMNS)
    after = ""
    while True:
        found = await id_tags.page(
            request.app[SITE].readers, after=after, limit=_TAGS_IN_A_PIECE, status=None, parent=None, containing=None
        )
        if found:
            yield form.lines([form.cell(_document(tag, [])[name]) for name in COLUMNS] for tag in found)
            after = fold_tag(found[-1].id_tag)
        if len(found) < _TAGS_IN_A_PIECE:
            return


def _errors(mistakes: Iterable[TagMistake]) -> list[dict[str, object]]:
    return [{"line": mistake.line, "field": mistake.field, "detail": mistake.detail} for mistake in mistakes][
        :_MOST_ERRORS_SHOWN
    ]


async def _documents(request: web.Request, tags: list[TagRow]) -> list[dict[str, object]]:
    """With the upstreams that name each tag."""
    named = await fleet_tags.upstreams_of(request.app[SITE].readers, [fold_tag(tag.id_tag) for tag in tags])
    return [_document(tag, named.get(fold_tag(tag.id_tag), [])) for tag in tags]


def _document(tag: TagRow, upstreams: list[str]) -> dict[str, object]:
    return {
        "id_tag": tag.id_tag,
        "status": tag.status,
        "parent_id_tag": tag.parent_id_tag,
        "expiry_date": None if tag.expiry_at is None else text_of(tag.expiry_at),
        "note": tag.note,
        "updated_time": text_of(tag.updated_at),
        "upstreams": upstreams,
    }


ROUTES = (
    Route(
        "GET", "/api/v1/id-tags", list_tags, "viewer", "idTags in alphabetical order",
        parameters=(
            LIMIT, AFTER, Parameter("status", "only tags with this status", {"enum": list(STATUSES)}),
            Parameter("parent_id_tag", "only tags of this group"), Parameter("q", "text in tag or note"),
        ),
        answers={200: "IdTagCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/id-tag-groups", list_groups, "viewer", "Groups of idTags in alphabetical order",
        parameters=(LIMIT, AFTER), answers={200: "IdTagGroupCollection"}, errors=(422,),
    ),
    Route(
        "GET", "/api/v1/id-tags.csv", get_csv, "viewer", "All idTags as CSV, as the import reads them",
        parameters=SPREADSHEET_PARAMETERS, answers={200: {"text/csv": {"type": "string"}}}, errors=(422,),
    ),
    Route(
        "POST", "/api/v1/id-tags/import", post_import, "operator", "Import idTags from a CSV or JSON file",
        parameters=(Parameter("partial", "true: import good lines although others are wrong", {"type": "boolean"}),),
        request={"text/csv": {"type": "string"}, "application/json": "IdTagFile"},
        answers={200: "ImportResult"}, errors=(413, 415, 422),
    ),
    Route(
        "GET", "/api/v1/id-tags/{id_tag}", get_tag, "viewer", "One idTag",
        answers={200: "IdTag"}, errors=(404,),
    ),
    Route(
        "PUT", "/api/v1/id-tags/{id_tag}", put, "operator", "Add or replace an idTag",
        request={"application/json": "IdTagFields"}, answers={200: "IdTag"}, errors=(400, 413, 422),
    ),
    Route(
        "DELETE", "/api/v1/id-tags/{id_tag}", delete, "operator", "Remove an idTag",
        answers={204: None}, errors=(404,),
    ),
)  # fmt: skip
