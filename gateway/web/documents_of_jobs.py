"""What the API says of jobs and of security events, as JSON Schema; a part of `documents`."""

from __future__ import annotations

from gateway.store.security_events import SOURCES
from gateway.store.station_jobs import KINDS, RESULTS
from gateway.web.schema_parts import (
    COUNT,
    COUNT_OR_NULL,
    FLAG,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    Schema,
    collection,
    list_of,
    object_with,
)

JOBS: dict[str, Schema] = {
    "Job": object_with(
        {
            "job_id": COUNT,
            "station": TEXT,
            "kind": {"enum": list(KINDS)},
            "command_id": TEXT_OR_NULL,
            "request_id": COUNT_OR_NULL,
            "location": TEXT_OR_NULL,
            "file_name": TEXT_OR_NULL,
            "asked_time": TIME,
            "status": TEXT,
            "status_time": TIME,
            "age_seconds": COUNT_OR_NULL,
            "detail": TEXT_OR_NULL,
            "idle_time": TIME_OR_NULL,
            "result": {"enum": [*RESULTS, None]},
            "finished_time": TIME_OR_NULL,
            "version_before": TEXT_OR_NULL,
            "version_after": TEXT_OR_NULL,
            "upload_ids": list_of(COUNT),
        }
    ),
    "JobCollection": collection("Job"),
    "SecurityEvent": object_with(
        {
            "security_event_id": COUNT,
            "source": {"enum": list(SOURCES)},
            "station": TEXT_OR_NULL,
            "type": TEXT,
            "critical": FLAG,
            "times": COUNT,
            "tech_info": TEXT_OR_NULL,
            "address": TEXT_OR_NULL,
            "time": TIME,
            "recorded_time": TIME,
        }
    ),
    "SecurityEventCollection": collection("SecurityEvent"),
}
