"""Accessibility as axe-core judges it: WCAG 2.1, levels A and AA, without its own best practices.

It runs beside the page's scripts, in a world of its own that shares only the document: the page's policy stays in
force.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
_SOURCE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_JUDGE = """
axe.run(document, {{ runOnly: {{ type: "tag", values: {rules} }}, resultTypes: ["violations"], preload: false }})
"""


def violations(page: Page) -> str:
    """What hinders people on this page as it stands now, for people to read; empty when nothing does."""
    session = page.context.new_cdp_session(page)
    try:
        frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]
        _evaluated(session, world, _source())
        found = _evaluated(session, world, _JUDGE.format(rules=list(RULES)))
    finally:
        session.detach()
    assert found["testEngine"]["name"] == "axe-core"
    return "\n".join(_told(one) for one in found["violations"])


def _evaluated(session: Any, world: int, expression: str) -> Any:
    asked = {"expression": expression, "contextId": world, "awaitPromise": True, "returnByValue": True}
    answer = session.send("Runtime.evaluate", asked)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


@cache
def _source() -> str:
    assert _SOURCE.exists(), f"{_SOURCE} is missing: run `npm ci` in {_SOURCE.parents[2]}, or `./dev test`"
    return _SOURCE.read_text(encoding="utf-8") + "\n;null"


def _told(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    for node in violation["nodes"]:
        lines += [f"  {' '.join(str(one) for one in node['target'])}  {node['html'][:200]}"]
        lines += [f"    {line}" for line in node["failureSummary"].splitlines()[1:]]
    return "\n".join(lines)
