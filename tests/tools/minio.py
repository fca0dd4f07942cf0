"""The tests' own MinIO server: one real server for a session, built on first use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.minio_server import MinioServer, running

__all__ = ["MinioServer", "minio_server", "running"]


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinioServer]:
    """One real MinIO server for all tests of a session; each takes a bucket of its own. Built on first use."""
    with running(tmp_path_factory.mktemp("minio")) as server:
        yield server
