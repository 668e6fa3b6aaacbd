"""/documents: what fleet managers want of this site, how far it is applied, how old it is, what the site overrides."""

from __future__ import annotations

from aiohttp import web

from gateway.model.fleet_documents import DOCUMENTS
from gateway.operations.report_documents import describe_documents
from gateway.web.asking import collection, expect_only, require
from gateway.web.routes import SITE, Parameter, Route


async def list_documents(request: web.Request) -> web.StreamResponse:
    """Every document of every upstream."""
    expect_only(request, ("doc",))
    doc = request.query.get("doc")
    require(doc is None or doc in DOCUMENTS, "doc: expected one of " + ", ".join(DOCUMENTS))
    found = await describe_documents(request.app[SITE])
    return collection([one for one in found if doc in (None, one["doc"])], None)


ROUTES = (
    Route(
        "GET", "/api/v1/documents", list_documents, "viewer", "Documents of fleet managers, and how they stand here",
        parameters=(Parameter("doc", "only this document", {"enum": list(DOCUMENTS)}),),
        answers={200: "FleetDocumentCollection"}, errors=(422,),
    ),
)  # fmt: skip
