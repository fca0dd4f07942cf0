"""One real Ray cluster for all these tests: a head without CPUs and two nodes of one CPU, in processes of its own.

Where it has ended, the next test gets another: one test's end, or a machine that stood still, fails no more than one test.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from cluster import stores
from tests.cluster.ray.farm import Farm
from tests.cluster.ray.nodes import RayCluster, ray_cluster
from tests.cluster.ray.standing import Standing
from tests.tools.minio import MinioServer, minio_server

__all__ = ["minio_server"]

NODES = 2


@contextmanager
def _cluster() -> Iterator[RayCluster]:
    folder = Path(tempfile.mkdtemp(prefix="bf", dir="/tmp"))  # Ray's sockets need a short path
    try:
        with ray_cluster(folder, NODES) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def clusters() -> Iterator[Standing[RayCluster]]:
    """The cluster; about half a minute to start."""
    with closing(Standing(_cluster)) as standing:
        yield standing


@pytest.fixture(scope="session")
def farms(
    clusters: Standing[RayCluster], minio_server: MinioServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing[Farm]]:
    """A farm of fake workbenches over a real MinIO; tests hurt it, each with jobs of its own."""
    url = minio_server.url_with_credentials("farm")
    with closing(stores.open_store(url)) as store:  # type: ignore[type-var]

        def opened() -> AbstractContextManager[Farm]:
            folder = tmp_path_factory.mktemp("farm")
            return closing(Farm(clusters.get(), folder, url, store, "tests.fakes.workbench:open_slowly"))

        with closing(Standing(opened)) as standing:
            yield standing


@pytest.fixture
def farm(farms: Standing[Farm]) -> Farm:
    return farms.get()
