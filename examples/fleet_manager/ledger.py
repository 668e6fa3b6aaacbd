"""The fleet manager's database: each event once, how far each stream came, commands, documents, what is odd.

SQLite by default, PostgreSQL for an address that begins with postgresql://. It knows no MQTT.
The sequence rules stand in `take`; everything between `begin` and `commit` counts together or not at all.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

Verdict = Literal["stored", "known", "gap", "unknown_epoch"]
FINAL = frozenset({"succeeded", "failed", "rejected", "expired", "superseded"})

_TABLES = """
CREATE TABLE IF NOT EXISTS gateways (gateway TEXT PRIMARY KEY, session BIGINT, state TEXT, info TEXT);
CREATE TABLE IF NOT EXISTS leaving (gateway TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS streams (gateway TEXT, stream TEXT, epoch TEXT NOT NULL, upto BIGINT NOT NULL,
                                    PRIMARY KEY (gateway, stream));
CREATE TABLE IF NOT EXISTS events (gateway TEXT, id TEXT, type TEXT NOT NULL, subject TEXT, time TEXT NOT NULL,
                                   event TEXT NOT NULL, PRIMARY KEY (gateway, id));
CREATE TABLE IF NOT EXISTS other_ids (gateway TEXT, id TEXT, event_id TEXT NOT NULL, PRIMARY KEY (gateway, id));
CREATE TABLE IF NOT EXISTS incidents (gateway TEXT, what TEXT, details TEXT, opened_at TEXT NOT NULL,
                                      PRIMARY KEY (gateway, what, details));
CREATE TABLE IF NOT EXISTS commands (id TEXT PRIMARY KEY, gateway TEXT NOT NULL, command TEXT NOT NULL,
                                     expires_at TEXT NOT NULL, sent_at TEXT, final BIGINT NOT NULL, result TEXT);
CREATE TABLE IF NOT EXISTS documents (gateway TEXT, doc TEXT, version BIGINT NOT NULL, document TEXT,
                                      published BIGINT NOT NULL, report TEXT, PRIMARY KEY (gateway, doc));
"""


def text_of(moment: datetime) -> str:
    """A moment in UTC as RFC 3339; such texts sort by time."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now_text() -> str:
    """This moment."""
    return text_of(datetime.now(UTC))


class Ledger:
    """One connection to the database. A program that waits for another one reads with it, too."""

    def __init__(self, address: str) -> None:
        self._postgres = address.startswith(("postgresql://", "postgres://"))
        if self._postgres:
            self._connection: Any = importlib.import_module("psycopg").connect(address, autocommit=True)
        else:
            self._connection = sqlite3.connect(address, timeout=30, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
        for statement in _TABLES.strip().split(";\n"):
            self._connection.execute(statement)

    def execute(self, sql: str, *values: object) -> Any:
        """Run one statement whose values are marked with `?`; its cursor."""
        return self._connection.execute(sql.replace("?", "%s") if self._postgres else sql, values)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is on disk when this ends, or nothing is."""
        self._connection.execute("BEGIN" if self._postgres else "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Nothing is held back: whatever was committed is on disk."""
        self._connection.close()

    # Events

    def take(self, gateway: str, event: Mapping[str, Any]) -> Verdict:
        """Store an event that follows what is stored of its stream."""
        stream, sequence = event["stream"], event["sequence"]
        epoch, upto = self.position(gateway, stream)
        if epoch != event["epoch"]:
            return "unknown_epoch"
        if sequence <= upto:
            self._expect_the_same(gateway, event)
            return "known"
        if event.get("after", sequence - 1) > upto:  # `after`: what stood between was dropped, and a record says so
            return "gap"
        stored = self._insert(gateway, event)
        self.execute("UPDATE streams SET upto = ? WHERE gateway = ? AND stream = ?", sequence, gateway, stream)
        return "stored" if stored else "known"

    def position(self, gateway: str, stream: str) -> tuple[str | None, int]:
        """(epoch, sequence up to which everything is stored); no epoch before the gateway announced one."""
        sql = "SELECT epoch, upto FROM streams WHERE gateway = ? AND stream = ?"
        found = self.execute(sql, gateway, stream).fetchone()
        return found or (None, 0)

    def _insert(self, gateway: str, event: Mapping[str, Any]) -> bool:
        """False when it is stored already, perhaps under the id that it had before the gateway restored a backup."""
        before = event.get("previousid")
        known = None if before is None else self._known_as(gateway, before)
        if before is not None:  # in the next life it may come under either id
            sql = "INSERT INTO other_ids VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
            for id in (before, event["id"]):
                self.execute(sql, gateway, id, known or event["id"])
        if known is not None:
            return False
        sql = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        row = (gateway, event["id"], event["type"], event.get("subject"), event["time"], json.dumps(event))
        return bool(self.execute(sql, *row).rowcount)

    def _expect_the_same(self, gateway: str, event: Mapping[str, Any]) -> None:
        """An id with two contents: a copied disk, or two machines with one identity."""
        found = self.execute("SELECT event FROM events WHERE gateway = ? AND id = ?", gateway, event["id"]).fetchone()
        stored = json.loads(found[0]) if found else event
        if any(stored[name] != event[name] for name in ("type", "time", "data")):
            self.open_incident(gateway, "other_content", {"id": event["id"]})

    def _known_as(self, gateway: str, id: str) -> str | None:
        sql = """SELECT id FROM events WHERE gateway = ? AND id = ?
                 UNION ALL SELECT event_id FROM other_ids WHERE gateway = ? AND id = ?"""
        found = self.execute(sql, gateway, id, gateway, id).fetchone()
        return found[0] if found else None

    # What the gateway says of itself

    def heed_info(self, gateway: str, info: Mapping[str, Any]) -> dict[str, bool]:
        """A birth certificate: where streams begin. Per stream, whether we lack what was acknowledged once."""
        lacking = {}
        for stream, told in info["streams"].items():
            epoch, upto = self.position(gateway, stream)
            start = upto
            if epoch is None:
                start = told["oldest"] - 1  # everything that there is
            elif epoch != info["epoch"]:
                start = told["next"] - 1
                details = {"stream": stream, "epoch": info["epoch"], "before": epoch, "upto": upto}
                self.open_incident(gateway, "new_epoch", details)
            elif upto < told["oldest"] - 1:
                start = told["oldest"] - 1
                self.open_incident(gateway, "forgotten", {"stream": stream, "from": upto + 1, "to": start})
            sql = """INSERT INTO streams VALUES (?, ?, ?, ?) ON CONFLICT (gateway, stream)
                     DO UPDATE SET epoch = excluded.epoch, upto = excluded.upto"""
            self.execute(sql, gateway, stream, info["epoch"], start)
            lacking[stream] = start < told["next"] - 1
        self._note(gateway, "info", json.dumps(info))
        return lacking

    def heed_state(self, gateway: str, state: Mapping[str, Any]) -> None:
        """Online or offline. The will of a connection that was followed by another one says nothing any more."""
        found = self.execute("SELECT session FROM gateways WHERE gateway = ?", gateway).fetchone()
        if found and found[0] is not None and state["session"] < found[0]:
            return
        self._note(gateway, "state", json.dumps(state))
        self.execute("UPDATE gateways SET session = ? WHERE gateway = ?", state["session"], gateway)

    def _note(self, gateway: str, column: Literal["info", "state"], text: str) -> None:
        self.execute("INSERT INTO gateways (gateway) VALUES (?) ON CONFLICT DO NOTHING", gateway)
        self.execute(f"UPDATE gateways SET {column} = ? WHERE gateway = ?", text, gateway)

    def open_incident(self, gateway: str, what: str, details: object) -> None:
        """Somebody should look at this. The same again changes nothing."""
        sql = "INSERT INTO incidents VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        self.execute(sql, gateway, what, json.dumps(details), now_text())

    # Commands and documents

    def add_command(self, gateway: str, command: Mapping[str, Any]) -> None:
        """Keep a command; it is sent, and sent again, until it is answered or expires."""
        sql = "INSERT INTO commands (id, gateway, command, expires_at, final) VALUES (?, ?, ?, ?, 0)"
        self.execute(sql, command["id"], gateway, json.dumps(command), command["expires_at"])

    def commands_to_send(self, *, sent_before: str) -> list[tuple[str, dict[str, Any]]]:
        """(gateway, command) of those without a final result that were not sent lately; sending is noted."""
        sql = """UPDATE commands SET sent_at = ? WHERE final = 0 AND expires_at > ?
                 AND (sent_at IS NULL OR sent_at < ?) RETURNING gateway, command"""
        now = now_text()
        return [(gateway, json.loads(text)) for gateway, text in self.execute(sql, now, now, sent_before).fetchall()]

    def heed_result(self, result: Mapping[str, Any]) -> None:
        """What became of a command. After a final result nothing else counts."""
        sql = "UPDATE commands SET result = ?, final = ? WHERE id = ? AND final = 0"
        self.execute(sql, json.dumps(result), int(result["status"] in FINAL), result["id"])

    def result_of(self, command_id: str) -> dict[str, Any] | None:
        """The newest result of a command."""
        found = self.execute("SELECT result FROM commands WHERE id = ?", command_id).fetchone()
        return json.loads(found[0]) if found and found[0] else None

    def put_document(self, gateway: str, doc: str, document: Mapping[str, Any] | None) -> int:
        """The document that the gateway is to apply, None: take it back; the version it got."""
        found = self.execute("SELECT version FROM documents WHERE gateway = ? AND doc = ?", gateway, doc).fetchone()
        version = max((document or {}).get("version", 0), (found[0] if found else 0) + 1)
        text = None if document is None else json.dumps({**document, "doc": doc, "version": version})
        sql = """INSERT INTO documents VALUES (?, ?, ?, ?, 0, NULL) ON CONFLICT (gateway, doc)
                 DO UPDATE SET version = excluded.version, document = excluded.document, published = 0"""
        self.execute(sql, gateway, doc, version, text)
        return int(version)

    def documents_to_publish(self) -> list[tuple[str, str, str | None]]:
        """(gateway, doc, text) of documents that changed; publishing is noted."""
        sql = "UPDATE documents SET published = 1 WHERE published = 0 RETURNING gateway, doc, document"
        return list(self.execute(sql).fetchall())

    def publish_again(self) -> None:
        """Nobody knows whether the broker still has what was published: all of it is to be published again."""
        self.execute("UPDATE documents SET published = 0 WHERE document IS NOT NULL")

    def heed_report(self, gateway: str, doc: str, report: Mapping[str, Any]) -> None:
        """What a gateway says of a document. Its version is remembered: the next one must be higher."""
        sql = """INSERT INTO documents VALUES (?, ?, ?, NULL, 1, ?) ON CONFLICT (gateway, doc)
                 DO UPDATE SET report = excluded.report, version = CASE WHEN excluded.version > documents.version
                                                           THEN excluded.version ELSE documents.version END"""
        self.execute(sql, gateway, doc, report["version"] or 0, json.dumps(report))

    # Taking leave

    def take_leave(self, gateway: str) -> None:
        """The gateway is no more: what it left in the broker is to be cleared. Its events stay."""
        self.execute("INSERT INTO leaving VALUES (?) ON CONFLICT DO NOTHING", gateway)

    def topics_to_clear(self) -> list[str]:
        """Every topic that may hold something of the gateways that leave; they are forgotten."""
        topics = []
        for (gateway,) in self.execute("SELECT gateway FROM leaving").fetchall():
            docs = [doc for (doc,) in self.execute("SELECT doc FROM documents WHERE gateway = ?", gateway).fetchall()]
            topics += [f"{gateway}/up/state", f"{gateway}/up/info"]
            topics += [f"{gateway}/{where}/{doc}" for doc in docs for where in ("up/rep", "dn/des")]
            for table in ("leaving", "documents", "gateways"):
                self.execute(f"DELETE FROM {table} WHERE gateway = ?", gateway)
        return topics
