"""Versions against a model: whatever a broker repeats, reorders or keeps, a document is applied once, and in order.

The gateway's own verbs on a real database, restarted in between; the model knows only what counts after each message.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.documents_desk import Desk
from tests.properties.examples import examples
from tests.unit.operations.test_auth_list import open_desk, tags_of

TAGS = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.sampled_from(["Accepted", "Blocked"]), max_size=3)
GONE = st.sets(st.sampled_from("ABC"), max_size=2)
# versions and bases are told from what is applied, so that most are news
FULL = st.tuples(st.just("full"), st.sampled_from([1, 1, 1, 2, 0, -1]), TAGS)
DELTA = st.tuples(st.just("delta"), st.sampled_from([1, 1, 2, 0]), TAGS, st.sampled_from([0, 0, 0, 1, -1]), GONE)
AGAIN = st.tuples(st.just("again"), st.integers(0, 20))
STEPS = st.one_of(FULL, FULL, DELTA, DELTA, AGAIN, st.just(("restart",)), st.just(("withdraw",)))


@dataclass
class Model:
    """What is applied, and how often something was."""

    version: int | None = None
    applied: str | None = None  # the document as sent
    tags: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)  # to the site, until it is taken back
    times: int = 0

    def hear(self, document: dict[str, Any]) -> tuple[str, str | None]:
        """The status and the code of the first mistake in the report that follows."""
        version, base, text = document["version"], document.get("base_version"), contents(document)
        if base is not None and base >= version:
            return "rejected", "invalid"
        if self.version is not None and version <= self.version:
            if version == self.version and text != self.applied:
                return "rejected", "version_reused"
            return "repeated", None
        if base is not None and base != self.version:
            return "rejected", "full_needed"
        if base is not None and set(document["deleted"]) & {entry["id_tag"] for entry in document["entries"]}:
            return "rejected", "invalid"
        entries = {entry["id_tag"]: entry["status"] for entry in document["entries"]}
        kept = {} if base is None else {t: s for t, s in self.tags.items() if t not in document["deleted"]}
        self.version, self.applied, self.tags, self.times = version, text, {**kept, **entries}, self.times + 1
        self.left = {}  # a delta never follows a withdrawal
        return "applied", None

    def withdraw(self) -> None:
        self.left, self.tags, self.version, self.applied = self.counts(), {}, None, None

    def counts(self) -> dict[str, str]:
        return {**self.left, **self.tags}


def contents(document: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in document.items() if name != "version"}, sort_keys=True)


def document_of(step: tuple[Any, ...], applied: int) -> dict[str, Any]:
    entries = [{"id_tag": tag, "status": status} for tag, status in sorted(step[2].items())]
    document = {"doc": "auth-list", "version": max(1, applied + step[1]), "entries": entries}
    if step[0] == "full":
        return document
    return {**document, "base_version": max(1, applied + step[3]), "deleted": sorted(step[4])}


@given(st.lists(STEPS, min_size=8, max_size=16))
@settings(max_examples=examples(40), deadline=None, derandomize=True)
def test_a_document_is_applied_once_and_in_order(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), [*steps]))


async def play(folder: Path, steps: list[tuple[Any, ...]]) -> None:
    model, sent = Model(), list[dict[str, Any]]()
    while True:
        async with open_desk(folder) as desk:
            while steps and steps[0][0] != "restart":
                await take(desk, model, sent, steps.pop(0))
            await desk.is_born()
            assert desk.report("auth-list").get("applied_version") == model.version
        if not steps:
            return
        steps.pop(0)


async def take(desk: Desk, model: Model, sent: list[dict[str, Any]], step: tuple[Any, ...]) -> None:
    if step[0] == "withdraw":
        await desk.send("auth-list", None)
        model.withdraw()
    elif step[0] != "again" or sent:
        document = sent[step[1] % len(sent)] if step[0] == "again" else document_of(step, model.version or 0)
        sent.append(document)
        status, code = model.hear(document)
        report = await desk.send("auth-list", document)
        if status != "repeated":
            assert report["status"] == status, report
            assert [error["code"] for error in report["errors"]][:1] == ([] if code is None else [code])
    assert await tags_of(desk.site) == model.counts()
    rows = await desk.site.readers.rows("SELECT data FROM events WHERE kind = 'document.applied'")
    assert [json.loads(row[0])["status"] for row in rows].count("applied") == model.times
