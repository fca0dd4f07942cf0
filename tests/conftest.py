"""What every test shares: those that take a GPU or a whole cluster are collected only when they are asked for by path; logs are as
they were after each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

ASKED_FOR_BY_PATH = ("gpu", "bench", "whole")

collect_ignore_glob = [f"{part}/*" for part in ASKED_FOR_BY_PATH if not any(part in argument for argument in sys.argv)]


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
