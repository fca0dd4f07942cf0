"""How the farm's processes tell: one JSON object a line, on stderr, with the process and, where a job is meant, its fields."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

from jobs.spec import Job, JobKind

WORK = "brandfarm.work"
"""The standard library's logger that the work itself tells its lifecycle to; it knows no structlog."""


def to_stderr_as_json(process: str) -> None:
    """Let structlog, and the work's own logger, write JSON lines with level, time and process to stderr."""

    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"process": process, **event}

    structlog.configure(
        processors=[
            name_process,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),  # what is said at every poll stays unsaid
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    work = logging.getLogger(WORK)
    work.handlers = [_Relay()]
    work.setLevel(logging.INFO)
    work.propagate = False


def fields_of(job: Job) -> dict[str, str]:
    """What every line about a job says of it, so that one job can be followed through all processes."""
    project, version = job.hints.project, job.hints.version
    of_campaign = job.kind is JobKind.GENERATE and not version  # the sheet of a version is its project's
    owner = {"project": project, "version": version, "campaign": project if of_campaign else ""}
    return {"job": job.id, "kind": job.kind.value, **{name: value for name, value in owner.items() if value}}


class _Relay(logging.Handler):
    """Hands what the work tells to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger("work").info(record.getMessage(), **getattr(record, "fields", {}))
