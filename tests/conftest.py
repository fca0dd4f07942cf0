"""What every test shares: those that take a GPU or a whole cluster are collected only when they are asked for by path; logs are as
they were after each; what failed while the machine itself stood still is run again."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from tests.stalls import Watch

ASKED_FOR_BY_PATH = ("gpu", "bench", "whole")

collect_ignore_glob = [f"{part}/*" for part in ASKED_FOR_BY_PATH if not any(part in argument for argument in sys.argv)]

WATCH = pytest.StashKey[Watch]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[WATCH] = Watch()
    config.stash[WATCH].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[WATCH].stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Twice more at most, and only where the watch saw the machine stand still; a debugger is not run again."""
    if config.option.usepdb:
        return
    again = pytest.mark.flaky(reruns=2, condition=config.stash[WATCH].is_to_blame)
    for item in items:
        item.add_marker(again)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[WATCH].attempt()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if said := config.stash[WATCH].summary():
        terminalreporter.write_line(said)


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
