"""One real Ray cluster for all these tests: a head without CPUs and two nodes of one CPU, in processes of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cluster import stores
from tests.cluster.ray.farm import Farm
from tests.cluster.ray.nodes import RayCluster, ray_cluster
from tests.tools.minio import MinioServer, minio_server

__all__ = ["minio_server"]

NODES = 2


@pytest.fixture(scope="session")
def cluster() -> Iterator[RayCluster]:
    """The cluster; about half a minute to start."""
    folder = Path(tempfile.mkdtemp(prefix="bf", dir="/tmp"))  # Ray's sockets need a short path
    try:
        with ray_cluster(folder, NODES) as started:
            yield started
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def farm(cluster: RayCluster, minio_server: MinioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm of fake workbenches over a real MinIO; tests hurt it, each with jobs of its own."""
    url = minio_server.url_with_credentials("farm")
    with closing(stores.open_store(url)) as store:  # type: ignore[type-var]
        started = Farm(cluster, tmp_path_factory.mktemp("farm"), url, store, "tests.fakes.workbench:open_slowly")
        yield started
        started.close()
