"""Tables as CSV files (RFC 4180, with a header line): how a request wants its file, and what stands in a cell.

As they come they are for programs: `,` between fields, a point in numbers, times in UTC. A request may want them as a
spreadsheet of its reader understands them. A number with a decimal comma is quoted where commas separate the fields.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from gateway.web.asking import flag_of, require
from gateway.web.routes import SITE, Parameter
from gateway.web.streaming import send_pieces

# Without it a spreadsheet takes the text for one of the time before UTF-8.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a spreadsheet would take for a formula at the beginning of a cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a file is written. `zone` is that of its times; None: UTC, as in every other answer."""

    separator: str
    decimal: str
    zone: ZoneInfo | None
    begin: bytes

    def lines(self, rows: Iterable[Iterable[object]]) -> bytes:
        """The rows as RFC 4180 has them."""
        text = io.StringIO()
        csv.writer(text, delimiter=self.separator, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode("utf-8", "replace")

    def header(self, names: Iterable[str]) -> bytes:
        """How the file begins."""
        return self.begin + self.lines([names])

    def cell(self, value: object) -> object:
        """Numbers as they are; text so that no spreadsheet runs it (a leading apostrophe before formula starts)."""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return str(value).replace(".", self.decimal)
        if isinstance(value, list):
            value = " ".join(str(item) for item in value)
        if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
            return f"'{value}"
        return value

    def thousandth(self, value: object) -> str | None:
        """A thousandth of a whole number, such as kWh of Wh, with all its digits; None for None."""
        return f"{value / 1000:.3f}".replace(".", self.decimal) if isinstance(value, int) else None

    def hours(self, seconds: object) -> str | None:
        """Seconds as hours with three digits; None for None."""
        return f"{seconds / 3600:.3f}".replace(".", self.decimal) if isinstance(seconds, int | float) else None

    def time(self, text: object) -> object:
        """A time of the API; on the clock of the site such as `2027-01-31 12:00:00`, whole seconds."""
        if self.zone is None or not isinstance(text, str):
            return self.cell(text)
        try:
            local = datetime.fromisoformat(text).astimezone(self.zone)
        except (ValueError, OverflowError):  # the first and last hours that a calendar has
            return self.cell(text)
        return local.replace(tzinfo=None).isoformat(" ", "seconds")


SPREADSHEET = ("separator", "decimal", "bom")
TIMES = "times"
SPREADSHEET_PARAMETERS = (
    Parameter("separator", "between fields", {"enum": [",", ";"], "default": ","}),
    Parameter("decimal", "in numbers", {"enum": [".", ","], "default": "."}),
    Parameter("bom", "true: begin with a byte order mark, as Excel needs it", {"type": "boolean"}),
)
TIMES_PARAMETER = Parameter(
    TIMES, "utc: RFC 3339; local: such as 2027-01-31 12:00:00, on the clock of the site",
    {"enum": ["utc", "local"], "default": "utc"},
)  # fmt: skip


def form_asked(request: web.Request) -> CsvForm:
    """How the query wants the file; what it leaves out is as programs want it. Raises Problem."""
    separator, decimal = request.query.get("separator", ","), request.query.get("decimal", ".")
    times = request.query.get(TIMES, "utc")
    require(separator in (",", ";"), "separator: expected , or ;")
    require(decimal in (".", ","), "decimal: expected . or ,")
    require(times in ("utc", "local"), "times: expected utc or local")
    zone = ZoneInfo(request.app[SITE].configuration.site.timezone) if times == "local" else None
    return CsvForm(separator, decimal, zone, _BYTE_ORDER_MARK if flag_of(request, "bom") else b"")


async def send_csv(request: web.Request, name: str, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    """The file of this name, piece by piece."""
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return await send_pieces(request, pieces, headers=headers)
