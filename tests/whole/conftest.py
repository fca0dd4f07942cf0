"""The cluster and the release that all these tests share, in the order in which they stand in their file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.tools.cluster import images, life, places
from tests.tools.cluster.places import ClusterFailed
from tests.whole.site import PLAIN, STUDIO, TAINT, WORKERS, Site

SMALL = ("controller", "dispatcher", "minio")
LOADED_GIB = 16  # the worker's image in containerd, packed and unpacked, when its archive is there already
LOGS = Path(__file__).parents[2] / "build" / "e2e"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two nodes, one of them kept for workers as GPU nodes are; the images of this checkout; the chart as it stands."""
    archives = {target: images.build(target) for target in (*SMALL, "worker")}
    with life.running(places.default(), free_gib=LOADED_GIB) as cluster:
        cluster.kubectl("taint", "node", WORKERS, f"{TAINT}=yes:NoSchedule")
        made = Site(cluster, tmp_path_factory.mktemp("site"))
        cluster.kubectl("create", "namespace", STUDIO)
        try:
            with _loading_a_worker(cluster, archives["worker"]):
                for target in SMALL:
                    cluster.load(archives[target], PLAIN)
                made.install()
            made.until_ready()
            yield made
        finally:
            _keep_logs(made)


@contextmanager
def _loading_a_worker(cluster: life.Cluster, archive: Path) -> Iterator[None]:
    """Gigabytes, which take minutes: meanwhile the rest is set up, and no pod may start on the node that has no image yet."""
    cluster.kubectl("cordon", WORKERS)
    with ThreadPoolExecutor(1) as apart:
        loaded = apart.submit(cluster.load, archive, WORKERS)
        yield
        loaded.result()
    archive.unlink()  # buildah keeps the layers, so that the next one is soon written
    cluster.kubectl("uncordon", WORKERS)


def _keep_logs(site: Site) -> None:
    """What everybody said last, for whoever looks for the cause of a failure; the cluster is gone by then."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in LOGS.iterdir():
        old.unlink()
    for name in site.of_farm("get", "pods", "--output=name").split():
        for more in ("", "--previous"):
            with suppress(ClusterFailed):
                said = site.of_farm("logs", name, "--all-containers", "--prefix", *filter(None, [more]))
                (LOGS / f"{name.partition('/')[2]}{more}.log").write_text(said)
    (LOGS / "pods.txt").write_text(site.of_farm("describe", "pods"))
    (LOGS / "studio.txt").write_text(site.kubectl("describe", "brandprojects,campaigns,reviews"))
