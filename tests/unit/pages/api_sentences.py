"""The sentences that the API's source makes, found in it: texts with a sample for each of their `{}`.

Of whole modules every text of several words counts, of the others what they hand to a call that becomes a problem, a
mistake in a field, or a state.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

GATEWAY = Path(__file__).parents[3] / "gateway"
PARTS = ("web", "operations", "rules")

# what a page shows of these comes in one of these
CALLS = frozenset(
    (
        "Complaint", "Wrong", "_wrong", "wrong", "Refusal",
        "CannotApprove", "CannotAsk", "CannotForget", "CannotForward", "CannotLink", "CannotScan",
        "CannotTry", "FieldMistake", "Finding", "Goes", "InUse", "LimitMistake", "Mistake", "NoAnswer",
        "NoAuthority", "NoRoom", "NotAUser", "NotTaken", "Problem", "PublishRefused", "Reason", "Refused",
        "ScanRefused", "Stays", "Step", "TagMistake", "Told", "TooLarge", "Turn", "UnusableDatabase",
        "WrongBytes", "_cannot", "_logged_in", "_reason", "bad_request", "not_found", "report", "require",
        "unacceptable",
    )
)  # fmt: skip
NAMES = frozenset(("advice", "ailment", "detail", "notice", "reason", "trouble", "warning", "why"))
# their every text is a sentence for people
MODULES = (
    "meters/bus.py",
    "meters/listener.py",
    "ocpp/repair.py",
    "configuration_outlets.py",
    "pki/roll_over.py",
    "pki/strength.py",
    "provisioning_notes.py",
    "../firmware_store/signatures.py",
    "upstream/fetch.py",
    "upstream/send_file.py",
    "operations/ask_for_rollout.py",
    "operations/change_security.py",
    "operations/decide_rollout.py",
    "operations/hear_upstream.py",
    "operations/import_images.py",
    "operations/keep_tls_door.py",
    "operations/learn_tags.py",
    "operations/limits_for_a_time.py",
    "operations/look_after_images.py",
    "operations/apply_key_to_many.py",
    "operations/describe_overview.py",
    "operations/follow_jobs.py",
    "operations/look_after_images.py",
    "operations/match_uploads.py",
    "operations/scan_line.py",
    "operations/setup_wishes.py",
    "operations/try_meter.py",
    "operations/upstream_now.py",
    "operations/watch_clock.py",
    "operations/watch_meters.py",
    "rules/charging_profiles.py",
    "rules/firmware_images.py",
    "rules/firmware_rollout.py",
    "rules/local_lists.py",
    "rules/meter_trust.py",
    "rules/network_findings.py",
    "rules/people.py",
    "rules/rollout_begin.py",
    "rules/rollout_course.py",
    "rules/rollout_fit.py",
    "rules/rollout_health.py",
    "rules/rollout_policy.py",
    "rules/security_profiles.py",
    "rules/station_jobs.py",
    "rules/tls_failures.py",
    "rules/upload_room.py",
    "upstream/link.py",
    "upstream/link_in_use.py",
    "upstream/sockets.py",
    "upstream/tls.py",
    "upstream/wire.py",
    "web/people_fields.py",
)
_INSTANT = "2027-01-31T12:00:00Z"


def sentences() -> Iterator[tuple[str, str]]:
    """Where a sentence stands (path below gateway), and it."""
    for part in PARTS:
        for file in sorted((GATEWAY / part).glob("*.py")):
            tree, where = ast.parse(file.read_text()), str(file.relative_to(GATEWAY))
            yield from ((where, text) for text in (*_handed_over(tree), *_named(tree)))
    for name in MODULES:
        yield from ((name, text) for text in _every(ast.parse((GATEWAY / name).resolve().read_text())))


def _handed_over(tree: ast.AST) -> Iterator[str]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _name(call.func) in CALLS:
            for value in (*call.args, *(keyword.value for keyword in call.keywords)):
                yield from _texts(value)


def _named(tree: ast.AST) -> Iterator[str]:
    """What is kept under a name that is handed over later."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(_name(target) in NAMES for target in node.targets):
            for value in ast.walk(node.value) if isinstance(node.value, ast.IfExp) else (node.value,):
                yield from _texts(value)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in NAMES:
                    yield from _texts(value)


def _every(tree: ast.AST) -> Iterator[str]:
    left_out: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(value) for value in node.values}
        if isinstance(node, ast.Call) and (
            ast.unparse(node.func).startswith("logger.") or _name(node.func) in ("compile", "fullmatch", "create_task")
        ):
            left_out |= {id(inner) for value in node.args for inner in ast.walk(value)}
    for node in ast.walk(tree):
        if id(node) not in left_out:
            yield from _texts(node)


def _texts(value: ast.AST) -> Iterator[str]:
    text = _text(value)
    if text is not None and " " in text.strip():
        yield text


def _text(value: ast.AST) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if not isinstance(value, ast.JoinedStr):
        return None
    parts = []
    for part in value.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            parts.append(_INSTANT if "text_of" in ast.unparse(part) else "7")
    return "".join(parts)


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
