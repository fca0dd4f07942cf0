"""What every test shares: the GPU's tests are collected only when they are asked for by path; logs are as they were after each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

collect_ignore_glob: list[str] = [] if any("gpu" in argument for argument in sys.argv) else ["gpu/*", "bench/*"]


@pytest.fixture(autouse=True)
def logs_are_as_they_were() -> Iterator[None]:
    """A process's main sets logging up for good; after a test of one, the next must not write to a stream that is closed."""
    yield
    structlog, logs = sys.modules.get("structlog"), sys.modules.get("cluster.logs")
    if structlog is None or logs is None or not structlog.is_configured():
        return
    structlog.reset_defaults()
    work = logging.getLogger(logs.WORK)
    work.handlers.clear()
    work.propagate = True
