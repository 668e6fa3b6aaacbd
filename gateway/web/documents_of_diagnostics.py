"""What the API says to find out what is wrong, as JSON Schema; a part of `documents`.

Messages of stations, lines of the log, cards that are learned, settings of stations side by side.
"""

from __future__ import annotations

from gateway.operations.learn_tags import LONGEST_SECONDS
from gateway.operations.seal_backups import LONGEST_PASSPHRASE, SHORTEST_PASSPHRASE
from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    FLAG_OR_NULL,
    LIST_OF_TEXTS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

DIAGNOSTICS: dict[str, Schema] = {
    "Frame": object_with(
        {
            "frame_id": COUNT,
            "time": TIME,
            "direction": {"enum": ["from_station", "to_station"]},
            "kind": {"enum": ["call", "result", "error", "unreadable"]},
            "action": TEXT_OR_NULL,
            "message_id": TEXT_OR_NULL,
            "size_bytes": COUNT,
            "text": TEXT,
        }
    ),
    "FrameCollection": collection("Frame"),
    "LogLine": object_with(
        {
            "line_id": COUNT,
            "time": TIME,
            "level": {"enum": ["debug", "info", "warning", "error"]},
            "logger": TEXT,
            "text": TEXT,
            "details": {"type": "object", "additionalProperties": TEXT},
        }
    ),
    "LogLineCollection": collection("LogLine"),
    "Finding": object_with(
        {
            "check": TEXT,
            "subject": TEXT_OR_NULL,
            "state": {"enum": ["good", "warning", "bad", "unknown"]},
            "text": TEXT,
            "advice": TEXT_OR_NULL,
        }
    ),
    "FindingCollection": collection("Finding"),
    "Learning": object_with(
        {
            "state": {"enum": ["off", "waiting", "seen"]},
            "until": TIME_OR_NULL,
            "station": TEXT_OR_NULL,
            "seen": list_of(
                object_with({"id_tag": TEXT, "station": TEXT, "connector": COUNT_OR_NULL, "time": TIME, "known": FLAG})
            ),
        }
    ),
    "LearningWish": object_with(
        {
            "seconds": {"type": "integer", "minimum": 1, "maximum": LONGEST_SECONDS, "default": 60},
            "station": TEXT_OR_NULL,
        },
        optional=("seconds", "station"),
    ),
    "BackupWish": object_with(
        {"passphrase": {"type": "string", "minLength": SHORTEST_PASSPHRASE, "maxLength": LONGEST_PASSPHRASE}}
    ),
    "RestoreForm": object_with(
        {"file": {"type": "string", "format": "binary"}, "passphrase": TEXT}, optional=("passphrase",)
    ),
    "KeyOfStations": object_with(
        {
            "key": TEXT,
            "differs": FLAG,
            "values": list_of(
                object_with({"station": TEXT, "value": TEXT_OR_NULL, "readonly": FLAG_OR_NULL, "reboot_required": FLAG})
            ),
        }
    ),
    "KeyOfStationsCollection": collection("KeyOfStations"),
    "KeyForStations": object_with({"stations": LIST_OF_TEXTS, "key": TEXT, "value": TEXT}),
    "KeyApplied": object_with(
        {
            "key": TEXT,
            "items": list_of(
                object_with(
                    {
                        "station": TEXT,
                        "status": TEXT,
                        "answer": TEXT_OR_NULL,
                        "command_id": TEXT,
                        "description": TEXT_OR_NULL,
                    }
                )
            ),
        }
    ),
}
