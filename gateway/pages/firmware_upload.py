"""A firmware image comes in from a browser: the form, and its body handed on to the API as it arrives.

What was typed is not known here, because nothing is kept of what streams through; a browser with scripts stays on the
form, with everything in it, and shows the mistakes above.
"""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web

from gateway.pages.table import Page
from gateway.pages.visit import Visit, part
from gateway.pages.words import mark
from gateway.web.asking_within import Answer


class Field(NamedTuple):
    """A field of the form; `kind` is that of its input, or `long` for a text of several lines."""

    name: str
    label: str
    hint: str = ""
    kind: str = "text"
    required: bool = False


MAIN_FIELDS = (
    Field("file", mark("Image file"), mark("As you got it from the vendor."), "file", True),
    Field(
        "vendor", mark("Vendor"), mark("Exactly as the stations tell it; it is on each station's page."), required=True
    ),
    Field(
        "models",
        mark("Models"),
        mark("For which models it is, with commas between them. * and ? stand for any characters."),
        required=True,
    ),
    Field("version", mark("Version"), mark("As the stations will report it after the update."), required=True),
)
MORE_FIELDS = (
    Field(
        "expected_reported_version",
        mark("Version as reported"),
        mark("Only if stations report this version in another way than above."),
    ),
    Field("min_from", mark("Oldest version to update from"), mark("Stations with an older one are left out.")),
    Field("max_from", mark("Newest version to update from"), mark("Stations with a newer one are left out.")),
    Field(
        "hw_revisions",
        mark("Hardware revisions"),
        mark("With commas. Such an image only goes to stations that you choose by hand."),
    ),
    Field("release_notes", mark("Release notes"), mark("For the people who read this later."), "long"),
    Field(
        "signature", mark("Signature file"), mark("If the vendor signs images. Needs the certificate as well."), "file"
    ),
    Field("signing_certificate", mark("Certificate of the signature"), "", "file"),
    Field(
        "sha256",
        mark("SHA-256 of the file"),
        mark("If the vendor tells it: the file is only taken if it has this one."),
    ),
)
_LABELS = {field.name: field.label for field in (*MAIN_FIELDS, *MORE_FIELDS)} | {
    "file_name": mark("Name of the file"),
    "version_scheme": mark("How versions are compared"),
    "downgrade_allowed": mark("Going back"),
}


async def show(visit: Visit) -> web.StreamResponse:
    """The empty form."""
    return visit.page("firmware_upload.html", _values())


async def take(visit: Visit) -> web.StreamResponse:
    """Hand the form on; then the image's page, or the mistakes."""
    answer = await visit.pass_on("POST", "/firmware/images")
    if answer.good:
        notice = visit.gettext("The image is in the store.")
        return visit.go(f"/firmware/images/{part(answer.document['image_id'])}", notice)
    template = "firmware_upload_mistakes.html" if visit.in_part else "firmware_upload.html"
    return visit.page(template, _values(answer), status=answer.status)


def _values(answer: Answer | None = None) -> dict[str, object]:
    mistakes = {} if answer is None else answer.errors
    refusal = "" if answer is None else answer.detail
    return {
        "main_fields": MAIN_FIELDS, "more_fields": MORE_FIELDS, "labels": _LABELS, "mistakes": mistakes,
        "refusal": refusal, "open": any(field.name in mistakes for field in MORE_FIELDS),
    }  # fmt: skip


PAGES = (
    Page("GET", "/firmware/upload", show, "operator"),
    Page("POST", "/firmware/upload", take, "operator"),
)
