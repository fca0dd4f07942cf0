"""How the farm's processes tell: one JSON object a line, on stderr. Knows no event."""

from __future__ import annotations

import sys

import structlog


def to_stderr_as_json() -> None:
    """Let structlog write JSON lines with level and time to stderr, for the whole process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
