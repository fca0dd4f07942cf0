"""Where the tests' cluster has ended, the test that asks it hears why, and the next one gets another."""

from __future__ import annotations

import pytest

from tests.cluster.ray.farm import kill
from tests.cluster.ray.nodes import until
from tests.cluster.ray.test_farm_under_faults import training

pytestmark = [pytest.mark.cluster, pytest.mark.minio, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_cluster_whose_head_is_gone_is_followed_by_another_and_says_how_it_ended(clusters, farms):
    cluster, farm = clusters.get(), farms.get()
    assert cluster.stands()
    heads = [one for one in cluster.processes() if one.name() == "raylet"]
    kill(min(heads, key=lambda one: one.create_time()).pid)
    until("its end is seen", lambda: not cluster.stands())
    cluster.process.kill()
    with pytest.raises(AssertionError, match="the cluster's host ended with -9"):
        until("it says so", lambda: cluster.ask("workers", farm.namespace) is None)
    other = farms.get()
    assert other is not farm
    assert farm.dispatcher.poll() is not None
    assert cluster.processes() == []
    job = training()
    other.want("after-the-end", job)
    other.check(job)
