"""The tests' own Kubernetes API: one real etcd and kube-apiserver for a session, built on first use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.kube_api import KubeApi, KubectlFailed, running

__all__ = ["KubeApi", "KubectlFailed", "kube_api", "running"]


@pytest.fixture(scope="session")
def kube_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    """One real API server for all tests of a session; each takes a namespace of its own. Built on first use."""
    with running(tmp_path_factory.mktemp("kube")) as api:
        yield api
