"""The cluster and the release that all these tests share, in the order in which they stand in their file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.cluster import images, life, places
from tests.whole.site import NAMESPACE, PLAIN, STUDIO, TAINT, WORKERS, Site

SMALL = ("controller", "dispatcher", "minio")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two nodes, one of them kept for workers as GPU nodes are; the images of this checkout; the chart as it stands."""
    archives = {target: images.build(target) for target in (*SMALL, "worker")}
    with life.running(places.default()) as cluster:
        cluster.kubectl("taint", "node", WORKERS, f"{TAINT}=yes:NoSchedule")
        for target in SMALL:
            cluster.load(archives[target], PLAIN)
        cluster.load(archives["worker"], WORKERS)
        made = Site(cluster, tmp_path_factory.mktemp("site"))
        cluster.kubectl("create", "namespace", STUDIO)
        made.install()
        made.until_ready()
        try:
            yield made
        except BaseException:
            print(cluster.kubectl("--namespace", NAMESPACE, "describe", "pods"))
            raise
